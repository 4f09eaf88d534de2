"""The single-school installation: three services, one process, one database."""

import dispatcher.app
import ingest.app
import print_queue.app
from onebox.environment import database
from onebox.home import add_home
from shared.migrations import migrate
from shared.serve import context_of, run_loop, serving, until_told_to_stop
from shared.settings import Settings
from shared.web.site import Site

BUILDS = (ingest.app.build, dispatcher.app.build, print_queue.app.build)


async def up(settings: Settings, port: int) -> None:
    """Runs until SIGTERM or Ctrl-C; prints the address once it listens."""
    async with database(settings) as url:
        await migrate(url)
        context = context_of(settings, url)
        parts = [build(context) for build in BUILDS]
        site = Site("onebox", "", settings)
        add_home(site, parts, context)
        async with serving(parts, site, host=settings.host, port=port):
            print(f"Вестник работает: http://{settings.host}:{port}", flush=True)  # noqa: T201 - the answer itself
            await until_told_to_stop()


def run_up(settings: Settings, port: int) -> None:
    run_loop(up(settings, port))
