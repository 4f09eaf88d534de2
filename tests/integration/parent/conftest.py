"""`place`: the dispatcher on a real database, with a mail server, an SMS gateway and families."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import httpx
import pytest
from integration.guards.conftest import House, opened
from pydantic import SecretStr
from support.households import FAMILIES, TOLD, family_session
from support.people import HTML, Person

from dispatcher.app import build
from sandbox.inbox import Inbox, Letter
from sandbox.smsaero import SmsAero
from shared.db import connect
from shared.settings import Settings
from shared.web.sessions import Cookies

SCHOOLS = "INSERT INTO roster.school VALUES ('a', 'Школа № 7', 'Europe/Moscow'), ('b', 'Лицей', 'Asia/Omsk')"
WAY_IN = re.compile(r"http://127\.0\.0\.1:8100(/dispatcher/me/in/[\w-]{43})(?![\w-])")


@dataclass
class Place:
    house: House
    admin: asyncpg.Connection
    inbox: Inbox
    sms: SmsAero
    cookies: Cookies

    def somebody(self) -> Person:
        """Another person before a browser."""
        return Person(
            httpx.AsyncClient(transport=httpx.ASGITransport(app=self.house.app), base_url="http://house")
        )

    async def ask(self, contact: str, person: Person | None = None) -> httpx.Response:
        """Asks for a link; the work after the answer is over when this returns."""
        return await (person or self.somebody()).send("/dispatcher/me/enter", {"contact": contact})

    async def link(self, contact: str) -> str:
        """The path of the first link in the newest letter after asking."""
        await self.ask(contact)
        return ways_in(self.inbox.letters[-1])[0]

    async def inside(self, guardian: str, school: str = "a") -> httpx.AsyncClient:
        """A guardian who came in just now."""
        headers = await family_session(self.admin, self.cookies, school, guardian)
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(app=self.house.app),
            base_url="http://house/dispatcher/me",
            headers={**headers, **HTML},
        )

    async def actions(self) -> list[str]:
        return [
            row["action"] for row in await self.admin.fetch("SELECT action FROM dispatch.audit ORDER BY id")
        ]


def ways_in(letter: Letter) -> list[str]:
    return WAY_IN.findall(letter.text)


@pytest.fixture
async def place(database: str, tmp_path: Path) -> AsyncIterator[Place]:
    admin = await connect(database)
    await admin.execute(SCHOOLS + ";" + FAMILIES + TOLD)
    async with Inbox() as inbox, SmsAero() as sms:
        settings = Settings(
            data=tmp_path,
            secret_key="a key of this test",
            smtp_url=SecretStr(inbox.url),
            mail_from="vestnik@school.example",
            smsaero_email=sms.email,
            smsaero_api_key=SecretStr(sms.api_key),
            smsaero_url=sms.url,
        )
        async with opened(settings, database, [build]) as house:
            yield Place(house, admin, inbox, sms, Cookies(settings.signing_key, secure=False))
    await admin.close()
