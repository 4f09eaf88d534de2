"""What a person does to the machine, with a reason that is kept (R-D2)."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from shared import audit
from shared.db import AnyConnection
from shared.errors import ForPeople
from shared.staff import Staff
from shared.topics import Service

_SHORTEST, _LONGEST = 3, 500


class ReasonMissing(ForPeople):
    """A lever was pulled without saying why."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Who acts and why. `school` is the one school they may touch, None for the whole installation.

    Raises ReasonMissing. The reason is read by people and goes into the audit as it is.
    """

    who: Staff | str
    reason: str
    school: str | None = None

    def __post_init__(self) -> None:
        said = " ".join(self.reason.split())
        if not _SHORTEST <= len(said) <= _LONGEST:
            raise ReasonMissing(
                "Ничего не сделано: напишите причину, от трёх знаков до пятисот. Она останется в журнале "
                "действий; имён и адресов в ней не нужно."
            )
        object.__setattr__(self, "reason", said)

    @property
    def actor(self) -> str:
        """As in the audit."""
        return self.who.key if isinstance(self.who, Staff) else self.who

    async def note(
        self,
        connection: AnyConnection,
        service: Service,
        action: str,
        *,
        school: str | None,
        about: object,
        **details: Any,
    ) -> UUID:
        """One line of the service's audit, in the transaction of what it tells of; its number. `about`
        is an id."""
        return await audit.note(
            connection,
            service,
            self.who,
            action,
            school=school,
            about=str(about),
            reason=self.reason,
            **details,
        )
