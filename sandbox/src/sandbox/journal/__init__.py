"""An electronic journal as the world has it: a school's lists, its week, the client that posts it."""

from sandbox.journal.client import Journal, Told
from sandbox.journal.kinds import SHARES, Kind
from sandbox.journal.registry import write_registry
from sandbox.journal.school import Family, Guardian, Pupil, School, Size, build
from sandbox.journal.week import Expect, Moment, week

__all__ = [
    "SHARES",
    "Expect",
    "Family",
    "Guardian",
    "Journal",
    "Kind",
    "Moment",
    "Pupil",
    "School",
    "Size",
    "Told",
    "build",
    "week",
    "write_registry",
]
