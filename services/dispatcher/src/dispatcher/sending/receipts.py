"""SMS Aero's callbacks: what became of an SMS, told at once.

They are not signed, so the address they go to holds a secret; only ids we know are taken.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl

import asyncpg
import structlog
from fastapi import APIRouter, Request, Response

from dispatcher.sending.sms_news import hear
from shared.access import Access, access
from shared.clock import Clock

log = structlog.get_logger()

ACTOR = "smsaero"
_LARGEST = 32_767  # a smallint
_LOOKS = (0.0, 0.2, 0.8)
"""A receipt may be faster than the settling of its own message: look again after these seconds."""


def secret(signing_key: bytes) -> str:
    """The part of the callback's address that only the gateway knows."""
    return hmac.new(signing_key, b"vestnik receipts smsaero", hashlib.sha256).hexdigest()[:40]


def callback_url(public_url: str, signing_key: bytes) -> str:
    return f"{public_url.rstrip('/')}/dispatcher/receipts/smsaero/{secret(signing_key)}"


def router(pool_of: Callable[[], asyncpg.Pool], clock: Clock, signing_key: bytes) -> APIRouter:
    """Route `/receipts/smsaero/{secret}`: form, JSON or query."""
    routes = APIRouter()
    expected = secret(signing_key)

    @routes.api_route("/receipts/smsaero/{given}", methods=["GET", "POST"])
    @access(Access.GATEWAY_SECRET, "moves an SMS whose id we know to its end")
    async def receipt(given: str, request: Request) -> Response:
        if not hmac.compare_digest(given.encode(), expected.encode()):
            return Response(status_code=404)
        said = await _said(request)
        try:
            provider_id, status = str(said["id"]), int(said["status"])
        except (KeyError, TypeError, ValueError):
            return Response(status_code=400)
        if not 0 <= status <= _LARGEST:
            return Response(status_code=400)
        if not await receive(pool_of(), clock, provider_id, status):
            log.info("receipt.unknown", status=status)
        return Response(status_code=200)

    return routes


async def receive(pool: asyncpg.Pool, clock: Clock, provider_id: str, status: int) -> bool:
    """Note what the gateway says of the SMS of this id; False when there is none."""
    for pause in _LOOKS:
        await asyncio.sleep(pause)
        async with pool.acquire() as connection, connection.transaction():
            if await hear(connection, provider_id, status, actor=ACTOR, clock=clock):
                return True
    return False


async def _said(request: Request) -> dict[str, Any]:
    if request.method == "GET":
        return dict(request.query_params)
    if request.headers.get("content-type", "").startswith("application/json"):
        try:
            said = await request.json()
        except ValueError:
            return {}
        return said if isinstance(said, dict) else {}
    return dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
