"""SMS through SMS Aero (DESIGN §7). No SMS is sent twice: whatever leaves the outcome open is *unknown*,
and the sender then asks the provider's list through `find`.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TypeVar

import phonenumbers

from dispatcher.channels.base import (
    Accepted,
    AddressFailed,
    Blame,
    MessageFailed,
    Misconfigured,
    Outcome,
    Parcel,
    Retry,
    Unknown,
)
from dispatcher.channels.smsaero_client import (
    Found,
    ListUnavailable,
    NoAnswer,
    NotSent,
    Refused,
    Said,
    SmsAeroClient,
    cost,
)
from shared.categories import Channel

THREADS = 16
"""A thread waits for the gateway most of its time; this many fill half of the sender's 32 in flight."""

Verdict = Callable[[str], Outcome]

# What the API names in `result`, then what it complains of in `data`, then the HTTP status; first hit wins.
RESULTS: dict[str, Verdict] = {
    "no credits": Misconfigured,  # the channel waits until the school has paid
    "reject": MessageFailed,
}
FIELDS: dict[str, Verdict] = {
    "number": AddressFailed,
    "sign": Misconfigured,
    "callbackUrl": Misconfigured,
    "text": MessageFailed,
}
HTTP: dict[int, Verdict] = {
    400: MessageFailed,
    401: Misconfigured,
    402: Misconfigured,
    403: Misconfigured,
    404: Misconfigured,
    429: lambda reason: Retry(reason, blame=Blame.PACE),
}

_T = TypeVar("_T")


class SmsChannel:
    """The port over a few threads, each with its own client."""

    channel = Channel.SMS

    def __init__(
        self,
        *,
        email: str,
        api_key: str,
        sign: str,
        url: str | None = None,
        callback_url: str | None = None,
        timeout: int = 15,
    ) -> None:
        self._make: Callable[[], SmsAeroClient] = lambda: SmsAeroClient(
            email=email, api_key=api_key, sign=sign, url=url, timeout=timeout
        )
        self._callback_url = callback_url
        self._clients = threading.local()
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="smsaero")

    async def start(self) -> None:
        """Raises ValueError when the account's settings cannot be right."""
        self._make()

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def send(self, parcel: Parcel) -> Outcome:
        number = phone_number(parcel.addresses[0])
        if number is None:
            return AddressFailed("sms: not a phone number")
        text = parcel.content.decode()
        try:
            said = await self._run(
                lambda client: client.send_sms(number, text, callback_url=self._callback_url)
            )
            return Accepted(provider_id=str(said["id"]), cost=cost(said.get("cost")))
        except Refused as refused:
            return judge(refused)
        except NotSent as error:
            return Retry(f"sms: not sent, {error}", blame=Blame.PROVIDER)
        except NoAnswer as error:
            return Unknown(f"sms: {error}")
        except (KeyError, TypeError, AttributeError):
            return Unknown("sms: accepted without a number")
        except ValueError:
            return MessageFailed("sms: the library refuses the text or the number")

    async def find(self, number: str, text: str, since: datetime) -> list[Found]:
        """What the provider lists for this number and text since then. Raises ListUnavailable."""
        wanted = phone_number(number)
        return [] if wanted is None else await self._run(lambda client: client.find(wanted, text, since))

    async def status(self, provider_id: str) -> Said | None:
        """What the provider says of an SMS it took; None when it has nothing to say of this one. Raises
        ListUnavailable when it does not answer."""
        return await self._run(lambda client: client.status(provider_id))

    async def stopped(self) -> frozenset[str]:
        """The numbers, in E.164, whose holders do not want SMS: the provider's black list. Raises
        ListUnavailable."""
        return await self._run(lambda client: client.stopped())

    async def balance(self) -> float:
        """Roubles left on the account. Raises ListUnavailable when the gateway does not say."""
        try:
            return await self._run(lambda client: client.roubles())
        except (Refused, NotSent, NoAnswer) as error:
            raise ListUnavailable(str(error)) from None

    async def _run(self, call: Callable[[SmsAeroClient], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._call, call)

    def _call(self, call: Callable[[SmsAeroClient], _T]) -> _T:
        client = getattr(self._clients, "client", None)
        if client is None:
            client = self._clients.client = self._make()
        return call(client)


def judge(refused: Refused) -> Outcome:
    """The outcome of the gateway's no. Total."""
    reason = f"sms: http {refused.status}" + (f", {refused.result}" if refused.result else "")
    if refused.result in RESULTS:
        return RESULTS[refused.result](reason)
    for field, verdict in FIELDS.items():
        if field in refused.fields:
            return verdict(f"{reason}, {field}")
    if refused.status >= 500:
        return Unknown(reason)  # it may have failed after it accepted; the list tells
    return HTTP.get(refused.status, MessageFailed)(reason)


def phone_number(address: str) -> int | None:
    """E.164 digits of a number as people write it, Russian by default; None for what is none."""
    try:
        parsed = phonenumbers.parse(address, "RU")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return int(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)[1:])
