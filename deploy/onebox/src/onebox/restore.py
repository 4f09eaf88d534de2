"""`vestnik restore DIR`: an installation as it was, without those who were erased since (R-F3, R-B8).

It works on an empty installation that nobody uses, or replaces one (`--replace`). The backup is checked
before anything is touched; the database changes in one transaction; every erasure the registers know is
carried out again before the command ends, and no service may run meanwhile.
"""

import asyncio
import shutil
import tarfile
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import asyncpg

from dispatcher.erasing import orders, register
from onebox import backup
from onebox.backup import DUMP, FILES, MANIFEST, BackupFailed, Manifest, Said, digest
from onebox.erasing import carry_out_order
from shared.db import connect, hang_up
from shared.erasure import Order
from shared.errors import ForPeople
from shared.migrations import make_roles, migrate, scripts_of
from shared.schema import OWNED
from shared.service import Context
from shared.topics import Service
from shared.whole_file import write_whole

SCHEMAS = tuple(schema for schemas in OWNED.values() for schema in schemas)


class RestoreRefused(ForPeople):
    """Why nothing was restored; nothing was touched."""


@dataclass(frozen=True, slots=True)
class Restored:
    """`erased`: orders carried out again; `left`: those of which something could not be destroyed."""

    backup: Path
    made_at: str
    erased: list[UUID]
    left: list[UUID]


def newest(place: Path) -> Path:
    """The backup itself, or the newest one below a place of backups. Raises BackupFailed."""
    if (place / MANIFEST).exists():
        return place
    found = sorted(path.parent for path in place.glob(f"vestnik-*/{MANIFEST}"))
    if not found:
        raise BackupFailed(f"В {place} нет ни одной резервной копии Вестника.")
    return found[-1]


async def restore(
    context: Context, place: Path, say: Said, *, replace: bool, without_register: bool
) -> Restored:
    """Raises BackupFailed and RestoreRefused before anything is touched."""
    data = context.settings.data.absolute()
    source = newest(place.absolute())
    manifest = await asyncio.to_thread(_checked, source, say)
    known = _erasures(data, source, without_register=without_register)
    await _may_replace(context.database_url, data, replace=replace)
    say("База данных…")
    await _database(context.database_url, source / DUMP, data / ".restoring")
    say("Файлы…")
    await asyncio.to_thread(_files, source / FILES, data)
    await migrate(context.database_url)
    say(f"Уничтожения после копии: {len(known)}…")
    write_whole(data / register.NAME, "".join(f"{register.line_of(order)}\n" for order in known).encode())
    register.remember_place(data, source.parent)
    erased: list[UUID] = []
    left: list[UUID] = []
    for order in await _open_again(context, known):
        done = await carry_out_order(context, order)
        (erased if done.act is not None and not done.left else left).append(order.id)
    register.mirror(data, source.parent)
    return Restored(source, manifest.made_at.isoformat(), erased, left)


def _checked(source: Path, say: Said) -> Manifest:
    say("Проверка копии…")
    manifest = Manifest.read(source / MANIFEST)
    for name in (DUMP, FILES):
        try:
            right = digest(source / name) == manifest.hashes[name]
        except (OSError, KeyError):
            right = False
        if not right:
            raise BackupFailed(f"Копия {source} повреждена: {name} не сходится с описью. Ничего не тронуто.")
    for schema, revision in manifest.schemas.items():
        if revision not in scripts_of(schema):
            raise BackupFailed(
                f"Копия сделана более новой версией Вестника (схема {schema}: {revision}). Ничего не "
                "тронуто: обновите программу."
            )
    return manifest


def _erasures(data: Path, source: Path, *, without_register: bool) -> list[Order]:
    """Every order that the data folder or the place of the backups knows, the oldest first."""
    found: dict[UUID, Order] = {}
    beside = source.parent / register.NAME
    if not beside.exists() and not without_register:
        raise RestoreRefused(
            f"Рядом с копией нет учёта уничтожений ({beside}). Без него восстановление вернуло бы людей, чьи "
            "данные уничтожены. Найдите этот файл в другом месте хранения копий и положите рядом. Если после "
            "копии никого не уничтожали, добавьте --without-register. Ничего не тронуто."
        )
    for path in (beside, data / register.NAME):
        try:
            found |= {order.id: order for order in register.read(path)}
        except FileNotFoundError:
            continue
        except register.DamagedRegister as wrong:
            raise RestoreRefused(f"Учёт уничтожений повреждён: {wrong}. Ничего не тронуто.") from wrong
    return sorted(found.values(), key=lambda order: (order.ordered_at, order.id))


async def _may_replace(url: str, data: Path, *, replace: bool) -> None:
    connection = await asyncpg.connect(url)
    try:
        users = await connection.fetch(
            """SELECT DISTINCT application_name FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()
                 AND application_name LIKE 'vestnik %'"""
        )
        taken = await connection.fetchval("SELECT to_regclass('roster.school')")
        schools = await connection.fetchval("SELECT count(*) FROM roster.school") if taken else 0
    finally:
        await connection.close()
    if users:
        raise RestoreRefused("Вестник работает: остановите все его службы и повторите. Ничего не тронуто.")
    if (schools or (data / "paper").exists()) and not replace:
        raise RestoreRefused(
            "Эта установка не пуста. Чтобы заменить её содержимое копией, добавьте --replace. Ничего не "
            "тронуто."
        )


async def _database(url: str, path: Path, work: Path) -> None:
    """Everything of ours goes and comes back in one transaction. `work`: a folder for a moment's files."""
    await make_roles(url)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True, mode=0o700)
    try:
        dropped = "".join(f"DROP SCHEMA IF EXISTS {schema} CASCADE;\n" for schema in SCHEMAS)
        write_whole(work / "1.sql", f"SET client_min_messages = warning;\n{dropped}".encode())
        await asyncio.to_thread(
            backup.run, "pg_restore", "--no-owner", "--file=-", stdin=path, stdout=work / "2.sql"
        )
        write_whole(work / "3.sql", _RENUMBER.encode())
        scripts = [f"--file={work / name}" for name in ("1.sql", "2.sql", "3.sql")]
        strict = ("--no-psqlrc", "--quiet", "--single-transaction", "--set=ON_ERROR_STOP=1")
        await asyncio.to_thread(backup.run, "psql", *strict, f"--dbname={url}", *scripts)
    finally:
        shutil.rmtree(work, ignore_errors=True)


# Places in the log are numbers of transactions of the server that was: another server's begin anew, and
# its first records would lie before every place. All that was kept goes before the first of them.
_RENUMBER = """
SET search_path = '';
""" + "".join(
    f"""
CREATE TEMP TABLE renumbered ON COMMIT DROP AS
    SELECT o.topic, o.xid, o.id, row_number() OVER (PARTITION BY o.topic ORDER BY o.xid, o.id) AS place,
           o.key, o.value, o.at
    FROM {writer.schema}.outbox o;
"""
    + "".join(
        f"""
UPDATE {reader.schema}.bus_cursor c SET xid = '1', id = coalesce((
    SELECT max(r.place) FROM pg_temp.renumbered r
    WHERE r.topic = c.topic AND (r.xid, r.id) <= (c.xid, c.id)), 0)
WHERE c.writer = '{writer.value}';
"""
        for reader in Service
    )
    + f"""
DELETE FROM {writer.schema}.outbox;
INSERT INTO {writer.schema}.outbox (topic, xid, id, key, value, at) OVERRIDING SYSTEM VALUE
    SELECT topic, '1', place, key, value, at FROM pg_temp.renumbered;
DROP TABLE pg_temp.renumbered;
"""
    for writer in Service
)


def _files(path: Path, data: Path) -> None:
    """The files of the backup in place of those that are there. The database's own folder stays."""
    aside = data / ".restored"
    shutil.rmtree(aside, ignore_errors=True)
    aside.mkdir(parents=True, mode=0o700)
    with tarfile.open(path) as files:
        files.extractall(aside, filter="data")
    for found in list(backup.kept_files(data)):
        if aside not in found.parents:
            found.unlink()
    for found in sorted(aside.rglob("*")):
        if found.is_file():
            target = data / found.relative_to(aside)
            target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            found.chmod(0o600)
            found.replace(target)
    shutil.rmtree(aside)


async def _open_again(context: Context, known: list[Order]) -> list[Order]:
    """Orders that the restored database does not know as carried out."""
    connection = await connect(context.database_url, Service.DISPATCHER)
    try:
        async with connection.transaction():
            return [order for order in known if await orders.give_again(connection, order)]
    finally:
        await hang_up(connection)
