"""A sheet of an Excel workbook as rows by line (DESIGN §4), read as it streams.

What Excel made of a value is turned back where nothing is lost, and refused where something is: a cell that
held «6.10» as a number holds 6.1 now, and that is another item of a consent.
"""

import contextlib
import zipfile
from collections.abc import Iterator, Sequence
from datetime import date, datetime, time
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import ParseError

from openpyxl import load_workbook
from openpyxl.cell.cell import ERROR_CODES
from openpyxl.utils.exceptions import InvalidFileException

from shared.cells import Unfit
from shared.sheet import Row, Sheet

MOST_STRINGS = 64 << 20
"""Bytes of a workbook's table of strings, which is held whole; longer lists go as CSV."""

_BROKEN = (zipfile.BadZipFile, InvalidFileException, ParseError, KeyError, ValueError, TypeError, EOFError)


@contextlib.contextmanager
def open_xlsx(path: Path, title: str) -> Iterator[Sheet | None]:
    """The sheet of this title, if there is one, for as long as the block lasts. Raises Unfit when the
    workbook is no use."""
    try:
        with zipfile.ZipFile(path) as archive:
            sizes = {entry.filename: entry.file_size for entry in archive.infolist()}
        if sizes.get("xl/sharedStrings.xml", 0) > MOST_STRINGS:
            raise Unfit("книга слишком велика; сохраните её листы как «CSV UTF-8»")
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
    except OSError as wrong:
        raise Unfit("книга не открывается: проверьте, что это файл и что его можно читать") from wrong
    except _BROKEN as wrong:
        raise Unfit("книга Excel повреждена; сохраните её заново") from wrong
    with contextlib.closing(book):
        names = {name.strip().lower(): name for name in book.sheetnames}
        if title not in names:
            yield None
            return
        worksheet = book[names[title]]
        most = max(worksheet.max_row or 1, 1)
        worksheet.reset_dimensions()  # programs write them wrong
        lines = enumerate(worksheet.iter_rows(values_only=True), 1)
        _, first = next(lines, (1, ()))
        header = [str(value) if value is not None else "" for value in first]
        if not any(map(str.strip, header)):
            raise Unfit("лист пуст: нет даже заголовка")
        done = [1]
        yield Sheet(header, _rows(lines, len(header), done), lambda: min(1.0, done[0] / most))


def _rows(
    lines: Iterator[tuple[int, Sequence[Any]]], columns: int, done: list[int]
) -> Iterator[tuple[int, Row]]:
    while True:
        try:
            number, values = next(lines)
        except StopIteration:
            return
        except _BROKEN:
            yield done[0] + 1, Unfit("дальше лист повреждён и не прочитан; сохраните книгу заново")
            return
        done[0] = number
        try:
            cells = [_text(value) for value in values]
        except Unfit as unfit:
            yield number, unfit
            continue
        if any(cells[columns:]):
            yield number, Unfit("в строке больше значений, чем столбцов")
        else:
            yield number, cells


def _text(value: Any) -> str:
    """As the same cell stands in CSV. Raises Unfit for what Excel has changed beyond recall."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float() if not value.is_integer():
            raise Unfit(
                f"Excel принял значение за число {value}; сделайте ячейку текстовой и наберите заново"
            )
        case int() | float():
            return str(int(value))
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case datetime():
            return value.isoformat(" ")
        case date():
            return value.isoformat()
        case str() if value in ERROR_CODES:
            raise Unfit(f"в ячейке ошибка Excel {value}")
        case _:
            return str(value)
