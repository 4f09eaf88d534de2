"""Bounces taken in and followed up: the parts put together, as one part of the dispatcher."""

import asyncio
import contextlib
from pathlib import Path

import asyncpg

from dispatcher.bounces.intake import Intake
from dispatcher.bounces.lmtp import Listener
from dispatcher.bounces.maildir import Mailbox
from dispatcher.bounces.worker import Worker
from dispatcher.channels.email import envelope_address
from dispatcher.channels.verp import Verp
from dispatcher.texts.links import Links
from shared.clock import Clock
from shared.settings import Settings, SettingsError


def bounces_to(settings: Settings) -> str | None:
    """Where bounces are asked for: as set, else `bounce@` the domain of our mail once somebody takes them
    in. None: letters keep their sender, as strict relays insist."""
    if settings.bounce_address is not None:
        return settings.bounce_address
    if settings.mail_from is None or not (settings.bounce_lmtp or settings.bounce_maildir):
        return None
    sender = envelope_address(settings.mail_from.rpartition("<")[2].rstrip("> "))
    return f"bounce@{sender.rpartition('@')[2]}"


def make_verp(settings: Settings) -> Verp | None:
    """What makes the envelope senders of letters, where bounces are asked for."""
    address = bounces_to(settings)
    return Verp(address, settings.signing_key()) if address is not None else None


def make_returns(settings: Settings, clock: Clock, pool: asyncpg.Pool, links: Links) -> "Returns | None":
    """What takes bounces in, if anything is set to."""
    verp = make_verp(settings)
    if verp is None or not (settings.bounce_lmtp or settings.bounce_maildir):
        return None
    return Returns(
        pool, clock, verp=verp, links=links, lmtp=settings.bounce_lmtp, maildir=settings.bounce_maildir
    )


class Returns:
    """`lmtp`: where to listen; `maildir`: a folder to look into. `start`, then `run` until `stop`."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        clock: Clock,
        *,
        verp: Verp,
        links: Links,
        lmtp: str | None,
        maildir: Path | None,
    ) -> None:
        intake = Intake(verp, links)
        self.worker = Worker(pool, clock, intake=intake, links=links)
        self._lmtp, self._maildir = lmtp, maildir
        self.listener = Listener(lmtp, pool, intake, arrived=self.worker.wake) if lmtp else None
        self._mailbox = Mailbox(maildir, pool, intake, arrived=self.worker.wake) if maildir else None

    async def start(self) -> None:
        """Raises SettingsError where a setting leads nowhere."""
        if self._maildir is not None and not all((self._maildir / name).is_dir() for name in ("new", "cur")):
            raise SettingsError(f"VESTNIK_BOUNCE_MAILDIR: {self._maildir} is no Maildir (no new/ and cur/)")
        if self.listener is not None:
            try:
                await self.listener.start()
            except OSError as error:
                raise SettingsError(f"VESTNIK_BOUNCE_LMTP: cannot listen there: {error.strerror}") from error

    async def run(self) -> None:
        looking = asyncio.create_task(self._mailbox.run()) if self._mailbox is not None else None
        try:
            await self.worker.run()
        finally:
            if looking is not None:
                looking.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await looking

    async def stop(self) -> None:
        """Nothing new is taken in; the mail in hand is settled."""
        if self.listener is not None:
            await self.listener.stop()
        self.worker.stop()
