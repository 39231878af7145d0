"""Webhooks with pending deliveries, and from when on something can be sent to them."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.formats import FORMATS
from runhook.domain.messages.telling import WebhookId
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.columns import EPOCH
from runhook.storage.engine.store import Clock, Transaction
from runhook.storage.engine.tables import IS_PENDING, deliveries, mail_pause, webhooks

MAILING = [name for name, one in FORMATS.items() if one.is_relayed]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """An active webhook with something pending."""

    account_id: AccountId
    pause: timedelta
    """How long until something can be sent; zero or less for now. Due deliveries wait for the end
    of its endpoint's pause, too, and for its turn under a rate limit."""
    is_paused: bool = False
    rate_limit: RateLimit | None = None
    due_at: datetime = EPOCH
    """Since when, or from when on, something waits for nothing but that."""
    sends_mail: bool = False
    """Whether the operator's mail server, which may be paused, is on the way."""
    waits_for_mail: bool = False
    """Whether it is paused."""

    @property
    def is_gated(self) -> bool:
        """Whether ``pass_gates`` has to be asked before something is claimed."""
        return self.is_paused or self.rate_limit is not None

    def cost_of(self, places: int) -> timedelta:
        """How long claiming so many deliveries closes the rate limit's gate."""
        return timedelta() if self.rate_limit is None else self.rate_limit.pause_after(places)

    def lateness_of(self, places: int) -> timedelta:
        """How late the turn under a rate limit has to be to claim so many deliveries."""
        return timedelta() if self.rate_limit is None else self.rate_limit.lateness_of(places)


async def waiting_webhooks(tx: Transaction) -> dict[WebhookId, Waiting]:
    """Active webhooks with pending deliveries to send, and how long until they can be sent.

    The cost follows the number of such webhooks, not of their deliveries: the index is entered once
    for each.
    """
    rows = await tx.execute(waiting_webhooks_statement(tx.now))
    return {
        row.id: Waiting(
            account_id=row.account_id,
            pause=max(
                moment
                for moment in (
                    row.due_at,
                    row.paused_until,
                    row.next_request_at,
                    row.mail_paused_until,
                )
                if moment is not None
            )
            - row.now,
            is_paused=row.paused_until is not None,
            rate_limit=row.rate_limit and RateLimit.parse(row.rate_limit),
            due_at=row.due_at,
            sends_mail=row.sends_mail,
            waits_for_mail=row.mail_paused_until is not None,
        )
        for row in rows
    }


# Building these statements costs more than running them, so each is built once for its store.
@lru_cache
def waiting_webhooks_statement(now: Clock) -> sa.Select[tuple[Any, ...]]:
    """Query of ``waiting_webhooks``."""
    lane = lanes()
    earliest = (
        sa.select(sa.func.min(deliveries.c.next_attempt_at))
        .where(IS_PENDING, deliveries.c.webhook_id == lane.c.webhook_id)
        .scalar_subquery()
    )
    sends_mail = webhooks.c.format.in_([sa.literal_column(f"'{name}'") for name in MAILING])
    return (
        sa.select(
            webhooks.c.id,
            webhooks.c.account_id,
            earliest.label("due_at"),
            webhooks.c.paused_until,
            webhooks.c.rate_limit,
            webhooks.c.next_request_at,
            sends_mail.label("sends_mail"),
            sa.case((sends_mail, sa.select(mail_pause.c.paused_until).scalar_subquery())).label(
                "mail_paused_until"
            ),
            now.label("now"),
        )
        .select_from(lane)
        .join(webhooks, sa.and_(is_of_lane(lane), webhooks.c.active, ~webhooks.c.is_consumed))
    )


async def stranded_webhooks(tx: Transaction) -> Collection[WebhookId]:
    """Inactive webhooks that still have pending deliveries."""
    rows = await tx.execute(stranded_webhooks_statement())
    return rows.scalars().all()


@lru_cache
def stranded_webhooks_statement() -> sa.Select[tuple[WebhookId]]:
    """Query of ``stranded_webhooks``."""
    lane = lanes()
    return sa.select(lane.c.webhook_id).join(
        webhooks, sa.and_(is_of_lane(lane), ~webhooks.c.active)
    )


async def is_queue_readable(tx: Transaction) -> bool:
    """Look into the queue as a claim does, at no more than its first delivery."""
    return (await tx.execute(sa.select(first_pending()))).one_or_none() is not None


def lanes() -> sa.CTE:
    """Ids of the webhooks with pending deliveries, and a NULL after the last."""
    lane = sa.select(first_pending().label("webhook_id")).cte("lane", recursive=True)
    following = first_pending(deliveries.c.webhook_id > lane.c.webhook_id)
    return lane.union_all(sa.select(following).where(lane.c.webhook_id.is_not(None)))


def first_lanes(most: int) -> sa.CTE:
    """Ids of the first webhooks with pending deliveries, numbered from 1, up to ``most``."""
    lane = sa.select(
        first_pending().label("webhook_id"), sa.literal_column("1").label("number")
    ).cte("lane", recursive=True)
    following = first_pending(deliveries.c.webhook_id > lane.c.webhook_id)
    return lane.union_all(
        sa.select(following, lane.c.number + sa.literal_column("1")).where(
            lane.c.webhook_id.is_not(None), lane.c.number < sa.literal_column(str(most))
        )
    )


def is_of_lane(lane: sa.CTE) -> sa.ColumnElement[bool]:
    """Condition that joins webhooks to lanes, so that each is looked up by its id.

    For a plain comparison SQLite, from some version between 3.40 and 3.54 on, makes an index of the
    lanes and walks through all webhooks.
    """
    return webhooks.c.id == sa.func.coalesce(lane.c.webhook_id, sa.literal_column("''"))


def first_pending(*conditions: sa.ColumnElement[bool]) -> sa.ScalarSelect[str]:
    """Id of the first webhook with pending deliveries, as an expression.

    Not a minimum but an order that the index of pending deliveries alone has: SQLite would find
    a minimum of webhooks in an index of all deliveries as well, and walk through their history.
    """
    return (
        sa.select(deliveries.c.webhook_id)
        .where(IS_PENDING, *conditions)
        .order_by(deliveries.c.webhook_id, deliveries.c.next_attempt_at)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
