"""What ingest has taken for good, told to whoever checks that nothing of it was lost."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from uuid import UUID

from shared.db import AnyConnection

_CHUNK = 5_000


async def published(
    connection: AnyConnection,
    *,
    school: str | None,
    since: datetime | None,
    until: datetime | None,
    older_than: timedelta = timedelta(0),
) -> AsyncIterator[list[UUID]]:
    """The changes accepted in the period (school time; stale ones are never published), in chunks;
    `older_than`: real time since they came, for those that should have been planned by now."""
    after = UUID(int=0)
    while True:
        rows = await connection.fetch(
            """SELECT change FROM ingest.inbox
               WHERE change > $1 AND NOT stale
                 AND ($2::text IS NULL OR starts_with(source, '/schools/' || $2 || '/'))
                 AND ($3::timestamptz IS NULL OR accepted_at >= $3)
                 AND ($4::timestamptz IS NULL OR accepted_at < $4)
                 AND received_at <= clock_timestamp() - $5::interval
               ORDER BY change LIMIT $6""",
            after,
            school,
            since,
            until,
            older_than,
            _CHUNK,
        )
        if not rows:
            return
        after = rows[-1]["change"]
        yield [row["change"] for row in rows]
