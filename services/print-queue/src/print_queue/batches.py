"""A week's way to a PDF: freeze, typeset, keep; each step may be done again after a crash.

A frozen batch always gives the same bytes, so a lost PDF comes back as it was and a second request is
answered with the first one's file.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from uuid import UUID

import asyncpg
import structlog

from print_queue import archive, batchstore, weeks
from print_queue.freezing import Freezer, Ground, ground_of
from print_queue.typeset import Typeset, TypesettingFailed, typeset
from print_queue.week import PaperWeek
from shared.clock import Clock
from shared.db import AnyConnection
from shared.errors import ForPeople
from shared.registry import Families
from shared.settings import Settings

log = structlog.get_logger()

_AT_ONCE = 2  # compiles side by side: each takes a core and 200 MB


class DamagedBatch(ForPeople):
    """The PDF of a batch is lost and its input no longer gives the same bytes; in Russian."""


@dataclass(slots=True)
class Batches:
    """Closes weeks and makes PDFs. `pool` acts as the print queue."""

    pool: asyncpg.Pool
    settings: Settings
    clock: Clock
    _families: Families = field(default_factory=Families)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _compiles: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_AT_ONCE))

    @property
    def folder(self) -> Path:
        return self.settings.data / "paper"

    async def grounds(self, connection: AnyConnection) -> dict[tuple[str, str], Ground]:
        """Every class that has pupils, with the rules of its weeks."""
        rows = await connection.fetch("SELECT DISTINCT school, class FROM roster.pupil ORDER BY 1, 2")
        async with self._one:
            await self._families.load(connection, schools={row["school"] for row in rows})
            found = [ground_of(self._families, self.settings, row["school"], row["class"]) for row in rows]
        return {ground.key: ground for ground in found if ground is not None}

    async def open_weeks(
        self, connection: AnyConnection, grounds: dict[tuple[str, str], Ground]
    ) -> list[weeks.WeekRow]:
        timetables = {key: ground.timetable for key, ground in grounds.items()}
        return await weeks.open_weeks(connection, timetables, self.clock.now())

    async def close(self, school: str, class_name: str, week: PaperWeek) -> UUID:
        """Close a week (now, or at the time it should have closed) and freeze its batch; of a closed
        week its batch. Raises NoSuchWeek."""
        async with self._one, self.pool.acquire() as connection:
            freezer = Freezer(self._families, self.settings)
            return await freezer.week(connection, school, class_name, week, self.clock.now())

    async def close_extra(self, row: weeks.WeekRow, cut: datetime) -> UUID | None:
        """The batch of final marks known before `cut`, if there are any (R-B1)."""
        async with self._one, self.pool.acquire() as connection:
            freezer = Freezer(self._families, self.settings)
            return await freezer.final_marks(connection, row.school, row.class_name, row, cut)

    async def pdf(self, batch: UUID) -> Path:
        """The PDF of a batch, typeset unless it is kept. Raises TypesettingFailed, DamagedBatch."""
        found = await self._read(batch)
        place = found.pdf or archive.place_of(found.school, found.name, found.class_name)
        path = self.folder / place
        if found.sha256 is not None and await asyncio.to_thread(archive.digest, path) == found.sha256:
            return path
        made = await self._typeset(found)
        if found.sha256 is None:
            async with self.pool.acquire() as connection:
                if await batchstore.settle(connection, batch, found.document, place, made):
                    log.info("paper.typeset", batch=str(batch), pages=made.pages.total_pages)
            found = await self._read(batch)
            if found.sha256 is None:  # a family was taken out meanwhile
                return await self.pdf(batch)
        if made.sha256 != found.sha256:
            raise DamagedBatch(
                f"Файл листов класса {found.class_name} ({found.name}) потерян или изменён, а собрать его "
                "заново байт в байт не удалось. Восстановите папку paper из резервной копии."
            )
        await asyncio.to_thread(archive.write, path, made.pdf)
        if (await self._read(batch)).sha256 != made.sha256:  # taken out while we wrote: not this file
            return await self.pdf(batch)
        return path

    async def pdfs(self, batches: Sequence[UUID]) -> list[Path]:
        """The PDFs of several batches, in their order; all are tried before the first failure is raised."""
        made = await asyncio.gather(*(self.pdf(batch) for batch in batches), return_exceptions=True)
        paths: list[Path] = []
        for one in made:
            if isinstance(one, BaseException):
                raise one
            paths.append(one)
        return paths

    async def typeset_frozen(self) -> None:
        """Typeset whatever is frozen; what fails stays frozen and is tried again at the next call."""
        async with self.pool.acquire() as connection:
            waiting = await batchstore.frozen(connection)
        for batch, made in zip(
            waiting,
            await asyncio.gather(*(self.pdf(batch) for batch in waiting), return_exceptions=True),
            strict=True,
        ):
            if isinstance(made, TypesettingFailed):
                log.error("paper.typesetting_failed", batch=str(batch))
            elif isinstance(made, BaseException):
                raise made

    async def _read(self, batch: UUID) -> batchstore.Batch:
        async with self.pool.acquire() as connection:
            return await batchstore.read(connection, batch)

    async def _typeset(self, batch: batchstore.Batch) -> Typeset:
        async with self._compiles:
            return await asyncio.to_thread(typeset, batch.document)
