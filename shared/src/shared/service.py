"""What every service is, from outside: a part with pages under a path and tasks behind them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from fastapi import FastAPI

from shared.clock import Clock
from shared.settings import Settings


@dataclass(frozen=True, slots=True)
class Context:
    """What a service is made from. `database_url` connects as the installation's login."""

    settings: Settings
    database_url: str
    clock: Clock


class Part(Protocol):
    """A service, alone in its process or beside others. `app` answers below `path`."""

    path: str
    app: FastAPI

    async def start(self) -> None:
        """Open pools and begin the background tasks. Raises when it cannot work at all."""

    async def stop(self) -> None:
        """Finish what is in hand, then close everything."""

    async def problems(self) -> list[str]:
        """Why it is not ready now, in words for an operator; empty when it is."""


Build = Callable[[Context], Part]
"""Each service's composition root, `<service>.app.build`."""
