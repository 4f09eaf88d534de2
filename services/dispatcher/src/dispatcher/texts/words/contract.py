"""What a language must be able to say. A head teacher can read the answers in `russian` and `english`."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from datetime import date

from shared.categories import Attendance, Category


class Words(ABC):
    """The words outside the item templates. `templates/<code>` are the templates of this language."""

    code: str
    """BCP 47."""

    titles: Mapping[Category, str]
    """Sections of a letter, in the order they are read."""
    subjects: Mapping[Category, str]
    """What an urgent letter is about. No value: subjects show on locked screens (R-D3)."""
    attendance: Mapping[Attendance, str]
    attendance_short: Mapping[Attendance, str]
    """For SMS and push; every absence is only `absence_short`: the reason may be about health (R-D3)."""
    absence_short: str
    lesson_changes: Mapping[str, str]
    lesson_changed: str
    remarks: Mapping[str, str]
    remark: str
    periods: Mapping[str, str]
    """For a period the journal gave no name, by kind."""
    postponed: str
    labels: Mapping[str, str]
    """What a correction calls the facts it changed."""
    abbreviations: Mapping[str, str]
    """For an SMS that would cost another segment: words in small letters, longest first."""
    ellipsis: str

    correction: str
    updated: str
    earlier_text: str
    told_before: str
    empty_week: str
    nothing_new: str
    not_yours: str
    """The first SMS to a number ends with this (R-C6)."""
    mistake: str
    mistake_todo: str
    not_mine: str
    because: str
    own_page: str
    unsubscribe: str
    unsubscribed: str
    lead_fixed: str
    lead_one: str
    lead_many: str
    about_many: str

    @abstractmethod
    def greeting(self, polite: str) -> str: ...

    @abstractmethod
    def day(self, value: date) -> str:
        """«23 ноября»."""

    @abstractmethod
    def weekday(self, value: date) -> str:
        """«понедельник, 23 ноября»."""

    @abstractmethod
    def weekday_short(self, value: date) -> str:
        """«пн, 23 ноября»."""

    @abstractmethod
    def dated(self, value: date) -> str:
        """«23 ноября (понедельник)»: inside an enumeration."""

    @abstractmethod
    def short_day(self, value: date) -> str:
        """«23.11», where every letter costs."""

    @abstractmethod
    def due(self, value: date) -> str:
        """«на понедельник, 23 ноября»."""

    @abstractmethod
    def week(self, first: date, last: date) -> str:
        """«неделя 23–28 ноября»."""

    @abstractmethod
    def journal_of(self, value: date) -> str:
        """«Журнал за 23 ноября»."""

    @abstractmethod
    def journal_of_week(self, first: date, last: date) -> str: ...

    @abstractmethod
    def no_entries(self, week: str) -> str:
        """The subject of a letter about a week in which nothing was written down."""

    @abstractmethod
    def decimal(self, value: object) -> str:
        """«4,35»."""

    @abstractmethod
    def enumeration(self, parts: Sequence[str]) -> str: ...

    @abstractmethod
    def and_more(self, count: int) -> str: ...

    @abstractmethod
    def quoted(self, value: str) -> str: ...

    @abstractmethod
    def school_class(self, name: str) -> str: ...

    @abstractmethod
    def lesson(self, number: str) -> str:
        """«2-й урок»."""

    @abstractmethod
    def room(self, name: str) -> str: ...

    @abstractmethod
    def course(self, name: str) -> str:
        """By itself: «Алгебра»."""

    @abstractmethod
    def inner_course(self, name: str) -> str:
        """Inside a sentence: «алгебра»."""

    @abstractmethod
    def by_course(self, name: str) -> str:
        """«по алгебре»."""

    @abstractmethod
    def work(self, kind: str) -> str: ...

    @abstractmethod
    def period(self, name: str) -> str:
        """The journal's name of a period."""

    @abstractmethod
    def difference(self, label: str, before: str, after: str) -> str:
        """A sentence of a correction: «Срок: было …, стало ….»; the main thing has no label."""
