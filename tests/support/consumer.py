"""A consumer as a program, to be killed: `python -m support.consumer SERVICE TOPIC GROUP NAME`.

Reads VESTNIK_* settings, says `ready`, and works until its standard input ends.
"""

import asyncio
import sys

from shared.bus.base import Subscription
from shared.bus.make import make_bus
from shared.db import open_pool
from shared.settings import load
from shared.topics import Service, Topic
from support.effects import recording


async def main() -> None:
    service, topic, group, name = sys.argv[1:]
    settings = load()
    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    pool = await open_pool(url, Service(service))
    bus = make_bus(settings, Service(service), url, pool)
    if group:
        bus.subscribe(Subscription(Topic(topic), group, recording(group, name), max_records=50))
    await bus.start()
    print("ready", flush=True)  # noqa: T201 - how the test learns it
    await asyncio.to_thread(sys.stdin.read)
    await bus.stop()
    await pool.close()


asyncio.run(main())
