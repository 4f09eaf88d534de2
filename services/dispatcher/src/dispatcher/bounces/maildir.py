"""A mailbox as a folder (Maildir), for a school whose bounces come to an ordinary mailbox: what is in
`new/` is looked at, and moved to `cur/` once it is kept or none of our business."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import asyncpg
import structlog

from dispatcher.bounces.intake import LARGEST, Intake
from shared.bus.faults import passes

log = structlog.get_logger()

POLL_SECONDS = 5.0
_AT_ONCE = 200


class Mailbox:
    """Runs until cancelled. Several replicas may look at one folder: keeping is idempotent."""

    def __init__(
        self, folder: Path, pool: asyncpg.Pool, intake: Intake, *, arrived: Callable[[], None]
    ) -> None:
        self._folder = folder
        self._pool = pool
        self._intake = intake
        self._arrived = arrived

    async def run(self) -> None:
        unreadable = False
        while True:
            try:
                while await self.round():
                    pass
                unreadable = False
            except OSError as error:
                if not unreadable:
                    log.error("bounces.mailbox_unreadable", error=type(error).__name__)  # noqa: TRY400
                unreadable = True
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("bounces.not_kept", error=type(error).__name__)
            await asyncio.sleep(POLL_SECONDS)

    async def round(self) -> int:
        """Look at what is new; how many mails were moved."""
        names = await asyncio.to_thread(self._names)
        for name in names:
            content = await asyncio.to_thread(self._read, name)
            if content is None:
                continue
            async with self._pool.acquire() as connection:
                if await self._intake.keep(connection, "", content):
                    self._arrived()
            await asyncio.to_thread(self._moved, name)
        return len(names)

    def _names(self) -> list[str]:
        return sorted(path.name for path in (self._folder / "new").iterdir() if path.is_file())[:_AT_ONCE]

    def _read(self, name: str) -> bytes | None:
        """Its beginning, which is enough of a report. None: another replica was faster."""
        try:
            with (self._folder / "new" / name).open("rb") as file:
                return file.read(LARGEST)
        except FileNotFoundError:
            return None

    def _moved(self, name: str) -> None:
        """Seen by us, not read by a person: no flag is set."""
        try:
            (self._folder / "new" / name).rename(self._folder / "cur" / f"{name.partition(':')[0]}:2,")
        except FileNotFoundError:
            return
