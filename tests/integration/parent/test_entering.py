"""R-D1: a family comes in by a link sent to a confirmed contact; it opens once, and cannot be guessed."""

import asyncio

import httpx
import pytest
from support.households import MAMA, PAPA, PHONE
from support.people import HTML, Person

from dispatcher.people.throttle import PER_CONTACT

from .conftest import WAY_IN, Place, ways_in


async def press(place: Place, path: str) -> tuple[int, Person]:
    """Somebody opens the link and presses its button."""
    person = place.somebody()
    return (await person.http.post(path, headers=HTML)).status_code, person


async def test_a_letter_lists_a_link_for_each_family_and_each_opens_its_own(place: Place) -> None:
    answer = await place.ask(MAMA.title())
    assert answer.headers["location"] == "/dispatcher/me/enter?done=sent"
    (letter,) = place.inbox.letters
    assert letter.rcpt_to == (MAMA,)
    assert "Школа № 7" in letter.text
    assert "Лицей" in letter.text
    children = ("Лев Петров", "Иван Петров")
    for path, child in zip(ways_in(letter), children, strict=True):
        person = place.somebody()
        assert "Анна Ивановна" in (await person.open(path)).text
        await person.open(path)  # scanners open it too, and use nothing up
        entered = await person.http.post(path, headers=HTML)
        assert entered.headers["location"] == "/dispatcher/me/"
        page = (await person.open("/dispatcher/me/")).text
        assert [name for name in children if name in page] == [child]
    assert (await place.actions())[-4:] == ["family.link_made"] * 2 + ["family.entered"] * 2


async def test_a_link_opens_once_also_for_two_at_the_same_moment(place: Place) -> None:
    path = await place.link(PAPA)
    outcomes = await asyncio.gather(*(press(place, path) for _ in range(5)))
    assert sorted(status for status, _ in outcomes) == [303, 404, 404, 404, 404]
    assert (await place.somebody().open(path)).status_code == 404
    assert await place.admin.fetchval("SELECT count(*) FROM people.family_session") == 1


async def test_asking_again_voids_the_earlier_link(place: Place) -> None:
    earlier, later = await place.link(PAPA), await place.link(PAPA)
    assert (await press(place, earlier))[0] == 404
    assert (await press(place, later))[0] == 303


async def test_a_link_grows_old_in_fifteen_minutes(place: Place) -> None:
    path = await place.link(PAPA)
    left = await place.admin.fetchval("SELECT expires_at - now() FROM people.family_link")
    assert 14 * 60 < left.total_seconds() <= 15 * 60
    await place.admin.execute("UPDATE people.family_link SET expires_at = now()")
    assert (await place.somebody().open(path)).status_code == 404
    assert (await press(place, path))[0] == 404


async def test_a_guess_opens_nothing_and_the_database_keeps_no_link(place: Place) -> None:
    path = await place.link(PAPA)
    token = path.rpartition("/")[2]
    kept = await place.admin.fetchval("SELECT string_agg(l::text, ' ') FROM people.family_link l")
    assert token not in kept
    for near in (token[:-1], token + "A", token.swapcase(), token[:-1] + ("A" if token[-1] != "A" else "E")):
        assert (await press(place, f"/dispatcher/me/in/{near}"))[0] == 404
    assert (await press(place, path))[0] == 303


@pytest.mark.parametrize(
    "how",
    [
        "SET confirmed_at = NULL",
        "SET stopped_at = now(), stopped_because = 'not_mine'",
        "SET disputed_at = now()",
    ],
)
async def test_only_a_confirmed_contact_lets_in_and_only_while_it_is(place: Place, how: str) -> None:
    """R-C6: also a link that is already out."""
    path = await place.link(PAPA)
    await place.admin.execute(f"UPDATE consent.contact {how} WHERE guardian = 'papa'")
    assert (await press(place, path))[0] == 404
    await place.ask(PAPA)
    assert len(place.inbox.letters) == 1


async def test_an_address_that_bounced_gets_no_link_and_one_unsubscribed_does(place: Place) -> None:
    """Who unsubscribed must be able to take it back."""
    await place.admin.execute(
        """INSERT INTO dispatch.suppression (school, channel, address, reason, source)
           VALUES ('a', 'email', $1, 'x', 'unsubscribed'), ('a', 'sms', $2, 'x', 'bounce')""",
        *(PAPA, PHONE),
    )
    await place.admin.execute(
        """UPDATE consent.contact SET stopped_at = now(), stopped_because = 'unsubscribed'
           WHERE guardian = 'papa'"""
    )
    assert (await press(place, await place.link(PAPA)))[0] == 303
    await place.ask(PHONE)
    assert place.sms.messages == []


async def test_nobody_learns_which_contacts_the_school_knows(place: Place) -> None:
    """The same status, the same page, the same cookies, whether somebody has the contact or nobody."""
    known, unknown = await place.ask(MAMA), await place.ask("nobody@example.org")
    assert (known.status_code, known.headers["location"]) == (
        unknown.status_code,
        unknown.headers["location"],
    )
    assert known.content == unknown.content
    assert len(place.inbox.letters) == 1
    for number in range(PER_CONTACT + 1):
        answers = [(await place.ask(one)).status_code for one in (PAPA, "stranger@example.org")]
        assert answers == ([429, 429] if number == PER_CONTACT else [303, 303])


async def test_the_work_is_done_after_the_answer(place: Place) -> None:
    """A mail server that takes its time does not tell by the time of the answer whom the school knows."""
    sent: list[str] = []
    person = place.somebody()
    token = (
        (await person.open("/dispatcher/me/enter"))
        .text.partition('name="_csrf" value="')[2]
        .partition('"')[0]
    )
    body = f"_csrf={token}&contact={MAMA}".encode()
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/dispatcher/me/enter",
        "raw_path": b"/dispatcher/me/enter",
        "root_path": "",
        "query_string": b"",
        "http_version": "1.1",
        "scheme": "http",
        "server": ("house", 80),
        "client": ("127.0.0.1", 1),
        "headers": [
            (b"host", b"house"),
            (b"content-type", b"application/x-www-form-urlencoded"),
            (b"content-length", str(len(body)).encode()),
            (b"cookie", "; ".join(f"{k}={v}" for k, v in person.http.cookies.items()).encode()),
        ],
    }

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, object]) -> None:
        sent.append(str(message["type"]))
        made = await place.admin.fetchval("SELECT count(*) FROM people.family_link")
        assert made == 0, "the link was made before the answer was out"

    await place.house.app(scope, receive, send)  # type: ignore[arg-type]
    assert sent == ["http.response.start", "http.response.body"]
    assert len(place.inbox.letters) == 1


async def test_a_phone_gets_its_link_and_the_school_pays(place: Place) -> None:
    """R-C9."""
    await place.ask("8 (900) 123-45-67")
    (sms,) = place.sms.messages
    assert WAY_IN.search(sms.text)
    assert await place.admin.fetchval("SELECT segments FROM dispatch.sms_budget WHERE school = 'a'") == 2
    await place.admin.execute("UPDATE dispatch.sms_budget SET segments = 20000")
    await place.ask(PHONE)
    assert len(place.sms.messages) == 1, "the month is spent"


async def test_what_is_no_contact_is_said_beside_the_field(place: Place) -> None:
    for wrong in ("", "кто-то", "8 800", "a@", "x" * 300):
        assert (await place.ask(wrong)).status_code == 422
    assert await place.admin.fetchval("SELECT count(*) FROM people.throttle") == 0


async def test_leaving_ends_the_session_for_good(place: Place) -> None:
    _, person = await press(place, await place.link(PAPA))
    cookie = dict(person.http.cookies)
    left = await person.send("/dispatcher/me/settings", to="/dispatcher/me/logout")
    assert left.headers["location"] == "/dispatcher/me/enter?done=out"
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=place.house.app), base_url="http://house", cookies=cookie
    ) as kept:
        answer = await kept.get("/dispatcher/me/", headers=HTML)
    assert answer.headers["location"] == "/dispatcher/me/enter"


async def test_a_session_ends_by_itself(place: Place) -> None:
    _, person = await press(place, await place.link(PAPA))
    assert (await person.open("/dispatcher/me/")).status_code == 200
    await place.admin.execute("UPDATE people.family_session SET expires_at = now()")
    assert (await person.open("/dispatcher/me/")).status_code == 303
