"""What a newer revision does to the earlier ones (R-A11, R-A12)."""

from typing import Any

import pytest
from support.families import MOSCOW, change

from dispatcher.planning.corrections import Earlier, Revision, Silence, Standing, treat
from dispatcher.planning.facts import facts_of
from shared.categories import Category


def revision(number: int, *, removed: bool = False, **data: Any) -> Revision:
    category = Category.ATTENDANCE if "attendance" in data else Category.MARK
    made = change(category, entity="e", revision=number, removed=removed, data=data)
    facts = facts_of(made, MOSCOW)
    return Revision(made.change, made.version, removed, facts.day, facts.attendance, made.data)


def mark(number: int, value: str) -> Revision:
    return revision(number, mark={"value": value})


def attendance(number: int, status: str, **data: Any) -> Revision:
    return revision(number, attendance=status, **data)


TOLD, UNTOLD, PAPER, PERHAPS = Standing.TOLD, Standing.UNTOLD, Standing.PAPER, Standing.PERHAPS
Before = list[tuple[Revision, Standing]]


@pytest.mark.parametrize(
    ("before", "new", "cancelled", "corrects", "silence"),
    [
        ([], mark(1, "5"), [], None, None),
        ([(mark(1, "5"), UNTOLD)], mark(2, "4"), [1], None, None),
        ([(mark(1, "5"), TOLD)], mark(2, "4"), [], 1, None),
        ([(mark(1, "5"), PAPER)], mark(2, "4"), [], 1, None),
        ([(mark(1, "5"), PERHAPS)], mark(2, "4"), [], 1, None),
        ([(mark(1, "5"), PERHAPS)], revision(2, removed=True), [], 1, None),
        ([(mark(1, "5"), TOLD), (revision(2, removed=True), PERHAPS)], mark(3, "5"), [], 2, None),
        ([(mark(1, "5"), TOLD), (mark(2, "4"), UNTOLD)], mark(3, "3"), [2], 1, None),
        ([(mark(1, "5"), TOLD), (mark(2, "4"), UNTOLD)], mark(3, "5"), [2], 1, Silence.NOTHING_TO_TELL),
        ([(mark(1, "5"), TOLD), (mark(2, "4"), TOLD)], mark(3, "5"), [], 2, None),
        ([], revision(1, removed=True), [], None, Silence.NOTHING_TOLD),
        ([(mark(1, "5"), UNTOLD)], revision(2, removed=True), [1], None, Silence.NOTHING_TOLD),
        ([(mark(1, "5"), TOLD)], revision(2, removed=True), [], 1, None),
        ([(mark(1, "5"), TOLD), (revision(2, removed=True), TOLD)], mark(3, "5"), [], None, None),
        (
            [(mark(1, "5"), TOLD), (revision(2, removed=True), TOLD)],
            revision(3, removed=True),
            [],
            2,
            Silence.NOTHING_TO_TELL,
        ),
        ([], attendance(1, "present"), [], None, Silence.NOTHING_TO_TELL),
        ([], attendance(1, "remote"), [], None, Silence.NOTHING_TO_TELL),
        ([], attendance(1, "late"), [], None, None),
        (
            [(attendance(1, "absent"), UNTOLD)],
            attendance(2, "present"),
            [1],
            None,
            Silence.NOTHING_TO_TELL,
        ),
        ([(attendance(1, "absent"), TOLD)], attendance(2, "exempt"), [], 1, None),
        ([(attendance(1, "late"), TOLD)], attendance(2, "present"), [], 1, None),
        ([(attendance(1, "absent"), TOLD)], attendance(2, "absent_ill"), [], 1, None),
        (
            [(attendance(1, "absent", raw="Н"), TOLD)],
            attendance(2, "absent", raw="н"),
            [],
            1,
            Silence.NOTHING_TO_TELL,
        ),
        (
            [(attendance(1, "absent"), TOLD), (attendance(2, "present"), TOLD)],
            attendance(3, "remote"),
            [],
            2,
            Silence.NOTHING_TO_TELL,
        ),
    ],
)
def test_what_follows(
    before: Before, new: Revision, cancelled: list[int], corrects: int | None, silence: Silence | None
) -> None:
    """R-A11: replace the untold, correct the told, say nothing where there is nothing new."""
    found = treat(new, [Earlier(one, standing) for one, standing in before])
    numbers = {one.change: one.version.revision for one, _ in before}
    assert [numbers[one] for one in found.cancel] == cancelled
    told = found.corrects.revision.version.revision if found.corrects is not None else None
    assert (told, found.silence) == (corrects, silence)
