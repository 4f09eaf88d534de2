"""What families read, message by message: a renderer that writes it down and a way out that keeps it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import orjson

from dispatcher.channels.base import Accepted, Outcome, Parcel
from dispatcher.view import MessageView
from shared.categories import Category, Channel


@dataclass(frozen=True)
class Told:
    """One item of a message. `says`: the mark, the attendance or the homework; None: it is gone.
    `was`: what it says that the family was told before."""

    message: str
    kind: str
    guardian: str
    entity: str
    category: str
    version: int
    says: str | None
    corrects: bool
    was: str | None


class PostRenderer:
    """A `Renders` for tests: the facts of a message as JSON."""

    def render(self, view: MessageView, _channel: Channel, *, address: str) -> bytes:
        assert address
        return orjson.dumps(
            [
                Told(
                    message=str(view.message),
                    kind=view.kind.value,
                    guardian=view.guardian.guardian,
                    entity=item.change.entity,
                    category=item.change.category.value,
                    version=item.change.version.revision,
                    says=None if item.change.removed else _says(item.change.data),
                    corrects=item.told is not None or item.change.removed,
                    was=_says(item.told.data) if item.told is not None else None,
                )
                for item in view.items
            ]
        )


def _says(data: dict[str, Any]) -> str | None:
    if "mark" in data:
        return str(data["mark"]["value"])
    if "attendance" in data:
        return None if data["attendance"] == "present" else str(data["attendance"])
    return str(data["text"])


async def _accepted() -> tuple[bool, Outcome]:
    return True, Accepted()


@dataclass
class Post:
    """A way out. `answer` says whether a parcel arrives and what the gateway answers."""

    channel: Channel
    answer: Callable[[], Awaitable[tuple[bool, Outcome]]] = _accepted
    read: list[Told] = field(default_factory=list)

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, parcel: Parcel) -> Outcome:
        arrived, outcome = await self.answer()
        if arrived:
            self.read += [Told(**told) for told in orjson.loads(parcel.content)]
        return outcome


@dataclass
class Family:
    """What a family believes after reading its messages in order."""

    believes: dict[str, str | None] = field(default_factory=dict)
    alerts: set[str] = field(default_factory=set)
    _seen: set[tuple[str, str]] = field(default_factory=set)

    def reads(self, told: Told) -> None:
        before = self.believes.get(told.entity)
        again = (told.message, told.entity) in self._seen  # the same message, twice in the box
        if not again and before is not None and before != told.says:
            assert told.corrects, f"contradicts what was told, and does not say so: {told}"
        absence = told.category == Category.ATTENDANCE and told.says == "absent"
        if absence and told.kind == "immediate" and not told.corrects:
            self.alerts.add(told.message)
        self._seen.add((told.message, told.entity))
        self.believes[told.entity] = told.says

    def knows(self, entity: str) -> str | None:
        return self.believes.get(entity)

    @property
    def alarms(self) -> int:
        """How many messages alarmed it with an absence."""
        return len(self.alerts)
