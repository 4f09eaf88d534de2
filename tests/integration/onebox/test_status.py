"""`vestnik status` for a period, and how it shouts (DESIGN §5, §7)."""

import asyncpg

from .conftest import Place

CHANGE = """
INSERT INTO dispatch.change (change, source, school, type, category, entity, revision, time, accepted_at,
                             data, guardians)
VALUES ('01990000-0000-7000-8000-000000000001', '/schools/ilinskaya/journals/main', 'ilinskaya',
        'journal.mark.set', 'mark', 'mark/1', 1, '2026-11-23T09:00Z', '2026-11-23T21:30Z', '{}', 1)
"""
TAKEN = """
INSERT INTO ingest.inbox (change, source, id, stale, event, hash, accepted_at, received_at)
VALUES ('01990000-0000-7000-8000-000000000002', '/schools/ilinskaya/journals/main', 'e-1', false, '{}', '',
        '2026-11-23T09:00Z', now() - $1::text::interval)
"""


async def test_a_book_that_disagrees_is_red_and_ends_with_one(place: Place) -> None:
    """The change came at half past midnight of the 24th in Moscow: the days are the school's."""
    await place.run("registry", "import", str(place.lists))
    assert "Сверка: сходится" in (await place.run("status")).out
    connection = await asyncpg.connect(place.settings["VESTNIK_DATABASE_URL"])
    await connection.execute(CHANGE)
    await connection.close()
    for words in ((), ("--from", "2026-11-24", "--to", "2026-11-24"), ("--school", "ilinskaya")):
        ended = await place.run("status", *words)
        assert ended.code == 1, words
        assert "Сверка: НЕ СХОДИТСЯ" in ended.out
        assert "01990000-0000-7000-8000-000000000001" in ended.out, "it names the change"
        assert "ожидалось 1, есть 0" in ended.out
    for words in (("--from", "2026-11-25"), ("--to", "2026-11-23")):
        assert (await place.run("status", *words)).code == 0, words


async def test_what_ingest_took_and_nobody_planned_is_said(place: Place) -> None:
    """Also where a broker keeps nothing: ingest's own memory is asked."""
    await place.run("registry", "import", str(place.lists))
    connection = await asyncpg.connect(place.settings["VESTNIK_DATABASE_URL"])
    await connection.execute(TAKEN, "1 minute")
    assert (await place.run("status")).code == 0, "it may still be on its way"
    await connection.execute("DELETE FROM ingest.inbox")
    await connection.execute(TAKEN, "1 hour")
    await connection.close()
    ended = await place.run("status")
    assert ended.code == 1
    assert "01990000-0000-7000-8000-000000000002" in ended.out
    assert "vestnik replay changes" in ended.out


async def test_a_school_nobody_knows_is_one_sentence(place: Place) -> None:
    ended = await place.run("status", "--school", "nowhere")
    assert (ended.code, ended.out) == (1, "")
    assert "nowhere" in ended.err
