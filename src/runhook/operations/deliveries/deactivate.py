"""Deactivate webhooks whose endpoints fail or are gone, and tell those who asked to be told."""

from collections.abc import Sequence
from datetime import datetime

from runhook.domain.messages.notices import Deactivation
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import RUNHOOK
from runhook.operations.deliveries.notify import owe_notices
from runhook.operations.people.audit import note_change
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import deactivate_webhook


async def deactivate(
    tx: Transaction,
    notices: Sequence[Deactivation],
    *,
    now: datetime,
    public_url: str | None = None,
) -> None:
    """Deactivate webhooks, and publish the notices of it, in one transaction.

    Their rows must be locked and active: so each is deactivated once, with one notice, even if
    several workers find out about it at the same time. Canceling pending deliveries is up to the
    caller.
    """
    for one in notices:
        await deactivate_webhook(tx, one.webhook_id, reason=one.reason, now=now)
        await note_change(
            tx,
            one.account_id,
            RUNHOOK,
            AuditAction.WEBHOOK_DEACTIVATED,
            one.webhook_id,
            before={"active": True, "deactivate_reason": None},
            after={"active": False, "deactivate_reason": one.reason},
            now=now,
        )
    await owe_notices(tx, notices, public_url=public_url)
