"""Searching texts for what families told the school (R-D3), in every spelling a program may have used."""

import csv
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

SHORTEST = 5
"""Shorter values («Ли», «упр.») stand in any Russian text by chance, so finding one proves nothing."""
WORDS = ("comment", "text", "title", "topic", "homework", "remark", "reason", "place", "teacher", "name")
"""Where a journal's event holds words of people."""
NOT_PERSONAL = ("course", "attachment")
"""A subject's name («История») is a word of any text."""


@dataclass(frozen=True, slots=True)
class Needle:
    """One value and where it is from. `digits`: it is a phone, however it is grouped."""

    where: str
    value: str
    digits: bool = False

    @property
    def worth_searching(self) -> bool:
        return len(self.value) >= SHORTEST

    def spellings(self) -> Iterator[str]:
        if self.digits:
            yield re.sub(r"\D", "", self.value)[-10:]
            return
        yield self.value
        yield json.dumps(self.value)[1:-1]
        yield quote(self.value)
        yield quote_plus(self.value)
        yield repr(self.value.encode())[2:-1]


class Lists:
    """A registry folder as it was imported."""

    def __init__(self, folder: Path, *, encoding: str = "utf-8", delimiter: str = ",") -> None:
        self._folder, self._encoding, self._delimiter = folder, encoding, delimiter

    def rows(self, name: str) -> list[dict[str, str]]:
        with (self._folder / f"{name}.csv").open(encoding=self._encoding, newline="") as file:
            return list(csv.DictReader(file, delimiter=self._delimiter))

    def ids(self) -> set[str]:
        """The school's own ids of children and guardians."""
        return {row[who] for who in ("pupil", "guardian") for row in self.rows(f"{who}s")}

    def needles(self, events: Iterable[Mapping[str, Any]]) -> set[Needle]:
        """Every value of the lists and of a journal's events that tells of a family."""
        found = {*self._of_people(), *self._of_contacts()}
        for event in events:
            found |= {Needle(f"journal, {event['type']}", words) for words in _texts(event["data"])}
        return {needle for needle in found if needle.worth_searching}

    def _of_people(self) -> Iterator[Needle]:
        for who in ("pupil", "guardian"):
            for row in self.rows(f"{who}s"):
                where = f"{who}s.csv, {row[who]}"
                family, given, patronymic = (
                    row[part] for part in ("family_name", "given_name", "patronymic")
                )
                for words in (family, f"{family} {given}", f"{given} {family}", f"{given} {patronymic}"):
                    yield Needle(where, words.strip())
                if born := row.get("birth_date"):
                    yield Needle(where, born)
                    yield Needle(where, f"{date.fromisoformat(born):%d.%m.%Y}")

    def _of_contacts(self) -> Iterator[Needle]:
        for row in self.rows("contacts"):
            where, address = f"contacts.csv, {row['guardian']}", row["address"]
            if row["channel"] == "push":
                subscription = json.loads(address)
                for words in (subscription["endpoint"], *subscription["keys"].values()):
                    yield Needle(where, words)
            else:
                yield Needle(where, address, digits=row["channel"] == "sms")


def _texts(data: object, within: str = "") -> Iterator[str]:
    if isinstance(data, dict):
        for name, value in data.items():
            if name in WORDS and isinstance(value, str) and (within not in NOT_PERSONAL or name == "teacher"):
                yield value
            yield from _texts(value, name)
    elif isinstance(data, list):
        for value in data:
            yield from _texts(value, within)


def found_in(text: str, wanted: Collection[Needle]) -> set[Needle]:
    low = text.casefold()
    # Digits apart by signs people put into phones; other numbers stay apart.
    joined = re.sub(r"(?<=\d)[ \-()]{1,2}(?=\d)", "", low)
    return {
        needle
        for needle in wanted
        if any(form.casefold() in (joined if needle.digits else low) for form in needle.spellings())
    }


def ids_in(text: str, people: Collection[str]) -> list[str]:
    """People's ids that stand in the text as words of their own."""
    return sorted(set(people) & set(re.split(r"[^\w-]+", text)))


def leaks(places: Mapping[str, str], wanted: Collection[Needle]) -> dict[str, list[str]]:
    """Where something was found, and what kind of thing of whom; never the thing itself."""
    hits = {
        place: sorted({needle.where for needle in found_in(text, wanted)}) for place, text in places.items()
    }
    return {place: where for place, where in hits.items() if where}
