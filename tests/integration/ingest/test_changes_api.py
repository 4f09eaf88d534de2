"""`POST /ingest/v1/changes`, DESIGN §3: every answer, the three modes, and what is kept of a request."""

import asyncio
import json
from typing import Any
from uuid import UUID

import orjson
import pytest

from ingest import tokens
from ingest.api import IN_FLIGHT
from ingest.reading import LARGEST_BODY
from shared.changes import decode

from .conftest import SCHOOL_TIME, SOURCE, World


def said(accepted: int = 0, duplicates: int = 0, stale: int = 0) -> dict[str, Any]:
    return {"accepted": accepted, "duplicates": duplicates, "stale": stale, "rejected": []}


async def test_accepted_changes_are_kept_and_go_to_the_bus(world: World) -> None:
    """§3: 202 with the counts; the event as sent, its number, school time and the key `school/class`."""
    first, second = world.mark(), world.mark(subject="p-2", data={"extra": {"kept": [1, "два"]}})
    del second["data"]["class"]
    response = await world.post(first, second)
    assert (response.status_code, response.json()) == (202, said(accepted=2))
    rows = await world.pool.fetch("SELECT * FROM ingest.inbox ORDER BY change")
    assert [(row["id"], row["stale"], row["event"]) for row in rows] == [
        (first["id"], False, first),
        (second["id"], False, second),
    ]
    assert {row["accepted_at"] for row in rows} == {SCHOOL_TIME}
    outbox = await world.outbox()
    assert [key for key, _ in outbox] == ["ilinskaya/5А", "ilinskaya/5Б"]
    change = decode(orjson.dumps(outbox[1][1]))
    assert (change.change, change.pupil, change.accepted_at) == (rows[1]["change"], "p-2", SCHOOL_TIME)
    assert change.data == second["data"]
    assert outbox[1][1]["partitionkey"] == "ilinskaya/5Б"


async def test_duplicates_and_stale_are_202_and_change_nothing(world: World) -> None:
    """§3: the idempotency key is source and id, whatever the content; equal or smaller versions are stale."""
    newest = world.mark(data={"entity": "mark/x", "revision": 2})
    older = world.mark(data={"entity": "mark/x", "revision": 1})
    assert (await world.post(newest)).json() == said(accepted=1)
    assert (await world.post(newest, newest | {"time": "2026-11-23T15:00:00+03:00"})).json() == said(
        duplicates=2
    )
    response = await world.post(older)
    assert (response.status_code, response.json()) == (202, said(stale=1))
    assert (await world.post(older)).json() == said(duplicates=1)  # a stale one's id is remembered too
    assert len(await world.outbox()) == 1
    assert await world.pool.fetchval("SELECT revision FROM ingest.entity") == 2
    assert await world.pool.fetchval("SELECT event FROM ingest.inbox WHERE id = $1", newest["id"]) == newest


async def test_one_request_equals_its_events_one_by_one(world: World) -> None:
    """§3: in array order: an id again, an older revision, a removal, a revival."""
    first = world.mark(data={"entity": "mark/x", "revision": 1})
    removed = world.mark(type="journal.mark.removed", data={"entity": "mark/x", "revision": 3})
    between = world.mark(data={"entity": "mark/x", "revision": 2})
    anew = world.mark(data={"entity": "mark/x", "revision": 4})
    bad = world.mark(subject="p-9")
    response = await world.post(first, first, removed, between, bad, anew)
    body = response.json()
    assert response.status_code == 202
    assert (body["accepted"], body["duplicates"], body["stale"]) == (3, 1, 1)
    assert [(one["index"], one["id"]) for one in body["rejected"]] == [(4, bad["id"])]
    assert [event["id"] for _, event in await world.outbox()] == [first["id"], removed["id"], anew["id"]]


async def test_all_refused_is_422_and_each_is_kept_with_its_reason(world: World) -> None:
    """§3: refused with a reason, kept, counted; a refused id is not remembered."""
    bad = world.mark(subject="p-17")
    response = await world.post(bad, bad)
    assert response.status_code == 422
    reason = response.json()["rejected"][0]["reason"]
    assert reason == "ученик p-17 не найден в списках школы ilinskaya: загрузите списки и повторите"
    await world.post(bad)
    row = await world.pool.fetchrow("SELECT * FROM ingest.refused")
    assert (row["event"], row["reason"], row["times"]) == (bad, reason, 3)
    await world.admin.execute(
        """INSERT INTO roster.pupil (school, pupil, class, family_name, given_name)
           VALUES ('ilinskaya', 'p-17', '5А', 'Орлов', 'Пётр')"""
    )
    assert (await world.post(bad)).json() == said(accepted=1)
    assert await world.count("refused") == 0


async def test_an_empty_batch_is_202(world: World) -> None:
    """§3: nothing to do is done."""
    assert (await world.post()).json() == said()


async def test_structured_and_binary_modes_mean_the_same(world: World) -> None:
    """§3 and the CloudEvents HTTP binding: one change, whichever way it is written."""
    event = world.mark(subject="ученик 1%")
    await world.admin.execute("UPDATE roster.pupil SET pupil = 'ученик 1%' WHERE pupil = 'p-1'")
    structured = await world.send(
        orjson.dumps(event), Content_Type="application/cloudevents+json; charset=UTF-8"
    )
    assert (structured.status_code, structured.json()) == (202, said(accepted=1))
    headers = {
        "ce_id": event["id"],
        "ce_source": event["source"],
        "ce_type": event["type"],
        "ce_specversion": "1.0",
        "ce_subject": "%D1%83%D1%87%D0%B5%D0%BD%D0%B8%D0%BA%201%25",
        "ce_time": event["time"],
        "Content_Type": "application/json",
    }
    binary = await world.send(orjson.dumps(event["data"]), **headers)
    assert (binary.status_code, binary.json()) == (202, said(duplicates=1))
    another = await world.send(orjson.dumps(event["data"] | {"entity": "mark/b"}), **headers | {"ce_id": "b"})
    assert another.json() == said(accepted=1)
    first, second = [sent for _, sent in await world.outbox()]
    assert {**second, "data": first["data"], "changeid": first["changeid"], "id": first["id"]} == first


NOT_CLOUDEVENTS = (
    (b"", "JSON"),
    (b"{", "JSON"),
    (b"\xff\xfe", "JSON"),
    (b"[" * 5000 + b"]" * 5000, "JSON"),
    (b"[NaN]", "JSON"),
    (b"{}", "массив"),
    (b"[1]", "событие 0"),
    (b'[{"specversion":"1.0"}]', "атрибута id"),
)


async def test_what_is_no_cloudevents_is_400(world: World) -> None:
    """§3: 400 not CloudEvents, as problem details (RFC 9457) that say what and where."""
    for body, words in NOT_CLOUDEVENTS:
        response = await world.send(body)
        assert response.status_code == 400, body[:20]
        assert response.headers["content-type"] == "application/problem+json"
        assert response.json()["status"] == 400
        assert words in response.json()["detail"]


@pytest.mark.parametrize("attribute", ["id", "source", "type", "specversion"])
async def test_one_event_without_its_attributes_makes_the_request_400(world: World, attribute: str) -> None:
    """§3: 400 for the whole request, with the index; nothing of it is stored."""
    for value in (None, "", 1, "a\0", "a\n", "\ud800", ["x"]):
        body = json.dumps([world.mark(), world.mark() | {attribute: value}]).encode()
        response = await world.send(body)
        assert response.status_code == 400, value
        assert "событие 1" in response.json()["detail"]
    assert await world.count("inbox") == 0


async def test_tokens_open_one_journal_only(world: World) -> None:
    """§3: 401 with WWW-Authenticate; 403 for a foreign source anywhere in the request, nothing stored."""
    for given in ("", "Bearer ", "Bearer wrong", f"Basic {world.token}", "Bearer \u00ff"):
        response = await world.post(world.mark(), Authorization=given)
        assert response.status_code == 401
        assert response.headers["www-authenticate"].startswith("Bearer")
    for foreign in (
        "/schools/ilinskaya/journals/other",
        "/schools/gogol/journals/main",
        "urn:x",
        SOURCE + "/",
    ):
        response = await world.post(world.mark(), world.mark(source=foreign))
        assert response.status_code == 403
        assert "событие 1" in response.json()["detail"]
    assert await world.count("inbox") == await world.count("refused") == 0
    number: UUID = await world.pool.fetchval("SELECT id FROM ingest.token")
    assert await tokens.revoke(world.pool, number, actor="test")
    assert not await tokens.revoke(world.pool, number, actor="test")
    assert (await world.post(world.mark())).status_code == 401
    stored = str(await world.pool.fetch("SELECT * FROM ingest.token")) + str(
        await world.pool.fetch("SELECT * FROM ingest.audit")
    )
    assert world.token not in stored
    assert world.token.removeprefix("vestnik_") not in stored


async def test_use_of_a_token_is_noted_once_a_minute(world: World) -> None:
    """IT sees when a journal was last there; a request costs no write for it."""
    await world.post()
    first = await world.pool.fetchval("SELECT used_at FROM ingest.token")
    await world.post()
    assert await world.pool.fetchval("SELECT used_at FROM ingest.token") == first is not None
    await world.pool.execute("UPDATE ingest.token SET used_at = now() - interval '61 seconds'")
    await world.post()
    assert await world.pool.fetchval("SELECT used_at FROM ingest.token") > first


async def test_a_name_that_cannot_stand_in_a_source_gets_no_token(world: World) -> None:
    """§3: `source` is `/schools/{school}/journals/{journal}`."""
    for part in ("a/b", "", " ", "x" * 101, "a\nb"):
        with pytest.raises(ValueError, match="не годится"):
            await tokens.create(world.pool, part, "main")
        with pytest.raises(ValueError, match="не годится"):
            await tokens.create(world.pool, "ilinskaya", part)


async def test_other_content_is_415(world: World) -> None:
    """§3: 415 for what is not JSON in UTF-8."""
    for content_type in (
        "text/plain",
        "application/xml",
        "application/cloudevents+avro",
        "application/cloudevents",
        "application/cloudevents-batch+xml",
        "application/cloudevents-batch+json; charset=windows-1251",
        "",
    ):
        assert (await world.post(world.mark(), Content_Type=content_type)).status_code == 415, content_type


async def test_compressed_content_is_415(world: World) -> None:
    """§3: said at once instead of «not JSON»."""
    assert (await world.post(world.mark(), Content_Encoding="gzip")).status_code == 415


async def test_5_mib_is_taken_and_a_byte_more_is_413(world: World) -> None:
    """§3: the limit is exact; spaces count."""
    body = orjson.dumps([world.mark()])
    assert (await world.send(body.ljust(LARGEST_BODY))).status_code == 202
    response = await world.send(orjson.dumps([world.mark()]).ljust(LARGEST_BODY + 1))
    assert response.status_code == 413
    assert await world.count("inbox") == 1


async def test_too_many_requests_of_a_token_are_429(world: World) -> None:
    """§3: 429 with Retry-After, nothing stored; those let in are answered."""
    async with world.admin.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", SOURCE)
        running = [asyncio.create_task(world.post(world.mark())) for _ in range(IN_FLIGHT)]
        while await _waiting(world) == 0:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.05)
        refused = await world.post(world.mark())
    assert refused.status_code == 429
    assert int(refused.headers["retry-after"]) > 0
    assert [response.status_code for response in await asyncio.gather(*running)] == [202] * IN_FLIGHT
    assert await world.count("inbox") == IN_FLIGHT


async def _waiting(world: World) -> int:
    waiting: int = await world.admin.fetchval(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    )
    return waiting
