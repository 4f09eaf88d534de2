"""The SMS gateway driven by the smsaero client, as our channel drives it."""

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import email_validator
import httpx
import orjson
import pytest
import smsaero
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import (
    BAD_CREDENTIALS,
    NO_CREDITS,
    BreakAfterAccepting,
    BreakBeforeAccepting,
    Garbage,
    HangAfterAccepting,
    Misbehaviour,
    Refuse,
    Slow,
)
from sandbox.sms import SmsStatus
from sandbox.smsaero import SmsAero
from sandbox.web import WebServer

email_validator.CHECK_DELIVERABILITY = False
MAMA = 79161234567


class Client(smsaero.SmsAero):
    """The real client over plain http, with every call off the loop."""

    def request(self, selector: str, data: Any = None, page: Any = None, proto: str = "http") -> Any:
        return super().request(selector, data, page, proto)


def client(sms: SmsAero, *, key: str | None = None, timeout: int = 5) -> Client:
    gate = f"@{urlsplit(sms.url).netloc}/v2/"
    return Client(sms.email, key or sms.api_key, "Ilinskaya", timeout=timeout, url_gate=gate)


@pytest.fixture
async def sms() -> AsyncIterator[SmsAero]:
    async with SmsAero(advance_after=None) as server:
        yield server


@pytest.fixture
def phone(sms: SmsAero) -> Client:
    return client(sms)


async def test_a_message_goes_and_costs(sms: SmsAero, phone: Client) -> None:
    before = (await asyncio.to_thread(phone.balance))["balance"]
    said = await asyncio.to_thread(phone.send_sms, MAMA, "Алёна И.: опоздала на 1 урок")
    assert said["number"] == str(MAMA)
    assert (said["status"], said["extendStatus"], said["from"]) == (0, "queue", "Ilinskaya")
    assert said["cost"] == sms.price
    await asyncio.to_thread(phone.send_sms, MAMA, "я" * 71)
    after = (await asyncio.to_thread(phone.balance))["balance"]
    assert before - after == pytest.approx(3 * sms.price)
    assert [one.segments for one in sms.to(MAMA)] == [1, 2]


async def test_several_numbers_answer_an_array(sms: SmsAero, phone: Client) -> None:
    said = await asyncio.to_thread(phone.send_sms, [MAMA, MAMA + 1], "Собрание в 18:00")
    assert [one["number"] for one in said] == [str(MAMA), str(MAMA + 1)]
    assert len(sms.messages) == 2


async def test_auth(sms: SmsAero, phone: Client) -> None:
    assert await asyncio.to_thread(phone.is_authorized)
    with pytest.raises(smsaero.SmsAeroException, match="invalid credentials"):
        await asyncio.to_thread(client(sms, key="another-key-0123456").is_authorized)


async def test_the_list_is_newest_first_in_pages_with_filters(sms: SmsAero, phone: Client) -> None:
    sms.page_size = 2
    for number, text in [(MAMA, "раз"), (MAMA, "два"), (MAMA + 1, "раз"), (MAMA, "три")]:
        await asyncio.to_thread(phone.send_sms, number, text)
    first = await asyncio.to_thread(phone.sms_list)
    assert [first["0"]["text"], first["1"]["text"]] == ["три", "раз"]
    assert set(first) == {"0", "1", "links", "totalCount"}
    assert first["totalCount"] == "4"
    assert first["links"]["next"] == "/v2/sms/list?page=2"
    second = await asyncio.to_thread(phone.sms_list, None, None, 2)
    assert [second["0"]["text"], second["1"]["text"]] == ["два", "раз"]
    assert "next" not in second["links"]
    mine = await asyncio.to_thread(phone.sms_list, MAMA, "раз")
    assert (mine["totalCount"], mine["0"]["number"]) == ("1", str(MAMA))


async def test_the_list_can_lag_and_lie(sms: SmsAero, phone: Client) -> None:
    sms.list_after = 0.5
    await asyncio.to_thread(phone.send_sms, MAMA, "поздно")
    assert (await asyncio.to_thread(phone.sms_list, MAMA))["totalCount"] == "0"
    await asyncio.sleep(0.6)
    assert (await asyncio.to_thread(phone.sms_list, MAMA))["totalCount"] == "1"
    sms.list_after = None
    await asyncio.to_thread(phone.send_sms, MAMA, "никогда")
    assert (await asyncio.to_thread(phone.sms_list, MAMA))["totalCount"] == "1"
    assert len(sms.messages) == 2


async def test_status_moves_on_demand(sms: SmsAero, phone: Client) -> None:
    sms.undeliverable.add(str(MAMA + 1))
    good = (await asyncio.to_thread(phone.send_sms, MAMA, "раз"))["id"]
    bad = (await asyncio.to_thread(phone.send_sms, MAMA + 1, "раз"))["id"]
    seen = []
    for _ in range(3):
        seen.append([(await asyncio.to_thread(phone.sms_status, one))["status"] for one in (good, bad)])
        sms.advance()
    assert seen == [[0, 0], [3, 3], [1, 2]]
    assert (await asyncio.to_thread(phone.sms_status, good))["dateAnswer"] > 0
    with pytest.raises(smsaero.SmsAeroException, match="not found"):
        await asyncio.to_thread(phone.sms_status, 1)


async def test_status_moves_with_time_and_calls_back() -> None:
    heard: list[tuple[str, bytes]] = []

    async def hook(request: Request) -> Response:
        heard.append((request.headers["content-type"], await request.body()))
        return Response()

    async with SmsAero(advance_after=0.05) as sms:
        ours = await WebServer([Route("/sms/{token}", hook, methods=["POST"])]).start()
        phone = client(sms)
        url = f"{ours.url}/sms/token"
        said = await asyncio.to_thread(phone.send_sms, MAMA, "раз", None, None, url)
        await asyncio.to_thread(phone.send_sms, MAMA, "два", None, None, url, "JSON")
        await asyncio.to_thread(phone.send_sms, MAMA, "три", None, None, "http://school.example/sms")
        async with asyncio.timeout(5):
            while len(heard) < 4 or len(sms.foreign_callbacks) < 2:
                await asyncio.sleep(0.01)
        await ours.stop()
    assert set(sms.foreign_callbacks) == {"http://school.example/sms"}
    assert sms.callback_failures == 0
    forms = [parse_qs(body.decode()) for kind, body in heard if kind.startswith("application/x-www-form")]
    assert [(form["id"], form["status"], form["extendStatus"]) for form in forms] == [
        ([str(said["id"])], ["3"], ["smsc submit"]),
        ([str(said["id"])], ["1"], ["delivery"]),
    ]
    assert [orjson.loads(body)["status"] for kind, body in heard if "json" in kind] == ["3", "1"]


async def test_testsend_delivers_to_nobody(sms: SmsAero, phone: Client) -> None:
    phone.enable_test_mode()
    said = await asyncio.to_thread(phone.send_sms, MAMA, "проба")
    assert (said["status"], said["extendStatus"]) == (1, "delivery")
    assert (await asyncio.to_thread(phone.sms_list))["totalCount"] == "1"
    assert sms.messages == []


@pytest.mark.parametrize(
    ("body", "wrong"),
    [
        ({"text": "раз", "sign": "S"}, {"number": ["required"]}),
        ({"number": "12", "text": "раз", "sign": "S"}, {"number": ["incorrect"]}),
        ({"number": MAMA, "text": "я", "sign": "S"}, {"text": ["incorrect"]}),
        ({"number": MAMA, "text": "я" * 641, "sign": "S"}, {"text": ["incorrect"]}),
        ({"numbers": [MAMA, "x"], "text": "раз"}, {"numbers": ["incorrect"], "sign": ["required"]}),
    ],
)
async def test_validation_errors(sms: SmsAero, body: dict[str, Any], wrong: dict[str, Any]) -> None:
    async with httpx.AsyncClient(auth=(sms.email, sms.api_key)) as http:
        said = await http.post(f"{sms.url}sms/send", json=body)
    assert said.status_code == 400
    assert said.json() == {"success": False, "data": wrong, "message": "Validation error."}


@pytest.mark.parametrize(
    ("fault", "error", "text"),
    [
        (NO_CREDITS, smsaero.SmsAeroNoMoneyException, "no credits"),
        (BAD_CREDENTIALS, smsaero.SmsAeroException, "invalid credentials"),
        (Refuse(200, "reject: стоп-слово"), smsaero.SmsAeroException, "стоп-слово"),
        (Refuse(500), smsaero.SmsAeroException, "Internal"),
        (Garbage(), smsaero.SmsAeroConnectionException, None),
        (BreakBeforeAccepting(), smsaero.SmsAeroConnectionException, None),
    ],
)
async def test_refusals(
    sms: SmsAero, phone: Client, fault: Misbehaviour, error: type[Exception], text: str | None
) -> None:
    sms.faults.add(fault, to=str(MAMA))
    with pytest.raises(error, match=text):
        await asyncio.to_thread(phone.send_sms, MAMA, "раз")
    assert sms.messages == []
    await asyncio.to_thread(phone.send_sms, MAMA + 1, "раз")


async def test_an_empty_purse(sms: SmsAero, phone: Client) -> None:
    sms.balance = 1.0
    with pytest.raises(smsaero.SmsAeroNoMoneyException):
        await asyncio.to_thread(phone.send_sms, MAMA, "раз")
    assert sms.balance == 1.0


@pytest.mark.parametrize("fault", [BreakAfterAccepting(), HangAfterAccepting()])
async def test_unknown_outcome_is_listed(sms: SmsAero, fault: Misbehaviour) -> None:
    sms.faults.add(fault, times=1)
    phone = client(sms, timeout=3)
    with pytest.raises(smsaero.SmsAeroConnectionException):
        await asyncio.to_thread(phone.send_sms, MAMA, "раз")
    assert len(sms.messages) == 1
    assert (await asyncio.to_thread(phone.sms_list, MAMA))["0"]["text"] == "раз"


async def test_the_list_itself_can_fail(sms: SmsAero, phone: Client) -> None:
    sms.faults.add(Refuse(503), on="list", times=1)
    with pytest.raises(smsaero.SmsAeroException):
        await asyncio.to_thread(phone.sms_list, MAMA)
    assert (await asyncio.to_thread(phone.sms_list, MAMA))["totalCount"] == "0"


async def test_stop_does_not_wait_for_those_who_hang() -> None:
    sms = await SmsAero().start()
    sms.faults.add(HangAfterAccepting())
    waiting = asyncio.create_task(asyncio.to_thread(client(sms, timeout=250).send_sms, MAMA, "раз"))
    await sms.wait_for(1)
    async with asyncio.timeout(100):  # far below what the client waits
        await sms.stop()
        with pytest.raises(smsaero.SmsAeroConnectionException):
            await waiting


async def test_slow(sms: SmsAero, phone: Client) -> None:
    sms.faults.add(Slow(0.2))
    started = time.monotonic()
    await asyncio.to_thread(phone.send_sms, MAMA, "раз")
    assert time.monotonic() - started >= 0.2


async def test_files_and_control(tmp_path: Path) -> None:
    async with SmsAero(folder=tmp_path / "sms", advance_after=None, list_after=None) as sms:
        await asyncio.to_thread(client(sms).send_sms, MAMA, "Алёна пришла")
        (file,) = (tmp_path / "sms").iterdir()
        assert "Алёна пришла" in file.read_text(encoding="utf-8")
        async with httpx.AsyncClient(base_url=sms.control_url) as control:
            await control.post("/control/advance", json={"status": 1})
            (seen,) = (await control.get("/control/messages")).json()
            assert seen["status"] == SmsStatus.DELIVERED
