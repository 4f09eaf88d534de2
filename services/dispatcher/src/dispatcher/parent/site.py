"""The pages of families put together."""

from collections.abc import Callable, Mapping

import asyncpg
from fastapi import APIRouter

from dispatcher.channels.base import Port
from dispatcher.channels.vapid import public_key, vapid_key
from dispatcher.desk.code_letters import AT_PAGE, CodeLetters
from dispatcher.desk.codes import Codes
from dispatcher.parent.entering import Entering
from dispatcher.parent.letter import LinkLetters
from dispatcher.parent.new_contact_pages import NewContactPages
from dispatcher.parent.pages import FamilyPages
from dispatcher.parent.room import Room
from dispatcher.people.throttle import Throttle
from dispatcher.planning.reach import switched_on
from dispatcher.sending.budget import Budget
from dispatcher.sending.direct import Direct
from dispatcher.texts.links import Links
from shared.categories import Channel
from shared.service import Context
from shared.web.site import Site

NO_SENDER = "vestnik@localhost"


def family_routers(
    site: Site,
    pool_of: Callable[[], asyncpg.Pool],
    context: Context,
    ports_of: Callable[[], Mapping[Channel, Port]],
    *,
    throttle: Throttle,
    links: Links,
) -> list[APIRouter]:
    """Coming in, and the pages behind it. `ports_of` as in `Direct`."""
    settings, clock = context.settings, context.clock
    sender, budget = settings.mail_from or NO_SENDER, Budget(clock, settings.profile_of)
    entering = Entering(
        site,
        pool_of,
        clock,
        throttle=throttle,
        direct=Direct(pool_of, ports_of, budget),
        letters=LinkLetters(mail_from=sender, public_url=settings.public_url),
    )
    room = Room(site, pool_of, clock, links=links, on=switched_on(settings))
    pages = FamilyPages(
        room, profile_of=settings.profile_of, push_key=lambda: public_key(vapid_key(settings))
    )
    codes = Codes(pool_of, clock, ports=ports_of, letters=CodeLetters(sender, AT_PAGE), budget=budget)
    new_contact = NewContactPages(room, codes, key=settings.signing_key)
    return [entering.routes(), pages.routes(), new_contact.routes()]
