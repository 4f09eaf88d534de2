"""Zips that are no OneRoster 1.2 export, or one that lies: refused in words, and the rest is read."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from support.lists import SCHOOLS, Registry
from support.oneroster import SCHOOL, export


def _rewritten(path: Path, change: Callable[[str, bytes], tuple[str, bytes] | None]) -> None:
    """The same export with each file changed, or left out."""
    export(path)
    with zipfile.ZipFile(path) as archive:
        files = {entry: archive.read(entry) for entry in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            if (made := change(name, content)) is not None:
                archive.writestr(*made)


def _without(gone: str) -> Callable[[Path], None]:
    return lambda path: _rewritten(path, lambda name, content: None if name == gone else (name, content))


def _said(old: str, new: str) -> Callable[[Path], None]:
    return lambda path: _rewritten(
        path, lambda name, content: (name, content.replace(old.encode(), new.encode()))
    )


def _in_a_folder(path: Path) -> None:
    _rewritten(path, lambda name, content: (f"export/{name}", content))


def _escaping(path: Path) -> None:
    export(path)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("../../etc/cron.d/roster.csv", "")


def _twice(path: Path) -> None:
    export(path)
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("users.csv", "")


def _bomb(path: Path) -> None:
    export(path)
    with (
        zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as archive,
        archive.open("results.csv", "w") as file,
    ):
        for _ in range(20):
            file.write(bytes(1 << 20))


def _locked(path: Path) -> None:
    """The flag of encryption, in the directory at the end of the zip."""
    export(path)
    data = path.read_bytes()
    at = data.index(b"PK\x01\x02")
    path.write_bytes(data[: at + 8] + b"\x01" + data[at + 9 :])


def _cut(path: Path) -> None:
    export(path)
    path.write_bytes(path.read_bytes()[:-100])


def _rotten(path: Path) -> None:
    """A byte of the pupils changed after the sum was made."""
    export(path, method=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[data.index("Петрович".encode())] ^= 1
    path.write_bytes(data)


def _text(path: Path) -> None:
    path.write_text("это не архив", encoding="utf-8")


NO_USE: list[tuple[str, Callable[[Path], None], str]] = [
    ("text", _text, "это не zip"),
    ("empty", Path.touch, "это не zip"),
    ("cut", _cut, "архив повреждён"),
    ("rotten", _rotten, "архив повреждён"),
    ("locked", _locked, "закрыт паролем"),
    ("no manifest", _without("manifest.csv"), "нет manifest.csv"),
    ("in a folder", _in_a_folder, "лежат в папке"),
    ("escaping", _escaping, "есть папки"),
    ("a file twice", _twice, "одноимённые"),
    ("bomb", _bomb, "неправдоподобно большие"),
    ("1.1", _said("oneroster.version,1.2", "oneroster.version,1.1"), "версия OneRoster «1.1»"),
    ("no version", _said("oneroster.version", "oneroster.v"), "версия OneRoster «»"),
    ("manifest 2.0", _said("manifest.version,1.0", "manifest.version,2.0"), "версия manifest.csv «2.0»"),
    ("no such mode", _said("file.users,bulk", "file.users,full"), "для users сказано"),
    ("promised and absent", _without("users.csv"), "обещает users.csv"),
    ("no enrollments", _said("file.enrollments,bulk", "file.enrollments,absent"), "нет enrollments.csv"),
    ("classes in part", _said("file.classes,bulk", "file.classes,delta"), "classes.csv нужен целиком"),
]


@pytest.mark.parametrize(("make", "says"), [case[1:] for case in NO_USE], ids=[case[0] for case in NO_USE])
async def test_a_zip_of_no_use(registry: Registry, make: Callable[[Path], None], says: str) -> None:
    """§4: nothing of it is taken, a file beside it is."""
    (registry.folder / "schools.csv").write_text(SCHOOLS, encoding="utf-8")
    make(registry.folder / "roster.zip")
    report = await registry.read(registry.folder)
    assert [(one.file, one.line) for one in report.refusals] == [("roster.zip", 1)]
    assert says in report.refusals[0].reason
    assert await registry.one("SELECT * FROM roster.class") is None
    assert await registry.one("SELECT school FROM roster.school") == {"school": "ilinskaya"}


async def test_two_zips(registry: Registry) -> None:
    """Which of them is newer is not guessed."""
    for name in ("may.zip", "june.zip"):
        export(registry.folder / name)
    report = await registry.read(registry.folder)
    assert [one.file for one in report.refusals] == ["june.zip", "may.zip"]


def _emptied(path: Path) -> None:
    _rewritten(path, lambda name, content: (name, b"" if name == "users.csv" else content))


@pytest.mark.parametrize(
    ("make", "says"), [(_said("agentSourcedIds", "agents"), "agentSourcedIds"), (_emptied, "файл пуст")]
)
async def test_a_file_of_no_use_in_a_good_zip(
    registry: Registry, make: Callable[[Path], None], says: str
) -> None:
    """It is named, a missing column too; nobody is taken for a parent without it, and the rest is read."""
    (registry.folder / "schools.csv").write_text(SCHOOLS, encoding="utf-8")
    make(registry.folder / "roster.zip")
    report = await registry.read(registry.folder)
    assert (report.refusals[0].file, report.refusals[0].line) == ("users.csv", 1)
    assert says in report.refusals[0].reason
    assert report.files["classes.csv → классы"].changed == 2
    assert report.files["users.csv → ученики"].read == 0


async def test_what_a_file_system_adds_is_no_harm(registry: Registry) -> None:
    (registry.folder / "schools.csv").write_text(SCHOOLS, encoding="utf-8")
    path = export(registry.folder / "roster.zip", SCHOOL)
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr("__MACOSX/._users.csv", "")
    report = await registry.read(registry.folder)
    assert not report.refused
    assert report.files["users.csv → ученики"].changed == 2
