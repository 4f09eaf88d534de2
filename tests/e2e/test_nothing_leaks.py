"""R-D3: whatever goes wrong, no log, metric, broker key, address or foreign answer holds a family's data.

A piece of the school week goes through `vestnik up` with debug logging over all channels, with refused,
hostile and broken requests, failing gateways and a failing database. Then everything that people other
than the families may read is searched for everything the families told the school.
"""

import asyncio
import json
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import orjson
import pytest
from support.installations import VESTNIK, Running, listening, own_folder, vestnik
from support.leaks import SHORTEST, Lists, Needle, found_in, leaks

from onebox.environment import embedded
from sandbox.faults import NO_SUCH_MAILBOX, SUBSCRIPTION_GONE, BreakAfterAccepting, Garbage, Refuse
from sandbox.journal import Size, build, week, write_registry
from sandbox.world import World

SOURCE = "/schools/ilinskaya/journals/main"
BATCH = "application/cloudevents-batch+json"
DIGEST_IS_OUT = datetime(2026, 11, 23, 15, 35, tzinfo=UTC)
HANDLED = """
SELECT (SELECT count(*) FROM ingest.inbox WHERE NOT stale) = (SELECT count(*) FROM dispatch.change)
    AND EXISTS (SELECT FROM dispatch.message WHERE kind = 'daily')
    AND NOT EXISTS (
        SELECT FROM dispatch.decision d LEFT JOIN dispatch.message m ON m.id = d.message
        WHERE d.verdict = 'tell' AND d.cancelled_by IS NULL AND d.due_at <= $1
          AND (d.message IS NULL OR m.status IN ('sending', 'unknown')
               OR m.status = 'composed' AND m.attempts = 0))
"""


def mark(number: str, **changed: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": number,
        "source": SOURCE,
        "type": "journal.mark.set",
        "subject": "nobody",
        "time": "2026-11-23T14:05:00+03:00",
        "data": {
            "entity": f"mark/{number}",
            "revision": 1,
            "course": {"name": "Алгебра"},
            "lesson": {"date": "2026-11-23", "number": 2},
            "mark": {"value": "5"},
        },
    }
    return event | changed


async def journal_goes_wrong(running: Running, token: str, real: dict[str, Any]) -> list[str]:
    """Everything a journal or a stranger may do wrong with real data in hand; what they were answered."""
    text = real["data"]["comment"]
    wrong_tokens = [{}, {"Authorization": "Bearer vestnik_wrong"}, {"Authorization": f"Basic {token}"}]
    own = {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
    secret_words = {**real, "id": "x-1", "comment": text}
    bodies: list[tuple[dict[str, str], bytes]] = [
        *(({"Content-Type": BATCH} | headers, orjson.dumps([secret_words])) for headers in wrong_tokens),
        (own, orjson.dumps([secret_words])[:-9]),
        (own, f'[{{"{text}": '.encode()),
        (own, text.encode("utf-16")),
        (own, orjson.dumps({"data": text})),
        (own, orjson.dumps([{**secret_words, "source": "/schools/other/journals/main"}])),
        (own, orjson.dumps([secret_words | {"id": "x-2", "type": f"journal.{text}"}])),
        (own, orjson.dumps([secret_words | {"id": "x-3", "subject": text}])),
        (own, orjson.dumps([secret_words | {"id": "x-4", "time": text}])),
        (own, orjson.dumps([secret_words | {"id": "x-5", "data": {**real["data"], "mark": text}}])),
        (own, json.dumps([secret_words | {"id": "x-6", "note": f"{text}\x00"}]).encode()),
        (own, json.dumps([secret_words | {"id": "x-7", "note": f"{text}\ud800"}]).encode()),
        (own, orjson.dumps([real, {**real, "note": text}, {**real, "id": "x-8"}])),
        (own | {"Content-Type": "text/plain"}, text.encode()),
    ]
    answers = []
    for headers, body in bodies:
        answer = await running.http.post("/ingest/v1/changes", content=body, headers=headers)
        assert answer.status_code < 500, answer.text
        if answer.status_code not in {202, 422}:  # these go to the journal that sent the words itself
            answers.append(answer.text)
    strange = f"/dispatcher/u/{quote(text)}"
    for path in ("/ingest/v1/x", strange, "/print/x", "/dispatcher/receipts/smsaero/x"):
        answers += [(await running.http.get(path)).text]
    return answers


async def database_goes_wrong(
    running: Running, connection: asyncpg.Connection, token: str, real: dict[str, Any]
) -> None:
    """A row that the database refuses, in ingest, in planning and in the ledger of paper: its complaint
    would quote the row."""
    own = {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
    for number, table in enumerate(("ingest.inbox", "dispatch.change", "paper.ledger")):
        await connection.execute(f"ALTER TABLE {table} ADD CONSTRAINT never CHECK (false) NOT VALID")
        event = {**real, "id": f"y-{number}", "data": {**real["data"], "entity": f"mark/y-{number}"}}
        answer = await running.http.post("/ingest/v1/changes", content=orjson.dumps([event]), headers=own)
        if table == "ingest.inbox":
            assert answer.status_code == 503
            assert not found_in(answer.text, {Needle("what was posted", real["data"]["comment"])})
        else:
            assert answer.status_code == 202
            letters = f"{table.split('.')[0]}.dead_letter"
            while not await connection.fetchval(f"SELECT count(*) FROM {letters}"):
                await asyncio.sleep(0.05)
        await connection.execute(f"ALTER TABLE {table} DROP CONSTRAINT never")


def gateways_go_wrong(world: World) -> None:
    world.inbox.faults.add(NO_SUCH_MAILBOX, probability=0.2)
    world.inbox.faults.add(Refuse(451, "4.7.1 try later"), times=2)
    world.inbox.faults.add(Refuse(554, "5.7.1 we do not like your words"), on="data", times=1)
    world.sms.faults.add(Refuse(400, "Validation error."), times=1)
    world.sms.faults.add(BreakAfterAccepting(), times=1)
    world.sms.faults.add(Garbage(), times=1)
    world.push.faults.add(SUBSCRIPTION_GONE, times=1)
    world.push.faults.add(Refuse(500, "oops"), times=1)


async def lists_go_wrong(folder: Path, settings: Mapping[str, str], connection: asyncpg.Connection) -> str:
    """Pupils' names in a row that the database refuses; what the command says of it."""
    pupils = folder / "lists" / "pupils.csv"
    pupils.write_text(
        pupils.read_text(encoding="utf-8").replace("2026-09-01", "2026-09-02"), encoding="utf-8"
    )
    await connection.execute("ALTER TABLE roster.pupil ADD CONSTRAINT never CHECK (false) NOT VALID")
    ended = await vestnik("registry", "import", str(folder / "lists"), folder=folder, settings=settings)
    assert ended.code != 0
    await connection.execute("ALTER TABLE roster.pupil DROP CONSTRAINT never")
    return ended.out + ended.err


async def handled(connection: asyncpg.Connection) -> None:
    """Everything is planned, the day's digest has left, and nothing is under way."""
    while not await connection.fetchval(HANDLED, DIGEST_IS_OUT):
        await asyncio.sleep(0.1)


@pytest.fixture
def folder() -> Iterator[Path]:
    with own_folder() as made:
        yield made


@pytest.mark.timeout(300)
async def test_nothing_of_a_family_is_where_others_read(folder: Path) -> None:
    data = folder / "data"
    async with World() as world, embedded(data) as url:
        school = build(size=Size(classes=3, pupils=16), subscriptions=world.push.subscribe)
        monday = [moment for moment in week(school) if moment.at.date() == school.monday]
        events = [moment.event for moment in monday]
        real = next(e for e in events if len(e["data"].get("comment", "")) >= SHORTEST)
        gateways_go_wrong(world)
        write_registry(folder / "lists", school)
        wanted = Lists(folder / "lists").needles(events)
        settings = {
            **world.settings(),
            "VESTNIK_DATA": str(data),
            "VESTNIK_MAIL_FROM": "Школа <diary@school.example>",
            "VESTNIK_LOG_LEVEL": "debug",
            "VESTNIK_CLOCK_START": "2026-11-23T15:30:00+03:00",
            "VESTNIK_CLOCK_RATE": "600",
        }
        said = {}
        for words in (
            ("migrate",),
            ("registry", "import", str(folder / "lists")),
            ("token", "create", "--school", school.id, "--journal", "main"),
        ):
            ended = await vestnik(*words, folder=folder, settings=settings)
            assert ended.code == 0, ended.err
            said[" ".join(words[:2])] = ended.err + (ended.out if words[0] != "token" else "")
            token = ended.out.strip()
        connection = await asyncpg.connect(url)
        settings["VESTNIK_CLOCK_ANCHOR"] = datetime.now(UTC).isoformat()
        async with listening(VESTNIK, "up", folder=folder, settings=settings) as running:
            await running.until(200)
            headers = {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
            answer = await running.http.post(
                "/ingest/v1/changes", content=orjson.dumps(events), headers=headers
            )
            assert answer.status_code == 202
            said["strangers"] = "\n".join(await journal_goes_wrong(running, token, real))
            await handled(connection)
            await database_goes_wrong(running, connection, token, real)
            said["lists refused"] = await lists_go_wrong(folder, settings, connection)
            for words in (("status",), ("check",), ("replay", "refused"), ("print", "week")):
                ended = await vestnik(*words, folder=folder, settings=settings)
                said[" ".join(words)] = ended.out + ended.err
            for path in ("/", "/healthz", "/readyz", "/metrics"):
                said[path] = (await running.http.get(path)).text
        keys = await connection.fetch(
            """SELECT key FROM ingest.outbox UNION SELECT key FROM dispatch.outbox
               UNION SELECT key FROM paper.outbox"""
        )
        notices = await connection.fetch(
            "SELECT value FROM dispatch.outbox UNION SELECT value FROM paper.outbox"
        )
        await connection.close()
    said["vestnik up"] = running.said.read_text()
    said["broker keys"] = "\n".join(row["key"] for row in keys)
    said["what services tell each other of outcomes"] = "\n".join(row["value"].decode() for row in notices)
    logs = sorted(data.glob("postgres/cluster/log/*")) + sorted(data.glob("postgres/*.log"))
    said["PostgreSQL's log"] = "\n".join(path.read_text(errors="replace") for path in logs)
    told = "\n".join(letter.text for letter in world.inbox.letters)
    said["addresses in letters"] = "\n".join(re.findall(r"https?://\S+", told))

    # The search finds what is there, and there was something to search.
    assert found_in(told, wanted), "the families were told"
    assert real["data"]["comment"] in {needle.value for needle in found_in(json.dumps(events), wanted)}
    assert world.sms.messages
    assert world.push.notices
    assert said["PostgreSQL's log"].count("ERROR:") >= 3
    assert "violates check constraint" in said["PostgreSQL's log"]
    for event in ("ingest.settled", "bus.record_set_aside", "service.stopped"):
        assert event in said["vestnik up"], event
    assert said["addresses in letters"]
    assert said["broker keys"]

    assert leaks(said, wanted) == {}
