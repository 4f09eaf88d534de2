"""`box`: `vestnik up` on a fresh database with two schools in its lists, and windows onto it; `posted`: with
families, a mail server and an SMS gateway too."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import asyncpg
import pytest
from playwright.async_api import Browser
from support.browser import Screen
from support.households import FAMILIES, TOLD
from support.installations import VESTNIK, Running, listening, own_folder, vestnik

from sandbox.inbox import Inbox
from sandbox.smsaero import SmsAero
from shared.db import connect

SCHOOLS = "INSERT INTO roster.school VALUES ('a', 'Школа № 7', 'Europe/Moscow'), ('b', 'Лицей', 'Asia/Omsk')"


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


@dataclass
class Posted:
    """A box with a mail server and an SMS gateway beside it, and a journal's token."""

    box: Box
    inbox: Inbox
    sms: SmsAero
    token: str


@pytest.fixture
async def posted(database: str, browser: Browser) -> AsyncIterator[Posted]:
    admin = await connect(database)
    await admin.execute(f"{SCHOOLS}; {FAMILIES} {TOLD}")
    with own_folder() as folder:
        # Whatever the time of day, an SMS may leave.
        (folder / "vestnik.toml").write_text('[profile]\nquiet_hours = ["00:00", "00:00"]\n')
        async with Inbox() as inbox, SmsAero() as sms:
            settings = {
                "VESTNIK_DATABASE_URL": database,
                "VESTNIK_DATA": str(folder / "var"),
                "VESTNIK_SMTP_URL": inbox.url,
                "VESTNIK_MAIL_FROM": "vestnik@school.example",
                "VESTNIK_SMSAERO_EMAIL": sms.email,
                "VESTNIK_SMSAERO_API_KEY": sms.api_key,
                "VESTNIK_SMSAERO_URL": sms.url,
            }
            async with listening(VESTNIK, "up", folder=folder, settings=settings) as running:
                await running.until(200)
                words = ("token", "create", "--school", "a", "--journal", "j")
                token = (await vestnik(*words, folder=folder, settings=settings)).out.strip()
                made = Box(running, admin, browser)
                yield Posted(made, inbox, sms, token)
                for screen in made.screens:
                    await screen.close()
    await admin.close()


@pytest.fixture
async def box(database: str, browser: Browser) -> AsyncIterator[Box]:
    admin = await connect(database)
    await admin.execute(SCHOOLS)
    with own_folder() as folder:
        settings = {"VESTNIK_DATABASE_URL": database, "VESTNIK_DATA": str(folder / "var")}
        async with listening(VESTNIK, "up", folder=folder, settings=settings) as running:
            await running.until(200)
            made = Box(running, admin, browser)
            yield made
            for screen in made.screens:
                await screen.close()
    await admin.close()
