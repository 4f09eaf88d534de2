"""The pages of families put together."""

from collections.abc import Callable, Mapping

import asyncpg
from fastapi import APIRouter

from dispatcher.channels.base import Port
from dispatcher.channels.vapid import public_key, vapid_key
from dispatcher.parent.entering import Entering
from dispatcher.parent.letter import LinkLetters
from dispatcher.parent.pages import FamilyPages
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
) -> tuple[APIRouter, APIRouter]:
    """Coming in, and the pages behind it. `ports_of` as in `Direct`."""
    settings, clock = context.settings, context.clock
    entering = Entering(
        site,
        pool_of,
        clock,
        throttle=throttle,
        direct=Direct(pool_of, ports_of, Budget(clock, settings.profile_of)),
        letters=LinkLetters(mail_from=settings.mail_from or NO_SENDER, public_url=settings.public_url),
    )
    pages = FamilyPages(
        site,
        pool_of,
        clock,
        links=links,
        on=switched_on(settings),
        profile_of=settings.profile_of,
        push_key=lambda: public_key(vapid_key(settings)),
    )
    return entering.routes(), pages.routes()
