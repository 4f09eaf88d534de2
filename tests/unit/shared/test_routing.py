"""Each step of routing by example (DESIGN §6); random families are in tests/property/shared."""

from datetime import date
from typing import Any

import pytest
from support.families import ALL_ITEMS, TODAY, application, guardian, pupil, sheet, tie

from shared.categories import ELECTRONIC, Category, Channel, Mode
from shared.consent import Form
from shared.families import Guardianship, Preference, Pupil, SchoolClass
from shared.routing import Matter, Verdict, route

EVERY = frozenset(ELECTRONIC)
PAPER, EMAIL, WEEKLY = (application(form) for form in (Form.PAPER, Form.ELECTRONIC, Form.WEEKLY_EMAIL))


def said(
    who: Guardianship,
    category: Category = Category.MARK,
    *,
    of: Pupil | None = None,
    usable: frozenset[Channel] = EVERY,
    unmarked: bool = False,
    day: date = TODAY,
    **matter: bool,
) -> str:
    found = route(
        Matter(category, matter.get("individual", True), matter.get("attestation", False), day),
        pupil=of or pupil(),
        school_class=SchoolClass("5А", "5", unmarked=unmarked),
        guardianship=who,
        usable=usable,
        today=TODAY,
    )
    if found.verdict is Verdict.TELL:
        return f"{found.channel} {found.mode or 'default'}" + (" chosen" if found.chosen else "")
    return f"{found.verdict} {found.reason}"


def wish(channel: Channel, mode: Mode, category: str = "mark", **more: Any) -> Guardianship:
    return tie(guardian(preferences={category: Preference(channel, mode)}), **more)


@pytest.mark.parametrize(
    ("start", "end", "restricted"),
    [
        (TODAY, None, True),
        (None, TODAY, True),
        (date(2026, 11, 1), date(2026, 11, 23), False),
        (date(2026, 11, 25), None, False),
        (None, None, False),
    ],
)
def test_restricted_rights(start: date | None, end: date | None, *, restricted: bool) -> None:
    """R-D4."""
    found = said(tie(restricted_from=start, restricted_until=end))
    assert found == ("suppress rights" if restricted else "email default")


@pytest.mark.parametrize(("day", "told"), [(9, False), (10, True), (20, True), (21, False)])
def test_enrolled_when_it_happened(day: int, *, told: bool) -> None:
    """R-B7: a lesson of the last day is told even after it."""
    left = pupil(enrolled_on=date(2026, 11, 10), left_on=date(2026, 11, 20))
    found = said(tie(), of=left, day=date(2026, 11, day))
    assert found == ("email default" if told else "suppress rights")


@pytest.mark.parametrize(
    ("born", "parent", "self"),
    [
        (date(2008, 11, 24), "suppress rights", "email default"),
        (date(2008, 11, 25), "email default", "email default"),
        (None, "email default", "email default"),
    ],
)
def test_of_age(born: date | None, parent: str, self: str) -> None:
    """R-C8, R-C12: at eighteen the pupil alone; before, beside the parents."""
    child = pupil(birth_date=born)
    assert said(tie(), of=child) == parent
    assert said(tie(relation="self"), of=child) == self


@pytest.mark.parametrize("category", Category)
def test_unmarked_class(category: Category) -> None:
    """R-A10."""
    silent = category in {"mark", "final_mark", "forecast", "homework", "assessment"}
    assert said(tie(), category, unmarked=True) == ("suppress unmarked_class" if silent else "email default")


def test_the_papers_that_count_are_the_newest_signed_by_today() -> None:
    """R-C3: tomorrow's sheet does not count today."""
    nothing, tomorrow = sheet(set()), sheet(number="С-2", signed_on=date(2026, 11, 25))
    assert said(tie(sheets=[nothing, tomorrow])) == "suppress no_consent"
    assert said(tie(sheets=[sheet(), sheet(set(), "С-2", signed_on=TODAY)])) == "suppress no_consent"


@pytest.mark.parametrize(
    ("who", "category", "wanted"),
    [
        (tie(sheets=[]), Category.MARK, "suppress no_consent"),
        (tie(sheets=[sheet(ALL_ITEMS - {"4.3"})]), Category.MARK, "suppress no_consent"),
        (tie(sheets=[sheet(ALL_ITEMS - {"4.3"})]), Category.ATTENDANCE, "email default"),
        (tie(sheets=[sheet(ALL_ITEMS - {"6.9"})]), Category.MARK, "push default"),
        (tie(applications=[application(Form.ELECTRONIC, {Category.MARK})]), Category.MARK, "email default"),
        (
            tie(applications=[application(Form.ELECTRONIC, {Category.MARK})]),
            Category.REMARK,
            "suppress out_of_scope",
        ),
        (tie(sheets=[], applications=[PAPER]), Category.MARK, "paper application"),
        (tie(applications=[PAPER]), Category.MARK, "paper application"),
        (wish(Channel.SMS, Mode.IMMEDIATE, applications=[PAPER]), Category.MARK, "paper application"),
        (tie(applications=[WEEKLY]), Category.MARK, "email weekly chosen"),
        (tie(applications=[WEEKLY]), Category.ATTENDANCE, "email default"),
        (tie(applications=[WEEKLY]), Category.FINAL_MARK, "email default"),
        (wish(Channel.SMS, Mode.DAILY, applications=[WEEKLY]), Category.MARK, "sms daily chosen"),
        (wish(Channel.SMS, Mode.DAILY, "*"), Category.REMARK, "sms daily chosen"),
        (wish(Channel.SMS, Mode.DAILY), Category.REMARK, "email default"),
        (wish(Channel.EMAIL, Mode.NEVER), Category.MARK, "suppress unwanted"),
        (wish(Channel.PAPER, Mode.NEVER), Category.MARK, "paper preference"),
        (wish(Channel.PAPER, Mode.DAILY), Category.MARK, "paper preference"),
        (
            wish(Channel.PAPER, Mode.DAILY, sheets=[sheet(ALL_ITEMS - {"6.10"})]),
            Category.MARK,
            "email daily",
        ),
        (
            wish(Channel.SMS, Mode.IMMEDIATE, sheets=[sheet(ALL_ITEMS - {"6.8"})]),
            Category.MARK,
            "email immediate",
        ),
    ],
)
def test_papers_and_wishes(who: Guardianship, category: Category, wanted: str) -> None:
    """R-C1, R-C4, R-C7."""
    assert said(who, category) == wanted


def test_the_category_s_own_wish_goes_before_the_general_one() -> None:
    """R-C7."""
    both = {"mark": Preference(Channel.SMS, Mode.DAILY), "*": Preference(Channel.PUSH, Mode.WEEKLY)}
    who = tie(guardian(preferences=both))
    assert (said(who), said(who, Category.REMARK)) == ("sms daily chosen", "push weekly chosen")


@pytest.mark.parametrize(
    ("usable", "items", "wanted"),
    [
        ({Channel.SMS, Channel.PUSH, Channel.EMAIL}, ALL_ITEMS, "sms immediate chosen"),
        ({Channel.PUSH, Channel.EMAIL}, ALL_ITEMS, "email immediate"),
        ({Channel.PUSH}, ALL_ITEMS, "push immediate"),
        (set(), ALL_ITEMS, "paper unreachable"),
        (set(), ALL_ITEMS - {"6.10"}, "suppress unreachable"),
        ({Channel.PUSH, Channel.SMS}, {"4.3", "1.3", "6.9"}, "suppress unreachable"),
    ],
)
def test_the_next_usable_way_keeps_the_mode(usable: set[Channel], items: set[str], wanted: str) -> None:
    """R-C7, R-E5."""
    who = wish(Channel.SMS, Mode.IMMEDIATE, sheets=[sheet(items)])
    assert said(who, usable=frozenset(usable)) == wanted


def test_without_e_mail_push_goes_before_sms() -> None:
    assert said(tie(), usable=frozenset({Channel.SMS, Channel.PUSH})) == "push default"


def test_an_attestation_needs_its_own_item() -> None:
    """R-C4: 4.6, not 4.3."""
    who = tie(sheets=[sheet(ALL_ITEMS - {"4.6"})])
    assert said(who, Category.FINAL_MARK, attestation=True) == "suppress no_consent"
    assert said(who, Category.FINAL_MARK) == "email default"


def test_class_homework_needs_no_4_3() -> None:
    """R-C4: what the whole class was set says nothing about the pupil."""
    who = tie(sheets=[sheet(ALL_ITEMS - {"4.3"})])
    assert said(who, Category.HOMEWORK, individual=False) == "email default"
    assert said(who, Category.HOMEWORK, individual=True) == "suppress no_consent"
