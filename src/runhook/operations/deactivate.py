"""Deactivate webhooks whose endpoints fail or are gone, and tell those who asked to be told."""

from collections.abc import Sequence
from datetime import datetime

from runhook.domain.auditing import AuditAction
from runhook.domain.callers import RUNHOOK
from runhook.domain.deliveries import DeliveryState
from runhook.domain.notices import Deactivation
from runhook.domain.payload import render
from runhook.domain.webhooks import Webhook
from runhook.operations.audit import note_change
from runhook.operations.ids import new_delivery_id
from runhook.storage.deliveries import NewDelivery, insert_deliveries
from runhook.storage.store import Transaction
from runhook.storage.webhooks import deactivate_webhook, webhooks_of_accounts


async def deactivate(tx: Transaction, notices: Sequence[Deactivation], *, now: datetime) -> None:
    """Switch webhooks off, and owe the notices of it, in one transaction.

    Their rows must be locked and active: so each is switched off once, and told of once, whichever
    workers find out about it at the same time. What waits for them is the caller's to cancel.
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
    webhooks = await webhooks_of_accounts(tx, {one.account_id for one in notices})
    wanted = [
        (one, webhook)
        for one in notices
        for webhook in webhooks[one.account_id]
        if one.is_for(webhook)
    ]
    if wanted:
        await insert_deliveries(
            tx, [new_notice(one, webhook, place) for place, (one, webhook) in enumerate(wanted)]
        )


def new_notice(notice: Deactivation, webhook: Webhook, position: int) -> NewDelivery:
    """Return the delivery of a notice to a webhook, its bytes final."""
    delivery_id = new_delivery_id(notice.occurred_at, position)
    return NewDelivery(
        id=delivery_id,
        webhook_id=webhook.id,
        event=notice,
        body=render(notice, webhook, delivery_id),
        state=DeliveryState.PENDING if webhook.active else DeliveryState.SKIPPED,
    )
