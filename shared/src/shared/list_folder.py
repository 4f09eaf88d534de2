"""The registry folder (DESIGN §4): a CSV file for each part, or a workbook with a sheet for each."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from shared.csv_sheet import open_csv
from shared.db import AnyConnection
from shared.sheet import Absent, Sheet


class Folder:
    """A part is its CSV file; without that, the sheet of its name in the first workbook. Of no folder at
    all, every part is absent without a word."""

    def __init__(self, path: Path | None) -> None:
        self._path = path

    def has(self, file: str) -> bool:
        """Whether the part has a file of its own."""
        return self._path is not None and (self._path / file).exists()

    def name(self, file: str) -> str:
        book = self._book(file)
        return file if book is None else f"{book.name}, лист {Path(file).stem}"

    @asynccontextmanager
    async def open(self, file: str, connection: AnyConnection) -> AsyncIterator[Sheet]:  # noqa: ARG002
        with self._opened(file) as sheet:
            yield sheet

    @contextmanager
    def _opened(self, file: str) -> Iterator[Sheet]:
        if self._path is None:
            raise Absent
        book = self._book(file)
        if book is None:
            if not self.has(file):
                raise Absent(f"{file}: файла нет, эта часть списков не менялась")
            with open_csv(self._path / file) as sheet:
                yield sheet
            return
        from shared.xlsx_sheet import open_xlsx  # noqa: PLC0415 - openpyxl is slow to load; most lists are CSV

        with open_xlsx(book, Path(file).stem) as sheet:
            if sheet is None:
                raise Absent(f"{self.name(file)}: такого листа нет, эта часть списков не менялась")
            yield sheet

    def _book(self, file: str) -> Path | None:
        """The workbook to take it from; Excel's own lock files are none."""
        if self._path is None or self.has(file):
            return None
        found = (path for path in sorted(self._path.glob("*.xlsx")) if not path.name.startswith("~$"))
        return next(found, None)
