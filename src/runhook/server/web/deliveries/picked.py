"""Deliveries that a user ticked in a log, and why some cannot be redelivered."""

from collections.abc import Sequence
from dataclasses import dataclass

from runhook.domain.messages.telling import DeliveryId
from runhook.server.web.deliveries.opened import why_not_redeliverable
from runhook.server.web.page.visits import Visit
from runhook.storage.deliveries.rows import LoggedDelivery, find_deliveries
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import list_webhooks_with_deleted


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedDelivery:
    """A delivery among those that were ticked."""

    delivery: LoggedDelivery
    webhook_name: str
    refusal: str
    """Why it cannot be redelivered now; empty if it can."""


async def picked_of(
    tx: Transaction, visit: Visit, ids: Sequence[DeliveryId]
) -> Sequence[PickedDelivery]:
    """The account's deliveries among those that were ticked, the newest first."""
    found = await find_deliveries(tx, visit.account_id, ids)
    webhook_ids = {one.webhook_id for one in found}
    named = await list_webhooks_with_deleted(tx, visit.account_id, webhook_ids)
    webhooks = {one.id: one for one in named}
    return [
        PickedDelivery(
            delivery=one,
            webhook_name=webhooks[one.webhook_id].name,
            refusal=why_not_redeliverable(one, webhooks[one.webhook_id]),
        )
        for one in found
    ]
