"""The gates of webhooks: one of a pause, and one of a rate limit.

Of all workers one passes a gate at a time, and closes it behind it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

import sqlalchemy as sa

from runhook.domain.deliveries.delivery import Lease
from runhook.domain.messages.telling import WebhookId
from runhook.domain.options.rate_limits import CREDIT
from runhook.storage.engine.batches import Batch
from runhook.storage.engine.columns import Duration, UtcDateTime
from runhook.storage.engine.store import Clock, Database, Transaction, after
from runhook.storage.engine.tables import webhooks


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """A worker's request to pass a webhook's gate."""

    cost: timedelta
    """How long the gate of a rate limit is closed for it."""
    lateness: timedelta
    """How long that gate has to have been open: another worker may have passed it meanwhile."""
    due_at: datetime
    """Since when there is something to send: what is late is made up for, but idle time is not."""


async def pass_gates(
    tx: Transaction, turns: Mapping[WebhookId, Turn], lease: Lease
) -> dict[WebhookId, datetime | None]:
    """Take the turn at paused and rate-limited webhooks.

    Of all workers one gets it. It closes the gate of a pause for as long as the lease lasts, and
    that of a rate limit for as long as the turn costs, from when it could have been: at the end of
    the one before, with something due, but no earlier than ``CREDIT`` ago. A gate that another
    worker is just passing, or has passed since we looked, is left to it, never waited for.

    Returns:
        the webhooks whose turn we got: for a probe with the moment until which no other worker
        probes the endpoint, else with None.
    """
    passing = passing_gates(tx.database, tx.now)
    wanted = [
        {
            "webhook_id": webhook_id,
            "due_at": turn.due_at,
            "cost": turn.cost,
            "lateness": turn.lateness,
        }
        for webhook_id, turn in turns.items()
    ]
    rows = await tx.execute(
        passing.statement, {**passing.given.parameters(wanted), "lease": lease.duration}
    )
    return {row.id: row.paused_until for row in rows}


@lru_cache
def passing_gates(database: Database, now: Clock) -> Batch:
    """Batch of ``pass_gates``, for turns."""
    given = database.rows_given(
        "turns",
        (
            sa.column("webhook_id", webhooks.c.id.type),
            sa.column("due_at", UtcDateTime),
            sa.column("cost", Duration),
            sa.column("lateness", Duration),
        ),
    )
    turn = given.table.c
    open_gates = (
        sa.select(webhooks.c.id)
        .where(
            webhooks.c.id.in_(sa.select(turn.webhook_id)),
            webhooks.c.active,
            sa.or_(webhooks.c.paused_until.is_(None), webhooks.c.paused_until <= now),
            sa.or_(webhooks.c.next_request_at.is_(None), webhooks.c.next_request_at <= now),
        )
        .order_by(webhooks.c.id)
        .with_for_update(skip_locked=True, key_share=True)
        .cte("open_gate")
    )
    until = after(now, sa.bindparam("lease", type_=Duration))
    earliest = after(now, sa.literal(-CREDIT, Duration))
    begins_at = later_of(later_of(earliest, turn.due_at), webhooks.c.next_request_at)
    passing = (
        sa.update(webhooks)
        .where(
            webhooks.c.id == turn.webhook_id,
            webhooks.c.id.in_(sa.select(open_gates.c.id)),
            sa.or_(
                webhooks.c.next_request_at.is_(None),
                after(webhooks.c.next_request_at, turn.lateness) <= now,
            ),
        )
        .values(
            paused_until=sa.case((webhooks.c.paused_until.is_not(None), until)),
            next_request_at=sa.case(
                (webhooks.c.rate_limit.is_not(None), after(begins_at, turn.cost))
            ),
        )
        .returning(webhooks.c.id, webhooks.c.paused_until)
    )
    return Batch(passing, given)


def later_of(one: Clock, other: Clock) -> Clock:
    """The later of two moments, as an expression; ``other`` may be NULL."""
    return sa.case((other > one, other), else_=one)


async def give_turns_back(tx: Transaction, unused: Mapping[WebhookId, timedelta]) -> None:
    """Undo what ``pass_gates`` took for deliveries that were not there to claim.

    Args:
        tx: the transaction that passed these gates.
        unused: by how much less the gate of a rate limit is to be closed. A pause's is open again.
    """
    rows = [{"webhook_id": webhook_id, "less": less} for webhook_id, less in unused.items()]
    await tx.execute_many(giving_turns_back(tx.database, tx.now), rows)


@lru_cache
def giving_turns_back(database: Database, now: Clock) -> Batch:
    """Batch of ``give_turns_back``."""
    given = database.rows_given(
        "unused",
        (sa.column("webhook_id", webhooks.c.id.type), sa.column("less", Duration)),
    )
    unused = given.table.c
    earlier = sa.type_coerce(webhooks.c.next_request_at, sa.BigInteger) - unused.less
    giving_back = (
        sa.update(webhooks)
        .where(webhooks.c.id == unused.webhook_id)
        .values(
            paused_until=sa.case((webhooks.c.paused_until.is_not(None), now)),
            next_request_at=sa.type_coerce(earlier, UtcDateTime),
        )
    )
    return Batch(giving_back, given)


async def reopen_gates(tx: Transaction, probes: Mapping[WebhookId, datetime]) -> None:
    """Reopen the gates of endpoints that were claimed to be probed, and were not.

    Args:
        tx: where we give the deliveries back.
        probes: until when ``pass_gates`` closed each gate for us. One that is closed otherwise by
            now stays so.
    """
    closed = tx.locked(webhooks, closed_until(probes))
    await tx.execute(sa.update(webhooks).where(closed).values(paused_until=tx.now))


async def keep_gates_closed(
    tx: Transaction, probes: Mapping[WebhookId, datetime], duration: timedelta
) -> dict[WebhookId, datetime]:
    """Let no other worker probe endpoints for so long from now, as our claims last longer.

    Args:
        tx: where the claims are renewed.
        probes: as ``reopen_gates`` has them.
        duration: how long.

    Returns:
        until when each gate is closed that was closed by us.
    """
    rows = await tx.execute(
        sa.update(webhooks)
        .where(tx.locked(webhooks, closed_until(probes)))
        .values(paused_until=after(tx.now, sa.literal(duration, Duration)))
        .returning(webhooks.c.id, webhooks.c.paused_until)
    )
    return {row.id: row.paused_until for row in rows}


def closed_until(probes: Mapping[WebhookId, datetime]) -> sa.ColumnElement[bool]:
    """Condition that the gate of a pause is closed until this moment and no other."""
    return sa.tuple_(webhooks.c.id, webhooks.c.paused_until).in_(list(probes.items()))
