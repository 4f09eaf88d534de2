"""Who of the staff is told what: pure, a table of kinds (R-E4, R-E5)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.notices.notice import Kind, Notice


class Audience(StrEnum):
    OPERATORS = "operators"
    TEACHERS = "teachers"
    DESK = "desk"
    TEACHERS_AND_DESK = "teachers_and_desk"


AUDIENCE = {
    Kind.CHANNEL_PAUSED: Audience.OPERATORS,
    Kind.SMS_LIST_UNREACHABLE: Audience.OPERATORS,
    Kind.MAIL_REFUSED: Audience.OPERATORS,
    Kind.NOT_MY_CHILD: Audience.OPERATORS,
    Kind.PAPER_NOT_HANDED_OUT: Audience.TEACHERS,
    Kind.MOVED_TO_PAPER: Audience.TEACHERS,
    Kind.SMS_LIST_LIES: Audience.OPERATORS,
    Kind.FAMILY_UNREACHABLE: Audience.TEACHERS,
    Kind.DEADLINE_LATE: Audience.OPERATORS,
    Kind.LEDGER_DISAGREES: Audience.OPERATORS,
    Kind.PROVIDER_AWAY: Audience.OPERATORS,
    Kind.SMS_BUDGET_LOW: Audience.OPERATORS,
    Kind.SMS_BUDGET_SPENT: Audience.OPERATORS,
    Kind.PUPIL_TURNS_18: Audience.TEACHERS_AND_DESK,
    Kind.LISTS_NOT_ROLLED_OVER: Audience.DESK,
    Kind.ERASURE_OVERDUE: Audience.OPERATORS,
    Kind.ERASURE_BRAKED: Audience.OPERATORS,
}
"""Operators are those of the notice's school, without a school those of all; a school without
operators has its admins. Teachers are those of the notice's class. The desk is the school's
secretaries, without any its admins."""


@dataclass(frozen=True, slots=True)
class Account:
    school: str
    login: str
    role: str
    email: str

    @property
    def address(self) -> str:
        """One spelling a mailbox, empty without one: who serves in two schools gets one letter."""
        return self.email.strip().lower()


@dataclass(frozen=True, slots=True)
class Staff:
    """The accounts, and the logins of every class's teachers by (school, class)."""

    accounts: tuple[Account, ...]
    teachers: Mapping[tuple[str, str], tuple[str, ...]]


class Nobody(StrEnum):
    """Why a notice reaches nobody."""

    NO_STAFF = "no_staff"
    NO_ADDRESS = "no_address"


def addresses(notice: Notice, staff: Staff) -> frozenset[str] | Nobody:
    """Where a notice goes."""
    people = list(_people(notice, staff))
    if not people:
        return Nobody.NO_STAFF
    return frozenset(one.address for one in people if one.address) or Nobody.NO_ADDRESS


def teaches(address: str, school: str, class_name: str, staff: Staff) -> bool:
    """Whether this mailbox is one of a class's own teachers."""
    return bool(address) and any(one.address == address for one in _teachers(school, class_name, staff))


def _people(notice: Notice, staff: Staff) -> Iterable[Account]:
    school, class_name = notice.school or "", notice.class_name or ""
    audience = AUDIENCE[Kind(notice.kind)] if notice.kind in AUDIENCE else Audience.OPERATORS
    match audience:
        case Audience.TEACHERS:
            return _teachers(school, class_name, staff)
        case Audience.DESK:
            return _or_admins("secretary", school, staff)
        case Audience.TEACHERS_AND_DESK:
            return [*_teachers(school, class_name, staff), *_or_admins("secretary", school, staff)]
        case Audience.OPERATORS:
            schools = {school} if school else {one.school for one in staff.accounts}
            return [one for each in sorted(schools) for one in _or_admins("operator", each, staff)]


def _or_admins(role: str, school: str, staff: Staff) -> list[Account]:
    own = [one for one in staff.accounts if one.school == school]
    return [one for one in own if one.role == role] or [one for one in own if one.role == "admin"]


def _teachers(school: str, class_name: str, staff: Staff) -> list[Account]:
    logins = staff.teachers.get((school, class_name), ())
    return [one for one in staff.accounts if one.school == school and one.login in logins]
