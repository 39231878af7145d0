"""Deliveries that need not wait in the queue: claimed as they are added, by the process that does.

Its dispatcher has them in memory when the transaction commits, and sends them without another look.
All others are added as pending, for any process that claims them.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Protocol

from runhook.domain.deliveries.delivery import FIRST_CLAIM, Delivery, DeliveryState, Lease
from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.events import Event
from runhook.domain.runs.run import RunId
from runhook.domain.webhooks.webhook import Endpoint
from runhook.operations.deliveries.attempt import Claimed
from runhook.operations.deliveries.follow import Owed
from runhook.storage.deliveries.claims import find_unattempted
from runhook.storage.deliveries.rows import NewDelivery
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import Interested


class Handover(Protocol):
    """What a dispatcher takes over from one transaction, if that commits."""

    @property
    def lease(self) -> Lease:
        """Its hold on what it takes."""

    def take(self, claimed: Claimed) -> bool:
        """Take a delivery, which then has its place; False if there is none for it."""


Handovers = Callable[[], AbstractContextManager[Handover]]
"""Begins a handover. What was taken is sent once the block has ended well, and else forgotten."""


class Chooser:
    """Decides which deliveries of a transaction are handed over.

    A delivery that has to wait for another one is not, nor one whose webhook has something waiting:
    it is in the queue behind that.

    Args:
        handover: to whom.
        interested: the webhooks, with what is known of them.
        unattempted: runs and webhooks that are to be told of an earlier event still.
    """

    def __init__(
        self,
        handover: Handover,
        interested: Mapping[WebhookId, Interested],
        unattempted: set[tuple[RunId, WebhookId]],
    ) -> None:
        self._handover = handover
        self._interested = interested
        self._unattempted = unattempted
        self._endpoints: dict[WebhookId, Endpoint] = {}

    def hand_over(self, owed: Sequence[Owed], new: Sequence[NewDelivery]) -> Sequence[NewDelivery]:
        """Take the places of deliveries, and return those as claimed, the others as they are."""
        offered = [self._claimed(one, delivery) for one, delivery in zip(owed, new, strict=True)]
        return [
            replace(one, state=DeliveryState.SENDING)
            if claimed is not None and self._handover.take(claimed)
            else one
            for one, claimed in zip(new, offered, strict=True)
        ]

    def _claimed(self, owed: Owed, new: NewDelivery) -> Claimed | None:
        """A delivery as it is claimed; None if it has to wait for another."""
        assert isinstance(owed.event, Event)
        webhook, run = owed.webhook, owed.event.run
        told = (run.id, webhook.id)
        is_first = told not in self._unattempted
        self._unattempted.add(told)
        if not is_first or not new.is_plain or new.state is not DeliveryState.PENDING:
            return None
        if not self._interested[webhook.id].is_free:
            return None
        endpoint = self._endpoint_of(webhook.id)
        if endpoint.is_sealed:
            return None
        delivery = Delivery(
            id=new.id,
            claim_number=FIRST_CLAIM,
            account_id=webhook.account_id,
            webhook_id=webhook.id,
            run_id=run.id,
            event_type=owed.event.type,
            rendered=new.rendered,
            attempt_count=0,
        )
        return Claimed(delivery, endpoint)

    def _endpoint_of(self, webhook_id: WebhookId) -> Endpoint:
        if webhook_id not in self._endpoints:
            self._endpoints[webhook_id] = self._interested[webhook_id].open_endpoint()
        return self._endpoints[webhook_id]


async def chooser_for(
    tx: Transaction,
    owed: Sequence[Owed],
    interested: Mapping[WebhookId, Interested],
    handover: Handover,
) -> Chooser:
    """Look up what has to be known to choose among the deliveries of a transaction.

    The runs of their events must be locked.
    """
    later = {
        one.event.run.id
        for one in owed
        if isinstance(one.event, Event)
        and one.event.sequence > 1
        and interested[one.webhook.id].is_free
    }
    unattempted = await find_unattempted(tx, later) if later else set()
    return Chooser(handover, interested, unattempted)
