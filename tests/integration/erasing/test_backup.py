"""R-F3, R-B8: a backup restores everything, anywhere, but nobody who was erased since."""

import asyncio
import shutil
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import asyncpg
import pytest
from support.installations import own_folder
from support.searching import where

from dispatcher.erasing import register
from onebox import erasing
from onebox.backup import BackupFailed, back_up
from onebox.postgres import EmbeddedPostgres
from onebox.restore import RestoreRefused, restore
from shared.bus.base import Record, Rejected, Subscription
from shared.bus.postgres import PostgresBus
from shared.clock import RealClock
from shared.db import open_pool
from shared.deed import Deed
from shared.migrations import migrate
from shared.outbox import append
from shared.service import Context
from shared.settings import Settings
from shared.topics import Service, Topic

NAMES = {"Зябликов", "Пелагея"}
FAMILIES = """
INSERT INTO roster.school VALUES ('ilinskaya', 'Ильинская школа', 'Europe/Moscow');
INSERT INTO roster.class (school, class, grade) VALUES ('ilinskaya', '6Б', '6');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name) VALUES
    ('ilinskaya', 'p-1', '6Б', 'Зябликов', 'Евграф'), ('ilinskaya', 'p-2', '6Б', 'Синицына', 'Лукерья');
INSERT INTO roster.guardian (school, guardian, family_name, given_name) VALUES
    ('ilinskaya', 'g-1', 'Зябликова', 'Пелагея'), ('ilinskaya', 'g-2', 'Синицына', 'Прасковья');
INSERT INTO roster.guardianship (school, pupil, guardian, relation) VALUES
    ('ilinskaya', 'p-1', 'g-1', 'mother'), ('ilinskaya', 'p-2', 'g-2', 'mother');
INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items) VALUES
    ('ilinskaya', 'p-1', 'g-1', 'С-1', '2026-01-12', '{1.3,4.3,6.9}'),
    ('ilinskaya', 'p-2', 'g-2', 'С-2', '2026-01-12', '{1.3,4.3,6.9}');
INSERT INTO consent.contact (school, guardian, channel, address) VALUES
    ('ilinskaya', 'g-1', 'email', 'pelageya@family.example');
"""
WITHDRAWN = "UPDATE consent.sheet SET withdrawn_on = '2026-01-20' WHERE guardian = 'g-1'"
QUIET = print


@dataclass
class House:
    """An installation without services, and another server to restore onto."""

    context: Context
    folder: Path

    async def run(self, statements: str) -> None:
        connection = await asyncpg.connect(self.context.database_url)
        await connection.execute(statements)
        await connection.close()

    async def holds(self) -> set[str]:
        """Which names are anywhere."""
        connection = await asyncpg.connect(self.context.database_url)
        found = await where(connection, self.context.settings.data, NAMES | {"Лукерья"})
        await connection.close()
        return {name for held in found.values() for name in held}

    async def erase(self) -> None:
        asked = erasing.Asked("ilinskaya", "g-1")
        found = await erasing.plan(self.context, asked, at_once=True)
        done = await erasing.carry_out(self.context, [one.due for one in found], Deed("test", "отзыв"))
        assert [(one.left, one.waits) for one in done] == [({}, None)]


@pytest.fixture
async def house(database: str, tmp_path: Path) -> House:
    data = tmp_path / "data"
    (data / "paper").mkdir(parents=True)
    (data / "paper" / "6Б.pdf").write_bytes(b"a sheet")
    settings = Settings(data=data, secret_key="a key of this test")
    house = House(Context(settings, database, RealClock()), tmp_path)
    await house.run(FAMILIES)
    return house


async def test_a_backup_restores_all_but_those_erased_since(house: House) -> None:
    place = house.folder / "copies"
    place.mkdir()
    whole = await back_up(house.context, place, QUIET)
    assert all(file.stat().st_mode & 0o077 == 0 for file in whole.iterdir())
    await house.run(WITHDRAWN)
    await house.erase()
    assert await house.holds() == {"Лукерья"}

    with pytest.raises(RestoreRefused, match="не пуста"):
        await restore(house.context, place, QUIET, replace=False, without_register=False)
    # The disk is lost: nothing remains but what lies beside the backups.
    shutil.rmtree(house.context.settings.data)
    done = await restore(house.context, place, QUIET, replace=True, without_register=False)
    assert (done.backup, len(done.erased), done.left) == (whole, 1, [])
    assert await house.holds() == {"Лукерья"}
    assert (house.context.settings.data / "paper" / "6Б.pdf").read_bytes() == b"a sheet"
    again = await restore(house.context, place, QUIET, replace=True, without_register=False)
    assert len(again.erased) == 1


async def test_without_its_register_a_backup_is_not_restored_silently(house: House) -> None:
    place = house.folder / "copies"
    place.mkdir()
    await back_up(house.context, place, QUIET)
    (place / register.NAME).unlink()
    with pytest.raises(RestoreRefused, match="учёта уничтожений"):
        await restore(house.context, place, QUIET, replace=True, without_register=False)
    done = await restore(house.context, place, QUIET, replace=True, without_register=True)
    assert done.erased == []
    assert await house.holds() == {*NAMES, "Лукерья"}


async def test_a_damaged_or_newer_backup_touches_nothing(house: House) -> None:
    place = house.folder / "copies"
    place.mkdir()
    whole = await back_up(house.context, place, QUIET)
    said = (whole / "manifest.json").read_text()
    (whole / "manifest.json").write_text(said.replace('"dispatch": "dispatch_', '"dispatch": "dispatch_9'))
    with pytest.raises(BackupFailed, match="более новой"):
        await restore(house.context, place, QUIET, replace=True, without_register=False)
    (whole / "manifest.json").write_text(said)
    dump = whole / "database.dump"
    dump.write_bytes(dump.read_bytes()[:-1] + b"?")
    with pytest.raises(BackupFailed, match="повреждена"):
        await restore(house.context, place, QUIET, replace=True, without_register=False)
    with pytest.raises(BackupFailed, match="внутри папки данных"):
        await back_up(house.context, house.context.settings.data / "copies", QUIET)
    assert await house.holds() == {*NAMES, "Лукерья"}


@pytest.fixture
async def elsewhere() -> AsyncIterator[str]:
    """A new server, whose transactions are counted from the beginning."""
    with own_folder() as folder:
        server = EmbeddedPostgres(folder / "postgres", extra={"fsync": "off"})
        yield await server.start()
        await server.stop()


async def test_the_bus_goes_on_where_it_was_on_another_server(house: House, elsewhere: str) -> None:
    """What was read is not read again; what was not, and what comes later, is."""
    seen: list[bytes] = []

    async def handle(_connection: asyncpg.Connection, records: object) -> list[Rejected]:
        assert isinstance(records, list)
        seen.extend(record.value for record in records if isinstance(record, Record))
        return []

    async def read(url: str, until: int) -> None:
        bus = PostgresBus(url, Service.DISPATCHER)
        bus.subscribe(Subscription(Topic.JOURNAL_CHANGES, "test", handle))
        await bus.start()
        async with asyncio.timeout(60):
            while len(seen) < until:
                await asyncio.sleep(0.05)
        await bus.stop()

    async def say(url: str, value: bytes) -> None:
        pool = await open_pool(url, Service.INGEST)
        async with pool.acquire() as connection, connection.transaction():
            await append(connection, Service.INGEST, Topic.JOURNAL_CHANGES, [("ilinskaya/", value)])
        await pool.close()

    await migrate(elsewhere)
    for number in range(20):  # the old server has counted further
        await house.run(f"UPDATE roster.school SET name = 'Школа {number}'")
    await say(house.context.database_url, b"read")
    await read(house.context.database_url, 1)
    await say(house.context.database_url, b"unread")
    place = house.folder / "copies"
    place.mkdir()
    await back_up(house.context, place, QUIET)
    there = Context(
        Settings(data=house.folder / "other", secret_key="another"), elsewhere, house.context.clock
    )
    await restore(there, place, QUIET, replace=False, without_register=False)
    await say(elsewhere, b"later")
    await read(elsewhere, 3)
    assert seen == [b"read", b"unread", b"later"]


async def test_a_new_consent_after_the_order_keeps_what_it_covers(house: House) -> None:
    """R-B8: destruction is void for whom a newer sheet covers, also when a backup brings the order back."""
    await house.run(WITHDRAWN)
    asked = erasing.Asked("ilinskaya", "g-1")
    (found,) = await erasing.plan(house.context, asked, at_once=True)
    assert found.counts["consent.contact"] == 1
    await house.run(
        """INSERT INTO consent.sheet (school, pupil, guardian, number, signed_on, items)
           VALUES ('ilinskaya', 'p-1', 'g-1', 'С-9', '2026-01-21', '{1.3,4.3,6.9}')"""
    )
    with pytest.raises(erasing.NothingToErase):
        await erasing.plan(house.context, asked, at_once=True)
    assert await house.holds() == {*NAMES, "Лукерья"}


async def test_a_pupil_who_left_goes_and_a_guardian_with_another_child_stays(house: House) -> None:
    """R-B7."""
    left_on = date(2026, 1, 20)
    await house.run(
        f"""UPDATE roster.pupil SET left_on = '{left_on}' WHERE pupil = 'p-1';
            INSERT INTO roster.guardianship (school, pupil, guardian, relation)
            VALUES ('ilinskaya', 'p-2', 'g-1', 'trustee')"""
    )
    (found,) = await erasing.plan(house.context, erasing.Asked("ilinskaya", pupil="p-1"), at_once=True)
    assert (found.due.scope.pupils, found.due.scope.guardians) == (("p-1",), ())
    await erasing.carry_out(house.context, [found.due], Deed("test", "выбыл"))
    connection = await asyncpg.connect(house.context.database_url)
    assert await connection.fetchval("SELECT family_name FROM roster.pupil WHERE pupil = 'p-1'") == ""
    assert await connection.fetchval("SELECT family_name FROM roster.guardian WHERE guardian = 'g-1'")
    await connection.close()
    with pytest.raises(erasing.NothingToErase):
        await erasing.plan(house.context, erasing.Asked("ilinskaya", pupil="p-1"), at_once=True)
