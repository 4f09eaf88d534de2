"""The smsaero library made safe: one gateway, one try, TLS, and the key in no log.

The library moves on to its next gateway after a read timeout, which sends an SMS twice, and to plain
http after a TLS error, which shows the key. Its `request` is replaced; what it validates and builds stays.
"""

import ssl
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

import email_validator
import requests
import smsaero  # type: ignore[import-untyped]
import urllib3

from shared.settings import is_loopback

GATEWAY = "https://gate.smsaero.ru/v2/"
PAGES = 20
"""How far back the provider's list is read; at 50 rows a page that is a thousand messages to one number."""
BLACKLIST_PAGES = 1000

_NOT_THIS_ONE = frozenset({HTTPStatus.OK, HTTPStatus.BAD_REQUEST, HTTPStatus.NOT_FOUND})
"""A refusal with one of these is about the SMS asked for, not about us."""

BEFORE_SENDING = (
    requests.exceptions.ConnectTimeout,
    requests.exceptions.InvalidURL,
    requests.exceptions.ProxyError,
    urllib3.exceptions.NewConnectionError,  # refused, no route, no such name
    ssl.SSLCertVerificationError,
)
"""What can only happen before the request leaves; anything else leaves the outcome open."""

# The account's e-mail is checked for form; asking DNS for it would stop us wherever DNS is closed.
email_validator.CHECK_DELIVERABILITY = False


class Refused(Exception):
    """The gateway said no; `result` is its machine word, `status` the HTTP status."""

    def __init__(self, status: int, result: str, message: str, fields: frozenset[str]) -> None:
        super().__init__(result or str(status))
        self.status, self.result, self.message, self.fields = status, result, message, fields


class NotSent(Exception):
    """No connection: the request never left."""


class NoAnswer(Exception):
    """The request was out; what came back, if anything, says nothing."""


class ListUnavailable(Exception):
    """The provider's list could not be read to its end, so that nothing can be concluded from it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A row of the provider's list. `status` is its raw number (see `dispatcher.channels.sms_statuses`)."""

    provider_id: str
    status: int
    cost: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What the provider says of one SMS now: its raw status number, and what it took for it in roubles."""

    status: int
    cost: float | None = None


class SmsAeroClient(smsaero.SmsAero):  # type: ignore[misc]
    """One gateway, one attempt. One object a thread: its session is not shared-thread safe."""

    def __init__(self, *, email: str, api_key: str, sign: str, url: str | None, timeout: int) -> None:
        super().__init__(email, api_key, sign, timeout=timeout)
        self._url = (url or GATEWAY).rstrip("/") + "/"
        parts = urlsplit(self._url)
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            raise ValueError("SMS Aero is spoken to over https only")
        self._session = requests.Session()
        self._session.trust_env = parts.scheme == "https"  # no proxy between us and this machine
        self._session.auth = (email, api_key)  # in a header: URLs end up in logs
        self._seconds = timeout

    def __repr__(self) -> str:
        return "SmsAeroClient()"

    def request(
        self,
        selector: str,
        data: dict[str, Any] | None = None,
        page: int | None = None,
        proto: str = "https",  # noqa: ARG002 - the library's signature; the gateway's URL decides
    ) -> Any:
        """The answer's `data`. Raises Refused, NotSent or NoAnswer, never anything of the library."""
        try:
            response = self._session.post(
                self._url + selector,
                json=data or {},
                params={"page": page} if page else None,
                timeout=(min(5, self._seconds), self._seconds),
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise (NotSent if _caused_by(error, BEFORE_SENDING) else NoAnswer)(type(error).__name__) from None
        return _content(response)

    def find(self, number: int, text: str, since: datetime) -> list[Found]:
        """What the provider lists for this number with exactly this text, made at or after `since`
        (to the second, as the list has it), newest first. Raises ListUnavailable."""
        oldest = int(since.timestamp())
        found: list[Found] = []
        for page in range(1, PAGES + 1):
            try:
                listed = self.sms_list(number=number, text=text, page=page)
                rows = [row for key, row in listed.items() if key.isdigit()]
                found += [
                    _found(row)
                    for row in rows
                    if row["text"] == text
                    and str(row["number"]) == str(number)
                    and int(row["dateCreate"]) >= oldest
                ]
                last = not rows or "next" not in (listed.get("links") or {})
            except (Refused, NotSent, NoAnswer) as error:
                raise ListUnavailable(str(error)) from None
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ListUnavailable(f"unexpected list: {type(error).__name__}") from None
            if last or all(int(row["dateCreate"]) < oldest for row in rows):
                return found
        raise ListUnavailable(f"more than {PAGES} pages")

    def status(self, provider_id: str) -> Said | None:
        """What the provider says of an SMS; None when it has nothing to say of this one. Raises
        ListUnavailable when it does not answer at all."""
        try:
            row = self.sms_status(int(provider_id))
            return Said(int(row["status"]), cost(row.get("cost")))
        except Refused as refused:
            if refused.status in _NOT_THIS_ONE:
                return None
            raise ListUnavailable(str(refused)) from None
        except (NotSent, NoAnswer) as error:
            raise ListUnavailable(str(error)) from None
        except (AttributeError, KeyError, TypeError, ValueError):
            return None

    def stopped(self) -> frozenset[str]:
        """The numbers of the provider's black list, in E.164. Raises ListUnavailable."""
        numbers: set[str] = set()
        for page in range(1, BLACKLIST_PAGES + 1):
            try:
                listed = self.blacklist_list(page=page) or {}
                rows = [row for key, row in listed.items() if key.isdigit()]
                numbers.update(f"+{int(row['number'])}" for row in rows)
                last = not rows or "next" not in (listed.get("links") or {})
            except (Refused, NotSent, NoAnswer) as error:
                raise ListUnavailable(str(error)) from None
            except (AttributeError, KeyError, TypeError, ValueError) as error:
                raise ListUnavailable(f"unexpected black list: {type(error).__name__}") from None
            if last:
                return frozenset(numbers)
        raise ListUnavailable(f"more than {BLACKLIST_PAGES} pages")

    def roubles(self) -> float:
        """What is left on the account. Raises Refused, NotSent or NoAnswer."""
        try:
            return float(self.balance()["balance"])
        except (KeyError, TypeError, ValueError):
            raise NoAnswer("unexpected balance") from None


def _content(response: requests.Response) -> Any:
    try:
        said = response.json()
    except ValueError:
        said = None
    if not isinstance(said, dict) or not ({"success", "result"} & said.keys()):
        # A server's error page is a refusal; a page with a happy status comes from something in between.
        if response.status_code in {401, 403, 429}:
            raise Refused(response.status_code, "", "", frozenset())
        raise NoAnswer(f"http {response.status_code} without an answer")
    if said.get("success"):
        return said.get("data")
    details = said.get("data")
    raise Refused(
        response.status_code,
        str(said.get("result") or ""),
        str(said.get("message") or said.get("reason") or ""),
        frozenset(details) if isinstance(details, dict) else frozenset(),
    )


def _found(row: dict[str, Any]) -> Found:
    return Found(
        provider_id=str(row["id"]),
        status=int(row["status"]),
        cost=cost(row.get("cost")),
        created_at=datetime.fromtimestamp(int(row["dateCreate"]), UTC),
    )


def cost(value: object) -> float | None:
    """SMS Aero says it as a number or as a text."""
    try:
        return float(value) if isinstance(value, (str, int, float)) else None
    except ValueError:
        return None


def _caused_by(error: BaseException, kinds: tuple[type[BaseException], ...]) -> bool:
    """Whether one of these is inside: requests keeps urllib3's reason as an argument, not as a cause."""
    seen: list[object] = [error]
    while seen:
        one = seen.pop()
        if isinstance(one, kinds):
            return True
        if isinstance(one, BaseException):
            seen += [*one.args, getattr(one, "reason", None)]
    return False
