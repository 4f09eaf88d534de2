"""The families' papers and the school's accounts, from the registry folder (DESIGN §4).

Upsert only: nothing is deleted, an empty cell leaves what is there, a withdrawal is never taken
back by a list, and nothing is sent to anyone. Who is who is read from the roster, which comes first.
"""

import base64
import binascii
from collections.abc import Callable, Mapping
from datetime import date
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import asyncpg
import orjson
import phonenumbers
from email_validator import EmailNotValidError, validate_email

from dispatcher.erasing import withheld
from shared.categories import ELECTRONIC, Category, Channel, Mode
from shared.cells import Cells, Unfit, in_order
from shared.consent import Form, OwnForm, items_of, meaning
from shared.import_report import Report
from shared.lists import Column, Progress, Reference, Table, load, raise_epochs
from shared.settings import is_loopback
from shared.sheet import Lists

ROLES = ("operator", "it", "secretary", "teacher", "admin")
_ONE_IMPORT = 0x5041_5045  # "PAPE": a second import waits for the first
_LONGEST_EMAIL = 254  # RFC 5321, 4.5.3.1.3 and errata

_TEXT = Column()
_LIST = Column("text[]", insert="coalesce(n.{0}, '{{}}')")
_DATE = Column("date")

_SCHOOL = Reference(
    "roster.school", ("school",), ("school",), "школы {school} нет: загрузите schools.csv и повторите"
)
_GUARDIAN = Reference(
    "roster.guardian",
    ("school", "guardian"),
    ("school", "guardian"),
    "представителя {guardian} в школе {school} нет: добавьте его в guardians.csv и повторите",
)
_GUARDIANSHIP = Reference(
    "roster.guardianship",
    ("school", "pupil", "guardian"),
    ("school", "pupil", "guardian"),
    "{guardian} не записан представителем ученика {pupil}: добавьте строку в guardianships.csv и повторите",
)


def email_address(value: str) -> str:
    """The address with its domain in lower case. Raises Unfit."""
    try:
        found = validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError as wrong:
        raise Unfit(f"«{value}» не адрес электронной почты: проверьте его по заявлению") from wrong
    if len(found.normalized) > _LONGEST_EMAIL:
        raise Unfit(f"адрес электронной почты длиннее {_LONGEST_EMAIL} знаков")
    return found.normalized


def phone_number(value: str) -> str:
    """A mobile number in E.164, without a country code a Russian one. Raises Unfit."""
    try:
        number = phonenumbers.parse(value, "RU")
    except phonenumbers.NumberParseException as wrong:
        raise Unfit(f"«{value}» не номер телефона: нужен вид +79001234567") from wrong
    if not phonenumbers.is_valid_number(number) or number.extension:
        raise Unfit(f"«{value}» не номер телефона: нужен вид +79001234567")
    if phonenumbers.number_type(number) not in {
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
    }:
        raise Unfit(f"«{value}» не мобильный номер: СМС на него не придёт, попросите у семьи мобильный")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def push_subscription(value: str) -> str:
    """A PushSubscription (W3C Push API) as JSON with what sending needs, in one spelling. Raises Unfit."""
    try:
        given = orjson.loads(value)
        endpoint, keys = given["endpoint"], given["keys"]
        parts = urlsplit(endpoint)
        lengths = {name: len(_unbase64url(keys[name])) for name in ("p256dh", "auth")}
        host, _ = parts.hostname, parts.port
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:
        raise Unfit("подписка на уведомления не читается: нужен JSON браузера с endpoint и keys") from wrong
    if (parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host))) or not host:
        raise Unfit("подписка на уведомления: адрес endpoint должен начинаться с https://")
    if lengths != {"p256dh": 65, "auth": 16}:
        raise Unfit("подписка на уведомления: ключи p256dh и auth повреждены")
    kept = {"endpoint": endpoint, "keys": {"auth": keys["auth"], "p256dh": keys["p256dh"]}}
    return orjson.dumps(kept).decode()


def _unbase64url(value: str) -> bytes:
    try:
        return base64.b64decode(value + "=" * (-len(value) % 4), altchars=b"-_", validate=True)
    except binascii.Error as wrong:
        raise ValueError("not base64url") from wrong


_ADDRESS: Mapping[str, Callable[[str], str]] = {
    Channel.EMAIL: email_address,
    Channel.SMS: phone_number,
    Channel.PUSH: push_subscription,
}


def address_of(channel: Channel, value: str) -> str:
    """An address as a person wrote it, in its one spelling. Raises Unfit."""
    return _ADDRESS[channel](value)


def _contact(zones: Mapping[str, ZoneInfo]) -> Callable[[Cells], dict[str, Any]]:
    def row(cells: Cells) -> dict[str, Any]:
        school, channel = cells.id("school"), cells.choice("channel", tuple(map(str, ELECTRONIC)))
        return {
            "school": school,
            "guardian": cells.id("guardian"),
            "channel": channel,
            "address": _ADDRESS[channel](cells.need("address")),
            # A school that is not there is refused by reference; its zone does not matter.
            "confirmed_at": cells.past_instant("confirmed_at", zones.get(school, ZoneInfo("UTC"))),
        }

    return row


def _paper(cells: Cells) -> dict[str, Any]:
    """What a consent sheet and an application have in common."""
    return {name: cells.id(name) for name in ("school", "pupil", "guardian", "number")} | {
        "signed_on": cells.need_past_day("signed_on")
    }


def _known(words: list[str] | None, allowed: frozenset[str], column: str) -> list[str] | None:
    if strange := [word for word in words or () if word not in allowed]:
        raise Unfit(f"в столбце {column} неизвестны: {', '.join(strange)}")
    return words


def _sheet(form_of: Callable[[str], OwnForm]) -> Callable[[Cells], dict[str, Any]]:
    def row(cells: Cells) -> dict[str, Any]:
        paper = _paper(cells)
        ends, withdrawn = cells.day("valid_until"), cells.day("withdrawn_on")
        in_order(paper["signed_on"], ends, "срок согласия кончается раньше подписи")
        in_order(paper["signed_on"], withdrawn, "отзыв согласия раньше подписи")
        form = form_of(paper["school"])
        given = [item.rstrip(".") for item in cells.words("items") or ()]
        signed = _known(given, items_of(form), "items") or ()
        return paper | {
            "items": sorted(meaning(signed, form)) or None,
            "signed_items": signed or None,
            "valid_until": ends,
            "withdrawn_on": withdrawn,
        }

    return row


def _application(cells: Cells) -> dict[str, Any]:
    return _paper(cells) | {
        "form": cells.choice("form", tuple(Form)),
        "scope": _known(cells.words("scope"), frozenset(Category), "scope"),
    }


def _preference(cells: Cells) -> dict[str, Any]:
    return {
        "school": cells.id("school"),
        "guardian": cells.id("guardian"),
        "category": cells.choice("category", ("*", *Category)),
        "channel": cells.choice("channel", tuple(Channel)),
        "mode": cells.choice("mode", tuple(Mode)),
    }


def _account(cells: Cells) -> dict[str, Any]:
    email = cells.text("email")
    return {
        "school": cells.id("school"),
        "login": cells.id("login"),
        "role": cells.choice("role", ROLES),
        "name": cells.need("name"),
        "email": email_address(email) if email else None,
    }


def appendix_2(_school: str) -> OwnForm:
    """The sheet of 001 Appendix 2, whose items are the matrix's own."""
    return {}


def tables(
    zones: Mapping[str, ZoneInfo], form_of: Callable[[str], OwnForm] = appendix_2
) -> tuple[Table, ...]:
    """The files, contacts last: a family's papers stand before its addresses can be used.
    `zones`: the time zone of every school, for confirmations written without an offset; `form_of`:
    a school's own consent sheet."""
    return (
        Table(
            file="consents.csv",
            into="consent.sheet",
            key=("school", "pupil", "guardian", "number"),
            columns={
                **dict.fromkeys(("school", "pupil", "guardian", "number"), _TEXT),
                "signed_on": _DATE,
                "items": _LIST,
                "signed_items": _LIST,
                "valid_until": _DATE,
                # The earliest withdrawal stands: a list can neither clear nor postpone one (R-B8).
                "withdrawn_on": Column("date", update="least(n.{0}, t.{0})"),
            },
            required=("school", "pupil", "guardian", "number", "signed_on", "items"),
            optional=("valid_until", "withdrawn_on"),
            row=_sheet(form_of),
            screen=withheld.old_papers,
            references=(_SCHOOL, _GUARDIANSHIP),
        ),
        Table(
            file="applications.csv",
            into="consent.application",
            key=("school", "pupil", "guardian", "number"),
            columns={
                **dict.fromkeys(("school", "pupil", "guardian", "number"), _TEXT),
                "signed_on": _DATE,
                "form": _TEXT,
                "scope": _LIST,
            },
            required=("school", "pupil", "guardian", "number", "signed_on", "form"),
            optional=("scope",),
            row=_application,
            screen=withheld.old_papers,
            references=(_SCHOOL, _GUARDIANSHIP),
        ),
        Table(
            file="preferences.csv",
            into="consent.preference",
            key=("school", "guardian", "category"),
            columns=dict.fromkeys(("school", "guardian", "category", "channel", "mode"), _TEXT),
            required=("school", "guardian", "category", "channel", "mode"),
            optional=(),
            row=_preference,
            screen=withheld.erased_guardians_rows,
            references=(_SCHOOL, _GUARDIAN),
        ),
        Table(
            file="contacts.csv",
            into="consent.contact",
            key=("school", "guardian", "channel", "address"),
            columns={
                **dict.fromkeys(("school", "guardian", "channel", "address"), _TEXT),
                "confirmed_at": Column("timestamptz"),
            },
            required=("school", "guardian", "channel", "address"),
            optional=("confirmed_at",),
            row=_contact(zones),
            screen=withheld.erased_guardians_rows,
            references=(_SCHOOL, _GUARDIAN),
        ),
        Table(
            file="accounts.csv",
            into="people.account",
            key=("school", "login"),
            columns={
                **dict.fromkeys(("school", "login", "role", "name"), _TEXT),
                "email": Column(insert="coalesce(n.{0}, '')"),
            },
            required=("school", "login", "role", "name"),
            optional=("email",),
            row=_account,
            references=(_SCHOOL,),
        ),
    )


FILES = tuple(table.file for table in tables({}))


async def import_lists(
    lists: Lists,
    pool: asyncpg.Pool,
    report: Report,
    progress: Progress,
    *,
    today: date,
    form_of: Callable[[str], OwnForm] = appendix_2,
) -> None:
    """Load the papers' parts of `lists` in one transaction: no decision rests on half of a family's papers.

    `today`: the latest date that can be past. `pool` acts as dispatcher; the roster must be loaded.
    What cannot be taken is in `report`.
    """
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT pg_advisory_xact_lock($1)", _ONE_IMPORT)
        zones = {
            row["school"]: ZoneInfo(row["timezone"])
            for row in await connection.fetch("SELECT school, timezone FROM roster.school")
        }
        touched, before = set[str](), set(report.files)
        for table in tables(zones, form_of):
            touched |= await load(connection, lists, table, report, progress, today=today)
        await raise_epochs(connection, "consent", touched)
        await connection.execute(
            "INSERT INTO dispatch.audit (actor, action, details) VALUES ('vestnik registry import', $1, $2)",
            "papers.imported",
            {
                file: {"read": count.read, "changed": count.changed}
                for file, count in report.files.items()
                if file not in before
            },
        )
