"""From claimed messages to what is really sent, in one short transaction: load, check again, and
give every decision that cannot go its own fate (R-C5)."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from dispatcher.messages import Move, Moved, Status, move
from dispatcher.outcomes import PaperOutcome, publish, publish_ends
from dispatcher.sending import cargo
from dispatcher.sending.budget import Budget
from dispatcher.sending.cargo import Address, Cargo
from dispatcher.sending.claims import Claimed
from dispatcher.sending.recheck import Checked, Drop, Fate, Household, recheck
from dispatcher.view import Kind, MessageView
from dispatcher.wakeups import Wake, wake
from shared.categories import Channel
from shared.clock import Clock
from shared.db import AnyConnection
from shared.families import Guardian, Guardianship, Pupil, SchoolClass
from shared.registry import Epochs, Families, Shelf
from shared.settings import Profile

ACTOR = "sender"
_AFTER_EARLIER = timedelta(seconds=2)


@dataclass(frozen=True, slots=True)
class Ready:
    """A message that may go now, and to where. `papers`: the epochs of the registry that say so."""

    claimed: Claimed
    view: MessageView
    addresses: tuple[str, ...]
    papers: Epochs | None = None


class Preparer:
    """Not for concurrent use: it keeps a cache of the registry."""

    def __init__(
        self,
        clock: Clock,
        *,
        profile_of: Callable[[str], Profile],
        budget: Budget,
        channels: frozenset[Channel],
        shelf: Shelf | None = None,
    ) -> None:
        self._clock = clock
        self._profile_of = profile_of
        self._budget = budget
        self._channels = channels
        self._families = Families(shelf or Shelf())

    async def prepare(self, connection: AnyConnection, claimed: Sequence[Claimed]) -> list[Ready]:
        """Inside the transaction of the claim. What is not in the answer has been dealt with."""
        now = self._clock.now()
        loaded = await cargo.load(connection, claimed)
        households, addresses = await self._households(connection, claimed, loaded, now)
        ready: list[Ready] = []
        verdicts: list[tuple[Claimed, Checked]] = []
        for one in claimed:
            household = households.get((one.school, one.guardian))
            checked = recheck(one, loaded.of(one.message), household, now=now)
            verdicts.append((one, checked))
            if checked.speaks and household is not None:
                view = MessageView(
                    message=one.message,
                    kind=one.kind,
                    school=household.school,
                    guardian=household.guardian,
                    items=checked.items,
                    now=now,
                    period=one.period,
                    first=one.message not in loaded.acquainted,
                )
                where = addresses[one.school, one.guardian, one.channel]
                ready.append(Ready(one, view, where, self._families.epochs(one.school)))
        await self._dispose(connection, verdicts, now)
        return ready

    async def elsewhere(self, connection: AnyConnection, waiting: Sequence[Claimed]) -> set[UUID]:
        """Of messages whose channel is not among ours, those that ours can carry whole. Changes nothing."""
        now = self._clock.now()
        loaded = await cargo.load(connection, waiting)
        households, _ = await self._households(connection, waiting, loaded, now)
        return {
            one.message
            for one in waiting
            if recheck(
                one, loaded.of(one.message), households.get((one.school, one.guardian)), now=now
            ).released
        }

    async def _households(
        self, connection: AnyConnection, claimed: Sequence[Claimed], loaded: Cargo, now: datetime
    ) -> tuple[dict[tuple[str, str], Household], Mapping[tuple[str, str, Channel], tuple[str, ...]]]:
        """Each guardian with the children concerned (all of them for weekly e-mails), and their
        addresses by channel that may be used now, best first."""
        pupils: dict[tuple[str, str], set[str]] = defaultdict(set)
        for one in claimed:
            for entry in loaded.of(one.message):
                pupils[one.school, one.guardian].update(entry.pupils)
        weekly = [one for one in claimed if one.kind is Kind.WEEKLY]
        if weekly:
            for row in await connection.fetch(
                """SELECT school, guardian, pupil FROM roster.guardianship
                   JOIN unnest($1::text[], $2::text[]) AS asked(school, guardian) USING (school, guardian)""",
                [one.school for one in weekly],
                [one.guardian for one in weekly],
            ):
                pupils[row["school"], row["guardian"]].add(row["pupil"])
        await self._families.load(
            connection,
            pupils={(school, pupil) for (school, _), named in pupils.items() for pupil in named},
        )
        known = {
            (school, guardian): children
            for (school, guardian), named in pupils.items()
            if (children := self._children(school, guardian, named))
        }
        addresses = await self._addresses(connection, known, now)
        spent: frozenset[str] = frozenset()
        if Channel.SMS in self._channels:
            spent = await self._budget.spent(connection, {school for school, _ in known})
        return {
            key: self._household(key, children, addresses, spent) for key, children in known.items()
        }, addresses

    def _children(
        self, school: str, guardian: str, named: set[str]
    ) -> dict[str, tuple[Pupil, SchoolClass | None, Guardianship]]:
        classes = self._families.classes(school)
        return {
            name: (pupil, classes.get(pupil.class_name), tie)
            for name in sorted(named)
            if (pupil := self._families.pupil(school, name)) is not None
            for tie in pupil.guardianships
            if tie.guardian.guardian == guardian
        }

    async def _addresses(
        self,
        connection: AnyConnection,
        known: Mapping[tuple[str, str], Mapping[str, tuple[Pupil, SchoolClass | None, Guardianship]]],
        now: datetime,
    ) -> dict[tuple[str, str, Channel], tuple[str, ...]]:
        given: dict[tuple[str, str, Channel], list[Address]] = {}
        for (school, name), children in known.items():
            guardian = _guardian(children)
            for channel in self._channels:
                contacts = guardian.contacts_on(channel, now)
                given[school, name, channel] = [(school, channel, contact.address) for contact in contacts]
        stopped = await cargo.suppressed(connection, [one for held in given.values() for one in held])
        return {
            key: tuple(address[2] for address in held if address not in stopped)
            for key, held in given.items()
        }

    def _household(
        self,
        key: tuple[str, str],
        children: Mapping[str, tuple[Pupil, SchoolClass | None, Guardianship]],
        addresses: Mapping[tuple[str, str, Channel], tuple[str, ...]],
        spent: frozenset[str],
    ) -> Household:
        school = self._families.school(key[0])
        assert school is not None
        usable = {channel for channel in self._channels if addresses[*key, channel]}
        if key[0] in spent:
            usable.discard(Channel.SMS)
        profile = self._profile_of(key[0])
        return Household(school, profile, _guardian(children), children, frozenset(usable))

    async def _dispose(
        self, connection: AnyConnection, verdicts: Sequence[tuple[Claimed, Checked]], now: datetime
    ) -> None:
        moves: list[Move] = []
        drops: list[tuple[Claimed, Drop]] = []
        for one, checked in verdicts:
            late = [drop for drop in checked.drops if drop.fate is Fate.EXPIRE]
            expires = not checked.speaks and bool(late)
            drops += [(one, drop) for drop in checked.drops if not (expires and drop.fate is Fate.EXPIRE)]
            if not checked.speaks:
                moves.append(_silent(one, checked, expires=expires))
        await _apply(connection, drops)
        await _hold(connection, verdicts)
        moved = await move(connection, moves, actor=ACTOR)
        moved += await _expire_apart(connection, drops)
        await publish_ends(connection, moved, at=now)
        await publish(
            connection,
            [
                PaperOutcome(one.school, one.guardian, drop.pupils, drop.change, drop.reason or "", now)
                for one, drop in drops
                if drop.fate is Fate.PAPER
            ],
        )


async def _hold(connection: AnyConnection, verdicts: Sequence[tuple[Claimed, Checked]]) -> None:
    """Quiet hours are school time, and so is the wait: a clock set right shortens or lengthens it."""
    held = [(one.message, checked.hold_until) for one, checked in verdicts if checked.hold_until is not None]
    if held:
        await connection.execute(
            """UPDATE dispatch.message m SET due_at = asked.due_at
               FROM unnest($1::uuid[], $2::timestamptz[]) AS asked(id, due_at) WHERE m.id = asked.id""",
            [message for message, _ in held],
            [until for _, until in held],
        )


def _silent(one: Claimed, checked: Checked, *, expires: bool) -> Move:
    def to(status: Status, reason: str) -> Move:
        return Move(one.message, status, before=Status.SENDING, lease=one.lease, reason=reason)

    if checked.hold_until is not None:
        return to(Status.COMPOSED, "quiet_hours")
    if checked.after_earlier:
        return replace(to(Status.COMPOSED, "after_earlier"), again_in=_AFTER_EARLIER)
    return to(Status.EXPIRED, "expired") if expires else to(Status.CANCELLED, "nothing_left")


def _guardian(children: Mapping[str, tuple[Pupil, SchoolClass | None, Guardianship]]) -> Guardian:
    return next(iter(children.values()))[2].guardian


_APPLY = """
UPDATE dispatch.decision d SET
    verdict = asked.verdict,
    reason = asked.reason,
    missing = CASE WHEN asked.verdict = 'suppress' THEN string_to_array(asked.missing, ' ')
                   ELSE d.missing END,
    channel = CASE WHEN asked.verdict = 'tell' THEN coalesce(asked.channel, d.channel) END,
    due_at = coalesce(asked.due_at, d.due_at),
    cancelled_by = asked.cancelled_by,
    message = NULL
FROM unnest(
    $1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[],
    $8::timestamptz[], $9::uuid[]
) AS asked(change, guardian, message, verdict, reason, missing, channel, due_at, cancelled_by)
WHERE d.change = asked.change AND d.guardian = asked.guardian AND d.message = asked.message
  AND d.cancelled_by IS NULL
"""

_VERDICTS = {Fate.SUPPRESS: "suppress", Fate.PAPER: "paper", Fate.RELEASE: "tell", Fate.CANCEL: "tell"}


async def _apply(connection: AnyConnection, drops: Sequence[tuple[Claimed, Drop]]) -> None:
    """Take these decisions out of their messages and say why."""
    rows = sorted(
        ((drop.change, one.guardian, one.message, drop) for one, drop in drops if drop.fate in _VERDICTS),
        key=lambda row: row[:2],
    )
    if not rows:
        return
    await connection.execute(
        _APPLY,
        [change for change, _, _, _ in rows],
        [guardian for _, guardian, _, _ in rows],
        [message for _, _, message, _ in rows],
        [_VERDICTS[drop.fate] for *_, drop in rows],
        [drop.reason for *_, drop in rows],
        [" ".join(drop.missing) for *_, drop in rows],
        [drop.channel.value if drop.channel is not None else None for *_, drop in rows],
        [drop.due_at for *_, drop in rows],
        [drop.by for *_, drop in rows],
    )
    given_up = [
        (one.school, one.guardian, drop.change)
        for one, drop in drops
        if drop.fate is Fate.CANCEL and drop.reason is None
    ]
    if given_up:  # an alert nobody got was not given: the next absence of the day may take it
        await connection.execute(
            """DELETE FROM dispatch.absence_alert a
               USING unnest($1::text[], $2::text[], $3::uuid[]) AS c(school, guardian, change)
               WHERE a.school = c.school AND a.guardian = c.guardian AND a.change = c.change""",
            [school for school, *_ in given_up],
            [guardian for _, guardian, _ in given_up],
            [change for *_, change in given_up],
        )
    if any(drop.fate is Fate.RELEASE for *_, drop in rows):
        await wake(connection, {Wake.COMPOSE})


async def _expire_apart(connection: AnyConnection, drops: Sequence[tuple[Claimed, Drop]]) -> list[Moved]:
    """What expired inside a message that still speaks becomes a message of its own that expired."""
    late: dict[UUID, list[UUID]] = defaultdict(list)
    for one, drop in drops:
        if drop.fate is Fate.EXPIRE:
            late[one.message].append(drop.change)
    moves: list[Move] = []
    for message, changes in late.items():
        apart: UUID = await connection.fetchval(
            """INSERT INTO dispatch.message
                   (school, guardian, channel, kind, due_at, deadline, expires_at, composed_at)
               SELECT school, guardian, channel, kind, due_at, deadline, expires_at, composed_at
               FROM dispatch.message WHERE id = $1 RETURNING id""",
            message,
        )
        await connection.execute(
            "UPDATE dispatch.decision SET message = $1 WHERE message = $2 AND change = ANY($3::uuid[])",
            apart,
            message,
            changes,
        )
        moves.append(Move(apart, Status.EXPIRED, before=Status.COMPOSED, reason="expired"))
    return await move(connection, moves, actor=ACTOR)
