"""Everything the desk knows of a pupil's family, read for one page (R-C3, R-D2)."""

import hashlib
import hmac
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

import phonenumbers

from dispatcher.desk.entries import Tie
from dispatcher.desk.room import Entered
from dispatcher.sending.suppression import STANDING
from shared.audit import note
from shared.categories import Category, Channel
from shared.consent import Form
from shared.families import Guardianship, Pupil, SchoolClass
from shared.registry import Families
from shared.topics import Service
from shared.web.errors import Problem
from shared.web.language import mark

NOBODY = mark("Такого ученика в списках школы нет. Проверьте адрес или найдите семью заново.")
NO_GUARDIAN = mark("Такого представителя у этого ученика в списках нет. Откройте страницу семьи заново.")


@dataclass(frozen=True, slots=True)
class SheetRow:
    """A consent sheet as registered; `signed` are the items of the school's own form."""

    guardian: str
    number: str
    signed_on: date
    registered_at: datetime
    items: tuple[str, ...]
    signed: tuple[str, ...]
    refused: bool
    valid_until: date | None
    withdrawn_on: date | None
    signed_by: str
    accepted_by: str


@dataclass(frozen=True, slots=True)
class ApplicationRow:
    """An application as registered; an empty scope asks for everything."""

    guardian: str
    number: str
    signed_on: date
    registered_at: datetime
    form: Form
    scope: tuple[Category, ...]
    pupil_access: bool
    accepted_by: str


@dataclass(frozen=True, slots=True)
class ContactRow:
    """An address as it stands. `id` names it in addresses of pages, where the address itself must not
    stand. `suppressed`: why nothing goes there (`reply`, `bounce`, …), with its `code`."""

    id: str
    guardian: str
    channel: Channel
    address: str
    confirmed_at: datetime | None
    how: str | None
    stopped_because: str | None
    stopped: bool
    suppressed: str | None
    code: str | None
    until: datetime | None

    @property
    def said(self) -> str:
        """The address as people write it."""
        if self.channel is not Channel.SMS:
            return self.address
        number = phonenumbers.parse(self.address)
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.INTERNATIONAL)


@dataclass(frozen=True, slots=True)
class RestrictionRow:
    """Restricted rights, as the desk registered them (R-D4)."""

    id: UUID
    guardian: str
    first: date
    last: date | None
    basis: str


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another pupil of one of the guardians."""

    pupil: str
    name: str
    class_name: str


@dataclass(frozen=True, slots=True)
class Family:
    """A pupil with guardians, and everything on file about them, newest papers first."""

    pupil: Pupil
    school_class: SchoolClass | None

    def tie(self, guardian: str) -> Guardianship:
        """Raises Problem 404."""
        for one in self.pupil.guardianships:
            if one.guardian.guardian == guardian:
                return one
        raise Problem(404, NO_GUARDIAN)

    def key(self, guardian: str) -> Tie:
        """Raises Problem 404."""
        self.tie(guardian)
        return Tie(self.pupil.school, self.pupil.pupil, guardian)

    def adult(self, today: date) -> bool:
        return self.pupil.adult(today)


@dataclass(frozen=True, slots=True)
class File:
    """What is on file about each guardian of a pupil, by guardian; papers newest first."""

    sheets: dict[str, list[SheetRow]]
    applications: dict[str, list[ApplicationRow]]
    contacts: dict[str, list[ContactRow]]
    restrictions: dict[str, list[RestrictionRow]]
    siblings: list[Sibling]


async def read_family(at: Entered, pupil: str) -> Family:
    """Raises Problem 404. Looking is noted in the audit (R-D2)."""
    families = Families()
    await families.load(at.connection, pupils=[(at.place.school, pupil)])
    found = families.pupil(at.place.school, pupil)
    if found is None:
        raise Problem(404, NOBODY)
    await note(
        at.connection,
        Service.DISPATCHER,
        at.staff,
        "family.looked_at",
        school=at.place.school,
        about=pupil,
    )
    return Family(found, families.classes(at.place.school).get(found.class_name))


async def read_file(at: Entered, family: Family, *, key: bytes) -> File:
    """`key` is the installation's secret: ids of contacts are made with it."""
    school, pupil = at.place.school, family.pupil.pupil
    guardians = [tie.guardian.guardian for tie in family.pupil.guardianships]
    sheets = defaultdict[str, list[SheetRow]](list)
    for row in await at.connection.fetch(
        """SELECT * FROM consent.sheet WHERE school = $1 AND pupil = $2
           ORDER BY signed_on DESC, registered_at DESC, number DESC""",
        *(school, pupil),
    ):
        sheets[row["guardian"]].append(
            SheetRow(
                row["guardian"],
                row["number"],
                row["signed_on"],
                row["registered_at"],
                tuple(row["items"]),
                tuple(row["signed_items"] or row["items"]),
                row["refused"],
                row["valid_until"],
                row["withdrawn_on"],
                row["signed_by"],
                row["accepted_by"],
            )
        )
    applications = defaultdict[str, list[ApplicationRow]](list)
    for row in await at.connection.fetch(
        """SELECT * FROM consent.application WHERE school = $1 AND pupil = $2
           ORDER BY signed_on DESC, registered_at DESC, number DESC""",
        *(school, pupil),
    ):
        applications[row["guardian"]].append(
            ApplicationRow(
                row["guardian"],
                row["number"],
                row["signed_on"],
                row["registered_at"],
                Form(row["form"]),
                tuple(map(Category, row["scope"])),
                row["pupil_access"],
                row["accepted_by"],
            )
        )
    restrictions = defaultdict[str, list[RestrictionRow]](list)
    for row in await at.connection.fetch(
        """SELECT * FROM consent.restriction WHERE school = $1 AND pupil = $2 AND lifted_at IS NULL
           ORDER BY from_on""",
        *(school, pupil),
    ):
        restrictions[row["guardian"]].append(
            RestrictionRow(row["id"], row["guardian"], row["from_on"], row["until_on"], row["basis"])
        )
    siblings = [
        Sibling(row["pupil"], row["name"], row["class"])
        for row in await at.connection.fetch(
            """SELECT DISTINCT pupil, class, concat_ws(' ', family_name, given_name) AS name
               FROM roster.guardianship t JOIN roster.pupil p USING (school, pupil)
               WHERE t.school = $1 AND t.guardian = ANY($2::text[]) AND pupil <> $3 ORDER BY name, pupil""",
            *(school, guardians, pupil),
        )
    ]
    contacts = await read_contacts(at, guardians, key=key)
    return File(sheets, applications, contacts, restrictions, siblings)


async def read_contacts(at: Entered, guardians: list[str], *, key: bytes) -> dict[str, list[ContactRow]]:
    """Contacts of these guardians with what stands against them; addresses first, devices last."""
    found = defaultdict[str, list[ContactRow]](list)
    for row in await at.connection.fetch(
        f"""SELECT c.*, s.source, s.reason AS code, s.until FROM consent.contact c
            LEFT JOIN dispatch.suppression s
                ON s.school = c.school AND s.channel = c.channel AND s.address = c.address AND {STANDING}
            WHERE c.school = $1 AND c.guardian = ANY($2::text[])
            ORDER BY c.channel = 'push', c.registered_at, c.address""",
        *(at.place.school, guardians),
    ):
        channel = Channel(row["channel"])
        found[row["guardian"]].append(
            ContactRow(
                contact_id(key, row["guardian"], channel, row["address"]),
                row["guardian"],
                channel,
                row["address"],
                row["confirmed_at"],
                row["confirmed_how"],
                row["stopped_because"],
                row["stopped_at"] is not None,
                row["source"],
                row["code"],
                row["until"],
            )
        )
    return found


def contact_id(key: bytes, guardian: str, channel: Channel, address: str) -> str:
    """Names a contact where its address must not stand."""
    said = f"contact\0{guardian}\0{channel}\0{address}".encode()
    return hmac.new(key, said, hashlib.sha256).hexdigest()[:20]
