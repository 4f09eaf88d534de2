"""The journal's side of the wire: posts events in batches until each is answered.

A retry repeats the same events with the same ids, so nothing is lost and nothing is doubled.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Self

import httpx
import orjson

from sandbox.journal.events import Moment

BATCH = "application/cloudevents-batch+json"
AGAIN = frozenset({429, 502, 503, 504})
ANSWERED = frozenset({202, 422})
PATH = "/ingest/v1/changes"


@dataclass(slots=True)
class Told:
    """What ingest answered, added up. `retries`: requests repeated."""

    accepted: int = 0
    duplicates: int = 0
    stale: int = 0
    rejected: list[dict[str, Any]] = field(default_factory=list)
    retries: int = 0

    @property
    def events(self) -> int:
        return self.accepted + self.duplicates + self.stale + len(self.rejected)


class RefusedByIngestError(Exception):
    """Ingest answered something a repeat will not mend; the message has the status and the body."""


class Journal:
    """`async with Journal(url, token) as journal: await journal.post(moments)`; `told` is the total.

    `patience`: seconds after which an unanswered batch gives up with TimeoutError.
    """

    def __init__(
        self, url: str, token: str, *, batch: int = 100, patience: float = 120.0, timeout: float = 30.0
    ) -> None:
        """`url`: the base of the installation, `http://127.0.0.1:8100`, or the full address of the API."""
        self.url = url if url.rstrip("/").endswith(PATH) else url.rstrip("/") + PATH
        self.batch, self.patience = batch, patience
        self.told = Told()
        headers = {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
        self._http = httpx.AsyncClient(headers=headers, timeout=timeout, trust_env=False)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def post(self, what: Iterable[Moment | dict[str, Any]]) -> Told:
        """Sends all in order, `batch` at a time; returns when ingest has answered for each."""
        events: list[dict[str, Any]] = []
        for one in what:
            events.append(one.event if isinstance(one, Moment) else one)
            if len(events) == self.batch:
                await self._post(events)
                events = []
        if events:
            await self._post(events)
        return self.told

    async def _post(self, events: list[dict[str, Any]]) -> None:
        body = orjson.dumps(events)
        pause = 0.1
        async with asyncio.timeout(self.patience):
            while True:
                wait = pause
                try:
                    response = await self._http.post(self.url, content=body)
                except httpx.TransportError:
                    pass
                else:
                    if response.status_code in ANSWERED:
                        self._count(response.json())
                        return
                    if response.status_code not in AGAIN:
                        raise RefusedByIngestError(f"{response.status_code}: {response.text[:300]}")
                    after = response.headers.get("Retry-After", "")
                    wait = float(after) if after.isdigit() else pause
                self.told.retries += 1
                await asyncio.sleep(wait)
                pause = min(pause * 2, 2.0)

    def _count(self, said: dict[str, Any]) -> None:
        self.told.accepted += said["accepted"]
        self.told.duplicates += said["duplicates"]
        self.told.stale += said["stale"]
        self.told.rejected += said["rejected"]
