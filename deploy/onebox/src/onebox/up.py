"""The single-school installation: three services, one process, one database."""

import dispatcher.app
import ingest.app
import print_queue.app
from onebox.acts import first_administrator
from onebox.environment import database
from onebox.home import add_home
from shared.migrations import migrate
from shared.serve import context_of, run_loop, serving, until_told_to_stop
from shared.settings import Settings, is_loopback
from shared.web.site import Site

BUILDS = (ingest.app.build, dispatcher.app.build, print_queue.app.build)


async def up(settings: Settings, port: int) -> None:
    """Runs until SIGTERM or Ctrl-C; prints the address once it listens."""
    async with database(settings) as url:
        await migrate(url)
        here = f"http://{settings.host}:{port}"
        if "public_url" not in settings.model_fields_set and is_loopback(settings.host):
            settings = settings.model_copy(update={"public_url": here})
        context = context_of(settings, url)
        parts = [build(context) for build in BUILDS]
        site = Site("onebox", "", settings)
        add_home(site, parts, context)
        async with serving(parts, site, host=settings.host, port=port):
            print(f"Вестник работает: {here}", flush=True)  # noqa: T201 - the answer itself
            if (first := await first_administrator(context)) is not None:
                print(f"Задайте пароль администратора (адрес на один раз): {first}", flush=True)  # noqa: T201
            await until_told_to_stop()


def run_up(settings: Settings, port: int) -> None:
    run_loop(up(settings, port))
