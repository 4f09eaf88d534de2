"""The secretary's pages put together."""

from collections.abc import Callable, Mapping

import asyncpg
from fastapi import APIRouter

from dispatcher.channels.base import Port
from dispatcher.desk.code_letters import CodeLetters
from dispatcher.desk.codes import Codes
from dispatcher.desk.contact_pages import ContactPages
from dispatcher.desk.pages import DeskPages
from dispatcher.desk.paper_pages import PaperPages
from dispatcher.desk.refusal_pages import RefusalPages
from dispatcher.desk.room import Room
from dispatcher.desk.tie_pages import TiePages
from dispatcher.desk.undecided_pages import UndecidedPages
from dispatcher.desk.why_pages import WhyPages
from dispatcher.desk.withdrawal_pages import WithdrawalPages
from dispatcher.desk.year_pages import YearPages
from dispatcher.planning.reach import switched_on
from dispatcher.sending.budget import Budget
from dispatcher.working_days import WorkingDays
from shared.categories import Channel
from shared.service import Context
from shared.web.site import Site

_NO_SENDER = "vestnik@localhost"


def desk_routers(
    site: Site,
    pool_of: Callable[[], asyncpg.Pool],
    context: Context,
    ports: Callable[[], Mapping[Channel, Port]],
) -> list[APIRouter]:
    """`ports` gives the ways out behind their gates; none while the service is not started."""
    settings, clock = context.settings, context.clock
    room = Room(site, pool_of, clock, settings)
    budget, days = Budget(clock, settings.profile_of), WorkingDays(settings.working_days)
    letters = CodeLetters(settings.mail_from or _NO_SENDER)
    codes = Codes(pool_of, clock, ports=ports, letters=letters, budget=budget)
    return [
        DeskPages(room, on=switched_on(settings), budget=budget, days=days, codes=codes).routes(),
        PaperPages(room).routes(),
        ContactPages(room, codes).routes(),
        WithdrawalPages(room, days).routes(),
        WhyPages(room).routes(),
        RefusalPages(room).routes(),
        UndecidedPages(room).routes(),
        TiePages(room).routes(),
        YearPages(room).routes(),
    ]
