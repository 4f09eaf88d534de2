"""The life of a batch and of a sheet: every state and every step allowed between two (R-E4).

The same steps stand as CHECK constraints on the histories; a test holds the two together.
"""

from collections.abc import Mapping
from enum import StrEnum


class BatchState(StrEnum):
    FROZEN = "frozen"  # its input can no longer change
    TYPESET = "typeset"  # the PDF is kept
    COLLECTED = "collected"  # the class teacher took it
    PRINTED = "printed"
    HANDED_OUT = "handed_out"  # every sheet is handed, or known to be undelivered
    CLOSED = "closed"  # every slip is back, or its sheet undelivered


class SheetState(StrEnum):
    QUEUED = "queued"
    PRINTED = "printed"
    HANDED = "handed"
    RETURNED = "returned"  # the slip came back signed
    UNDELIVERED = "undelivered"


BATCH_STEPS: Mapping[BatchState, frozenset[BatchState]] = {
    BatchState.FROZEN: frozenset({BatchState.TYPESET}),
    BatchState.TYPESET: frozenset({BatchState.COLLECTED}),
    BatchState.COLLECTED: frozenset({BatchState.PRINTED}),
    BatchState.PRINTED: frozenset({BatchState.HANDED_OUT}),
    BatchState.HANDED_OUT: frozenset({BatchState.CLOSED}),
    BatchState.CLOSED: frozenset(),
}
SHEET_STEPS: Mapping[SheetState, frozenset[SheetState]] = {
    SheetState.QUEUED: frozenset({SheetState.PRINTED}),
    SheetState.PRINTED: frozenset({SheetState.HANDED, SheetState.UNDELIVERED}),
    SheetState.HANDED: frozenset({SheetState.RETURNED, SheetState.UNDELIVERED}),
    SheetState.RETURNED: frozenset(),
    # A family found later is handed its sheet after all.
    SheetState.UNDELIVERED: frozenset({SheetState.HANDED}),
}


def sources(to: SheetState) -> tuple[SheetState, ...]:
    """The states from which a sheet may come to `to`."""
    return tuple(state for state, steps in SHEET_STEPS.items() if to in steps)
