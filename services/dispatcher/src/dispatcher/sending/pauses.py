"""Pausing a channel and resuming it, for everybody at once: by an operator, or because our settings are
wrong. Nothing is lost meanwhile: messages stay composed, and the backlog leaves by itself afterwards."""

from datetime import datetime

import structlog

from dispatcher.outcomes import notify_staff
from dispatcher.sending import breaker, provider_row
from dispatcher.sending.limits import Hold
from dispatcher.sending.provider_row import Provider
from shared.categories import Channel
from shared.db import AnyConnection

log = structlog.get_logger()


async def stop_misconfigured(
    connection: AnyConnection, channel: Channel, reason: str, *, by: str, at: datetime
) -> None:
    """The provider does not take our settings: pause, and tell the staff once. `at` is school time."""
    if await pause(connection, channel, reason, by=by):
        log.error("channel.paused", channel=channel.value, reason=reason)
        await notify_staff(connection, kind="channel_paused", at=at, channel=channel.value, reason=reason)


async def pause(connection: AnyConnection, channel: Channel, reason: str, *, by: str) -> bool:
    """Stop a channel; False if it was paused already (the first reason stays). In the caller's transaction.
    What is in hand may still leave within a second."""
    paused = await connection.fetchval(
        """INSERT INTO dispatch.channel_pause (channel, reason, by) VALUES ($1, $2, $3)
           ON CONFLICT DO NOTHING RETURNING true""",
        channel.value,
        reason,
        by,
    )
    if paused:
        await _note(connection, by, "channel_paused", channel, reason)
    return bool(paused)


async def resume(connection: AnyConnection, channel: Channel, reason: str, *, by: str) -> bool:
    """Let a channel go on; False if it was not paused. In the caller's transaction. One message goes
    first; when the provider answers it, the rest follow."""
    resumed = await connection.fetchval(
        "DELETE FROM dispatch.channel_pause WHERE channel = $1 RETURNING true", channel.value
    )
    if not resumed:
        return False
    found = await provider_row.lock(connection, channel)
    now = found.now
    tried = Provider(breaker.ready(found.breaker, now), Hold(), found.counts, paused=False, now=now)
    await provider_row.write(connection, channel, tried)
    await connection.execute(
        """UPDATE dispatch.message SET next_attempt_at = clock_timestamp()
           WHERE channel = $1 AND status = 'composed' AND reason = ANY($2::text[])""",
        channel.value,
        list(provider_row.WHY),
    )
    await _note(connection, by, "channel_resumed", channel, reason)
    log.info("channel.resumed", channel=channel.value)
    return True


async def _note(connection: AnyConnection, actor: str, action: str, channel: Channel, reason: str) -> None:
    await connection.execute(
        "INSERT INTO dispatch.audit (actor, action, about, details) VALUES ($1, $2, $3, $4)",
        actor,
        action,
        channel.value,
        {"reason": reason},
    )
