"""A guardian's preferences as rows, their history, and the way back (R-C7)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime

from dispatcher.sending.suppression import new_epoch
from shared import audit
from shared.categories import Channel, Mode
from shared.db import AnyConnection
from shared.families import Preference
from shared.parents import Parent
from shared.topics import Service

Preferences = Mapping[str, Preference]


@dataclass(frozen=True, slots=True)
class Saving:
    """The newest saving. `at` is real time; `undoable` while nothing changed since."""

    at: datetime
    before: Preferences
    undoable: bool


async def read(connection: AnyConnection, parent: Parent) -> dict[str, Preference]:
    rows = await connection.fetch(
        "SELECT category, channel, mode FROM consent.preference WHERE school = $1 AND guardian = $2",
        *(parent.school, parent.guardian),
    )
    return {row["category"]: Preference(Channel(row["channel"]), Mode(row["mode"])) for row in rows}


async def change(
    connection: AnyConnection, parent: Parent, decide: Callable[[Preferences], Preferences], action: str
) -> bool:
    """Replaces what stands by what `decide` makes of it; False when that is the same. In the caller's
    transaction; two at once come one after the other."""
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        f"preferences {parent.school} {parent.guardian}",
    )
    before = await read(connection, parent)
    after = dict(decide(before))
    if after == before:
        return False
    who = (parent.school, parent.guardian)
    await connection.execute(
        "DELETE FROM consent.preference WHERE school = $1 AND guardian = $2 AND category <> ALL($3::text[])",
        *(*who, list(after)),
    )
    await connection.execute(
        """INSERT INTO consent.preference AS p (school, guardian, category, channel, mode)
           SELECT $1, $2, * FROM unnest($3::text[], $4::text[], $5::text[])
           ON CONFLICT (school, guardian, category) DO UPDATE
           SET channel = excluded.channel, mode = excluded.mode, set_at = now()
           WHERE (p.channel, p.mode) <> (excluded.channel, excluded.mode)""",
        *(*who, list(after)),
        [one.channel.value for one in after.values()],
        [one.mode.value for one in after.values()],
    )
    await connection.execute(
        "INSERT INTO consent.preference_change (school, guardian, before, after) VALUES ($1, $2, $3, $4)",
        *(*who, _plain(before), _plain(after)),
    )
    await new_epoch(connection, parent.school)
    changed = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    await audit.note(
        connection,
        Service.DISPATCHER,
        "family",
        action,
        school=parent.school,
        about=parent.guardian,
        categories=changed,
    )
    return True


async def newest(connection: AnyConnection, parent: Parent) -> Saving | None:
    """The newest saving at this guardian's own page, if there was one."""
    row = await connection.fetchrow(
        """SELECT at, before, after FROM consent.preference_change
           WHERE school = $1 AND guardian = $2 ORDER BY id DESC LIMIT 1""",
        *(parent.school, parent.guardian),
    )
    if row is None:
        return None
    return Saving(row["at"], _read(row["before"]), _read(row["after"]) == await read(connection, parent))


async def undo(connection: AnyConnection, parent: Parent) -> bool:
    """Puts back what stood before the newest saving, unless something changed since; the undoing is a
    saving too, and can itself be undone. In the caller's transaction."""
    saving = await newest(connection, parent)
    if saving is None or not saving.undoable:
        return False
    before = saving.before
    return await change(connection, parent, lambda _: before, "preferences.undone")


def _plain(preferences: Preferences) -> dict[str, list[str]]:
    return {name: [one.channel.value, one.mode.value] for name, one in preferences.items()}


def _read(plain: Mapping[str, list[str]]) -> dict[str, Preference]:
    return {name: Preference(Channel(channel), Mode(mode)) for name, (channel, mode) in plain.items()}
