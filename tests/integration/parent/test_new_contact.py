"""R-C6, R-C4: a guardian gives an address of their own; nothing but a code goes there until it is back."""

import re
from collections.abc import Sequence

import httpx
import pytest
from support.households import MAMA, PHONE

from sandbox.inbox import Letter

from .conftest import Place
from .test_pages import contact_named, papers

NEW, MOBILE = "mama.new@example.org", "+7 (916) 111-22-33"
CODE = re.compile(r"\b\d{6}\b")


async def give(person: httpx.AsyncClient, address: str) -> httpx.Response:
    return await person.post("/papers/address", data={"address": address})


async def type_in(person: httpx.AsyncClient, digits: str) -> httpx.Response:
    return await person.post("/papers/code", data={"digits": digits})


def digits_of(letters: Sequence[Letter]) -> str:
    found = CODE.search(letters[-1].text)
    assert found is not None
    return found[0]


def beside(action: str, page: str) -> str:
    """What the first form with this action calls its address."""
    return page.partition(action)[2].partition('name="contact" value="')[2].partition('"')[0]


async def kept(place: Place, address: str) -> tuple[bool, str | None] | None:
    """Whether the address on file is confirmed, and how; None when it is not on file."""
    row = await place.admin.fetchrow("SELECT * FROM consent.contact WHERE address = $1", address)
    return None if row is None else (row["confirmed_at"] is not None, row["confirmed_how"])


async def test_an_address_works_once_its_code_is_typed(place: Place) -> None:
    async with await place.inside("mama") as mama:
        given = await give(mama, f" {NEW} ")
        assert given.headers["location"] == "/dispatcher/me/papers/code"
        (letter,) = place.inbox.to(NEW)
        assert "Введите его на странице семьи" in letter.text
        assert "Школа № 7" in letter.text
        assert "Петров" not in letter.text, "who reads there may be anybody"
        page = (await mama.get("/papers/code")).text
        assert "m***@example.org" in page
        assert NEW not in page
        assert digits_of([letter]) not in page
        assert await kept(place, NEW) == (False, None)
        assert "не подтверждён" in await papers(mama)

        wrong = await type_in(mama, "000000" if digits_of([letter]) != "000000" else "111111")
        assert wrong.status_code == 422
        assert "Осталось попыток: 4" in wrong.text
        typed = await type_in(mama, digits_of([letter]))
        assert typed.headers["location"] == "/dispatcher/me/papers?done=confirmed"
        assert await kept(place, NEW) == (True, "code")
        assert "подтверждать нечего" in (await mama.get("/papers/code")).text
        assert (await type_in(mama, digits_of([letter]))).status_code == 422, "a code opens once"
    assert len(place.inbox.to(NEW)) == 1
    rows = await place.admin.fetch("SELECT * FROM dispatch.audit WHERE action LIKE 'contact.%' ORDER BY id")
    assert [(row["actor"], row["action"], row["about"]) for row in rows] == [
        ("family", "contact.added", "mama"),
        ("family", "contact.code_asked", "mama"),
        ("family", "contact.confirmed", "mama"),
    ]
    assert NEW not in str([dict(row) for row in rows])


async def test_a_mobile_number_gets_its_code_by_sms_and_the_school_s_month_pays(place: Place) -> None:
    async with await place.inside("mama") as mama:
        await give(mama, MOBILE)
        (message,) = place.sms.to("+79161112233")
        found = CODE.search(message.text)
        assert found is not None
        assert (await type_in(mama, found[0])).status_code == 303
    assert await kept(place, "+79161112233") == (True, "code")
    assert await place.admin.fetchval("SELECT sum(segments) FROM dispatch.sms_budget") == 1


@pytest.mark.parametrize(
    "typed", ["", "мама", "name@", "+7 495 123-45-67", "84951234567", "8 (800) 555-35-35", MAMA, PHONE]
)
async def test_what_no_code_can_reach_is_refused(place: Place, typed: str) -> None:
    """R-C9: also a landline, and what works already."""
    async with await place.inside("mama") as mama:
        refused = await give(mama, typed)
        assert refused.status_code == 422
        assert "note bad" in refused.text or 'role="alert"' in refused.text
    assert await place.admin.fetchval("SELECT count(*) FROM consent.contact") == 4
    assert await place.admin.fetchval("SELECT count(*) FROM dispatch.contact_code") == 0
    assert place.sms.messages == []
    assert place.inbox.letters == []


async def test_tries_and_codes_are_few(place: Place) -> None:
    """Five tries a code, three codes an hour for an address; a new code is the only one that opens."""
    async with await place.inside("mama") as mama:
        await give(mama, NEW)
        first = digits_of(place.inbox.to(NEW))
        others = {f"00000{number}" for number in range(1, 7)} - {first}
        for digits in list(others)[:5]:
            assert (await type_in(mama, digits)).status_code == 422
        over = await type_in(mama, first)
        assert over.status_code == 422
        assert "больше не действует" in over.text
        name = beside("contacts/send", await papers(mama))
        assert (await mama.post("/contacts/send", data={"contact": name})).status_code == 303
        assert (await mama.post("/contacts/send", data={"contact": name})).status_code == 303
        assert (await mama.post("/contacts/send", data={"contact": name})).status_code == 409
        codes = [digits_of([letter]) for letter in place.inbox.to(NEW)]
        assert len(codes) == 3
        if codes[1] != codes[2]:
            assert (await type_in(mama, codes[1])).status_code == 422, "void since the next one"
        assert (await type_in(mama, codes[2])).status_code == 303
        await place.admin.execute("UPDATE consent.contact SET confirmed_at = NULL WHERE address = $1", NEW)
        await place.admin.execute("UPDATE dispatch.contact_code SET asked_at = asked_at - interval '1 hour'")
        await mama.post("/contacts/send", data={"contact": name})
        late = digits_of(place.inbox.to(NEW))
        await place.admin.execute("UPDATE dispatch.contact_code SET expires_at = now() WHERE used_at IS NULL")
        assert "больше не действует" in (await type_in(mama, late)).text


async def test_the_papers_must_open_the_way(place: Place) -> None:
    """R-C4: without 6.8 no code leaves by SMS, and the page says which item is missing."""
    await place.admin.execute("UPDATE consent.sheet SET items = '{1.3,4.3,6.9}' WHERE guardian = 'mama'")
    async with await place.inside("mama") as mama:
        page = (await mama.get("/papers/address")).text
        assert "СМС: в листе согласия не отмечено 6.8" in page
        refused = await give(mama, MOBILE)
        assert refused.status_code == 422
        assert await kept(place, "+79161112233") is None
        assert (await give(mama, NEW)).status_code == 303
        await place.admin.execute(
            "UPDATE consent.sheet SET withdrawn_on = '2026-11-01' WHERE guardian = 'mama'"
        )
        page = (await mama.get("/papers/address")).text
        assert "ни почту, ни номер добавить нельзя" in page
        assert 'name="address"' not in page
        assert (await give(mama, "other@example.org")).status_code == 422
        assert "contacts/send" not in await papers(mama)
    assert place.sms.messages == []
    assert place.inbox.letters == place.inbox.to(NEW)


async def test_what_others_stopped_is_not_asked_again_and_a_slip_is_taken_back(place: Place) -> None:
    """«Not my child» was said there: whoever reads there gets no more letters from this page."""
    await place.admin.execute(
        """INSERT INTO consent.contact (school, guardian, channel, address, stopped_at, stopped_because,
               disputed_at)
           VALUES ('a', 'mama', 'email', 'stranger@example.org', now(), 'not_my_child', now())"""
    )
    async with await place.inside("mama") as mama:
        assert (await give(mama, "stranger@example.org")).status_code == 422
        await give(mama, NEW)
        name = beside("contacts/forget", await papers(mama))
        async with await place.inside("papa") as papa:
            for action in ("send", "forget"):
                assert (await papa.post(f"/contacts/{action}", data={"contact": name})).status_code == 404
        await mama.post("/contacts/forget", data={"contact": name})
        assert await kept(place, NEW) is None
        assert (await type_in(mama, digits_of(place.inbox.to(NEW)))).status_code == 422
        own = contact_named(await papers(mama), "+7 *** ***-45-67")
        await mama.post("/contacts/forget", data={"contact": own})
        assert await kept(place, PHONE) is not None, "what works is unsubscribed, not forgotten"
    assert place.inbox.to("stranger@example.org") == []
