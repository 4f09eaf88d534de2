"""The zip of a OneRoster export: told from other zips, checked, and its files read in place.

Nothing is unpacked. What a zip says of itself is judged before any of it is read.
"""

import contextlib
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from shared.cells import Unfit
from shared.csv_sheet import read_csv
from shared.sheet import Row, Sheet

MANIFEST = "manifest.csv"
MOST_FILES = 200
MOST_BYTES = 4 << 30
"""Of all files unpacked: a region of 500,000 pupils takes a tenth of it."""
_SQUEEZED, _SMALL = 100, 1 << 20
"""Lists shrink to a tenth; a large file that shrank a hundred times is no list."""

# An offset that a torn directory names may lie before the file: OSError.
_BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError, OSError)
_MODES = ("bulk", "delta", "absent")


class Torn(Unfit):
    """The archive itself cannot be read."""

    def __init__(self) -> None:
        super().__init__("архив повреждён; выгрузите его заново")


@dataclass(frozen=True, slots=True)
class Archive:
    """`modes`: each file the manifest promises, without `.csv`, as `bulk` or `delta`."""

    modes: dict[str, str]
    _zip: zipfile.ZipFile

    @contextlib.contextmanager
    def open(self, name: str) -> Iterator[Sheet]:
        """Raises Unfit when the file is no use. This and reading the rows raise Torn."""
        entry = self._zip.getinfo(f"{name}.csv")
        with contextlib.ExitStack() as stack:
            try:
                file = stack.enter_context(self._zip.open(entry))
                sheet = stack.enter_context(read_csv(file, entry.file_size))
            except _BROKEN as wrong:
                raise Torn from wrong
            yield replace(sheet, rows=_untorn(sheet.rows))


def _untorn(rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    try:
        yield from rows
    except _BROKEN as wrong:
        raise Torn from wrong


@contextlib.contextmanager
def open_archive(path: Path) -> Iterator[Archive]:
    """The export, for as long as the block lasts. Raises Unfit when it is none that can be read."""
    try:
        with path.open("rb") as file:
            if file.read(2) != b"PK":
                raise Unfit("это не zip; нужна папка со списками или выгрузка OneRoster 1.2 одним zip")
        opened = zipfile.ZipFile(path)
    except PermissionError as wrong:
        raise Unfit("архив не открывается: нет права его читать") from wrong
    except _BROKEN as wrong:
        raise Torn from wrong
    with opened:
        names = _names(opened)
        try:
            modes = _promised(opened)
        except _BROKEN as wrong:
            raise Torn from wrong
        if lost := sorted(f"{name}.csv" for name in modes if f"{name}.csv" not in names):
            raise Unfit(f"{MANIFEST} обещает {', '.join(lost)}, а в архиве этого нет; выгрузите его заново")
        yield Archive(modes, opened)


def _names(opened: zipfile.ZipFile) -> set[str]:
    entries = [entry for entry in opened.infolist() if not entry.filename.startswith("__MACOSX/")]
    names = {entry.filename for entry in entries}
    if any(entry.flag_bits & 1 for entry in entries):
        raise Unfit("архив закрыт паролем; нужен такой же без пароля")
    if len(entries) > MOST_FILES or len(names) < len(entries):
        raise Unfit("в архиве слишком много файлов или есть одноимённые: это не выгрузка OneRoster")
    if MANIFEST not in names:
        where = next((name for name in names if name.endswith(f"/{MANIFEST}")), None)
        raise Unfit(
            f"в архиве нет {MANIFEST}: это не выгрузка OneRoster"
            if where is None
            else "файлы лежат в папке внутри архива; по OneRoster они должны лежать в нём сразу"
        )
    if any("/" in name or "\\" in name for name in names):
        raise Unfit("в архиве есть папки; по OneRoster все файлы должны лежать в нём сразу")
    if sum(entry.file_size for entry in entries) > MOST_BYTES or any(
        entry.file_size > _SMALL and entry.file_size > _SQUEEZED * entry.compress_size for entry in entries
    ):
        raise Unfit("архив разворачивается в неправдоподобно большие файлы; он не открыт")
    return names


def _promised(opened: zipfile.ZipFile) -> dict[str, str]:
    entry = opened.getinfo(MANIFEST)
    with opened.open(entry) as file, read_csv(file, entry.file_size) as sheet:
        if [cell.strip() for cell in sheet.header[:2]] != ["propertyName", "value"]:
            raise Unfit(f"{MANIFEST} начинается не с propertyName,value: это не выгрузка OneRoster")
        said: dict[str, str] = {}
        for _, row in sheet.rows:
            if not isinstance(row, Unfit) and len(row) > 1 and len(said) < MOST_FILES:
                said[row[0].strip()] = row[1].strip()
    if (version := said.get("oneroster.version", "")) != "1.2":
        raise Unfit(f"версия OneRoster «{version[:20]}», а читается 1.2; выгрузите в OneRoster 1.2 CSV")
    if (version := said.get("manifest.version", "")) != "1.0":
        raise Unfit(f"версия {MANIFEST} «{version[:20]}», а читается 1.0")
    files = {key.removeprefix("file."): mode for key, mode in said.items() if key.startswith("file.")}
    if strange := sorted(name for name, mode in files.items() if mode not in _MODES):
        raise Unfit(f"в {MANIFEST} для {', '.join(strange)[:100]} сказано не bulk, не delta и не absent")
    return {name: mode for name, mode in files.items() if mode != "absent"}
