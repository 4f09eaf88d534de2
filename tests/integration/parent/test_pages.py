"""R-D1, R-D4, R-C4, R-C7: what a guardian's own pages say and do, and what they never say."""

import httpx
from support.households import CANARY, MAMA, PHONE

from dispatcher.sending.suppression import Source, Stop, suppress
from shared.categories import Channel

from .conftest import Place


async def test_messages_say_what_was_sent_and_why(place: Place) -> None:
    async with await place.inside("mama") as mama:
        page = (await mama.get("/")).text
    assert "Алгебра" in page
    assert "Канарейкины дроби" in page
    assert "доставлено" in page
    assert "Исправление" in page, "the second revision corrects the first"
    assert "Сбор в актовом зале" in page
    assert "так вы выбрали сами" in page
    assert "лист согласия № 7-ivan от 01.09.2026" in page
    assert "не отмечено 6.9 (рассылка успеваемости и посещаемости по электронной почте)" in page
    assert "таблицу умножения" not in page, "what was not told is not said here either"
    assert "Канарейкин Олег" not in page


async def test_one_child_alone(place: Place) -> None:
    async with await place.inside("mama") as mama:
        masha = (await mama.get("/", params={"pupil": "masha"})).text
        assert "Сбор в актовом зале" in masha
        assert "Алгебра" not in masha
        for not_hers in ("lev", "nobody"):
            assert (await mama.get("/", params={"pupil": not_hers})).status_code == 404


async def test_the_content_is_shown_only_where_the_papers_open_the_page(place: Place) -> None:
    """R-C4: the page's own column of the matrix."""
    await place.admin.execute(
        "UPDATE consent.sheet SET items = '{1.3,6.9}' WHERE school = 'a' AND guardian = 'mama'"
    )
    async with await place.inside("mama") as mama:
        page = (await mama.get("/")).text
        assert "Канарейкины дроби" not in page
        assert "Алгебра" not in page
        assert "Содержание на странице не показано: в вашем листе согласия не отмечено 4.3" in page
        assert "Сбор в актовом зале" in page, "school life needs no 4.3"
        await place.admin.execute(
            "UPDATE consent.sheet SET withdrawn_on = '2026-11-01' WHERE guardian = 'mama'"
        )
        page = (await mama.get("/")).text
        assert "Сбор в актовом зале" not in page
        assert "согласие отозвано" in page
        papers = (await mama.get("/papers")).text
        assert "Лист согласия № 7-ivan от 1 сентября 2026" in papers
        assert "Отозван с 1 ноября 2026" in papers
        assert (await mama.get("/settings")).status_code == 200


async def test_a_restricted_guardian_sees_nothing_of_that_child_at_once(place: Place) -> None:
    """R-D4: neither a name, nor a paper, nor what was told before."""
    async with await place.inside("mama") as mama:
        assert "Иван Петров" in (await mama.get("/")).text
        await place.admin.execute(
            """INSERT INTO consent.restriction (school, pupil, guardian, from_on, basis, registered_by)
               VALUES ('a', 'ivan', 'mama', '2026-01-01', 'решение суда', 'test')"""
        )
        for path in ("/", "/settings", "/papers"):
            page = (await mama.get(path)).text
            for trace in ("Иван Петров", "Иван П", "Алгебра", "7-ivan"):
                assert trace not in page, (path, trace)
        assert "Мария Петрова" in (await mama.get("/")).text
        assert (await mama.get("/", params={"pupil": "ivan"})).status_code == 404


async def test_of_a_pupil_of_age_or_gone_parents_see_nothing(place: Place) -> None:
    """R-C8, R-B7."""
    await place.admin.execute("UPDATE roster.pupil SET birth_date = '2000-01-01' WHERE pupil = 'ivan'")
    await place.admin.execute("UPDATE roster.pupil SET left_on = '2026-01-15' WHERE pupil = 'masha'")
    async with await place.inside("mama") as mama:
        page = (await mama.get("/")).text
        assert "Показать нечего" in page
        assert "Петров Иван" not in page + (await mama.get("/papers")).text
        assert "Иван Петров" not in page + (await mama.get("/papers")).text


async def test_own_addresses_are_half_hidden_and_the_other_parent_s_are_not_there(place: Place) -> None:
    async with await place.inside("mama") as mama:
        pages = [(await mama.get(path)).text for path in ("/", "/settings", "/papers")]
    assert "m***@example.org" in pages[2]
    assert "+7 *** ***-45-67" in pages[2]
    for page in pages:
        assert MAMA not in page
        assert PHONE not in page
        assert "p***" not in page
        assert CANARY not in page.replace("Канарейкины дроби", "")


async def test_a_choice_is_saved_taken_back_and_audited(place: Place) -> None:
    async with await place.inside("mama") as mama:
        sent = {"channel-mark": "sms", "mode-mark": "daily", "channel-homework": "never"}
        saved = await mama.post("/settings/save", data=sent)
        assert saved.headers["location"] == "/dispatcher/me/settings?done=saved"
        assert await preferences(place) == {"mark": ("sms", "daily"), "homework": ("email", "never")}
        epoch = await place.admin.fetchval("SELECT value FROM consent.epoch WHERE school = 'a'")
        assert epoch, "the next decision reads it"
        again = await mama.post("/settings/save", data=sent)
        assert again.headers["location"].endswith("done=same")
        assert 'value="sms" checked' in (await mama.get("/settings")).text
        await mama.post("/settings/undo")
        assert await preferences(place) == {}
        await mama.post("/settings/undo")
        assert await preferences(place) == {"mark": ("sms", "daily"), "homework": ("email", "never")}
        await place.admin.execute("UPDATE consent.preference SET channel = 'email' WHERE category = 'mark'")
        assert (await mama.post("/settings/undo")).status_code == 409, "changed elsewhere since"
    assert await place.actions() == ["preferences.changed", "preferences.undone", "preferences.undone"]


async def test_a_preference_for_everything_becomes_one_for_each(place: Place) -> None:
    """«As usual» must mean it: a list's `*` no longer stands behind what was changed here."""
    await place.admin.execute(
        """INSERT INTO consent.preference (school, guardian, category, channel, mode)
           VALUES ('a', 'mama', '*', 'sms', 'daily')"""
    )
    async with await place.inside("mama") as mama:
        await mama.post("/settings/save", data={"channel-mark": "usual"})
    saved = await preferences(place)
    assert "mark" not in saved
    assert "*" not in saved
    assert len(saved) == 8
    assert set(saved.values()) == {("sms", "daily")}


async def test_what_the_papers_do_not_open_cannot_be_saved(place: Place) -> None:
    """R-C4: whatever a form is made to say."""
    await place.admin.execute("UPDATE consent.sheet SET items = '{1.3,4.3,6.9}' WHERE guardian = 'mama'")
    async with await place.inside("mama") as mama:
        page = (await mama.get("/settings")).text
        assert 'value="sms" disabled' in page
        assert "СМС: в листе согласия не отмечено 6.8" in page
        for closed in ("sms", "paper", "push", "pigeon"):
            refused = await mama.post("/settings/save", data={"channel-mark": closed})
            assert refused.status_code == 422
            assert "Прежняя настройка осталась" in refused.text
    assert await preferences(place) == {}


async def test_a_stopped_address_is_taken_back_by_who_stopped_it(place: Place) -> None:
    async with await place.inside("mama") as mama:
        name = contact_named(await papers(mama), "m***@example.org")
        await mama.post("/contacts/stop", data={"contact": name})
        assert "вы отписались" in await papers(mama)
        assert await place.admin.fetchval(
            "SELECT source FROM dispatch.suppression WHERE address = $1 AND lifted_at IS NULL", MAMA
        )
        await mama.post("/contacts/resume", data={"contact": name})
        assert "вы отписались" not in await papers(mama)
        assert await place.admin.fetchval("SELECT lifted_at IS NOT NULL FROM dispatch.suppression")
        assert "contact.resumed" in await place.actions()


async def test_what_others_stopped_stays_stopped(place: Place) -> None:
    """A bounce, or «not my child», is not the family's to take back here; nor another's address."""
    async with await place.inside("mama") as mama:
        name = contact_named(await papers(mama), "m***@example.org")
        await mama.post("/contacts/stop", data={"contact": name})
        bounced = Stop("a", Channel.EMAIL, MAMA, "5.1.1", Source.BOUNCE)
        await place.admin.execute("UPDATE dispatch.suppression SET lifted_at = now()")
        await suppress(place.admin, [bounced])
        assert "сообщения не доходят" in await papers(mama)
        assert (await mama.post("/contacts/resume", data={"contact": name})).status_code == 409
        async with await place.inside("papa") as papa:
            assert (await papa.post("/contacts/stop", data={"contact": name})).status_code == 404


async def test_a_device_in_hand_is_confirmed_by_its_session(place: Place) -> None:
    """R-C6, R-C7."""
    subscription = (
        '{"endpoint": "https://push.example/x", "expirationTime": null, "keys": {"p256dh": "'
        "B" + "A" * 86 + '", "auth": "' + "A" * 22 + '"}}'
    )
    async with await place.inside("mama") as mama:
        assert (await mama.post("/push", data={"subscription": "{}"})).status_code == 422
        assert (await mama.post("/push", data={"subscription": subscription})).status_code == 303
        assert "push.example" in await papers(mama)
        saved = await mama.post("/settings/save", data={"channel-lesson": "push"})
        assert saved.headers["location"].endswith("done=saved")


async def preferences(place: Place) -> dict[str, tuple[str, str]]:
    rows = await place.admin.fetch("SELECT * FROM consent.preference")
    return {row["category"]: (row["channel"], row["mode"]) for row in rows}


async def papers(person: httpx.AsyncClient) -> str:
    return (await person.get("/papers")).text


def contact_named(page: str, masked: str) -> str:
    """What the page's forms call the address of this look."""
    after = page.partition(f"<strong>{masked}</strong>")[2]
    return after.partition('name="contact" value="')[2].partition('"')[0]
