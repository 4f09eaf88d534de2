"""Small pictures made on the server: numbers to coordinates, pure. Colours are the style sheet's."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH = 600.0
"""Of a bar, in its own units; the page scales it."""


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    number: int
    x: float
    width: float


def bar(numbers: Mapping[str, int]) -> list[Part]:
    """Parts of one bar, side by side, as wide as their share; what is 0 is left out. What is there is
    seen, however little it is."""
    total = sum(numbers.values())
    shown = {name: number for name, number in numbers.items() if number > 0}
    least = min(4.0, WIDTH / max(len(shown), 1))
    free = WIDTH - least * len(shown)
    parts: list[Part] = []
    x = 0.0
    for name, number in shown.items():
        width = least + free * number / total
        parts.append(Part(name, number, round(x, 2), round(width, 2)))
        x += width
    return parts


def line(values: Sequence[int], *, width: float = 120.0, height: float = 24.0) -> str:
    """The points of a line through the values, the highest at the top; "" when all are 0."""
    highest = max(values, default=0)
    if not highest:
        return ""
    step = width / max(len(values) - 1, 1)
    return " ".join(
        f"{n * step:.1f},{height - 1 - (height - 2) * value / highest:.1f}" for n, value in enumerate(values)
    )
