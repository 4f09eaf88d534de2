"""Steps 1 to 6 of deciding (DESIGN §6): may this guardian be told, and over what.

Pure; used by the dispatcher for every decision and by the print queue to know who gets
a sheet. When to tell is the dispatcher's (planning/timing).
"""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.categories import ELECTRONIC, UNMARKED, Category, Channel, Mode
from shared.consent import Form, Subject, permission, subject_of
from shared.families import Guardianship, Preference, Pupil, SchoolClass


class Verdict(StrEnum):
    TELL = "tell"
    PAPER = "paper"
    SUPPRESS = "suppress"


class Reason(StrEnum):
    """Why a family is not told, or is told on paper."""

    RIGHTS = "rights"
    UNMARKED_CLASS = "unmarked_class"
    NO_CONSENT = "no_consent"
    OUT_OF_SCOPE = "out_of_scope"
    UNWANTED = "unwanted"
    UNREACHABLE = "unreachable"
    APPLICATION = "application"
    PREFERENCE = "preference"


@dataclass(frozen=True, slots=True)
class Matter:
    """What routing looks at in a change."""

    category: Category
    individual: bool
    attestation: bool
    happened_on: date

    @property
    def subject(self) -> Subject:
        return subject_of(self.category, individual=self.individual, attestation=self.attestation)


@dataclass(frozen=True, slots=True)
class Route:
    """Where a change goes for one guardian and one pupil.

    `channel` and `mode` are set when told; `mode` None means the category's default.
    `chosen`: the guardian asked for this very channel (SMS may then carry marks).
    `sheet` and `application` number the papers relied on; `missing` the items not signed.
    """

    verdict: Verdict
    reason: Reason | None = None
    channel: Channel | None = None
    mode: Mode | None = None
    chosen: bool = False
    sheet: str | None = None
    application: str | None = None
    missing: tuple[str, ...] = ()


def has_rights(pupil: Pupil, guardianship: Guardianship, *, happened_on: date, today: date) -> bool:
    """Step 1 (R-D4, R-B7, R-C8): a guardian not restricted today, of a pupil enrolled when it
    happened and under 18; of an adult pupil only the pupil."""
    if guardianship.restricted(today) or not pupil.enrolled(happened_on):
        return False
    return guardianship.relation == "self" or not pupil.adult(today)


def route(
    matter: Matter,
    *,
    pupil: Pupil,
    school_class: SchoolClass | None,
    guardianship: Guardianship,
    usable: frozenset[Channel],
    today: date,
) -> Route:
    """Steps 1 to 6. `usable` are the electronic channels with a confirmed address in order,
    switched on and within budget; whether the papers allow them is decided here."""
    if not has_rights(pupil, guardianship, happened_on=matter.happened_on, today=today):
        return Route(Verdict.SUPPRESS, Reason.RIGHTS)
    if school_class is not None and school_class.unmarked and matter.category in UNMARKED:
        return Route(Verdict.SUPPRESS, Reason.UNMARKED_CLASS)
    sheet, application = guardianship.sheet(today), guardianship.application(today)
    allowed = permission(matter.subject, matter.category, sheet=sheet, application=application, today=today)
    asked = application.number if application is not None else None
    if not allowed.channels:
        return Route(
            Verdict.SUPPRESS,
            Reason.NO_CONSENT,
            sheet=allowed.sheet,
            application=asked,
            missing=allowed.missing,
        )
    if application is not None and not application.covers(matter.category):
        return Route(Verdict.SUPPRESS, Reason.OUT_OF_SCOPE, sheet=allowed.sheet, application=asked)
    if application is not None and application.form is Form.PAPER:
        return Route(Verdict.PAPER, Reason.APPLICATION, sheet=allowed.sheet, application=asked)

    wish = _wish(
        guardianship,
        matter.category,
        weekly=application is not None and application.form is Form.WEEKLY_EMAIL,
    )
    if wish is not None and wish.mode is Mode.NEVER and wish.channel is not Channel.PAPER:
        return Route(Verdict.SUPPRESS, Reason.UNWANTED, sheet=allowed.sheet, application=asked)
    wanted = wish.channel if wish is not None else None
    if wanted is Channel.PAPER and Channel.PAPER in allowed.channels:
        return Route(Verdict.PAPER, Reason.PREFERENCE, sheet=allowed.sheet, application=asked)
    mode = wish.mode if wish is not None and wish.mode is not Mode.NEVER else None
    order = ((wanted,) if wanted is not None else ()) + ELECTRONIC
    for channel in order:
        if channel in allowed.channels and channel in usable:
            return Route(
                Verdict.TELL,
                channel=channel,
                mode=mode,
                chosen=channel is wanted,
                sheet=allowed.sheet,
                application=asked,
            )
    verdict = Verdict.PAPER if Channel.PAPER in allowed.channels else Verdict.SUPPRESS
    return Route(verdict, Reason.UNREACHABLE, sheet=allowed.sheet, application=asked)


def _wish(guardianship: Guardianship, category: Category, *, weekly: bool) -> Preference | None:
    """Step 5: the preference for the category, then for everything, then the weekly e-mail."""
    preferences = guardianship.guardian.preferences
    wish = preferences.get(category) or preferences.get("*")
    if wish is None and weekly and category not in {Category.ATTENDANCE, Category.FINAL_MARK}:
        return Preference(Channel.EMAIL, Mode.WEEKLY)
    return wish
