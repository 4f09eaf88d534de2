"""What families have in hand after a play of `support.chaos`, beside what they should have.

The expected comes from the lists and the events by the contract alone (`support.burst.owed`); the
arrived from inboxes, phones, devices and the pages of the PDFs. The database is asked only whether
it tells the same story.
"""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import pypdf

from dispatcher import ledger, reconcile
from dispatcher.channels.base import topic
from dispatcher.sending.sender import UNSETTLED
from sandbox.journal import School
from shared.db import connect
from support.blows import of_one_blow
from support.burst import MARK, NOT_NAMED_IN_SHORT, Owed, by_guardian, newest, owed
from support.stage import Stage, fetch

_SHEET = re.compile(r"Лист([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})")
_LEFT_OUT = re.compile(r"и ещё (\d+)")

STAFF = "staff"
"""Whoever else gets letters: notices, never a family's news."""

# Who had to be decided about, from the lists and the inbox: the dispatcher's tables have no part in it.
_OWED = """
SELECT count(DISTINCT (i.change, t.guardian)) FROM ingest.inbox i
JOIN roster.pupil p ON p.pupil = i.event->>'subject'
    OR (i.event->>'subject' IS NULL AND p.class = i.event->'data'->>'class')
JOIN roster.guardianship t ON t.school = p.school AND t.pupil = p.pupil
WHERE NOT i.stale
"""
_DECIDED = """
SELECT i.id, d.guardian, d.verdict, d.channel, d.cancelled_by IS NOT NULL AS cancelled, m.status
FROM ingest.inbox i JOIN dispatch.decision d USING (change) LEFT JOIN dispatch.message m ON m.id = d.message
"""
_DEAD_LETTERS = """
SELECT bus_group, topic, reason FROM ingest.dead_letter UNION ALL
SELECT bus_group, topic, reason FROM dispatch.dead_letter UNION ALL
SELECT bus_group, topic, reason FROM paper.dead_letter
"""
# A notice whose sender was killed before its answer was written down may be on the device though its message
# was replaced by newer news before another try.
_PUSHED = """
SELECT id, told_at IS NOT NULL AS told, status = 'cancelled' AND EXISTS (
    SELECT FROM dispatch.message_history h
    WHERE h.message = m.id AND (h.reason = 'lease_ran_out' OR h.to_status = 'unknown')
) AS maybe
FROM dispatch.message m WHERE channel = 'push'
"""


@dataclass(frozen=True, slots=True)
class Letter:
    """What matters of a letter: read once, for reading one takes milliseconds."""

    address: str
    name: str
    marks: frozenset[str]
    at: datetime


@dataclass(slots=True)
class Hands:
    """What each guardian holds: marks by channel, and how many items a short text left out."""

    letters: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    short: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    left_out: Counter[str] = field(default_factory=Counter)
    sheets: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    touched: set[str] = field(default_factory=set)
    mail: list[Letter] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Verdict:
    """The judgement: every list of wrongs is empty when the guarantees held."""

    lost: Sequence[str]
    astray: Sequence[str]
    twice: Sequence[str]
    books: Sequence[str]
    counts: Mapping[str, object]

    @property
    def wrongs(self) -> list[str]:
        return [*self.lost, *self.astray, *self.twice, *self.books]

    def __str__(self) -> str:
        lines = [f"{name}: {value}" for name, value in self.counts.items()]
        wrongs = {"lost": self.lost, "astray": self.astray, "twice": self.twice, "books": self.books}
        lines += [f"{name}: {len(found)}" for name, found in wrongs.items()]
        return "\n".join(lines + [f"  {wrong}" for wrong in self.wrongs[:40]])


async def reckon(stage: Stage, *, without: Collection[str] = ()) -> Verdict:
    """Judge a stage that has come to rest. `without`: guardians whose papers changed on the way, so that the
    lists do not say what they are owed."""
    hands = await _hands(stage)
    everything = [
        one for one in owed(stage.sent, stage.families, stage.school) if one.guardian not in without
    ]
    latest = {one.id for one in newest(stage.sent)}
    due = [one for one in everything if one.sent.id in latest]
    doubles = _repeated_letters(stage, hands)
    texts_twice = await _texts_twice(stage)
    return Verdict(
        lost=[
            *_untaken(stage),
            *await _undecided(stage, everything, without),
            *_unreached(stage, due, hands),
        ],
        astray=_astray(stage, everything, hands, without),
        twice=[*doubles, *texts_twice],
        books=await _books(stage),
        counts=_counts(stage, hands),
    )


def _untaken(stage: Stage) -> list[str]:
    """What the journal was answered must be what it sent: every id once."""
    told = stage.told
    wrong = [f"refused: {one}" for one in told.rejected]
    if told.accepted + told.duplicates != len(stage.sent) or told.stale:
        wrong.append(
            f"answered {told.accepted} + {told.duplicates} again + {told.stale} stale of {len(stage.sent)}"
        )
    return wrong


async def _undecided(stage: Stage, everything: Iterable[Owed], without: Collection[str]) -> list[str]:
    """Every change and guardian has its decision, nobody else has, and none is left hanging."""
    rows = [row for row in await fetch(stage.database, _DECIDED) if row["guardian"] not in without]
    decided = {(row["id"], row["guardian"]): row for row in rows}
    wanted = {(one.sent.id, one.guardian) for one in everything}
    wrong = [f"no decision: {pair}" for pair in sorted(wanted - decided.keys())]
    wrong += [f"a decision nobody asked for: {pair}" for pair in sorted(decided.keys() - wanted)]
    for pair, row in decided.items():
        done = row["cancelled"] or row["verdict"] != "tell" or row["status"] in {"accepted", "delivered"}
        if not done:
            wrong.append(f"not told: {pair} {row['channel']} {row['status']}")
    return wrong


def _unreached(stage: Stage, due: Iterable[Owed], hands: Hands) -> list[str]:
    """The newest revision of everything, in the hands of everyone it was owed to. A short text may leave
    items out if it says how many."""
    wrong_mailboxes = {one.id for one in stage.school.guardians if one.place.wrong}
    wrong: list[str] = []
    for guardian, items in by_guardian(due).items():
        absent = [one for one in items if not _reached(one, hands, mailbox=guardian not in wrong_mailboxes)]
        short = [one for one in absent if one.verdict[1] in {"sms", "push"}]
        if len(short) <= hands.left_out[guardian]:
            absent = [one for one in absent if one not in short]
        wrong += [f"{one.sent.mark} ({one.sent.category}) to {guardian}: {one.verdict}" for one in absent]
    return wrong


def _reached(one: Owed, hands: Hands, *, mailbox: bool) -> bool:
    """Without a mailbox that exists, paper is what follows an e-mail."""
    match one.verdict:
        case ("tell", "email", _) if mailbox:
            return one.sent.mark in hands.letters[one.guardian]
        case ("tell", "sms" | "push", _):
            named = one.sent.category not in NOT_NAMED_IN_SHORT
            return not named or one.sent.mark in hands.short[one.guardian]
        case ("tell", "email", _) | ("paper", _):
            return one.sent.mark in hands.sheets[one.guardian]
        case _:
            return True


def _astray(stage: Stage, everything: Iterable[Owed], hands: Hands, without: Collection[str]) -> list[str]:
    """Nobody has a mark that was not for them, and those who are owed nothing were not even written to."""
    may: dict[str, set[str]] = defaultdict(set)
    for one in everything:
        if one.verdict[0] != "suppress":
            may[one.guardian].add(one.sent.mark)
    wrong = []
    for guardian in {STAFF, *(one.id for one in stage.school.guardians)}.difference(without):
        has = hands.letters[guardian] | hands.short[guardian] | hands.sheets[guardian]
        wrong += [f"{mark} is not for {guardian}" for mark in sorted(has - may[guardian])]
        if guardian in hands.touched and not may[guardian]:
            wrong.append(f"{guardian} was written to")
    return wrong


def _repeated_letters(stage: Stage, hands: Hands) -> list[str]:
    """A letter comes again only under its own name, no more often than outcomes could be unknown."""
    again = _again(hands)
    kills = stage.fleet.kills
    bound = UNSETTLED * (kills["dispatcher"] + kills["onebox"] + kills["postgres"])
    bound += stage.broken_off["email after"]
    wrong = [f"{len(again)} letters came again, {bound} at most"] if len(again) > bound else []
    bodies: dict[tuple[str, str], set[str]] = defaultdict(set)
    for letter in hands.mail:
        for mark in letter.marks:
            bodies[letter.address, mark].add(letter.name)
    corrected = _marks_said_again(stage)
    wrong += [
        f"{mark} came to {address} in {len(names)} different letters"
        for (address, mark), names in bodies.items()
        if len(names) > 1 and mark not in corrected
    ]
    if stage.blows:
        most, unexplained = of_one_blow([letter.at for letter in again], stage.blows)
        if most > UNSETTLED:
            wrong.append(f"{most} letters of one kill came again")
        if unexplained:
            wrong.append(f"{unexplained} letters came again though nobody was killed")
    return wrong


def _again(hands: Hands) -> list[Letter]:
    """Letters that were not the last of their name."""
    last = {letter.name: letter for letter in hands.mail}
    return [letter for letter in hands.mail if last[letter.name] is not letter]


def _marks_said_again(stage: Stage) -> set[str]:
    """Marks of entities with several revisions: a correction quotes what it corrects."""
    times = Counter(one.entity for one in stage.sent)
    return {one.mark for one in stage.sent if times[one.entity] > 1}


async def _texts_twice(stage: Stage) -> list[str]:
    """Each SMS the gateway took is one message's, and each message has one. Notices repeat a tag at most."""
    taken = {str(sms.id) for sms in stage.world.sms.messages}
    rows = await fetch(
        stage.database,
        "SELECT id, provider_id FROM dispatch.message WHERE channel = 'sms' AND told_at IS NOT NULL",
    )
    ours = Counter(str(row["provider_id"]) for row in rows)
    wrong = [f"SMS {one} is nobody's: sent twice" for one in sorted(taken - ours.keys())]
    wrong += [f"SMS {one} stands for {times} messages" for one, times in ours.items() if times > 1]
    wrong += [f"SMS {one} was never taken" for one in sorted(ours.keys() - taken)]
    corrected = _marks_said_again(stage)
    said = Counter((sms.number, mark) for sms in stage.world.sms.messages for mark in MARK.findall(sms.text))
    wrong += [
        f"{mark} came by {times} SMS to one phone"
        for (_, mark), times in said.items()
        if times > 1 and mark not in corrected
    ]
    tags = {str(notice.payload["tag"]) for notice in stage.world.push.notices}
    pushed = await fetch(stage.database, _PUSHED)
    told = {topic(row["id"]) for row in pushed if row["told"]}
    maybe = {topic(row["id"]) for row in pushed if row["maybe"]}
    wrong += [f"notice {tag} was never taken" for tag in sorted(told - tags)]
    wrong += [f"notice {tag} is of no message that was told" for tag in sorted(tags - told - maybe)]
    return wrong


async def _books(stage: Stage) -> list[str]:
    """The ledger adds up, owes what the lists owe, and nothing waits or was set aside."""
    connection = await connect(stage.database)
    try:
        found = await ledger.add_up(connection)
        disagrees = await reconcile.check(connection)
    finally:
        await connection.close()
    count = (await fetch(stage.database, _OWED))[0][0]
    wrong = [f"dead letter: {dict(row)}" for row in await fetch(stage.database, _DEAD_LETTERS)]
    if not found.adds_up or found.decisions != count:
        wrong.append(f"the ledger has {found.decisions} of {count}: {found.columns}")
    wrong += [
        f"{name}: {found.columns[name]}" for name in ("pending", "failed", "expired") if found.columns[name]
    ]
    wrong += [f"the ledger disagrees: {one}" for one in disagrees]
    paused = await fetch(stage.database, "SELECT channel, reason FROM dispatch.channel_pause")
    return wrong + [f"paused: {dict(row)}" for row in paused]


async def _hands(stage: Stage) -> Hands:
    hands, who = Hands(), addresses(stage.school)
    for taken in stage.world.inbox.letters:
        message = taken.message
        body = message.get_body(("plain",))
        marks = frozenset(MARK.findall(str(body.get_content()) if body else ""))
        for address in taken.rcpt_to:
            if (guardian := who.get(address, STAFF)) != STAFF:
                hands.touched.add(guardian)
            hands.letters[guardian].update(marks)
            hands.mail.append(Letter(address, str(message["Message-ID"]), marks, taken.received_at))
    for sms in stage.world.sms.messages:
        _shorts(hands, who[sms.number], sms.text)
    shown = {str(notice.payload["tag"]): notice for notice in stage.world.push.notices}
    for notice in shown.values():
        _shorts(hands, who[notice.subscription], json.dumps(notice.payload, ensure_ascii=False))
    owners = {
        str(row["id"]): str(row["guardian"])
        for row in await fetch(stage.database, "SELECT id, guardian FROM paper.sheet")
    }
    for path in stage.papers:
        for sheet, marks in _sheets(path).items():
            hands.sheets[owners[sheet]].update(marks)
    return hands


def _shorts(hands: Hands, guardian: str, text: str) -> None:
    hands.short[guardian].update(MARK.findall(text))
    hands.left_out[guardian] += sum(map(int, _LEFT_OUT.findall(text)))
    hands.touched.add(guardian)


def addresses(school: School) -> dict[str, str]:
    """Mailbox, phone or device to its guardian."""
    who = {}
    for guardian in school.guardians:
        for channel, address in guardian.addresses.items():
            match channel:
                case "sms":
                    who[address.removeprefix("+")] = guardian.id
                case "push":
                    who[json.loads(address)["endpoint"].rpartition("/")[2]] = guardian.id
                case _:
                    who[address] = guardian.id
    return who


def _sheets(pdf: Path) -> dict[str, set[str]]:
    """Marks by the number at the foot of each page."""
    found: dict[str, set[str]] = defaultdict(set)
    for page in pypdf.PdfReader(pdf).pages:
        text = re.sub(r"[\s\u200b\u00ad]+", "", page.extract_text())
        for sheet in _SHEET.findall(text):
            found[sheet].update(MARK.findall(text))
    return found


def _counts(stage: Stage, hands: Hands) -> dict[str, object]:
    names, again = {letter.name for letter in hands.mail}, _again(hands)
    tags = {str(notice.payload["tag"]) for notice in stage.world.push.notices}
    return {
        "seed": stage.plan.seed,
        "bus": stage.context.settings.bus.partition(":")[0],
        "changes": len(stage.sent),
        "requests repeated": stage.told.retries,
        "kills": dict(stage.fleet.kills),
        "connections broken off": dict(stage.broken_off),
        "letters": f"{len(names)}, again {len(again)}",
        **(
            {"again for one kill": of_one_blow([one.at for one in again], stage.blows)[0]}
            if stage.blows
            else {}
        ),
        "SMS": len(stage.world.sms.messages),
        "notices": f"{len(tags)}, again {len(stage.world.push.notices) - len(tags)}",
        "families with sheets": sum(bool(marks) for marks in hands.sheets.values()),
        "seconds": round(stage.seconds, 1),
    }
