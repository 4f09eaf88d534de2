"""SMS Aero's API v2 as a server on loopback: prices by segment, keeps its list, calls back, can lie.

Steps for faults: `send`, `testsend`, `status`, `list`, `sign/list`, `blacklist/list`, `balance`, `auth`;
without a step: at `send`.
"""

import asyncio
import base64
import binascii
import contextlib
import heapq
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlencode

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.faults import ANY_KIND, Faults, Refuse
from sandbox.post import Poster
from sandbox.sms import NEXT, Shelf, Sms, SmsStatus, invalid_fields, is_loopback, normal_number
from sandbox.web import WebServer, answer, fault_routes, garbage_page

NO_MONEY = "no credits"


class SmsAero:
    """The server. `async with SmsAero() as sms` listens on a free loopback port; `messages` are in order.

    `list_after`: seconds after which an accepted message is listed; None: never, it lies (changed, it
    concerns messages accepted later). `advance_after`: seconds a message stays in each status on its way
    0 → 3 → 1; None: only `advance()` moves it. Numbers in `undeliverable` end as 2, those in
    `moderated` begin as 8, those in `blacklist` asked for silence.
    """

    def __init__(  # noqa: PLR0913 - the knobs of a gateway, all with a default
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        folder: Path | None = None,
        email: str = "school@vestnik.example",
        api_key: str = "sandbox-key-0123456789abcdef",
        balance: float = 100_000.0,
        price: float = 5.49,
        page_size: int = 50,
        list_after: float | None = 0.0,
        advance_after: float | None = 0.2,
    ) -> None:
        self.folder, self.email, self.api_key = folder, email, api_key
        self.balance, self.price, self.page_size = balance, price, page_size
        self.list_after, self.advance_after = list_after, advance_after
        self.undeliverable: set[str] = set()
        self.moderated: set[str] = set()
        self.blacklist: list[str] = []
        self.faults = Faults()
        self.shelf, self.test_shelf = Shelf(), Shelf(first_id=900_000_001)
        self.callback_failures = 0
        self.foreign_callbacks: list[str] = []  # addresses outside this machine: never called
        self._arrived = asyncio.Event()
        self._due: list[tuple[float, int]] = []
        self._wake = asyncio.Event()
        self._calls: asyncio.Queue[Sms] = asyncio.Queue()
        self._tasks: list[asyncio.Task[None]] = []
        routes = [
            *fault_routes(self.faults),
            Route("/control/messages", self._control_messages),
            Route("/control/advance", self._control_advance, methods=["POST"]),
            Route("/v2/{path:path}", self._api, methods=["GET", "POST"]),
        ]
        self._web = WebServer(routes, host=host, port=port)

    @property
    def url(self) -> str:
        """As VESTNIK_SMSAERO_URL wants it."""
        return f"{self._web.url}/v2/"

    @property
    def control_url(self) -> str:
        return self._web.url

    @property
    def messages(self) -> list[Sms]:
        return self.shelf.messages

    async def start(self) -> Self:
        if self.folder:
            self.folder.mkdir(parents=True, exist_ok=True)
        await self._web.start()
        self._tasks = [asyncio.create_task(self._tick()), asyncio.create_task(self._call_back())]
        return self

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._web.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def to(self, number: str | int) -> list[Sms]:
        return self.shelf.by_number.get(normal_number(number) or "", [])

    async def wait_for(self, count: int, *, timeout: float = 10.0) -> list[Sms]:  # noqa: ASYNC109 - a test says it
        """All messages once there are `count`; TimeoutError otherwise."""
        async with asyncio.timeout(timeout):
            while len(self.messages) < count:
                self._arrived.clear()
                await self._arrived.wait()
        return list(self.messages)

    def advance(self, sms_id: int | None = None, status: SmsStatus | None = None) -> None:
        """Moves one message, or all, to `status`, or one step on; each change is called back."""
        for sms in [self.shelf.by_id[sms_id]] if sms_id is not None else self.messages:
            if sms.final:
                continue
            following = NEXT.get(sms.status, SmsStatus.DELIVERED)
            if following is SmsStatus.DELIVERED and sms.number in self.undeliverable:
                following = SmsStatus.UNDELIVERED
            sms.status = following if status is None else status
            if sms.final:
                sms.answered_at = time.time()
            if sms.callback_url:
                self._calls.put_nowait(sms.snapshot())

    async def _api(self, request: Request) -> Response:
        step = str(request.path_params["path"]).strip("/").removeprefix("sms/")
        try:
            body = orjson.loads(await request.body() or b"{}")
        except orjson.JSONDecodeError:
            return _refusal("Bad Request", 400)
        asked: dict[str, Any] = {**request.query_params, **(body if isinstance(body, dict) else {})}
        numbers = [str(one) for one in _numbers(asked)]
        fault = self.faults.pick(step, numbers, ANY_KIND if step == "send" else ())

        def handle() -> Response:
            if not self._authorized(request):
                return _refusal("Your request was made with invalid credentials.", 401)
            return self._answer(step, asked)

        return await self._web.under(fault, request, handle, refuse=_refused, garbage=garbage_page)

    def _answer(self, step: str, asked: Mapping[str, Any]) -> Response:
        match step:
            case "auth":
                return _success(None)
            case "balance":
                return _success({"balance": round(self.balance, 2)})
            case "sign/list":
                return _success({"totalCount": 1, "0": {"id": 1, "name": "Ilinskaya", "status": 1}})
            case "send" | "testsend":
                return self._send(asked, test=step == "testsend")
            case "status" | "teststatus":
                shelf = self.test_shelf if step == "teststatus" else self.shelf
                sms = shelf.by_id.get(int(asked.get("id") or 0))
                return _success(sms.as_json()) if sms else _refusal("Message not found.", 404)
            case "blacklist/list":
                return _success(self._blacklisted(max(1, int(asked.get("page") or 1))))
            case "list" | "testlist":
                shelf = self.test_shelf if step == "testlist" else self.shelf
                page = max(1, int(asked.get("page") or 1))
                return _success(
                    shelf.page(_numbers(asked), asked.get("text"), page=page, size=self.page_size)
                )
        return _refusal("Method not found.", 404)

    def _blacklisted(self, page: int) -> dict[str, Any]:
        size = self.page_size
        rows = self.blacklist[(page - 1) * size : page * size]
        links = {"self": page} | ({"next": page + 1} if page * size < len(self.blacklist) else {})
        listed = {str(n): {"id": n, "number": number} for n, number in enumerate(rows)}
        return {**listed, "links": links, "totalCount": str(len(self.blacklist))}

    def _send(self, asked: Mapping[str, Any], *, test: bool) -> Response:
        wrong = invalid_fields(asked)
        if wrong:
            return answer({"success": False, "data": wrong, "message": "Validation error."}, 400)
        shelf = self.test_shelf if test else self.shelf
        listed_at = time.monotonic() + self.list_after if self.list_after is not None else float("inf")
        made = [
            shelf.make(number, asked, price=self.price, listed_at=listed_at) for number in _numbers(asked)
        ]
        if test:
            for sms in made:
                sms.cost, sms.status, sms.listed_at = 0.0, SmsStatus.DELIVERED, 0.0
        elif sum(sms.cost for sms in made) > self.balance:
            return answer({"success": False, "data": None, "message": NO_MONEY, "result": NO_MONEY})
        for sms in made:
            if sms.number in self.moderated:
                sms.status = SmsStatus.MODERATION
            shelf.keep(sms)
            if not test:
                self._accepted(sms)
        said = [{**sms.as_json(), "cost": sms.cost} for sms in made]
        return _success(said if "numbers" in asked else said[0])

    def _accepted(self, sms: Sms) -> None:
        self.balance -= sms.cost
        if self.folder:
            (self.folder / sms.file_name).write_text(sms.file_text, encoding="utf-8")
        if self.advance_after is not None:
            heapq.heappush(self._due, (time.monotonic() + self.advance_after, sms.id))
            self._wake.set()
        self._arrived.set()

    def _authorized(self, request: Request) -> bool:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        try:
            said = base64.b64decode(token).decode()
        except (binascii.Error, UnicodeDecodeError):
            return False
        return scheme.lower() == "basic" and said == f"{self.email}:{self.api_key}"

    async def _tick(self) -> None:
        while True:
            now = time.monotonic()
            while self._due and self._due[0][0] <= now:
                _, sms_id = heapq.heappop(self._due)
                self.advance(sms_id)
                if not self.shelf.by_id[sms_id].final:
                    heapq.heappush(self._due, (now + (self.advance_after or 0.2), sms_id))
            self._wake.clear()
            wait = max(0.01, self._due[0][0] - time.monotonic()) if self._due else None
            try:
                await asyncio.wait_for(self._wake.wait(), wait)
            except TimeoutError:
                continue

    async def _call_back(self) -> None:
        """Tells callback addresses each change of status, once, loopback only."""
        with contextlib.closing(Poster()) as poster:
            while True:
                sms = await self._calls.get()
                if not is_loopback(sms.callback_url or ""):
                    self.foreign_callbacks.append(sms.callback_url or "")
                    continue
                said = {"id": str(sms.id), "status": str(int(sms.status)), "extendStatus": sms.status.word}
                json = sms.callback_format.upper() == "JSON"
                kind = "application/json" if json else "application/x-www-form-urlencoded"
                body = orjson.dumps(said) if json else urlencode(said).encode()
                try:
                    async with asyncio.timeout(5):
                        status, _ = await poster.post(sms.callback_url or "", body, {"Content-Type": kind})
                except (OSError, asyncio.IncompleteReadError):
                    status = 0
                self.callback_failures += not 200 <= status < 300

    async def _control_messages(self, request: Request) -> Response:
        """Everything accepted after the first `?after=` messages, listed or not."""
        after = int(request.query_params.get("after", "0"))
        return answer([sms.as_json() for sms in self.messages[after:]])

    async def _control_advance(self, request: Request) -> Response:
        """Body: {"id"?, "status"?}."""
        asked = orjson.loads(await request.body() or b"{}")
        status = SmsStatus(asked["status"]) if "status" in asked else None
        self.advance(asked.get("id"), status)
        return answer({"moved": True})


def _numbers(asked: Mapping[str, Any]) -> list[Any]:
    if isinstance(asked.get("numbers"), list):
        return list(asked["numbers"])
    return [asked["number"]] if asked.get("number") else []


def _success(data: Any) -> Response:
    return answer({"success": True, "data": data, "message": None})


def _refusal(message: str, status: int) -> Response:
    return answer({"success": False, "data": None, "message": message}, status)


def _refused(fault: Refuse) -> Response:
    """A told refusal in the API's own shape."""
    code, text = fault.code, fault.text
    if text == NO_MONEY:
        return answer({"success": False, "data": None, "message": text, "result": text}, code)
    if text.startswith("reject"):
        reason = text.removeprefix("reject").lstrip(": ") or "rejected"
        return answer({"success": False, "data": None, "result": "reject", "reason": reason}, code)
    if text.startswith("invalid: "):
        wrong = {text.removeprefix("invalid: "): ["incorrect"]}
        return answer({"success": False, "data": wrong, "message": "Validation error."}, code)
    return _refusal(text or "Internal error.", code)
