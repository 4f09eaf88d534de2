"""What every answer has, and what an error says to a person and to a program."""

import re

from fastapi import Request
from integration.guards.conftest import House
from support.doors import walk
from support.people import HTML

from shared.access import Access, access

POLICY = "default-src 'none'; style-src 'self'"


async def test_every_answer_is_framed(house: House) -> None:
    for path in (
        "/",
        "/healthz",
        "/ingest/v1/changes",
        "/dispatcher/login",
        "/print/nowhere",
        "/dispatcher/u/x",
    ):
        answer = await house.http.get(path, headers=HTML)
        policy = answer.headers["content-security-policy"]
        assert policy.startswith(POLICY), path
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
        assert not re.search(r"<(style|script)|\sstyle=|\son\w+=|https?://", answer.text), path
    link = await house.http.get("/dispatcher/access/0000-0000-0000-0000", headers=HTML)
    assert link.headers["referrer-policy"] == "no-referrer", "its address is a secret"


async def test_the_style_sheet_is_kept_for_a_year_and_served_below_every_service(house: House) -> None:
    for path in ("/", "/ingest/nowhere", "/dispatcher/login", "/print/nowhere"):
        page = (await house.http.get(path, headers=HTML)).text
        style = re.search(r'href="([^"]+\.css)"', page)
        assert style
        service = re.match(r"(/ingest|/dispatcher|/print)?", path)
        assert service
        assert style[1].startswith(f"{service[0]}/static/style.")
        answer = await house.http.get(style[1])
        assert answer.headers["content-type"].startswith("text/css")
        assert "immutable" in answer.headers["cache-control"]
        older = await house.http.get(re.sub(r"style\.\w+", "style.0123456789abcdef", style[1]))
        assert older.status_code == 200
        assert "immutable" not in older.headers["cache-control"], "not this content for ever"
    assert (await house.http.get("/static/..%2fstyle.css")).status_code == 404


async def test_an_error_speaks_the_reader_s_language_or_the_program_s(house: House) -> None:
    person = await house.http.get("/dispatcher/nowhere", headers=HTML)
    assert (person.status_code, "Страница не найдена" in person.text) == (404, True)
    english = await house.http.get("/dispatcher/nowhere", headers={**HTML, "Accept-Language": "en-US,ru"})
    assert "Page not found" in english.text
    assert '<html lang="en">' in english.text
    program = await house.http.get("/dispatcher/nowhere")
    assert program.headers["content-type"] == "application/problem+json"
    assert program.json()["status"] == 404


async def test_what_nobody_expected_tells_nothing(house: House) -> None:
    """Neither to the person nor to the log more than kind and place; and a route without a mark is shut."""
    dispatcher = next(part for part in house.parts if part.path == "/dispatcher")

    @dispatcher.app.get("/breaks")
    @access(Access.PUBLIC, "breaks")
    async def breaks() -> None:
        raise ValueError("Иван Петров, 7Б")

    @dispatcher.app.get("/unmarked")
    async def unmarked(request: Request) -> str:
        return "secret"

    for headers in (HTML, {}):
        broken = await house.http.get("/dispatcher/breaks", headers=headers)
        assert broken.status_code == 500
        assert "Петров" not in broken.text
        assert "Traceback" not in broken.text
        shut = await house.http.get("/dispatcher/unmarked", headers=headers)
        assert shut.status_code == 403
        assert "secret" not in shut.text
    assert any(door.path == "/dispatcher/unmarked" and door.mark is None for door in walk(house.app.routes))
