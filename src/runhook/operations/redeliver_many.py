"""Redeliver in bulk: count what did not arrive, begin, go on step by step, and cancel."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from runhook.clock import Clock
from runhook.domain.auditing import AuditAction, Facts
from runhook.domain.callers import Actor
from runhook.domain.deliveries import DeliveryId
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.redeliveries import (
    Obstacle,
    Place,
    Redelivery,
    RedeliveryId,
    RedeliveryState,
    Selection,
    Share,
    check_cancellation,
    check_selection,
    plan_step,
)
from runhook.domain.runs import AccountId
from runhook.domain.webhooks import Webhook, WebhookId
from runhook.operations.audit import note_change
from runhook.operations.ids import new_redelivery_id
from runhook.storage.redeliveries import (
    DueShare,
    end_redelivery,
    has_open_shares,
    insert_redelivery,
    lock_due_share,
    lock_redelivery,
    note_step,
    postpone_step,
)
from runhook.storage.store import Store, Transaction
from runhook.storage.unsent import (
    Counted,
    count_pending,
    count_unsent,
    look_for_unsent,
    moment_of,
    return_unsent_to_queue,
    webhooks_with_unsent,
)
from runhook.storage.webhooks import find_webhook, list_webhooks_with_deleted, lock_webhook

COUNTED = 100_000
"""How many deliveries a count looks at, at most: it costs no more, however much did not arrive."""
LOOKED_AT = 500
"""How many deliveries a step looks at, at most, to find some that are chosen."""
STEP = 100
"""How many deliveries a step returns to the queue, at most."""
BACKLOG = 100
"""With more than so many deliveries waiting for its webhook, a share waits."""
WAIT = timedelta(seconds=1)
"""How long a share waits before it looks again."""


@dataclass(frozen=True, slots=True)
class Preview:
    """What a redelivery would be about, if it began now."""

    selection: Selection
    counts: Sequence[tuple[Webhook, int]]
    """How many deliveries there are of which webhook, as far as was counted."""
    is_counted: bool
    """Whether all there are were counted."""


class Progress(Enum):
    """What came of looking for the next step."""

    TAKEN = "taken"
    WAITING = "waiting"
    """The share whose turn it was has to wait."""
    NOTHING_DUE = "nothing due"


async def preview_redelivery(
    store: Store,
    account_id: AccountId,
    selection: Selection,
    *,
    retention: timedelta,
    clock: Clock,
) -> Preview:
    """Count what a redelivery would be about; it changes nothing.

    Raises:
        InvalidError: a value of the selection is not valid; the message begins with its name.
    """
    selection = check_selection(selection, now=clock.now(), retention=retention)
    async with store.read() as tx:
        _, counted = await count(tx, account_id, selection)
        webhooks = await list_webhooks_with_deleted(tx, account_id, counted.by_webhook.keys())
    counts = [(webhook, counted.by_webhook[webhook.id]) for webhook in webhooks]
    return Preview(selection, counts, is_counted=counted.is_whole)


async def begin_redelivery(
    store: Store,
    account_id: AccountId,
    selection: Selection,
    *,
    retention: timedelta,
    actor: Actor,
    clock: Clock,
) -> Redelivery:
    """Begin to redeliver what did not arrive; what is meant is fixed from here on.

    Raises:
        InvalidError: a value of the selection is not valid; the message begins with its name.
    """
    now = clock.now()
    selection = check_selection(selection, now=now, retention=retention)
    # Counting may take a while, which nobody who writes should have to wait for.
    async with store.read() as tx:
        fixed_at, counted = await count(tx, account_id, selection)
        webhook_ids = await concerned_webhooks(tx, account_id, selection, counted)
    start = Place(selection.since, DeliveryId(""))
    redelivery = Redelivery(
        id=new_redelivery_id(now),
        account_id=account_id,
        selection=selection,
        fixed_at=fixed_at,
        is_counted=counted.is_whole,
        state=RedeliveryState.RUNNING if webhook_ids else RedeliveryState.FINISHED,
        shares=tuple(
            Share(webhook_id=one, total=counted.by_webhook.get(one, 0), place=start)
            for one in webhook_ids
        ),
        created_by=actor.name,
        created_at=now,
        ended_at=None if webhook_ids else now,
    )
    async with store.write() as tx:
        await insert_redelivery(tx, redelivery)
        await note_change(
            tx,
            account_id,
            actor,
            AuditAction.REDELIVERY_BEGUN,
            redelivery.id,
            before=None,
            after=facts_of(redelivery),
            now=now,
        )
    return redelivery


async def cancel_redelivery(
    store: Store, account_id: AccountId, redelivery_id: RedeliveryId, *, actor: Actor, clock: Clock
) -> Redelivery:
    """End a redelivery before its time; what it has returned to the queue stays there.

    Raises:
        NotFoundError: the account has no such redelivery.
        ConflictError: it has finished.
    """
    now = clock.now()
    async with store.write() as tx:
        redelivery = await lock_redelivery(tx, account_id, redelivery_id)
        if redelivery is None:
            raise NotFoundError(f"There is no redelivery {redelivery_id} in this account.")
        check_cancellation(redelivery.state)
        if redelivery.state is RedeliveryState.CANCELED:
            return redelivery
        await end_redelivery(tx, redelivery_id, RedeliveryState.CANCELED, now=now)
        await note_change(
            tx,
            account_id,
            actor,
            AuditAction.REDELIVERY_CANCELED,
            redelivery_id,
            before={"state": redelivery.state.value},
            after={"state": RedeliveryState.CANCELED.value, "queued": redelivery.queued},
            now=now,
        )
    return replace(redelivery, state=RedeliveryState.CANCELED, ended_at=now)


async def take_step(store: Store, clock: Clock, *, on_queued: Callable[[], None]) -> Progress:
    """Take the next step of whichever redelivery has been waiting for longest.

    Of several replicas that do this at once, each takes a step that no other one has.

    Args:
        store: where the deliveries are.
        clock: dates the end of the redelivery.
        on_queued: called after a commit that left deliveries to be sent.
    """
    async with store.write() as tx:
        due = await lock_due_share(tx)
        if due is None:
            return Progress.NOTHING_DUE
        obstacle = await obstacle_of(tx, due)
        if obstacle is None and await has_backlog(tx, due.share.webhook_id):
            await postpone_step(tx, due, WAIT)
            return Progress.WAITING
        share, queued = await go_on(tx, due, obstacle)
        await note_step(tx, due, share)
        if share.is_over and not await has_open_shares(tx, due.redelivery.id):
            await end_redelivery(tx, due.redelivery.id, RedeliveryState.FINISHED, now=clock.now())
    if queued:
        on_queued()
    return Progress.TAKEN


async def obstacle_of(tx: Transaction, due: DueShare) -> Obstacle | None:
    """Return what keeps a webhook's deliveries from being sent, and keep it as it is.

    Whoever switches the webhook off waits, and cancels what we put in the queue; whoever redelivers
    by hand waits, too.
    """
    webhook = await lock_webhook(tx, due.redelivery.account_id, due.share.webhook_id)
    if webhook is None:
        return Obstacle.WEBHOOK_DELETED
    return None if webhook.active else Obstacle.WEBHOOK_INACTIVE


async def has_backlog(tx: Transaction, webhook_id: WebhookId) -> bool:
    """Whether so much waits for a webhook that a redelivery should not add to it."""
    return await count_pending(tx, webhook_id, limit=BACKLOG + 1) > BACKLOG


async def go_on(tx: Transaction, due: DueShare, obstacle: Obstacle | None) -> tuple[Share, int]:
    """Go on with a share; return it as it is after that, and how many deliveries it queued."""
    redelivery, share = due.redelivery, due.share
    looked_at = await look_for_unsent(
        tx,
        redelivery.account_id,
        share.webhook_id,
        redelivery.selection,
        fixed_at=redelivery.fixed_at,
        place=share.place,
        limit=LOOKED_AT,
    )
    step = plan_step(
        looked_at,
        share.place,
        room=STEP,
        is_passing_over=obstacle is not None,
        is_end=len(looked_at) < LOOKED_AT,
    )
    queued = 0
    if step.queue:
        queued = await return_unsent_to_queue(tx, step.queue, fixed_at=redelivery.fixed_at)
    passed_over = dict(share.passed_over)
    if obstacle is not None and step.passed_over:
        passed_over[obstacle] = passed_over.get(obstacle, 0) + step.passed_over
    after = replace(
        share,
        queued=share.queued + queued,
        passed_over=passed_over,
        place=step.place,
        is_over=step.is_last,
    )
    return after, queued


async def count(
    tx: Transaction, account_id: AccountId, selection: Selection
) -> tuple[datetime, Counted]:
    """Return the present moment on the database's clock, and what a redelivery is about then."""
    webhook_id = selection.webhook_id
    if webhook_id is not None and await find_webhook(tx, account_id, webhook_id) is None:
        raise InvalidError(f"this account has no webhook {webhook_id[:80]}", field="webhook_id")
    fixed_at = await moment_of(tx)
    counted = await count_unsent(tx, account_id, selection, fixed_at=fixed_at, limit=COUNTED)
    return fixed_at, counted


async def concerned_webhooks(
    tx: Transaction, account_id: AccountId, selection: Selection, counted: Counted
) -> Sequence[WebhookId]:
    """Return the webhooks that a redelivery may have something for, in order."""
    if counted.is_whole:
        return sorted(counted.by_webhook)
    if selection.webhook_id is not None:
        return [selection.webhook_id]
    return await webhooks_with_unsent(tx, account_id, selection)


def facts_of(redelivery: Redelivery) -> Facts:
    """Return what the audit log tells of a redelivery that begins."""
    selection = redelivery.selection
    return {
        "since": selection.since.isoformat(),
        "until": selection.until and selection.until.isoformat(),
        "states": [state.value for state in selection.states],
        "webhook_id": selection.webhook_id,
        "event_types": [event_type.value for event_type in selection.event_types],
        "job_id": selection.job_id,
        "run_id": selection.run_id,
        "total": redelivery.total,
    }
