"""What the family page says of each guardian: what goes where now, the papers in force, contacts, and the
history of papers (R-C3, R-C4, R-C7)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from dispatcher.desk.entries import PROCESSING
from dispatcher.desk.family import (
    ApplicationRow,
    ContactRow,
    Family,
    File,
    RestrictionRow,
    SheetRow,
)
from dispatcher.desk.ways import Way, ways
from dispatcher.desk.withdrawals import Withdrawal
from shared.categories import Channel
from shared.consent import OwnForm
from shared.families import Guardianship


@dataclass(frozen=True, slots=True)
class Card:
    """One guardian of a pupil. `blank`: items 6.1-6.6 that the sheet in force leaves out (R-C4)."""

    tie: Guardianship
    restricted: bool
    restrictions: Sequence[RestrictionRow]
    ways: Sequence[Way]
    sheet: SheetRow | None
    in_force: bool
    blank: tuple[str, ...]
    application: ApplicationRow | None
    contacts: Sequence[ContactRow]
    sheets: Sequence[SheetRow]
    applications: Sequence[ApplicationRow]
    withdrawals: Sequence[Withdrawal]

    @property
    def guardian(self) -> str:
        return self.tie.guardian.guardian


@dataclass(frozen=True, slots=True)
class Reach:
    """What sending could use now: channels switched on (SMS only within the month's budget)."""

    on: frozenset[Channel]
    now: datetime


def cards(
    family: Family,
    file: File,
    pending: Mapping[str, Sequence[Withdrawal]],
    *,
    reach: Reach,
    own: OwnForm,
    today: date,
) -> list[Card]:
    """One for each guardian on file."""
    return [_card(family, file, tie, pending, reach, own, today) for tie in family.pupil.guardianships]


def _card(
    family: Family,
    file: File,
    tie: Guardianship,
    pending: Mapping[str, Sequence[Withdrawal]],
    reach: Reach,
    own: OwnForm,
    today: date,
) -> Card:
    guardian = tie.guardian.guardian
    contacts = file.contacts.get(guardian, [])
    sheets, applications = file.sheets.get(guardian, []), file.applications.get(guardian, [])
    sheet = next((one for one in sheets if one.signed_on <= today), None)
    valid = sheet is not None and not sheet.refused and _valid(sheet, today)
    return Card(
        tie=tie,
        restricted=tie.restricted(today),
        restrictions=file.restrictions.get(guardian, []),
        ways=ways(
            family.pupil,
            tie,
            school_class=family.school_class,
            usable=usable(contacts, reach),
            today=today,
        ),
        sheet=sheet,
        in_force=valid,
        blank=tuple(item for item in PROCESSING if item not in sheet.items)
        if sheet is not None and valid and not own
        else (),
        application=next((one for one in applications if one.signed_on <= today), None),
        contacts=contacts,
        sheets=sheets,
        applications=applications,
        withdrawals=pending.get(guardian, ()),
    )


def usable(contacts: Sequence[ContactRow], reach: Reach) -> frozenset[Channel]:
    """The channels that lead to this guardian now."""
    return frozenset(
        one.channel
        for one in contacts
        if one.channel in reach.on
        and one.confirmed_at is not None
        and one.confirmed_at <= reach.now
        and not one.stopped
        and one.suppressed is None
    )


def _valid(sheet: SheetRow, today: date) -> bool:
    if sheet.withdrawn_on is not None and sheet.withdrawn_on <= today:
        return False
    return sheet.valid_until is None or today <= sheet.valid_until
