"""Which kill a letter came again for, when kills follow each other closer than what one of them causes."""

from collections.abc import Sequence
from datetime import datetime, timedelta

ON_THE_WAY, WRITTEN_DOWN = timedelta(seconds=1), timedelta(seconds=5)
"""A letter may be taken so long after its sender's death, and its answer be unwritten so long before it: a
tenth of a second, on a machine that does twenty other things."""


def of_one_blow(moments: Sequence[datetime], blows: Sequence[datetime]) -> tuple[int, int]:
    """The fewest letters that some one kill must have caused, however they are shared out among those near
    enough; and how many have no kill near them. `moments`: when letters that came again came first."""
    near = [
        [n for n, blow in enumerate(sorted(blows)) if -ON_THE_WAY <= blow - moment <= WRITTEN_DOWN]
        for moment in sorted(moments)
    ]
    explained = [each for each in near if each]
    most = 0
    while not _fits(explained, most):
        most += 1
    return most, len(near) - len(explained)


def _fits(near: Sequence[Sequence[int]], most: int) -> bool:
    """Whether each finds a kill with no more than `most` of them. The earliest with room is the best: spans
    are equally long, so whatever comes later reaches at least as far."""
    taken: dict[int, int] = {}
    for blows in near:
        free = next((blow for blow in blows if taken.get(blow, 0) < most), None)
        if free is None:
            return False
        taken[free] = taken.get(free, 0) + 1
    return True
