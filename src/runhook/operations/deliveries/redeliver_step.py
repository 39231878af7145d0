"""Go on with redeliveries in bulk: one bounded step of one webhook's share, in one transaction."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import timedelta
from enum import Enum
from functools import partial

from runhook.clock import Clock
from runhook.domain.deliveries.redeliveries import (
    Candidate,
    Obstacle,
    Picked,
    RedeliveryShare,
    RedeliveryState,
    plan_step,
)
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.webhooks.incidents import outdated_warning
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.commits.repeating import repeats_contended
from runhook.storage.deliveries.picked import look_for_picked
from runhook.storage.deliveries.redeliveries import (
    DueShare,
    end_redelivery,
    has_open_shares,
    lock_due_share,
    note_step,
    postpone_waiting,
)
from runhook.storage.deliveries.rows import return_several_to_queue
from runhook.storage.deliveries.unsent import count_pending, look_for_unsent
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.webhooks.rows import lock_webhook
from runhook.storage.webhooks.standings import outdated_among

LOOKED_AT = 500
"""How many deliveries a step looks at, at most, to find some that are chosen."""
STEP = 100
"""How many deliveries a step returns to the queue, at most."""
BACKLOG = 100
"""With more than so many deliveries waiting for its webhook, a share waits."""
SHARES = 1_000
"""How many shares begin to wait in one transaction, at most."""
WAIT = timedelta(seconds=1)
"""How long a share waits before it looks again."""


class StepResult(Enum):
    """Result of looking for the next step."""

    TAKEN = "taken"
    WAITING = "waiting"
    """The share in turn has to wait; look for another one at once."""
    NOTHING_DUE = "nothing due"


@repeats_contended
async def take_step(store: Store, clock: Clock) -> StepResult:
    """Take the next step of whichever redelivery has been waiting for longest.

    Of several replicas that do this at once, each takes a step that no other one has.

    Args:
        store: where the deliveries are.
        clock: dates the end of the redelivery.
    """

    async def step(tx: Transaction) -> StepResult:
        due = await lock_due_share(tx)
        if due is None:
            return StepResult.NOTHING_DUE
        # A deactivation waits for us, then cancels what we queue; a redelivery by hand waits, too.
        webhook = await lock_webhook(tx, due.redelivery.account_id, due.share.webhook_id)
        obstacle = obstacle_of(webhook)
        if obstacle is None and await has_backlog(tx, due.share.webhook_id):
            # With all others that have to wait, or each would take a transaction a second.
            await postpone_waiting(tx, WAIT, backlog=BACKLOG, limit=SHARES)
            return StepResult.WAITING
        share = await go_on(tx, due, webhook, obstacle)
        await note_step(tx, due, share)
        if share.is_over and not await has_open_shares(tx, due.redelivery.id):
            await end_redelivery(tx, due.redelivery.id, RedeliveryState.FINISHED, now=clock.now())
        return StepResult.TAKEN

    return await store.commit(step)


def obstacle_of(webhook: Webhook | None) -> Obstacle | None:
    """What keeps a webhook's deliveries from being sent; None if nothing does."""
    if webhook is None:
        return Obstacle.WEBHOOK_DELETED
    return None if webhook.active else Obstacle.WEBHOOK_INACTIVE


async def has_backlog(tx: Transaction, webhook_id: WebhookId) -> bool:
    """Whether so much waits for a webhook that a redelivery should not add to it."""
    return await count_pending(tx, webhook_id, limit=BACKLOG + 1) > BACKLOG


async def go_on(
    tx: Transaction, due: DueShare, webhook: Webhook | None, obstacle: Obstacle | None
) -> RedeliveryShare:
    """Take the next step of a share; return its new state."""
    redelivery, share = due.redelivery, due.share
    looked_at = await look_further(tx, due)
    step = plan_step(
        looked_at,
        share.place,
        room=STEP,
        is_passing_over=obstacle is not None,
        is_end=len(looked_at) < LOOKED_AT,
    )
    outdated = await outdated_of(tx, webhook, step.queue)
    queue = [one for one in step.queue if one not in outdated]
    queued = 0
    if queue:
        queued = await return_several_to_queue(
            tx, queue, redelivery_id=redelivery.id, fixed_at=redelivery.fixed_at
        )
    passed_over = Counter(share.passed_over)
    if obstacle is not None and step.passed_over:
        passed_over[obstacle] += step.passed_over
    if outdated:
        passed_over[Obstacle.OUTDATED] += len(outdated)
    return replace(
        share,
        queued=share.queued + queued,
        passed_over=passed_over,
        place=step.place,
        is_over=step.is_last,
    )


async def outdated_of(
    tx: Transaction, webhook: Webhook | None, delivery_ids: Collection[DeliveryId]
) -> Collection[DeliveryId]:
    """Find deliveries that a newer event of their job has outdated."""
    if webhook is None or not delivery_ids or not outdated_warning(webhook.options):
        return ()
    return await outdated_among(tx, delivery_ids)


async def look_further(tx: Transaction, due: DueShare) -> Sequence[Candidate]:
    """Read the next candidates of a share."""
    redelivery, share = due.redelivery, due.share
    selection = redelivery.selection
    look = (
        partial(look_for_picked, picked=selection)
        if isinstance(selection, Picked)
        else partial(look_for_unsent, selection=selection)
    )
    return await look(
        tx,
        redelivery.account_id,
        share.webhook_id,
        fixed_at=redelivery.fixed_at,
        place=share.place,
        limit=LOOKED_AT,
    )
