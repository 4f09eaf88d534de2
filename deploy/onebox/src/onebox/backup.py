"""`vestnik backup DIR`: the database and the data folder at one moment, to be restored anywhere (R-F3).

A backup is one folder below DIR, made aside and renamed when whole: `database.dump` (pg_dump, one
snapshot of everything), `files.tar` and `manifest.json` with their hashes. Beside the backups lies the
register of erasures, kept up to date from now on by every order (ADR 26).
"""

import asyncio
import contextlib
import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import asyncpg

from dispatcher.erasing import register
from onebox.postgres import programs
from shared.errors import ForPeople
from shared.schema import OWNED, heads, require_current
from shared.service import Context
from shared.whole_file import write_whole

FORMAT = 1
DUMP, FILES, MANIFEST = "database.dump", "files.tar", "manifest.json"
_LEFT_OUT = frozenset({"postgres", register.NAME, "refused-lists.txt"})
"""The database is dumped, not copied; the register of the place lies beside the backups."""

Said = Callable[[str], None]


class BackupFailed(ForPeople):
    """Why there is no backup, or why this one cannot be used."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds. `schemas`: the revision of every package; `sizes` and `hashes` by file."""

    made_at: datetime
    schemas: dict[str, str]
    server: int
    rows: int
    hashes: dict[str, str]

    def dump(self) -> bytes:
        said = {
            "format": FORMAT,
            "made_at": self.made_at.isoformat(),
            "schemas": self.schemas,
            "server": self.server,
            "rows": self.rows,
            "sha256": self.hashes,
        }
        return json.dumps(said, ensure_ascii=False, indent=2).encode()

    @classmethod
    def read(cls, path: Path) -> "Manifest":
        """Raises BackupFailed."""
        try:
            said: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            if said["format"] > FORMAT:
                raise BackupFailed(
                    "Копия сделана более новой версией Вестника. Ничего не тронуто: обновите программу."
                )
            return cls(
                datetime.fromisoformat(said["made_at"]),
                said["schemas"],
                said["server"],
                said["rows"],
                said["sha256"],
            )
        except (OSError, ValueError, KeyError, TypeError) as wrong:
            raise BackupFailed(
                f"{path.parent} не похожа на резервную копию Вестника: описи {MANIFEST} нет или она "
                "повреждена."
            ) from wrong


async def back_up(context: Context, place: Path, say: Said) -> Path:
    """A new backup below `place`, verified by reading it back. Raises BackupFailed, SchemaOutdated."""
    data = context.settings.data.absolute()
    place = place.absolute()
    if data == place or data in place.parents:
        raise BackupFailed(
            f"Папка {place} лежит внутри папки данных: такая копия пропала бы вместе с ней. Укажите место на "
            "другом диске; надёжнее всего хранить копии в двух разных местах."
        )
    connection = await asyncpg.connect(context.database_url)
    try:
        await require_current(connection)
        server = int(await connection.fetchval("SHOW server_version_num"))
        rows = await connection.fetchval("SELECT count(*) FROM dispatch.change")
    finally:
        await connection.close()
    made_at = datetime.now(UTC)
    whole = place / f"vestnik-{made_at:%Y%m%dT%H%M%S%fZ}"
    draft = place / f".{whole.name}.part"
    try:
        place.mkdir(parents=True, exist_ok=True)
        draft.mkdir(mode=0o700)
    except OSError as wrong:
        raise BackupFailed(f"В папку {place} нельзя записать ({wrong.strerror}).") from wrong
    try:
        say("Снимок базы данных…")
        await asyncio.to_thread(dump, context.database_url, draft / DUMP)
        say("Файлы…")
        await asyncio.to_thread(_pack, data, draft / FILES)
        say("Проверка…")
        await asyncio.to_thread(readable, draft)
        hashes = {name: await asyncio.to_thread(digest, draft / name) for name in (DUMP, FILES)}
        schemas = {schema: head for schema, head in heads().items() if head is not None}
        write_whole(draft / MANIFEST, Manifest(made_at, schemas, server, rows, hashes).dump())
        draft.rename(whole)
    except OSError as wrong:
        raise BackupFailed(f"Копия не получилась ({wrong.strerror}): проверьте место на диске.") from wrong
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    # From the next order on every erasure reaches this place too; those before are in the copy made now.
    register.append(data, [])
    register.remember_place(data, place)
    if not register.mirror(data, place):
        raise BackupFailed(f"Копия {whole} сделана, но учёт уничтожений рядом с ней записать не удалось.")
    return whole


def dump(url: str, path: Path) -> None:
    """One consistent snapshot, whatever goes on meanwhile. Raises BackupFailed."""
    schemas = [f"--schema={schema}" for owned in OWNED.values() for schema in owned]
    run("pg_dump", "--format=custom", "--compress=6", f"--dbname={url}", *schemas, stdout=path)


def run(program: str, *arguments: str, stdout: Path | None = None, stdin: Path | None = None) -> str:
    """One of PostgreSQL's programs; what it listed. Its complaints may quote rows: they are not repeated."""
    with contextlib.ExitStack() as files:
        source = files.enter_context(stdin.open("rb")) if stdin is not None else None
        target = files.enter_context(_private(stdout)) if stdout is not None else None
        done = subprocess.run(  # noqa: S603 - our own programs
            [str(programs() / program), *arguments],
            stdin=source or subprocess.DEVNULL,
            stdout=target or subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            check=False,
        )
    if done.returncode != 0:
        why = done.stderr.decode(errors="replace").split("\n")[0].partition(":")[2].strip()
        said = why if why.startswith("error: connection") or "version" in why else "причина в журнале сервера"
        raise BackupFailed(f"Программа {program} не справилась ({said}). Ничего не изменено.")
    return done.stdout.decode(errors="replace") if done.stdout else ""


def _private(path: Path) -> BinaryIO:
    if str(path) == os.devnull:
        return path.open("wb")
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")


def readable(backup: Path) -> None:
    """Whether what was written can be read back to its end. Raises BackupFailed."""
    run("pg_restore", "--list", stdin=backup / DUMP)
    run("pg_restore", "--file=-", stdin=backup / DUMP, stdout=Path(os.devnull))
    with tarfile.open(backup / FILES) as files:
        for _ in files:
            pass


def digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def kept_files(data: Path) -> Iterator[Path]:
    """Every file of the data folder that a backup holds."""
    for top in sorted(data.iterdir()) if data.exists() else ():
        if top.name in _LEFT_OUT:
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            if path.is_file() and not path.is_symlink() and not path.name.endswith(".part"):
                yield path


def _pack(data: Path, path: Path) -> None:
    """Files that go meanwhile (a PDF made anew) are left out: the database can make them again."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as target:
        with tarfile.open(fileobj=target, mode="w") as files:
            for found in kept_files(data):
                with contextlib.suppress(FileNotFoundError):
                    files.add(found, arcname=str(found.relative_to(data)), recursive=False)
        target.flush()
        os.fsync(target.fileno())
