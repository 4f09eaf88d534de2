"""`postfix`: a real Postfix for one run. Skipped loudly where it cannot be started; with CI=true it fails."""

import asyncio
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from sandbox.postfix import Postfix, unavailable

SCHOOL = "school.example"


@pytest.fixture(scope="session")
def bounces_port() -> int:
    """Where Postfix hands what comes back to the school's domain."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


@pytest.fixture(scope="session")
def postfix(bounces_port: int) -> Iterator[Postfix]:
    if (why := unavailable()) is not None:
        if os.environ.get("CI") == "true":
            pytest.fail(why)
        pytest.skip(f"NOT PROVEN ON POSTFIX: {why}")
    # Not under pytest's own folder, which is closed to the user `postfix`.
    folder = Path(tempfile.mkdtemp(prefix="vestnik-postfix-"))
    folder.chmod(0o755)
    server = Postfix(folder, routes={f"bounce@{SCHOOL}": bounces_port})
    # What Postfix asks while it works lives as long as it does: on a loop of its own.
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(60)
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.stop(), loop).result(60)
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
        shutil.rmtree(folder, ignore_errors=True)
