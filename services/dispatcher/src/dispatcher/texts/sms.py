"""A message's view as an SMS: at most two segments, and one where abbreviations make it one (DESIGN §6).

The ladder: in full words; with as many abbreviations as the next segment takes; with what the journal
wrote cut by words; the first items and how many more there are.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from dispatcher.texts import words as languages
from dispatcher.texts.phrases import Said, said
from dispatcher.texts.russian import NBHYPHEN, NBSP
from dispatcher.texts.segments import segments
from dispatcher.texts.words import Words
from dispatcher.view import MessageView
from shared.categories import Channel

SEGMENTS = 2
_CUTS = (80, 40, 24, 14)
"""Letters left to each thing that a journal wrote."""


def write(view: MessageView) -> bytes:
    """The text in UTF-8."""
    words = languages.of(view.guardian.language)
    return _Text(view, words).fitted().encode()


def fits(text: str) -> bool:
    return segments(text) <= SEGMENTS


class _Text:
    def __init__(self, view: MessageView, words: Words) -> None:
        self._view = view
        self._words = words
        self._tail = f" {words.not_yours}" if view.first else ""

    def fitted(self) -> str:
        parts = said(self._view, Channel.SMS, self._words)
        if not parts:
            return f"{self._words.nothing_new}{self._tail}"
        found = self._least([self._joined(form) for form in abbreviated(parts, self._words)])
        return found or self._cut()

    @staticmethod
    def _least(texts: Sequence[str]) -> str:
        """The first that costs what the shortest does: fewest abbreviations. None fits: empty."""
        least = segments(texts[-1])
        return next(text for text in texts if segments(text) == least) if least <= SEGMENTS else ""

    def _cut(self) -> str:
        for longest in _CUTS:
            parts = said(self._view, Channel.SMS, self._words, longest=longest)
            *_, shortest = abbreviated(parts, self._words)
            total = sum(len(part.phrases) for part in shortest)
            least = 1 if longest == _CUTS[-1] else min(2, total)
            for kept in range(total, least - 1, -1):
                text = self._joined(_first(shortest, kept), total - kept)
                if fits(text):
                    return text
        return self._hard(self._joined(_first(shortest, 1)))

    def _hard(self, text: str) -> str:
        """Signs that cost more than a letter, and nothing else to leave out."""
        while not fits(f"{text}{self._words.ellipsis}"):
            text = text[:-1].rstrip(" ,;:«(")
        return f"{text}{self._words.ellipsis}"

    def _joined(self, parts: Sequence[Said], left_out: int = 0) -> str:
        """«Иван П.: пропуск, алгебра; опоздание, физика. Мария П.: …; и ещё 3»."""
        blocks = [
            f"{part.who}: {'; '.join(part.phrases)}" if part.who else "; ".join(part.phrases)
            for part in parts
        ]
        text = _sentences(blocks)
        more = f"; {self._words.and_more(left_out)}" if left_out else ""
        end = "" if not self._tail or f"{text}{more}".endswith(".") else "."
        # Plain signs cost as much as those that do not break, and old phones know only them.
        whole = f"{text[:1].upper()}{text[1:]}{more}{end}{self._tail}"
        return whole.replace(NBSP, " ").replace(NBHYPHEN, "-")


def _sentences(blocks: Sequence[str]) -> str:
    return " ".join(
        block if number == len(blocks) or block.endswith(".") else f"{block}."
        for number, block in enumerate(blocks, start=1)
    )


def abbreviated(parts: Sequence[Said], words: Words) -> Iterator[tuple[Said, ...]]:
    """The parts as they are, then with one abbreviation more each time, longest words first."""
    current = tuple(parts)
    yield current
    text = "; ".join(phrase for part in parts for phrase in part.phrases).casefold()
    for long, short in words.abbreviations.items():
        if long in text and (pattern := _whole(long)).search(text):
            current = tuple(
                replace(part, phrases=tuple(pattern.sub(short, phrase) for phrase in part.phrases))
                for part in current
            )
            text = pattern.sub(short, text)
            yield current


@cache
def _whole(word: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-]){re.escape(word)}(?![\w-])", re.IGNORECASE)


def _first(parts: Sequence[Said], kept: int) -> list[Said]:
    taken: list[Said] = []
    for part in parts:
        phrases = part.phrases[:kept]
        kept -= len(phrases)
        if phrases:
            taken.append(replace(part, phrases=phrases))
    return taken
