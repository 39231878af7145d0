"""Note in the audit log that endpoints are paused, and that pauses are over."""

from collections.abc import Iterable
from datetime import datetime

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.webhooks.failing import Health
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.store import Transaction
from runhook.storage.people.audit_log import AuditEntry, insert_audit_entries


async def note_pauses(
    tx: Transaction, dispatched: Iterable[tuple[Webhook, Health]], *, now: datetime
) -> None:
    """Note what attempts have begun or ended.

    Args:
        tx: the transaction that records them.
        dispatched: webhooks as they were, each with its endpoint's health after them.
        now: when.
    """
    entries = [
        AuditEntry(
            account_id=webhook.account_id,
            at=now,
            actor=RUNHOOK,
            action=AuditAction.WEBHOOK_PAUSED if health.is_paused else AuditAction.WEBHOOK_RESUMED,
            subject_id=webhook.id,
            before={"paused": webhook.health.is_paused},
            after={"paused": health.is_paused},
        )
        for webhook, health in dispatched
        if health.is_paused != webhook.health.is_paused
    ]
    await insert_audit_entries(tx, entries)
