"""The dispatcher put together: the one place where its parts are made (DESIGN §1, §2)."""

import asyncio
from collections.abc import Coroutine, Mapping
from functools import lru_cache, partial
from typing import Any

import asyncpg
import structlog

from dispatcher import ledger_watch, reach_watch, watch
from dispatcher.bounces.returns import bounces_to, make_returns, make_verp
from dispatcher.channels.base import Port
from dispatcher.channels.email import EmailChannel
from dispatcher.channels.push import PushChannel
from dispatcher.channels.sms import SmsChannel
from dispatcher.channels.vapid import subject, vapid_key
from dispatcher.console.acts import Acts
from dispatcher.console.pages import Console
from dispatcher.desk import year_watch
from dispatcher.desk.site import desk_routers
from dispatcher.erasing import job as erasing
from dispatcher.notices import teller
from dispatcher.notices.letter import StaffLetters
from dispatcher.notices.receive import Receiver
from dispatcher.operating.reroute import Rerouting
from dispatcher.parent.site import family_routers
from dispatcher.people import entering
from dispatcher.people.changing import Changes
from dispatcher.people.desk import Desk
from dispatcher.people.editing import Editing
from dispatcher.people.login import Logins
from dispatcher.people.own import OwnPages
from dispatcher.people.passwords import Passwords
from dispatcher.people.throttle import Throttle
from dispatcher.planning.planner import GROUP, Planner
from dispatcher.planning.reach import switched_on
from dispatcher.reach_watch import ReachWatch
from dispatcher.sending import receipts, stop_list, unsubscribe
from dispatcher.sending.budget import Budget
from dispatcher.sending.composer import Composer
from dispatcher.sending.detour import Detour
from dispatcher.sending.gate import Gates, limits_of
from dispatcher.sending.papers import Current, Papers
from dispatcher.sending.polling import Poller
from dispatcher.sending.prepare import Preparer
from dispatcher.sending.retry import Backoff
from dispatcher.sending.sender import WIDTHS, Sender
from dispatcher.sending.settler import Settler
from dispatcher.sending.stop_list import StopReader
from dispatcher.sending.sweeper import Sweeper
from dispatcher.sending.weekly import WeeklyEmails
from dispatcher.texts.renderer import Renderer
from dispatcher.wakeups import SEND, Ear, Wake
from dispatcher.working_days import WorkingDays
from shared.bus.base import Bus, Subscription
from shared.bus.lead import Bell, Pulse, Work, lead
from shared.bus.make import make_bus
from shared.categories import Channel
from shared.db import DATABASE_AWAY, open_pool
from shared.registry import Shelf
from shared.schema import require_current
from shared.service import Context, Part
from shared.settings import Settings
from shared.topics import Service, Topic
from shared.web.site import Site

log = structlog.get_logger()

NO_SENDER = "vestnik@localhost"


def build(context: Context) -> Part:
    """Nothing is opened before `start`."""
    return Dispatcher(context)


def make_ports(settings: Settings) -> list[Port]:
    """The channels that are switched on."""
    ports: list[Port] = [
        PushChannel(key=vapid_key(settings), subject=subject(settings), hosts=settings.push_hosts)
    ]
    if settings.smtp_url is not None:
        assert settings.mail_from is not None
        ports.append(
            EmailChannel(
                settings.smtp_url.get_secret_value(),
                mail_from=settings.mail_from,
                verp=make_verp(settings),
                connections=WIDTHS[Channel.EMAIL].calls,
            )
        )
    if settings.smsaero_email is not None and settings.smsaero_api_key is not None:
        ports.append(
            SmsChannel(
                email=settings.smsaero_email,
                api_key=settings.smsaero_api_key.get_secret_value(),
                sign=settings.smsaero_sign,
                url=settings.smsaero_url,
                callback_url=receipts.callback_url(settings.public_url, settings.signing_key()),
            )
        )
    return ports


def subscriptions(
    context: Context,
    *,
    on: frozenset[Channel] | None = None,
    budget: Budget | None = None,
    shelf: Shelf | None = None,
) -> list[Subscription]:
    """What the dispatcher reads from the bus; also for dead letters given again."""
    settings, clock = context.settings, context.clock
    planner = Planner(
        settings, clock, on=on, budget=budget or Budget(clock, settings.profile_of), shelf=shelf
    )
    return [
        Subscription(Topic.JOURNAL_CHANGES, GROUP, planner.handle),
        Subscription(Topic.STAFF_NOTICES, GROUP, Receiver(clock).handle),
    ]


class Dispatcher:
    """Plans, composes, sends and settles; answers below `/dispatcher`."""

    path = "/dispatcher"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._settings = context.settings
        self._pool: asyncpg.Pool | None = None
        self._running: _Running | None = None
        self.renderer = Renderer(
            mail_from=self._settings.mail_from or NO_SENDER,
            public_url=self._settings.public_url,
            signing_key=self._settings.signing_key,
            bounces_to=bounces_to(self._settings),
        )
        self.site = Site("dispatcher", self.path, self._settings, pool_of=lambda: self._pool)
        self.app = self.site.app
        passwords, throttle = Passwords(), Throttle(self._settings.signing_key())
        for pages in (
            # First, for it is asked most: paths are tried in this order.
            receipts.router(self._opened, context.clock, self._settings.signing_key()),
            entering.router(self.site, self._opened, Logins(throttle, passwords)),
            OwnPages(self.site, self._opened, Changes(throttle, passwords)).routes(),
            Desk(self.site, self._opened, self._settings.public_url).routes(),
            Editing(self.site, self._opened).routes(),
            *desk_routers(self.site, self._opened, context, self._ports),
            Console(self.site, self._opened, context.clock, limits_of(self._settings)).routes(),
            self._acts().routes(),
            *family_routers(
                self.site,
                self._opened,
                context,
                self._ports,
                throttle=throttle,
                links=self.renderer.links,
            ),
        ):
            self.app.include_router(pages)
        self.app.include_router(
            unsubscribe.router(self.site.pages, self._opened, self.renderer.links, context.clock)
        )

    def _acts(self) -> Acts:
        clock, profile_of = self._context.clock, self._settings.profile_of
        budget = Budget(clock, profile_of)
        rerouting = Rerouting(clock, profile_of=profile_of, budget=budget, on=switched_on(self._settings))
        return Acts(
            self.site,
            self._opened,
            clock,
            rerouting=rerouting,
            subscriptions=subscriptions(self._context, budget=budget),
        )

    def _ports(self) -> Mapping[Channel, Port]:
        return self._running.ports if self._running is not None else {}

    def _opened(self) -> asyncpg.Pool:
        assert self._pool is not None, "not started"
        return self._pool

    async def start(self) -> None:
        pool = await open_pool(self._context.database_url, Service.DISPATCHER, largest=12)
        try:
            async with pool.acquire() as connection:
                await require_current(connection)
            self._running = _Running(self._context, pool, self.renderer)
            await self._running.start()
        except BaseException:
            await pool.close()
            raise
        self._pool = pool

    async def stop(self) -> None:
        if self._running is not None:
            await self._running.stop()
            self._running = None
        if self._pool is not None:
            await self._pool.close()
            self._pool = None

    async def problems(self) -> list[str]:
        if self._running is None or self._pool is None:
            return ["служба не запущена"]
        found = self._running.problems()
        try:
            async with asyncio.timeout(2):
                await self._pool.fetchval("SELECT 1")
        except DATABASE_AWAY:
            found.append("нет связи с базой данных")
        return found


class _Running:
    """The working parts between start and stop."""

    def __init__(self, context: Context, pool: asyncpg.Pool, renderer: Renderer) -> None:
        settings, clock = context.settings, context.clock
        profile_of = lru_cache(maxsize=4096)(settings.profile_of)
        self._ports = make_ports(settings)
        self._gates = Gates(pool, limits_of(settings))
        on = frozenset(port.channel for port in self._ports)
        budget, papers, shelf = Budget(clock, profile_of), Papers(pool), Shelf()
        self._settler = Settler(pool, clock, budget=budget, backoff=Backoff())
        self.ports: Mapping[Channel, Port] = {port.channel: port for port in self._gates.before(self._ports)}
        """The ways out behind their gates: for what a person waits for."""
        self._sender = Sender(
            pool,
            clock,
            ports=self._gates.before(Current(port, papers) for port in self._ports),
            room=self._gates.room,
            renderer=renderer,
            make_preparer=lambda: Preparer(
                clock, profile_of=profile_of, budget=budget, channels=on, shelf=shelf
            ),
            settler=self._settler,
        )
        self._composer = Composer(pool, clock, weekly=WeeklyEmails(profile_of, email_on=Channel.EMAIL in on))
        self._ear = Ear(
            context.database_url,
            {
                Wake.COMPOSE: self._composer.wake,
                **{word: partial(self._sender.wake, channel) for channel, word in SEND.items()},
            },
        )
        lists = next((port for port in self._ports if isinstance(port, SmsChannel)), None)
        self._sweeper = Sweeper(pool, clock, budget=budget, lists=lists, purse=lists)
        self._detour = Detour(
            pool,
            clock,
            on=on,
            make_preparer=lambda up: Preparer(clock, profile_of=profile_of, budget=budget, channels=up),
        )
        self._poller = Poller(pool, clock, statuses=lists) if lists is not None else None
        self._stop_reader = StopReader(lists) if lists is not None else None
        self._reach = ReachWatch(clock, on=on, budget=budget)
        self._reach_bell, self._stop_bell = Bell(), Bell()
        self._year, self._year_bell = year_watch.YearWatch(clock), Bell()
        self._eraser = erasing.ErasureJob(
            clock, data=settings.data, days=WorkingDays(settings.working_days), profile_of=profile_of
        )
        self._erase_bell = Bell()
        self._bus: Bus = make_bus(settings, Service.DISPATCHER, context.database_url, pool)
        for subscription in subscriptions(context, on=on, budget=budget, shelf=shelf):
            self._bus.subscribe(subscription)
        self._context = context
        self._returns = make_returns(settings, clock, pool, renderer.links)
        self._teller_bell, self._watch_bell, self._ledger_bell = Bell(), Bell(), Bell()
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def start(self) -> None:
        for port in self._ports:
            await port.start()
        if self._returns is not None:
            await self._returns.start()
        await self._bus.start()
        works: dict[str, Coroutine[Any, Any, None]] = {
            "settler": self._settler.run(),
            "sender": self._sender.run(),
            "composer": self._composer.run(),
            "sweeper": self._sweeper.run(),
            "watch": self._watch(),
            "ledger": self._watch_ledger(),
            "year": self._lead(year_watch.JOB, self._year.run, self._year_bell),
            "gates": self._gates.run(self._sender.wake),
            "reach": self._lead(reach_watch.JOB, self._reach.run, self._reach_bell),
            "erase": self._lead(erasing.JOB, self._eraser.run, self._erase_bell),
            "ear": self._ear.run(),
            "detour": self._detour.run(),
        }
        if self._poller is not None:
            works["poller"] = self._poller.run()
        if self._returns is not None:
            works["bounces"] = self._returns.run()
        if self._stop_reader is not None:
            works["stop list"] = self._lead(stop_list.JOB, self._stop_reader.run, self._stop_bell)
        if Channel.EMAIL in self.ports:
            works["teller"] = self._tell_staff(self.ports[Channel.EMAIL])
        self._tasks = {name: asyncio.create_task(work, name=name) for name, work in works.items()}

    async def _lead(self, job: str, work: Work, bell: Bell) -> None:
        """Whenever no other replica does."""
        await lead(self._context.database_url, Service.DISPATCHER, job, work, bell, Pulse())

    async def _watch(self) -> None:
        """Whenever no other replica does."""
        work = watch.Watch(self._context.clock).run
        await lead(self._context.database_url, Service.DISPATCHER, watch.JOB, work, self._watch_bell, Pulse())

    async def _tell_staff(self, mail: Port) -> None:
        """Whenever no other replica does."""
        settings = self._context.settings
        assert settings.mail_from is not None
        letters = StaffLetters(mail_from=settings.mail_from, public_url=settings.public_url)
        work = teller.Teller(self._context.clock, port=mail, letters=letters).run
        url, bell = self._context.database_url, self._teller_bell
        await lead(url, Service.DISPATCHER, teller.JOB, work, bell, Pulse())

    async def _watch_ledger(self) -> None:
        """Whenever no other replica does."""
        url, work = self._context.database_url, ledger_watch.LedgerWatch(self._context.clock).run
        await lead(url, Service.DISPATCHER, ledger_watch.JOB, work, self._ledger_bell, Pulse())

    async def stop(self) -> None:
        """First nothing new comes in, then what is in hand is sent and settled."""
        await self._bus.stop()
        if self._returns is not None:
            await self._returns.stop()
        self._ear.stop()
        self._composer.stop()
        self._sweeper.stop()
        self._detour.stop()
        if self._poller is not None:
            self._poller.stop()
        self._sender.stop()
        self._teller_bell.stop()
        self._watch_bell.stop()
        self._ledger_bell.stop()
        self._reach_bell.stop()
        self._year_bell.stop()
        self._stop_bell.stop()
        self._erase_bell.stop()
        await self._ended(
            "ear", "composer", "sweeper", "poller", "sender", "teller", "watch", "ledger", "bounces"
        )
        await self._ended("reach", "stop list", "detour", "year", "erase")
        self._settler.stop()
        self._gates.stop()
        await self._ended("settler", "gates")
        for port in self._ports:
            await port.close()

    async def _ended(self, *names: str) -> None:
        tasks = [self._tasks[name] for name in names if name in self._tasks]
        for name, outcome in zip(names, await asyncio.gather(*tasks, return_exceptions=True), strict=False):
            if isinstance(outcome, BaseException):
                log.error("dispatcher.task_broken", task=name, error=type(outcome).__name__)

    def problems(self) -> list[str]:
        found = [f"остановилась часть «{name}»" for name, task in self._tasks.items() if task.done()]
        if not self._bus.healthy():
            found.append("шина не отвечает")
        return found
