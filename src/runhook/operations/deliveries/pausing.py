"""Note in the audit log that endpoints are paused, and that pauses are over."""

from collections.abc import Iterable
from datetime import datetime

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.webhooks.failing import Health
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.people.audit import note_change
from runhook.storage.engine.store import Transaction


async def note_pauses(
    tx: Transaction, dispatched: Iterable[tuple[Webhook, Health]], *, now: datetime
) -> None:
    """Note what attempts have begun or ended.

    Args:
        tx: the transaction that records them.
        dispatched: webhooks as they were, each with its endpoint's health after them.
        now: when.
    """
    for webhook, health in dispatched:
        if health.is_paused == webhook.health.is_paused:
            continue
        is_paused = health.is_paused
        await note_change(
            tx,
            webhook.account_id,
            RUNHOOK,
            AuditAction.WEBHOOK_PAUSED if is_paused else AuditAction.WEBHOOK_RESUMED,
            webhook.id,
            before={"paused": not is_paused},
            after={"paused": is_paused},
            now=now,
        )
