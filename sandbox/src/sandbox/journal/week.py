"""A school week as the journal sends it: CloudEvents in order of sending, a day at a time.

Ordinary life comes from `ordinary`, what goes wrong or is corrected from `oddities`. Both draw from the
school's seed only: the same school gives the same week.
"""

import random
from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

from sandbox.journal.events import Expect, Moment, Pen
from sandbox.journal.oddities import oddities
from sandbox.journal.ordinary import class_day
from sandbox.journal.school import School

__all__ = ["Expect", "Moment", "week"]


def week(school: School, *, journal: str = "main", odd: bool = True) -> Iterator[Moment]:
    """Everything the journal sends from Monday to Saturday, in order of `at`.

    Ids are unique apart from the deliberate duplicates (`Expect.DUPLICATE`). `odd` adds corrections,
    duplicates, stale revisions and refusable events where the school is large enough to have them.
    """
    zone = ZoneInfo(school.timezone)
    series = f"{school.seed}-{school.monday:%y%m%d}"
    pen = Pen(f"/schools/{school.id}/journals/{journal}", series)
    rng = random.Random(f"week/{series}")
    strange = list(oddities(school, pen, zone)) if odd else []
    everyone = school.pupils
    pupils = {group.name: [one for one in everyone if one.group == group] for group in school.classes}
    ill = {one.id for one in rng.sample(everyone, -(-len(everyone) // 50))}
    for number in range(6):
        day = school.monday + timedelta(days=number)
        moments = [moment for moment in strange if moment.at.date() == day]
        for group in school.classes:
            if number < group.days:
                present = [one for one in pupils[group.name] if one.left_on is None or one.left_on >= day]
                moments += class_day(group, present, day, pen, zone, rate=school.size.rate, ill=ill)
        yield from sorted(moments, key=lambda moment: (moment.at, moment.order))
