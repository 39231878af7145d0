"""Cancel pending deliveries of webhooks that are not active, a bounded step at a time.

A deactivation counts at once: nothing more is claimed for the webhook. Few pending deliveries are
canceled in the same transaction. Of many, the rest follows step by step, by the rescuer, or by the
request that sets the webhook active again, before it is.
"""

from collections.abc import Collection

from runhook.domain.messages.telling import WebhookId
from runhook.storage.deliveries.rows import cancel_pending
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import inactive_among

STEP = 1_000
"""How many deliveries of a webhook one transaction cancels at most."""


async def cancel_waiting(tx: Transaction, webhook_ids: Collection[WebhookId]) -> bool:
    """Cancel a step of the pending deliveries of each of these webhooks that is not active.

    Returns:
        whether something may be left.
    """
    is_more = False
    for webhook_id in await inactive_among(tx, webhook_ids):
        is_more |= await cancel_pending(tx, webhook_id, limit=STEP) == STEP
    return is_more
