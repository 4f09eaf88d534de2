"""The kinds of family a school has, as one table: who they are to the child, and what they signed."""

from dataclasses import dataclass
from enum import StrEnum

FULL = "1.1 1.2 1.3 2.1 4.1 4.3 4.6 6.1 6.2 6.3 6.4 6.5 6.6 6.8 6.9 6.10 6.12"
WITHOUT_PROGRESS = " ".join(item for item in FULL.split() if item != "4.3")
PAPER_ONLY = "1.1 4.1 4.3 4.6 6.1 6.2 6.3 6.4 6.5 6.6 6.10"


class Kind(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    BOTH_EMAIL = "both_email"
    MOTHER_EMAIL_FATHER_PAPER = "mother_email_father_paper"
    MOTHER_EMAIL_FATHER_SMS = "mother_email_father_sms"
    SMS_FOR_ABSENCES = "sms_for_absences"
    PAPER = "paper"
    WEEKLY_EMAIL = "weekly_email"
    SIBLINGS = "siblings"
    REFUSED_PROGRESS = "refused_progress"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"
    NO_SHEET = "no_sheet"
    RESTRICTED = "restricted"
    WRONG_ADDRESS = "wrong_address"
    UNCONFIRMED = "unconfirmed"
    ADULT_PUPIL = "adult_pupil"
    INSTITUTION = "institution"
    LEFT = "left"


@dataclass(frozen=True, slots=True)
class Parent:
    """One guardian's place in a kind. `form` or `items` None: no such paper on file.

    `contacts`: channels given; `wrong`: the mailbox does not exist; `preferences`: category, channel, mode.
    """

    relation: str
    contacts: tuple[str, ...] = ("email",)
    form: str | None = "electronic"
    items: str | None = FULL
    preferences: tuple[tuple[str, str, str], ...] = ()
    withdrawn: bool = False
    expired: bool = False
    restricted: bool = False
    wrong: bool = False
    unconfirmed: bool = False


ALL_SMS = (("attendance", "sms", "immediate"), ("final_mark", "sms", "immediate"), ("*", "sms", "daily"))
PAPER_FATHER = Parent("father", (), "paper", PAPER_ONLY)

PARENTS: dict[Kind, tuple[Parent, ...]] = {
    Kind.EMAIL: (Parent("mother"),),
    Kind.SMS: (Parent("mother", ("sms",), preferences=ALL_SMS),),
    Kind.PUSH: (Parent("mother", ("push",)),),
    Kind.BOTH_EMAIL: (Parent("mother"), Parent("father")),
    Kind.MOTHER_EMAIL_FATHER_PAPER: (Parent("mother"), PAPER_FATHER),
    Kind.MOTHER_EMAIL_FATHER_SMS: (Parent("mother"), Parent("father", ("sms",), preferences=ALL_SMS)),
    Kind.SMS_FOR_ABSENCES: (
        Parent("mother", ("email", "sms"), preferences=(("attendance", "sms", "immediate"),)),
    ),
    Kind.PAPER: (Parent("mother", (), "paper", PAPER_ONLY),),
    Kind.WEEKLY_EMAIL: (Parent("father", form="weekly_email"),),
    Kind.SIBLINGS: (Parent("mother"), PAPER_FATHER),
    Kind.REFUSED_PROGRESS: (Parent("mother", items=WITHOUT_PROGRESS),),
    Kind.WITHDRAWN: (Parent("mother", withdrawn=True),),
    Kind.EXPIRED: (Parent("father", expired=True),),
    Kind.NO_SHEET: (Parent("mother", form=None, items=None),),
    Kind.RESTRICTED: (Parent("mother"), Parent("father", restricted=True)),
    Kind.WRONG_ADDRESS: (Parent("mother", wrong=True),),
    Kind.UNCONFIRMED: (Parent("mother", unconfirmed=True),),
    Kind.ADULT_PUPIL: (Parent("self"), Parent("mother")),
    Kind.INSTITUTION: (Parent("institution"),),
    Kind.LEFT: (Parent("mother"),),
}

# How often each kind is met. A school of some twenty families or more has every kind at least once.
SHARES: dict[Kind, float] = {
    Kind.EMAIL: 24,
    Kind.SMS: 8,
    Kind.PUSH: 8,
    Kind.BOTH_EMAIL: 8,
    Kind.MOTHER_EMAIL_FATHER_PAPER: 6,
    Kind.MOTHER_EMAIL_FATHER_SMS: 6,
    Kind.SMS_FOR_ABSENCES: 8,
    Kind.PAPER: 10,
    Kind.WEEKLY_EMAIL: 5,
    Kind.SIBLINGS: 4,
    Kind.REFUSED_PROGRESS: 2,
    Kind.WITHDRAWN: 1,
    Kind.EXPIRED: 1,
    Kind.NO_SHEET: 4,
    Kind.RESTRICTED: 1,
    Kind.WRONG_ADDRESS: 2,
    Kind.UNCONFIRMED: 1,
    Kind.ADULT_PUPIL: 0,  # once, in the oldest class
    Kind.INSTITUTION: 1,
    Kind.LEFT: 0,  # once
}
