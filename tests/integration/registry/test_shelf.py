"""What the tasks of one process know of the registry together."""

from shared.db import connect
from shared.registry import Families, Shelf

ROWS = """
INSERT INTO roster.school (school, name, timezone) VALUES ('a', 'Школа', 'Europe/Moscow');
INSERT INTO roster.class (school, class, grade) VALUES ('a', '7Б', '7'), ('a', '8А', '8');
INSERT INTO roster.pupil (school, pupil, class, family_name, given_name, birth_date, enrolled_on)
SELECT 'a', pupil, class, 'Иванов', pupil, '2013-05-05', '2020-09-01'
FROM (VALUES ('p-1', '7Б'), ('p-2', '7Б'), ('p-3', '8А')) AS p (pupil, class);
INSERT INTO roster.epoch VALUES ('a', 1)
"""


async def test_tasks_share_what_they_read_until_its_epoch_ends(database: str) -> None:
    """R-C4: a withdrawal is seen by every task with its next look; what stands is read once for all."""
    admin = await connect(database)
    try:
        await admin.execute(ROWS)
        shelf = Shelf()
        planner, sender = Families(shelf), Families(shelf)
        await planner.load(admin, pupils=[("a", "p-1")])
        assert planner.pupil("a", "p-2") is not None  # a classmate
        assert planner.pupil("a", "p-3") is None
        first = planner.pupil("a", "p-1")
        await sender.load(admin, pupils=[("a", "p-1")])
        assert sender.pupil("a", "p-1") is first

        await admin.execute("UPDATE roster.pupil SET class = '8А' WHERE pupil = 'p-1'")
        await admin.execute("UPDATE roster.epoch SET value = 2")
        await sender.load(admin, pupils=[("a", "p-1")])
        moved = sender.pupil("a", "p-1")
        assert moved is not None
        assert moved.class_name == "8А"
        assert planner.pupil("a", "p-1") is first  # it is in the middle of its own batch
        assert planner.epochs("a") == (1, 0)
        await planner.load(admin, pupils=[("a", "p-1")])
        assert planner.pupil("a", "p-1") is moved
    finally:
        await admin.close()
