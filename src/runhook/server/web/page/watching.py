"""What an open page watches: the newest things of its account, and those that it shows."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from runhook.domain.deliveries.redeliveries import RedeliveryId
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.runs.run import AccountId, RunId
from runhook.server.web.page.addresses import address_of
from runhook.storage.deliveries.backlog import backlog_of, count_paused, count_sending
from runhook.storage.deliveries.freshness import (
    newest_deliveries,
    newest_runs,
    states_of_deliveries,
)
from runhook.storage.deliveries.redeliveries import find_redelivery
from runhook.storage.deliveries.rows import LoggedDelivery
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.rows import find_run
from runhook.storage.service.replicas import list_replicas

LOOKED_AT = 50
"""Number of newest deliveries and runs that are watched on every page."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """State of everything that is watched, at one moment."""

    newest: object
    deliveries: Sequence[object]
    others: object

    @property
    def digest(self) -> str:
        """A short text that differs as soon as anything watched does."""
        text = repr((self.newest, self.deliveries, self.others))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What a page watches beside the newest of its account, or of a webhook."""

    webhook_id: WebhookId | None = None
    delivery_ids: Sequence[DeliveryId] = ()
    run_id: int = 0
    redelivery_id: RedeliveryId | None = None
    backlog: bool = False

    async def look(self, tx: Transaction, account_id: AccountId) -> Sight:
        """Read the state. A page does so before it reads what it shows, and so misses nothing."""
        return Sight(
            newest=(
                await newest_deliveries(tx, account_id, self.webhook_id, limit=LOOKED_AT),
                await newest_runs(tx, account_id, limit=LOOKED_AT),
            ),
            deliveries=await states_of_deliveries(tx, account_id, self.delivery_ids)
            if self.delivery_ids
            else [],
            others=(
                await self._run(tx, account_id),
                await find_redelivery(tx, account_id, self.redelivery_id)
                if self.redelivery_id
                else None,
                (
                    await backlog_of(tx, account_id),
                    await count_sending(tx, account_id),
                    await count_paused(tx, account_id),
                    await list_replicas(tx),
                )
                if self.backlog
                else None,
            ),
        )

    async def _run(self, tx: Transaction, account_id: AccountId) -> object:
        if not 0 < self.run_id <= LARGEST_ID:
            return None
        found = await find_run(tx, account_id, RunId(self.run_id))
        return found and (found.run.status, found.run.cancel_requested_at, found.heartbeat_at)

    def address(self, root: str, sight: Sight) -> str:
        """Address that reports changes to a page that looked like this."""
        return address_of(
            f"{root}/live",
            {
                "seen": [sight.digest],
                "webhook": [self.webhook_id or ""],
                "delivery": self.delivery_ids,
                "run": [str(self.run_id or "")],
                "redelivery": [self.redelivery_id or ""],
                "backlog": ["true" if self.backlog else ""],
            },
        )


def states_in(found: Iterable[LoggedDelivery]) -> Sequence[object]:
    """States of deliveries, as far as pages show them."""
    in_order = sorted({one.id: one for one in found}.items())
    return [(one.id, one.state, one.attempt_count, one.updated_at) for _, one in in_order]
