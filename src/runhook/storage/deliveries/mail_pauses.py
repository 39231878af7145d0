"""The pause of the operator's mail server, which all letters wait out together.

There is a row as long as the server fails. When a pause is over, the worker that passes the gate
tries one letter, of whichever webhook, and the gate closes behind it. Its outcome begins
another pause, or ends them for all.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.messages.telling import WebhookId
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.columns import Duration
from runhook.storage.engine.store import Transaction, after
from runhook.storage.engine.tables import IS_PENDING, deliveries, mail_pause, webhooks

ONLY = 1
"""The id of the only row."""


class MailGate(Enum):
    """State of the mail server's pause for a worker that asks."""

    OPEN = "open"
    PROBE = "probe"
    """One letter, to see whether the server is back."""
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class HeldUp:
    """Why and since when deliveries wait for what the service runs on."""

    since: datetime
    by: str
    """Why, in a sentence."""


async def pass_mail_gate(tx: Transaction, pause: timedelta) -> MailGate:
    """Ask whether letters may be sent; a probe closes the gate behind itself for so long."""
    passed = await tx.execute(
        sa.update(mail_pause)
        .where(tx.locked(mail_pause, mail_pause.c.paused_until <= tx.now))
        .values(paused_until=after(tx.now, sa.literal(pause, Duration)))
    )
    if passed.rowcount:
        return MailGate.PROBE
    is_paused = (await tx.execute(sa.select(mail_pause.c.id))).one_or_none() is not None
    return MailGate.CLOSED if is_paused else MailGate.OPEN


async def pause_mail(tx: Transaction, why: str, pause: timedelta) -> None:
    """Let all letters wait for so long from now, since the mail server has just failed one."""
    values = {"paused_until": after(tx.now, sa.literal(pause, Duration)), "why": why}
    await tx.execute(
        insert(mail_pause)
        .values(id=ONLY, paused_since=tx.now, **values)
        .on_conflict_do_update(index_elements=[mail_pause.c.id], set_=values)
    )


async def end_mail_pause(tx: Transaction) -> None:
    """Let letters go on, since the mail server has just been told one."""
    ended = await tx.execute(sa.delete(mail_pause).where(mail_pause.c.id == ONLY))
    if ended.rowcount:
        tx.makes_due = True


async def find_held_up(tx: Transaction, listed: Collection[Webhook]) -> Mapping[WebhookId, HeldUp]:
    """Find which of these webhooks have deliveries that wait for the service itself, and why."""
    is_mailing = any(one.sends_mail for one in listed)
    mail = await find_mail_pause(tx) if is_mailing else None
    found = {one.id: why for one in listed if (why := held_up_of(one, mail)) is not None}
    if not found:
        return {}
    waiting = (
        sa.select(deliveries.c.id)
        .where(IS_PENDING, deliveries.c.webhook_id == webhooks.c.id)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    rows = await tx.execute(
        sa.select(webhooks.c.id).where(webhooks.c.id.in_(list(found)), waiting.is_not(None))
    )
    return {webhook_id: found[webhook_id] for webhook_id in rows.scalars()}


async def find_mail_pause(tx: Transaction) -> HeldUp | None:
    """Since when and why letters wait; None if they do not."""
    rows = await tx.execute(sa.select(mail_pause.c.paused_since, mail_pause.c.why))
    row = rows.one_or_none()
    return None if row is None else HeldUp(row.paused_since, row.why)


def held_up_of(webhook: Webhook, mail: HeldUp | None) -> HeldUp | None:
    """What holds a webhook's deliveries up, if it has any that wait."""
    if webhook.sends_mail and mail is not None:
        return mail
    if webhook.held_up_since is None or webhook.held_up_by is None:
        return None
    return HeldUp(webhook.held_up_since, webhook.held_up_by)
