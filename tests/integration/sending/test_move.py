"""Transitions on a real database: compare-and-set, with the history, whoever comes first."""

from datetime import timedelta
from uuid import UUID, uuid4

import asyncpg
import pytest

from dispatcher.messages import Move, Status, allowed, move
from shared.db import connect
from shared.topics import Service


async def _message(connection: asyncpg.Connection, status: Status) -> UUID:
    lease = uuid4() if status is Status.SENDING else None
    found = await connection.fetchval(
        """INSERT INTO dispatch.message (school, guardian, channel, kind, status, due_at, lease, lease_until)
           VALUES ('s', 'g', 'email', 'daily', $1, now(), $2::uuid,
                   CASE WHEN $2::uuid IS NULL THEN NULL ELSE now() END)
           RETURNING id""",
        status.value,
        lease,
    )
    assert isinstance(found, UUID)
    return found


@pytest.mark.parametrize("before", Status)
async def test_what_the_table_does_not_allow_matches_no_row(database: str, before: Status) -> None:
    connection = await connect(database, Service.DISPATCHER)
    try:
        for after in Status:
            if after is Status.SENDING:
                continue  # only by claiming
            message = await _message(connection, before)
            done = await move(connection, [Move(message, after)], actor="test")
            assert bool(done) == allowed(before, after), (before, after)
            status = await connection.fetchval("SELECT status FROM dispatch.message WHERE id = $1", message)
            assert status == (after if done else before)
            history = await connection.fetch(
                "SELECT from_status, to_status FROM dispatch.message_history WHERE message = $1", message
            )
            assert [tuple(row) for row in history] == ([(before, after)] if done else [])
    finally:
        await connection.close()


async def test_many_at_once_and_only_with_the_lease(database: str) -> None:
    connection = await connect(database, Service.DISPATCHER)
    try:
        ours, theirs = [await _message(connection, Status.SENDING) for _ in range(2)]
        leases = dict(await connection.fetch("SELECT id, lease FROM dispatch.message"))
        done = await move(
            connection,
            [
                Move(ours, Status.ACCEPTED, lease=leases[ours], provider_id="p", cost=5.49),
                Move(theirs, Status.COMPOSED, lease=uuid4(), again_in=timedelta(minutes=1)),
            ],
            actor="test",
        )
        assert [(one.message, one.before, one.after) for one in done] == [
            (ours, Status.SENDING, Status.ACCEPTED)
        ]
        row = await connection.fetchrow("SELECT * FROM dispatch.message WHERE id = $1", ours)
        assert row is not None
        assert (row["provider_id"], float(row["cost"]), row["lease"]) == ("p", 5.49, None)
    finally:
        await connection.close()
