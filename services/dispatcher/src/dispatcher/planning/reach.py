"""Which electronic channels are open to a guardian now (DESIGN §6, step 6).

A channel is usable when the guardian has a confirmed, unstopped address on it that is not on
the suppression list, the installation has it switched on, and the school's budget is not spent.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Protocol

import asyncpg

from shared.categories import ELECTRONIC, Channel
from shared.families import Guardian
from shared.settings import Settings

Suppressed = Collection[tuple[str, Channel, str]]
"""School, channel and address."""


class Budget(Protocol):
    """How far a school's SMS budget reaches (R-C9)."""

    async def spent(self, connection: asyncpg.Connection, schools: Iterable[str]) -> frozenset[str]:
        """Those of the schools whose budget of this month is used up."""


def switched_on(settings: Settings) -> frozenset[Channel]:
    """The channels this installation has. Push needs only a key, which the first start makes."""
    found = {Channel.PUSH}
    if settings.smtp_url is not None:
        found.add(Channel.EMAIL)
    if settings.smsaero_email is not None and settings.smsaero_api_key is not None:
        found.add(Channel.SMS)
    return frozenset(found)


def reachable(
    guardian: Guardian, *, on: Collection[Channel], suppressed: Suppressed, now: datetime
) -> frozenset[Channel]:
    """The channels of `on` that lead to this guardian."""
    return frozenset(
        contact.channel
        for contact in guardian.contacts
        if contact.channel in on
        and contact.usable(now)
        and (guardian.school, contact.channel, contact.address) not in suppressed
    )


def without_sms(on: frozenset[Channel]) -> frozenset[Channel]:
    """The channels left to a school whose SMS budget is spent."""
    return frozenset(channel for channel in ELECTRONIC if channel in on and channel is not Channel.SMS)
