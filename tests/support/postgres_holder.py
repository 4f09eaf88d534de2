"""Starts (or attaches to) an embedded server in the folder given, prints its URL, and stays."""

import asyncio
import sys
from pathlib import Path

from onebox.postgres import EmbeddedPostgres


async def main() -> None:
    server = EmbeddedPostgres(Path(sys.argv[1]), extra={"fsync": "off"})
    print(await server.start(), flush=True)  # noqa: T201 - how the test learns it
    await asyncio.to_thread(sys.stdin.read)
    await server.stop()


asyncio.run(main())
