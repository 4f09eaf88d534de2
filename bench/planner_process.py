"""The planner alone, as the dispatcher runs it: Kafka in, committed decisions out."""

from dispatcher.planning.planner import GROUP, Planner
from shared import logging
from shared.bus.base import Subscription
from shared.bus.make import make_bus
from shared.db import open_pool
from shared.serve import context_of, run_loop, until_told_to_stop
from shared.settings import load
from shared.topics import Service, Topic


async def main() -> None:
    settings = load()
    logging.configure(settings.log_level)
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    pool = await open_pool(url, Service.DISPATCHER)
    planner = Planner(settings, context_of(settings, url).clock)
    bus = make_bus(settings, Service.DISPATCHER, url, pool)
    bus.subscribe(Subscription(Topic.JOURNAL_CHANGES, GROUP, planner.handle))
    await bus.start()
    await until_told_to_stop()
    await bus.stop()
    await pool.close()


run_loop(main())
