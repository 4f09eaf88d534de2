"""The operators' levers as commands: what they say, and what they end with."""

import asyncpg

from .conftest import Place

SOMETHING = "01990000-0000-7000-8000-000000000001"


async def test_levers_say_what_they_did(place: Place) -> None:
    """Done is 0; what could not be done is red and 1; without a reason nothing is done."""
    await place.run("registry", "import", str(place.lists))
    connection = await asyncpg.connect(place.settings["VESTNIK_DATABASE_URL"])
    message = await connection.fetchval(
        """INSERT INTO dispatch.message (school, guardian, channel, kind, due_at)
           VALUES ('ilinskaya', 'g', 'email', 'daily', now()) RETURNING id"""
    )
    await connection.execute(
        """INSERT INTO paper.dead_letter (bus_group, topic, key, value, position, reason)
           VALUES ('print', 'delivery.outcomes', 'ilinskaya/', '', '1:1', 'not an outcome')"""
    )
    mute = await place.run("cancel", "message", str(message), "--reason", " ")
    assert (mute.code, mute.out) == (1, "")
    assert "причину" in mute.err
    done = await place.run("cancel", "message", str(message), SOMETHING, "--reason", "ошибка школы")
    assert done.code == 1
    assert f"{message}: остановлено" in done.out
    assert f"{SOMETHING}: не ждёт отправки" in done.out
    row = await connection.fetchrow(
        "SELECT actor, details FROM dispatch.audit WHERE action = 'message.cancelled'"
    )
    assert row["actor"].startswith("vestnik/")
    assert "ошибка школы" in row["details"]

    unknown = await place.run("cancel", "change", SOMETHING, "--reason", "ошибка школы")
    assert (unknown.code, unknown.out) == (1, "")
    assert SOMETHING in unknown.err
    again = await place.run(
        "replay", "changes", "--school", "ilinskaya", "--since", "2026-11-01", "--reason", "сбой диска"
    )
    assert (again.code, again.out.strip()) == (0, "Опубликовано снова изменений: 0")

    listed = await place.run("dead-letters", "list")
    assert "not an outcome" in listed.out
    letter = str(await connection.fetchval("SELECT id FROM paper.dead_letter"))
    assert (await place.run("replay", "dead-letters", "--reason", "починено")).code == 1, "still refused"
    assert (await place.run("dead-letters", "discard", letter, "--reason", "чужая запись")).code == 0
    assert "Отложенного нет" in (await place.run("dead-letters", "list")).out
    await connection.close()
