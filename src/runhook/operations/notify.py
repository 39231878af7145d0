"""Owe notices to the webhooks that asked for them, in the transaction of what they tell of."""

from collections.abc import Sequence

from runhook.domain.deliveries import DeliveryState
from runhook.domain.notices import MissedRun, Notice
from runhook.domain.topics import topics_of_event
from runhook.domain.webhooks import Webhook
from runhook.operations.ids import new_delivery_id
from runhook.storage.deliveries import NewDelivery, insert_deliveries
from runhook.storage.store import Transaction
from runhook.storage.webhooks import interested_webhooks


async def owe_notices(tx: Transaction, notices: Sequence[Notice]) -> None:
    """Add a delivery of each notice for each webhook that it is for."""
    webhooks = await interested_webhooks(tx, {topic for one in notices for topic in topics_of(one)})
    wanted = [
        (one, webhook)
        for one in notices
        for webhook in webhooks.get(one.account_id, ())
        if webhook.wants_notice(one)
    ]
    if wanted:
        await insert_deliveries(
            tx, [new_notice(one, webhook, place) for place, (one, webhook) in enumerate(wanted)]
        )


def topics_of(notice: Notice) -> list[str]:
    """Return the topics of a notice."""
    job = notice.job if isinstance(notice, MissedRun) else None
    return topics_of_event(notice.account_id, notice.type, job)


def new_notice(notice: Notice, webhook: Webhook, position: int) -> NewDelivery:
    """Return the delivery of a notice to a webhook, its bytes final."""
    delivery_id = new_delivery_id(notice.occurred_at, position)
    return NewDelivery(
        id=delivery_id,
        webhook_id=webhook.id,
        event=notice,
        rendered=webhook.rendered(notice, delivery_id),
        state=DeliveryState.PENDING if webhook.active else DeliveryState.SKIPPED,
    )
