"""A message's view as an SMS: at most two segments, cut between items (DESIGN §6)."""

from collections.abc import Sequence

from dispatcher.texts.phrases import Said, said
from dispatcher.texts.russian import NBSP
from dispatcher.texts.segments import segments
from dispatcher.view import MessageView
from shared.categories import Channel

SEGMENTS = 2
NOTHING = "Новых записей в журнале нет."


def write(view: MessageView) -> bytes:
    """The text in UTF-8. In full if that fits, else with short course names, else the first items and
    how many more there are."""
    full, short = said(view, Channel.SMS), said(view, Channel.SMS, short=True)
    if not full:
        return NOTHING.encode()
    whole = _joined(full)
    return (whole if fits(whole) else _fitted(short)).encode()


def fits(text: str) -> bool:
    return segments(text) <= SEGMENTS


def _joined(parts: Sequence[Said], left_out: int = 0) -> str:
    """«Иван П.: пропуск, алгебра; опоздание, физика. Мария П.: …, и ещё 3»."""
    blocks = [
        f"{part.who}: {'; '.join(part.phrases)}" if part.who else "; ".join(part.phrases) for part in parts
    ]
    text = ". ".join(blocks)
    text = f"{text[:1].upper()}{text[1:]}"
    # A plain space costs as much as one that does not break, and GSM phones know only it.
    return (f"{text}; и ещё {left_out}" if left_out else text).replace(NBSP, " ")


def _fitted(parts: Sequence[Said]) -> str:
    total = sum(len(part.phrases) for part in parts)
    for kept in range(total, 0, -1):
        text = _joined(_first(parts, kept), total - kept)
        if fits(text):
            return text
    return _cut(_joined(_first(parts, 1)), f"; и ещё {total - 1}" if total > 1 else "")


def _first(parts: Sequence[Said], kept: int) -> list[Said]:
    taken: list[Said] = []
    for part in parts:
        phrases = part.phrases[:kept]
        kept -= len(phrases)
        if phrases:
            taken.append(Said(part.children, phrases))
    return taken


def _cut(text: str, tail: str) -> str:
    """One item that is too long by itself: the end of its text goes."""
    while not fits(f"{text}…{tail}"):
        text = text[:-1].rstrip(" ,;:«(")
    return f"{text}…{tail}"
