"""The whole installation, started, and a caller from outside."""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from onebox.home import add_home
from onebox.up import BUILDS
from shared.clock import RealClock
from shared.serve import Hosted, root_app
from shared.service import Context, Part
from shared.settings import Settings
from shared.web.site import Site


@dataclass(frozen=True)
class House:
    """Every service behind one root application, as `vestnik up` has it."""

    app: FastAPI
    parts: list[Part]
    http: httpx.AsyncClient
    settings: Settings


@pytest.fixture
async def house(database: str, tmp_path: Path) -> AsyncIterator[House]:
    async with opened(Settings(data=tmp_path, secret_key="a key of this test"), database) as made:
        yield made


@asynccontextmanager
async def opened(
    settings: Settings, database: str, builds: Sequence[Callable[[Context], Part]] = BUILDS
) -> AsyncIterator[House]:
    """An installation of these services with these settings, from its start to its end."""
    context = Context(settings, database, RealClock())
    hosted = [Hosted(build(context)) for build in builds]
    parts = [one.part for one in hosted]
    site = Site("onebox", "", settings)
    add_home(site, parts, context)
    app = root_app(hosted, site)
    for one in hosted:
        await one.run()
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://house") as http:
        yield House(app, parts, http, settings)
    for one in hosted:
        await one.stop()
