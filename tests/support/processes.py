"""Real processes for tests that kill them."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

_TESTS = Path(__file__).parents[1]


@asynccontextmanager
async def program(
    module: str, *arguments: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[asyncio.subprocess.Process]:
    """`python -m module arguments` with the tests folder importable; killed at the end if still there.

    Its standard input is a pipe: a program that reads it to the end goes when the test does.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(_TESTS), **(environment or {})},
    )
    try:
        yield process
    finally:
        await kill(process)


async def kill(process: asyncio.subprocess.Process) -> None:
    """Kill -9, and wait until it is gone."""
    if process.returncode is None:
        process.send_signal(signal.SIGKILL)
    # communicate() also closes the pipes, which the loop would complain of later
    await process.communicate()


async def said(process: asyncio.subprocess.Process) -> str:
    """The next line of its standard output that is not a log line."""
    assert process.stdout is not None
    while line := (await process.stdout.readline()).decode().strip():
        if not line[:4].isdigit():
            return line
    raise AssertionError("the program said nothing and ended")
