"""R-D1, R-D2: every route says who may call it, and refuses everybody else.

Walks whatever the services and the first page serve, so that a route added tomorrow is judged too.
"""

import re

from support.doors import walk

from dispatcher.app import Dispatcher
from dispatcher.sending import receipts
from dispatcher.texts.links import Purpose
from shared.access import Access

from .conftest import House

REFUSED = {
    Access.STAFF: {401},
    Access.PARENT: {401},
    Access.ONE_TIME_LINK: {404},
    Access.JOURNAL_TOKEN: {401},
    Access.SIGNED_LINK: {403, 404},
    Access.GATEWAY_SECRET: {403, 404},
}


async def test_every_route_says_who_may_call_it_and_why(house: House) -> None:
    doors = list(walk(house.app.routes))
    paths = {door.path for door in doors}
    assert {"/", "/healthz", "/readyz", "/metrics", "/ingest/v1/changes"} <= paths
    assert {"/dispatcher/u/{token}", "/dispatcher/receipts/smsaero/{given}"} <= paths
    for door in doors:
        said = door.mark
        assert said, f"{door.path}: who may call it? see shared.access"
        assert said.why.strip(), door.path


async def test_a_stranger_is_refused_wherever_it_is_not_public(house: House) -> None:
    """Every rule but PUBLIC, every method, without a credential and with a made-up one."""
    judged = 0
    for door in list(walk(house.app.routes)):
        if door.rule in {None, Access.PUBLIC}:
            continue
        path = re.sub(r"\{[^}]+\}", "d3JvbmctY3JlZGVudGlhbC1vZi1hLXN0cmFuZ2Vy", door.path)
        for method in door.methods:
            for headers in ({}, {"Authorization": "Bearer vestnik_made-up"}, {"Authorization": "Basic eDp5"}):
                answer = await house.http.request(method, path, headers=headers, content=b"[]")
                assert answer.status_code in REFUSED[door.rule], (door.path, method, answer.status_code)
                judged += 1
    assert judged >= 3 * 7


async def test_a_signed_link_opens_one_act_only(house: House) -> None:
    """A letter changed anywhere, or a link for another act, is no link."""
    dispatcher = next(part for part in house.parts if isinstance(part, Dispatcher))
    links = dispatcher.renderer.links
    good = links.token(Purpose.UNSUBSCRIBE, "s", "g", "a@b.example")
    assert (await house.http.get(f"/dispatcher/u/{good}")).status_code == 200
    other = links.token(Purpose.NOT_MINE, "s", "g", "a@b.example")
    flipped = [good[:at] + ("A" if good[at] != "A" else "B") + good[at + 1 :] for at in range(len(good) - 1)]
    for method in ("GET", "POST"):
        for token in (other, good[:-4], good + "AAAA", *flipped):
            answer = await house.http.request(method, f"/dispatcher/u/{token}")
            assert answer.status_code == 404, token
        assert (await house.http.request(method, f"/dispatcher/not-mine/{good}")).status_code == 404


async def test_a_gateway_knows_its_secret_whole(house: House) -> None:
    secret = receipts.secret(house.settings.signing_key())
    assert (await house.http.post(f"/dispatcher/receipts/smsaero/{secret}")).status_code == 400
    for wrong in (secret[:-1], secret + "0", secret.upper(), "%00", "ё"):
        assert (await house.http.post(f"/dispatcher/receipts/smsaero/{wrong}")).status_code == 404


async def test_no_page_lists_the_api(house: House) -> None:
    for path in ("", "/ingest", "/dispatcher", "/print"):
        for page in ("docs", "redoc", "openapi.json"):
            assert (await house.http.get(f"{path}/{page}")).status_code == 404
