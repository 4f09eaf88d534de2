"""What a family can be told about, over what, and how often (DESIGN §3, §4, §6)."""

from enum import StrEnum


class Category(StrEnum):
    MARK = "mark"
    FINAL_MARK = "final_mark"
    FORECAST = "forecast"
    ATTENDANCE = "attendance"
    HOMEWORK = "homework"
    LESSON = "lesson"
    ASSESSMENT = "assessment"
    REMARK = "remark"
    ANNOUNCEMENT = "announcement"


class Channel(StrEnum):
    EMAIL = "email"
    PUSH = "push"
    SMS = "sms"
    PAPER = "paper"


ELECTRONIC: tuple[Channel, ...] = (Channel.EMAIL, Channel.PUSH, Channel.SMS)
"""In the order in which one stands in for another (DESIGN §6, step 6)."""


class Mode(StrEnum):
    IMMEDIATE = "immediate"
    DAILY = "daily"
    WEEKLY = "weekly"
    NEVER = "never"


class Attendance(StrEnum):
    PRESENT = "present"
    ABSENT = "absent"
    ABSENT_ILL = "absent_ill"
    ABSENT_EXCUSED = "absent_excused"
    ABSENT_UNEXCUSED = "absent_unexcused"
    LATE = "late"
    EXEMPT = "exempt"
    REMOTE = "remote"

    @property
    def is_absence(self) -> bool:
        return self.value.startswith("absent")

    @property
    def alarms(self) -> bool:
        """Whether it is news in itself; the others only correct an absence that was told (§6)."""
        return self.is_absence or self is Attendance.LATE


UNMARKED = frozenset(
    {Category.MARK, Category.FINAL_MARK, Category.FORECAST, Category.HOMEWORK, Category.ASSESSMENT}
)
"""What a class without marks (grade 1) never hears of (R-A10)."""
