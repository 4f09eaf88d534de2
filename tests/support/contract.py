"""The table and the steps of DESIGN §6 written out once more, as a reader of the contract would.

An oracle for tests: it shares no code with `shared.consent` and `shared.routing`, and is slow and
plain on purpose.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from shared.families import Guardianship, Pupil, SchoolClass

PROGRESS, ATTESTATION, SCHOOL_LIFE = "progress", "attestation", "school life"


def row_of(category: str, *, individual: bool, attestation: bool) -> str:
    if category == "final_mark" and attestation:
        return ATTESTATION
    if category in {"mark", "forecast", "remark", "final_mark"} or (category == "homework" and individual):
        return PROGRESS
    return SCHOOL_LIFE


def opened(row: str, column: str, items: Iterable[str]) -> bool:
    """Whether these items open a cell: | e-mail | SMS, push | parent's page | paper |"""
    has = set(items)
    about = {PROGRESS: "4.3" in has, ATTESTATION: "4.6" in has, SCHOOL_LIFE: True}[row]
    either = "6.9" in has or "6.12" in has
    return (
        about
        and {
            "email": "1.3" in has and "6.9" in has,
            "sms": "1.3" in has and "6.8" in has and either,
            "push": "1.3" in has and "6.8" in has and either,
            "page": either,
            "paper": "6.10" in has,
        }[column]
    )


def _newest(papers: Iterable[Any], today: date) -> Any:
    signed = [paper for paper in papers if paper.signed_on <= today]
    return signed[-1] if signed else None


def eighteen(born: date | None, today: date) -> bool:
    if born is None:
        return False
    years = today.year - born.year
    if (today.month, today.day) < (born.month, born.day):
        years -= 1
    return years >= 18


def decide(  # noqa: C901, PLR0912 - eleven sentences of the contract, one after another
    category: str,
    *,
    individual: bool,
    attestation: bool,
    happened_on: date,
    pupil: Pupil,
    school_class: SchoolClass,
    tie: Guardianship,
    usable: frozenset[str],
    today: date,
) -> tuple[str, ...]:
    """("suppress", reason) | ("paper", reason) | ("tell", channel, mode or "default")."""
    # 1
    start, end = tie.restricted_from, tie.restricted_until
    if start or end:
        begun, over = (start is None or today >= start), (end is not None and today > end)
        if begun and not over:
            return ("suppress", "rights")
    if pupil.enrolled_on and happened_on < pupil.enrolled_on:
        return ("suppress", "rights")
    if pupil.left_on and happened_on > pupil.left_on:
        return ("suppress", "rights")
    if eighteen(pupil.birth_date, today) and tie.relation != "self":
        return ("suppress", "rights")
    # 2
    if school_class.unmarked and category in {"mark", "final_mark", "forecast", "homework", "assessment"}:
        return ("suppress", "unmarked_class")
    # 3
    sheet, application = _newest(tie.sheets, today), _newest(tie.applications, today)
    in_scope = application is None or not application.scope or category in application.scope
    row = row_of(category, individual=individual, attestation=attestation)
    allowed = {
        column
        for column in ("email", "push", "sms", "paper")
        if sheet is not None and opened(row, column, sheet.items)
    }
    if application is not None and application.form == "paper" and in_scope:
        allowed.add("paper")
    if sheet is not None and (
        (sheet.withdrawn_on and sheet.withdrawn_on <= today)
        or (sheet.valid_until and sheet.valid_until < today)
    ):
        allowed = set()
    if not allowed:
        return ("suppress", "no_consent")
    # 4
    if not in_scope:
        return ("suppress", "out_of_scope")
    # 5
    if application is not None and application.form == "paper":
        return ("paper", "application")
    wishes = tie.guardian.preferences
    wish = wishes.get(category) or wishes.get("*")
    channel, mode = (str(wish.channel), str(wish.mode)) if wish else ("", "default")
    weekly = application is not None and application.form == "weekly_email"
    if not wish and weekly and category not in {"attendance", "final_mark"}:
        channel, mode = "email", "weekly"
    if mode == "never" and channel != "paper":
        return ("suppress", "unwanted")
    # 6
    if channel == "paper" and "paper" in allowed:
        return ("paper", "preference")
    if mode == "never":
        mode = "default"
    for way in (channel, "email", "push", "sms"):
        if way in allowed and way in usable:
            return ("tell", way, mode)
    return ("paper" if "paper" in allowed else "suppress", "unreachable")
