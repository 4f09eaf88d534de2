"""The part of `vestnik status` about the gateways and what SMS cost."""

from collections.abc import Sequence
from datetime import datetime

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dispatcher import words
from dispatcher.providers import Month, Stand, Standing


def show_providers(providers: Sequence[Standing], months: Sequence[Month], console: Console) -> None:
    table = Table("Шлюз", "Состояние", "Ответ, с: половина и 95 %", "За секунду", "За час")
    for one in providers:
        name = words.CHANNELS[one.channel]
        table.add_row(
            name,
            _state(one),
            f"{_seconds(one.p50)} и {_seconds(one.p95)}" if one.p50 is not None else "не вызывали",
            f"{one.second} из {one.limits.per_second}",
            f"{one.hour} из {one.limits.per_hour}",
        )
    console.print(table)
    for month in months:
        flight = f", в пути {month.in_flight}" if month.in_flight else ""
        cost = f"{month.cost:.2f}".replace(".", ",")
        console.print(
            f"SMS за {month.month:%m.%Y}, {escape(month.school)}: "
            f"частей {month.segments} из {month.limit}{flight}, {cost} руб."
        )


def _state(one: Standing) -> str:
    said = words.STANDS[one.stand]
    if one.stand is Stand.PAUSED and one.since is not None:
        return f"{said} с {_moment(one.since)}: {escape(one.why or '')}"
    if one.stand in {Stand.AWAY, Stand.PROBING} and one.since is not None:
        why = f": {escape(one.why)}" if one.why else ""
        return f"{said} с {_moment(one.since)}{why}"
    return f"{said} до {_moment(one.until)}" if one.until is not None else said


def _moment(at: datetime) -> str:
    return f"{at.astimezone():%d.%m %H:%M}"


def _seconds(value: float | None) -> str:
    return f"{value or 0:.2f}".replace(".", ",")
