"""A CSV file as rows by line (DESIGN §4): encoding and delimiter found out, broken lines put aside.

Memory does not depend on the file: lines and rows have a greatest length, and what is longer is refused.
"""

import codecs
import contextlib
import csv
import io
import re
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from shared.cells import Unfit
from shared.sheet import Row, Sheet

LONGEST_LINE = 65_536
LONGEST_ROW = 20
"""Lines that one row may span; past that it is taken for a quote that nobody closed."""

_DELIMITERS = (",", ";")
_NOT_CSV = {
    b"PK\x03\x04": "это книга Excel или архив, только названный .csv",
    b"\xd0\xcf\x11\xe0": "это книга старого Excel, только названная .csv",
    b"%PDF": "это PDF, только названный .csv",
}
_TOO_MANY = "в строке больше значений, чем столбцов; возьмите в кавычки то, что содержит разделитель"
_TOO_LONG = "\0\n"
"""Stands for a line longer than `LONGEST_LINE`, which is never held whole."""


class _Lines:
    """The physical lines of a file, `LONGEST_ROW` of them at most for a row. `line`: where the row began."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self.taken: list[str] = []
        self.line = 2
        self._text, self._again = text, deque[str]()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.taken) == LONGEST_ROW:
            raise StopIteration
        line = self._again.popleft() if self._again else _line(self._text)
        if not line:
            raise StopIteration
        self.taken.append(line)
        return line

    def next_row(self) -> None:
        self.line += len(self.taken)
        self.taken = []

    def keep_only_first(self) -> None:
        """The row was broken by its first line; the others may be rows themselves."""
        self._again.extendleft(reversed(self.taken[1:]))
        del self.taken[1:]


def _line(text: io.TextIOWrapper) -> str:
    line = part = text.readline(LONGEST_LINE)
    while len(part) == LONGEST_LINE and not part.endswith(("\r", "\n")):
        part = text.readline(LONGEST_LINE)
        line = _TOO_LONG
    return line


@contextlib.contextmanager
def open_csv(path: Path) -> Iterator[Sheet]:
    """The file as a sheet, for as long as the block lasts. Raises Unfit when the file itself is no use."""
    try:
        file = path.open("rb")
    except IsADirectoryError as wrong:
        raise Unfit("это папка, а не файл") from wrong
    except PermissionError as wrong:
        raise Unfit("файл не открывается: нет права его читать") from wrong
    with file, read_csv(file, path.stat().st_size) as sheet:
        yield sheet


@contextlib.contextmanager
def read_csv(file: IO[bytes], size: int) -> Iterator[Sheet]:
    """As `open_csv`, of a file that is open already, can be read again, and has so many bytes."""
    with io.TextIOWrapper(file, encoding=_encoding(file), newline="") as text:
        header = _line(text)
        if header == _TOO_LONG:
            raise Unfit(f"это не CSV: в первых {LONGEST_LINE} знаках файла нет ни одного конца строки")
        if not header.strip("\ufeff\r\n\t ,;"):
            raise Unfit("файл пуст: нет даже заголовка")
        delimiter = max(_DELIMITERS, key=lambda mark: len(_header(header, mark)))
        names = _header(header, delimiter)
        yield Sheet(names, _rows(text, delimiter, len(names)), lambda: file.tell() / max(size, 1))


def _header(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [])


def _rows(text: io.TextIOWrapper, delimiter: str, columns: int) -> Iterator[tuple[int, Row]]:
    lines = _Lines(text)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    while True:
        lines.next_row()
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            broken = True
        else:
            broken = _TOO_LONG in lines.taken
        if broken:
            lines.keep_only_first()
            yield lines.line, _why_broken(lines.taken[0])
        elif len(row) == 1 and columns > 1 and any(mark in row[0] for mark in _DELIMITERS):
            yield lines.line, Unfit(f"значения разделены не знаком «{delimiter}», как в заголовке")
        elif any(cell.strip() for cell in row[columns:]):
            yield lines.line, Unfit(_TOO_MANY)
        else:
            yield lines.line, row


def _why_broken(line: str) -> Unfit:
    if line == _TOO_LONG:
        return Unfit(f"строка длиннее {LONGEST_LINE} знаков; таких в списках не бывает, проверьте кавычки")
    return Unfit("строка не читается как CSV: проверьте, что каждая кавычка закрыта")


def _encoding(file: IO[bytes]) -> str:
    """UTF-8 (with BOM or without), else windows-1251. Raises Unfit for what is neither."""
    start = file.read(4)
    if start in _NOT_CSV:
        raise Unfit(f"{_NOT_CSV[start]}; сохраните его как «CSV UTF-8»")
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in start:
        raise Unfit("файл не в UTF-8 и не в windows-1251; сохраните его как «CSV UTF-8»")
    file.seek(0)
    broken = cyrillic = 0
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    undefined = False
    while block := file.read(1 << 20):
        decoded = decoder.decode(block)
        broken += decoded.count("\ufffd")
        undefined |= b"\x98" in block  # the one byte that means nothing in windows-1251
        cyrillic += len(re.findall("[А-Яа-яЁё]", decoded)) if broken else 0
    broken += len(decoder.decode(b"", final=True))
    file.seek(0)
    if not broken:
        return "utf-8-sig"
    if cyrillic > broken:
        raise Unfit("файл повреждён: начат в UTF-8, но местами не читается; выгрузите его заново")
    if undefined:
        raise Unfit("файл не в UTF-8 и не в windows-1251: он повреждён или это не CSV; выгрузите его заново")
    return "cp1251"
