"""The streams between services (DESIGN §1) and who writes each."""

from enum import StrEnum


class Topic(StrEnum):
    JOURNAL_CHANGES = "journal.changes"
    DELIVERY_OUTCOMES = "delivery.outcomes"
    STAFF_NOTICES = "staff.notices"


class Service(StrEnum):
    """A service; its value names the database role `vestnik_<service>`."""

    INGEST = "ingest"
    DISPATCHER = "dispatcher"
    PRINT_QUEUE = "print_queue"

    @property
    def role(self) -> str:
        return f"vestnik_{self.value}"

    @property
    def schema(self) -> str:
        """The schema that holds the service's outbox, cursors and dead letters."""
        return _HOME[self]


_HOME = {Service.INGEST: "ingest", Service.DISPATCHER: "dispatch", Service.PRINT_QUEUE: "paper"}

WRITERS: dict[Topic, tuple[Service, ...]] = {
    Topic.JOURNAL_CHANGES: (Service.INGEST,),
    Topic.DELIVERY_OUTCOMES: (Service.DISPATCHER,),
    Topic.STAFF_NOTICES: (Service.INGEST, Service.DISPATCHER, Service.PRINT_QUEUE),
}
