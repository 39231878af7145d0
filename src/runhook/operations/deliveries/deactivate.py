"""Deactivate webhooks whose endpoints fail or are gone, and cancel their pending deliveries.

A deactivation counts at once: nothing more is claimed for the webhook. Few pending deliveries are
canceled in the same transaction. Of many, the rest follows step by step, by the rescuer, or by the
request that sets the webhook active again, before it is.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from runhook.domain.messages.notices import Deactivation
from runhook.domain.messages.telling import WebhookId
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import RUNHOOK
from runhook.operations.deliveries.notify import owe_notices
from runhook.operations.people.audit import note_change
from runhook.storage.deliveries.rows import cancel_pending
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import deactivate_webhook, inactive_among

STEP = 1_000
"""Most deliveries of a webhook that one transaction cancels."""


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


async def cancel_for_inactive(tx: Transaction, webhook_ids: Collection[WebhookId]) -> bool:
    """Cancel a step of the pending deliveries of each of these webhooks that is not active.

    Returns:
        whether something may be left.
    """
    is_more = False
    for webhook_id in await inactive_among(tx, webhook_ids):
        is_more |= await cancel_pending(tx, webhook_id, limit=STEP) == STEP
    return is_more
