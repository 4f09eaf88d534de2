"""Journals that tell of immediate news at a steady rate, come what may.

Open loop: each request leaves at its own instant whether the ones before were answered or not, and
counts from there, so a slow answer makes nobody wait politely (no coordinated omission).
"""

import asyncio
import contextlib
import itertools
import random
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

import orjson

from sandbox.journal import Kind, School
from sandbox.journal.client import AGAIN, BATCH, PATH
from sandbox.post import Poster
from shared.changes import source_of

CHANGES_A_REQUEST = 5
ABSENCES = 0.35
"""The share of absences while there are children without one: each child's first of the day alarms."""
FAMILIES: Mapping[Kind, float] = {
    Kind.EMAIL: 6,
    Kind.BOTH_EMAIL: 3,
    Kind.MOTHER_EMAIL_FATHER_SMS: 1,
    Kind.SMS_FOR_ABSENCES: 1,
}
JOURNAL = "main"
_COURSES = ("Алгебра", "Геометрия", "Физика", "Химия", "Биология", "История", "Литература", "Информатика")


def news(schools: list[School], at: datetime, seed: int = 2026) -> Iterator[tuple[str, dict[str, Any]]]:
    """Final marks, and one absence a child, for ever: (school, event), all of which are told at once."""
    rng = random.Random(seed)
    pupils = [(school, pupil) for school in schools for pupil in school.pupils if not pupil.group.unmarked]
    unalarmed = list(pupils)
    rng.shuffle(unalarmed)
    for number in itertools.count():
        data: dict[str, Any]
        if unalarmed and rng.random() < ABSENCES:
            school, pupil = unalarmed.pop()
            lesson = {"date": at.date().isoformat(), "number": rng.randint(1, 6), "topic": "Повторение"}
            kind, about = "attendance", {"lesson": lesson, "attendance": "absent"}
        else:
            school, pupil = rng.choice(pupils)
            period = {"kind": "quarter", "name": "2-я четверть", "ends_on": "2026-12-29"}
            kind, about = "final_mark", {"period": period, "mark": {"value": rng.choice("345"), "scale": "5"}}
        data = {
            "entity": f"{kind}/{number}",
            "revision": 1,
            "class": pupil.group.name,
            "course": {"name": rng.choice(_COURSES), "teacher": "Корнеева Л. П."},
            **about,
        }
        yield (
            school.id,
            {
                "specversion": "1.0",
                "id": f"news-{number}",
                "source": source_of(school.id, JOURNAL),
                "type": f"journal.{kind}.set",
                "subject": pupil.id,
                "time": (at - timedelta(minutes=1)).isoformat(),
                "data": data,
            },
        )


@dataclass(slots=True)
class Load:
    """What the journals saw: by event id, when it was due to leave and when the 202 came back."""

    due: dict[str, float] = field(default_factory=dict)
    answered: dict[str, float] = field(default_factory=dict)
    repeated: int = 0


async def drive(
    url: str,
    tokens: Mapping[str, str],
    events: Iterator[tuple[str, dict[str, Any]]],
    *,
    rate: float,
    seconds: float,
) -> Load:
    """Tell `rate` changes a second for so long; returns when all are answered."""
    load = Load()
    poster = Poster()
    async with asyncio.TaskGroup() as running:
        waiting: dict[str, list[dict[str, Any]]] = {school: [] for school in tokens}
        begun = time.time()
        for number in range(int(rate * seconds)):
            school, event = next(events)
            # An event leaves with the request that it fills; its clock starts there.
            waiting[school].append(event)
            if len(waiting[school]) < CHANGES_A_REQUEST:
                continue
            batch, waiting[school] = waiting[school], []
            due = begun + number / rate
            await asyncio.sleep(max(0.0, due - time.time()))
            running.create_task(_tell(poster, url, tokens[school], batch, due, load))
    poster.close()
    return load


async def _tell(
    poster: Poster, url: str, token: str, batch: list[dict[str, Any]], due: float, load: Load
) -> None:
    body, headers = orjson.dumps(batch), {"Authorization": f"Bearer {token}", "Content-Type": BATCH}
    while True:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):  # by its ids it may be repeated
            status, answer = await poster.post(f"{url}{PATH}", body, headers)
            if status == HTTPStatus.ACCEPTED and not orjson.loads(answer)["rejected"]:
                break
            if status not in AGAIN:
                raise SystemExit(f"ingest answered {status}: {answer[:300]!r}")
        load.repeated += 1
        await asyncio.sleep(1)  # what Retry-After says
    now = time.time()
    for event in batch:
        load.due[event["id"]] = due
        load.answered[event["id"]] = now
