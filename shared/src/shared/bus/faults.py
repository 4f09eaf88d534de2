"""Whose fault an error is: a record's, which is set aside, or the moment's, which passes.

Whatever is not plainly the record's fault waits: a record that waits is seen by operators and
harms nobody, while a short outage must never turn a whole stream into dead letters.
"""

import random
import traceback
from pathlib import Path

import asyncpg

_RECORDS_FAULT = ("21", "22", "23", "44", "54", "P0", "25P02")
"""SQLSTATE beginnings that blame what was written: cardinality, data, constraints, limits, raised by
a trigger; and a statement after an error the handler swallowed."""

_LONGEST_PAUSE = 10.0


def passes(error: BaseException) -> bool:
    """Whether the database, the network or the disk is to blame, so that trying again may help."""
    if isinstance(error, asyncpg.PostgresError):
        return not (error.sqlstate or "").startswith(_RECORDS_FAULT)
    if isinstance(error, asyncpg.InterfaceError):
        return not isinstance(error, ValueError)  # a value the driver cannot encode is the record's
    return isinstance(error, OSError | TimeoutError | asyncpg.InternalClientError)


def describe(error: BaseException) -> str:
    """What failed and where, without the message, which may quote the record."""
    facts = [type(error).__name__]
    if isinstance(error, asyncpg.PostgresError):
        facts += [str(fact) for fact in (error.sqlstate, error.table_name, error.constraint_name) if fact]
    elif frames := traceback.extract_tb(error.__traceback__):
        facts.append(f"at {Path(frames[-1].filename).name}:{frames[-1].lineno} in {frames[-1].name}")
    return " ".join(facts)


def pause(failures: int) -> float:
    """Seconds to wait after this many failures in a row (from 1)."""
    return min(_LONGEST_PAUSE, 0.1 * 2.0 ** min(failures, 16)) * random.uniform(0.5, 1.0)  # noqa: S311
