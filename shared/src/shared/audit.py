"""The audit: who did what about whom, when and why; it only grows (R-D2, R-F3).

Ids only, never a name, an address or a text: who may see the person may look the id up.
"""

from contextvars import ContextVar
from typing import Any
from uuid import UUID

from shared.db import AnyConnection
from shared.staff import Staff
from shared.topics import Service

REQUEST: ContextVar[str | None] = ContextVar("vestnik_request", default=None)
"""The id of the request in hand, as in its `X-Request-Id` and its log lines."""


async def note(
    connection: AnyConnection,
    service: Service,
    who: Staff | str,
    action: str,
    *,
    school: str | None,
    about: str | None = None,
    reason: str | None = None,
    **details: Any,
) -> UUID:
    """Adds one line to the service's own audit, in the transaction of what it tells of; its number.

    `who` is a member of staff, or the name of what acted; `action` a constant dotted name; `about` the
    id of the person or thing; `reason` what the person gave as one.
    """
    facts = dict(details)
    if isinstance(who, Staff):
        facts["role"] = who.role.value
    if reason is not None:
        facts["reason"] = reason
    if (request := REQUEST.get()) is not None:
        facts["request"] = request
    number: UUID = await connection.fetchval(
        f"""INSERT INTO {service.schema}.audit (actor, action, school, about, details)
            VALUES ($1, $2, $3, $4, $5) RETURNING id""",
        who.key if isinstance(who, Staff) else who,
        action,
        school,
        about,
        facts,
    )
    return number
