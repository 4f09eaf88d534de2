"""`box`: `vestnik up` on a fresh database with two schools in its lists, and windows onto it."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from playwright.async_api import Browser
from support.browser import Screen
from support.installations import VESTNIK, Running, listening, own_folder

from shared.db import connect


@dataclass
class Box:
    """A running installation, its database as its owner, and a browser."""

    running: Running
    admin: asyncpg.Connection
    browser: Browser
    screens: list[Screen] = field(default_factory=list)

    @property
    def address(self) -> str:
        return str(self.running.http.base_url).rstrip("/")

    async def screen(self, *, language: str = "ru-RU", scripts: bool = True) -> Screen:
        """A new person's window."""
        made = await Screen.open(self.browser, self.address, language=language, scripts=scripts)
        self.screens.append(made)
        return made

    async def said(self, beginning: str) -> str:
        """The rest of the first line that `vestnik up` printed with this beginning."""
        while True:
            for line in self.running.said.read_text(errors="replace").splitlines():
                if line.startswith(beginning):
                    return line.removeprefix(beginning).strip()
            await asyncio.sleep(0.05)


@pytest.fixture
async def box(database: str, browser: Browser) -> AsyncIterator[Box]:
    admin = await connect(database)
    await admin.execute(
        "INSERT INTO roster.school VALUES ('a', 'Школа № 7', 'Europe/Moscow'), ('b', 'Лицей', 'Asia/Omsk')"
    )
    with own_folder() as folder:
        settings = {"VESTNIK_DATABASE_URL": database, "VESTNIK_DATA": str(folder / "var")}
        async with listening(VESTNIK, "up", folder=folder, settings=settings) as running:
            await running.until(200)
            made = Box(running, admin, browser)
            yield made
            for screen in made.screens:
                await screen.close()
    await admin.close()
