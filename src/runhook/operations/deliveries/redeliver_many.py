"""Redeliver in bulk: count what did not arrive, or what was picked; begin, and cancel.

What has begun goes on by `redeliver_step`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from runhook.clock import Clock
from runhook.domain.deliveries.redeliveries import (
    LogPlace,
    Picked,
    Redelivery,
    RedeliveryId,
    RedeliveryShare,
    RedeliveryState,
    Selection,
    check_cancellation,
    check_picked,
    check_selection,
)
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.people.auditing import AuditAction, Facts
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.context import Context
from runhook.operations.ids import new_redelivery_id
from runhook.operations.people.audit import note_change
from runhook.operations.people.permitted import permitted
from runhook.storage.deliveries.picked import count_picked, missing_of
from runhook.storage.deliveries.redeliveries import (
    end_redelivery,
    insert_redelivery,
    lock_redelivery,
)
from runhook.storage.deliveries.unsent import UnsentCounts, count_unsent, webhooks_with_unsent
from runhook.storage.engine.columns import EPOCH
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.service.timekeeping import moment_of
from runhook.storage.webhooks.rows import find_webhook, list_webhooks_with_deleted

COUNTED = 100_000
"""How many deliveries a count looks at, at most: it costs no more, however much did not arrive."""


@dataclass(frozen=True, slots=True)
class RedeliveryPreview:
    """What a redelivery would be about, if it began now."""

    selection: Selection | Picked
    counts: Sequence[tuple[Webhook, int]]
    """How many deliveries there are of which webhook, as far as was counted."""
    is_counted: bool
    """Whether all there are were counted."""


async def preview_redelivery(
    store: Store,
    account_id: AccountId,
    selection: Selection | Picked,
    *,
    retention: timedelta,
    clock: Clock,
) -> RedeliveryPreview:
    """Count what a redelivery would be about; it changes nothing.

    Raises:
        InvalidError: a value of the selection is not valid; the message begins with its name.
    """
    selection = check(selection, now=clock.now(), retention=retention)
    async with store.read() as tx:
        _, counted = await count_selected(tx, account_id, selection)
        webhooks = await list_webhooks_with_deleted(tx, account_id, counted.by_webhook.keys())
    counts = [(webhook, counted.by_webhook[webhook.id]) for webhook in webhooks]
    return RedeliveryPreview(selection, counts, is_counted=counted.is_whole)


@repeats_contended
async def begin_redelivery(
    context: Context, account_id: AccountId, selection: Selection | Picked, *, retention: timedelta
) -> Redelivery:
    """Begin to redeliver what is selected; what is meant is fixed from here on.

    Raises:
        InvalidError: a value of the selection is not valid; the message begins with its name.
    """
    now = context.clock.now()
    selection = check(selection, now=now, retention=retention)
    # Counting may take a while, and writers must not wait for it.
    async with context.store.read() as tx:
        fixed_at, counted = await count_selected(tx, account_id, selection)
        webhook_ids = await concerned_webhooks(tx, account_id, selection, counted)
    start = LogPlace(EPOCH if isinstance(selection, Picked) else selection.since, DeliveryId(""))
    redelivery = Redelivery(
        id=new_redelivery_id(now),
        account_id=account_id,
        selection=selection,
        fixed_at=fixed_at,
        is_counted=counted.is_whole,
        state=RedeliveryState.RUNNING if webhook_ids else RedeliveryState.FINISHED,
        shares=tuple(
            RedeliveryShare(webhook_id=one, total=counted.by_webhook.get(one, 0), place=start)
            for one in webhook_ids
        ),
        created_by=context.actor.name,
        created_at=now,
        ended_at=None if webhook_ids else now,
    )
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
        await insert_redelivery(tx, redelivery)
        await note_change(
            tx,
            account_id,
            context.actor,
            AuditAction.REDELIVERY_BEGUN,
            redelivery.id,
            before=None,
            after=redelivery_facts(redelivery),
            now=now,
        )
    return redelivery


@repeats_contended
async def cancel_redelivery(
    context: Context, account_id: AccountId, redelivery_id: RedeliveryId
) -> Redelivery:
    """End a redelivery before its time; what it has returned to the queue stays there.

    Raises:
        NotFoundError: the account has no such redelivery.
        ConflictError: it has finished.
    """
    now = context.clock.now()
    async with context.store.write() as tx:
        await permitted(tx, context.actor)
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
            context.actor,
            AuditAction.REDELIVERY_CANCELED,
            redelivery_id,
            before={"state": redelivery.state.value},
            after={"state": RedeliveryState.CANCELED.value, "queued": redelivery.queued},
            now=now,
        )
    return replace(redelivery, state=RedeliveryState.CANCELED, ended_at=now)


def check(
    selection: Selection | Picked, *, now: datetime, retention: timedelta
) -> Selection | Picked:
    """Check a selection.

    Raises:
        InvalidError: it cannot be; the message begins with the value's name.
    """
    if isinstance(selection, Picked):
        return check_picked(selection)
    return check_selection(selection, now=now, retention=retention)


async def count_selected(
    tx: Transaction, account_id: AccountId, selection: Selection | Picked
) -> tuple[datetime, UnsentCounts]:
    """Time on the database's clock, and the count of deliveries to redeliver at that time.

    Raises:
        InvalidError: the account does not have what is named.
    """
    if isinstance(selection, Picked):
        missing = await missing_of(tx, account_id, selection)
        if missing:
            raise InvalidError(
                f"this account has no delivery {missing[0][:80]}", field="delivery_ids"
            )
        fixed_at = await moment_of(tx)
        counts = await count_picked(tx, account_id, selection, fixed_at=fixed_at)
        return fixed_at, UnsentCounts(counts, is_whole=True)
    webhook_id = selection.webhook_id
    if webhook_id is not None and await find_webhook(tx, account_id, webhook_id) is None:
        raise InvalidError(f"this account has no webhook {webhook_id[:80]}", field="webhook_id")
    fixed_at = await moment_of(tx)
    counted = await count_unsent(tx, account_id, selection, fixed_at=fixed_at, limit=COUNTED)
    return fixed_at, counted


async def concerned_webhooks(
    tx: Transaction, account_id: AccountId, selection: Selection | Picked, counted: UnsentCounts
) -> Sequence[WebhookId]:
    """Webhooks that may have deliveries to redeliver, in order."""
    if counted.is_whole or isinstance(selection, Picked):
        return sorted(counted.by_webhook)
    if selection.webhook_id is not None:
        return [selection.webhook_id]
    return await webhooks_with_unsent(tx, account_id, selection)


def redelivery_facts(redelivery: Redelivery) -> Facts:
    """Audited facts of a new redelivery."""
    selection = redelivery.selection
    if isinstance(selection, Picked):
        return {"delivery_ids": list(selection.delivery_ids), "total": redelivery.total}
    return {
        "since": selection.since.isoformat(),
        "until": selection.until and selection.until.isoformat(),
        "states": [state.value for state in selection.states],
        "webhook_id": selection.webhook_id,
        "event_types": [event_type.value for event_type in selection.event_types],
        "job_id": selection.job_id,
        "run_id": selection.run_id,
        "code_class": selection.code_class,
        "total": redelivery.total,
    }
