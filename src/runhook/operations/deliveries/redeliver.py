"""Redeliver by hand: the same id and bytes once more, and the retry schedule anew if that fails."""

from dataclasses import dataclass

from runhook.domain.deliveries.delivery import DeliveryState, check_redelivery
from runhook.domain.errors import ConflictError, NotFoundError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.people.auditing import AuditAction
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.incidents import outdated_warning
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted
from runhook.storage.deliveries.rows import LoggedDelivery, find_delivery, return_to_queue
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import lock_webhook
from runhook.storage.webhooks.standings import outdated_among


@dataclass(frozen=True, slots=True)
class Redelivered:
    """A delivery that was queued again."""

    delivery: LoggedDelivery
    warning: str
    """What sending it again may cause at the endpoint; empty if nothing."""


@repeats_contended
async def redeliver(
    context: Context, account_id: AccountId, webhook_id: WebhookId, delivery_id: DeliveryId
) -> Redelivered:
    """Make a delivery due now, whatever became of it before; one that waits, waits no longer.

    Attempts are numbered on. Of one that was over, the retry schedule counts from here.

    Raises:
        NotFoundError: the webhook is not this account's, or the delivery is not this webhook's.
        ConflictError: it is being sent, it is a test, or the webhook is not active.
    """
    now = context.clock.now()
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        # Lock the webhook first: a deactivation waits for us, then cancels what we queue.
        webhook = await lock_webhook(tx, account_id, webhook_id)
        before = await find_delivery(tx, account_id, delivery_id)
        if webhook is None or before is None or before.webhook_id != webhook_id:
            raise NotFoundError(f"There is no such delivery of the webhook {webhook_id}.")
        check_redelivery(before.state, is_test=before.is_test, is_active=webhook.active)
        # Once it is back in the queue, it is not seen any more that it was skipped.
        warning = await warning_about(tx, webhook, delivery_id)
        if not await return_to_queue(tx, account_id, delivery_id, before.state):
            raise ConflictError("The delivery has changed just now; look again in a moment.")
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.DELIVERY_REDELIVERED,
            delivery_id,
            before={"state": before.state.value},
            after={"state": DeliveryState.PENDING.value, "attempts_so_far": before.attempt_count},
            now=now,
        )
        after = await find_delivery(tx, account_id, delivery_id)
        assert after is not None
        return Redelivered(after, warning)


async def warning_about(tx: Transaction, webhook: Webhook, delivery_id: DeliveryId) -> str:
    """What sending a delivery once more may do; empty for what is harmless."""
    warning = outdated_warning(webhook.options)
    return warning if warning and await outdated_among(tx, [delivery_id]) else ""
