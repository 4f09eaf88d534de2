"""Lists of a school and of a region: how long `vestnik registry import` takes and what memory it holds."""

import asyncio
import csv
import os
import subprocess
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.ground import Ground
from bench.usage import peak_megabytes
from onebox.demo.installation import VESTNIK
from sandbox.journal import Kind, Size, build
from sandbox.journal.registry import COLUMNS, rows

A_SCHOOL = 1_000
TWO_GUARDIANS: Mapping[Kind, float] = {Kind.BOTH_EMAIL: 5, Kind.MOTHER_EMAIL_FATHER_SMS: 5}
"""More rows than most registries have: every pupil has two guardians who signed everything."""


@dataclass(frozen=True, slots=True)
class Imported:
    """One run of the command, PostgreSQL apart: rows in the files, their bytes, what it used."""

    rows: int
    megabytes: float
    seconds: float
    cpu: float
    peak_megabytes: float


def write_region(folder: Path, pupils: int) -> int:
    """The lists of schools of at most a thousand pupils each, school by school; how many rows they have."""
    folder.mkdir(parents=True)
    written = 0
    with ExitStack() as open_files:
        writers = {}
        for name, columns in COLUMNS.items():
            file = (folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
            writers[name] = csv.writer(open_files.enter_context(file))
            writers[name].writerow(columns.split(","))
        for number, first in enumerate(range(0, pupils, A_SCHOOL)):
            each = 25
            size = Size(min(A_SCHOOL, pupils - first) // each, each, shares=TWO_GUARDIANS)
            for name, lines in rows(build(number, size, school=f"school-{number}")).items():
                writers[name].writerows(lines)
                written += len(lines)
    return written


async def measure(at: Ground, pupils: int) -> Imported:
    """Writes the lists of so many pupils and imports them into an empty registry.

    Raises SystemExit when anything is refused: then it was not the import that was measured.
    """
    folder = at.folder / f"lists-{pupils}"
    written = await asyncio.to_thread(write_region, folder, pupils)
    size = sum(path.stat().st_size for path in folder.iterdir())
    began = time.monotonic()
    words = (VESTNIK, "registry", "import", str(folder))
    process = subprocess.Popen(words, env=at.environment(), stdout=subprocess.DEVNULL)
    ended, peak = asyncio.create_task(asyncio.to_thread(os.wait4, process.pid, 0)), 0.0
    while not ended.done():
        # Not what wait4 tells: that begins with the size of the process that started this one.
        with suppress(OSError, StopIteration):
            peak = max(peak, peak_megabytes(process.pid))
        await asyncio.wait([ended], timeout=0.1)
    _, status, used = ended.result()
    seconds = time.monotonic() - began
    if os.waitstatus_to_exitcode(status):
        raise SystemExit("the generated lists were refused")
    return Imported(written, size / 2**20, seconds, used.ru_utime + used.ru_stime, peak)
