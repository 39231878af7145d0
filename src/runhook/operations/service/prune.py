"""Let go of history that is older than the retention, in steps that hold no lock for long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.run import RunId
from runhook.domain.runs.scopes import ScopeKind
from runhook.domain.service.timekeeping import FIRST_MOMENT
from runhook.operations.commits.repeating import repeats_contended
from runhook.operations.ids import first_delivery_id_of
from runhook.operations.service.keep_time import trusted_moment
from runhook.storage.deliveries.consuming import expire_waiting
from runhook.storage.deliveries.redeliveries import delete_old_redeliveries
from runhook.storage.deliveries.rows import delete_deliveries, look_at_old_deliveries
from runhook.storage.engine.columns import EPOCH
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.audit_log import delete_old_audit_entries
from runhook.storage.people.identities import delete_old_spent_sign_ins
from runhook.storage.people.invitations import delete_old_invitations
from runhook.storage.people.password_resets import delete_old_password_resets
from runhook.storage.people.sessions import delete_old_sessions
from runhook.storage.people.tokens import delete_old_tokens
from runhook.storage.runs.artifacts import delete_abandoned_artifacts, delete_artifacts
from runhook.storage.runs.rows import RunPlace, delete_runs, lock_old_runs, look_at_old_runs
from runhook.storage.runs.scopes import delete_unused, look_at_scopes
from runhook.storage.runs.uploads import delete_old_upload_places
from runhook.storage.service.replicas import delete_silent_replicas
from runhook.storage.webhooks.rows import delete_old_webhooks
from runhook.storage.webhooks.statistics import delete_old_attempt_counts

Place = TypeVar("Place")

LOOKED_AT = 100
"""How many old deliveries, and runs, one step looks at to find some that can go."""
STEP = 50
"""How many rows of each kind one step deletes at most, those that go with them not counted."""
PARTS = 32
"""How many parts of runs' files one step deletes at most; a file that has more goes in several."""
ABANDONED_AFTER = timedelta(hours=1)
"""How long a file may take to become whole, or to be read once another one has replaced it."""
FORGOTTEN_AFTER = timedelta(days=1)
"""How long a process that died is remembered, and a place for an upload that was not used."""


class DeleteOld(Protocol):
    """Deletes up to ``limit`` rows of a kind that ended before a time; returns how many."""

    async def __call__(self, tx: Transaction, *, before: datetime, limit: int) -> int: ...


DELETIONS: Sequence[DeleteOld] = (
    delete_old_attempt_counts,
    delete_old_audit_entries,
    delete_old_redeliveries,
    delete_old_invitations,
    delete_old_sessions,
    delete_old_spent_sign_ins,
    delete_old_password_resets,
    delete_old_tokens,
    delete_old_webhooks,
)
"""By age alone, each in a transaction of its own."""


@dataclass(frozen=True, slots=True)
class Places:
    """How far pruning has looked; older rows that are left are still needed."""

    delivery: DeliveryId
    run: RunPlace
    scopes: Mapping[ScopeKind, int]


BEGINNING = Places(DeliveryId(""), RunPlace(EPOCH, RunId(0)), dict.fromkeys(ScopeKind, 0))


@dataclass(frozen=True, slots=True)
class Pruned:
    """Result of one pruning step."""

    places: Places
    """Where the next step begins."""
    is_more: bool
    """Whether another step may find more to delete."""
    deleted: int = 0
    """How many rows this step has deleted, those that went with them not counted."""


@repeats_contended
async def prune_step(
    store: Store, retention: timedelta, places: Places = BEGINNING
) -> Pruned | None:
    """Delete some of what ended before the retention began.

    What is still to be sent stays, however old, and so does the run it speaks of; no step looks at
    more than ``LOOKED_AT`` of it. What only waits for a consumer is canceled, and goes too. Runs go
    once no delivery can, which would keep them, and what there is less of once no run can: each
    kind in a transaction of its own, so that others get their turn in between. Nothing goes, and
    None is returned, as long as the database's clock cannot be trusted.
    """
    now = await trusted_moment(store)
    if now is None:
        return None
    before = max(now - retention, FIRST_MOMENT)
    run, scopes = places.run, places.scopes
    async with store.write() as tx:
        expired = await expire_waiting(tx, before=before, limit=STEP)
    async with store.write() as tx:
        delivery, deleted = await prune_deliveries(tx, before, places.delivery)
    if not deleted:
        async with store.write() as tx:
            run, deleted = await prune_runs(tx, before, places.run)
    if not deleted:
        async with store.write() as tx:
            await delete_silent_replicas(tx, FORGOTTEN_AFTER)
            deleted += await delete_old_upload_places(tx, FORGOTTEN_AFTER, limit=STEP)
        async with store.write() as tx:
            deleted += await delete_abandoned_artifacts(tx, ABANDONED_AFTER, limit=PARTS)
        for delete_old in DELETIONS:
            async with store.write() as tx:
                deleted += await delete_old(tx, before=before, limit=STEP)
        scopes, gone = await prune_scopes(store, before, scopes)
        deleted += gone
    reached = Places(delivery, run, scopes)
    is_more = expired + deleted > 0 or reached != places
    return Pruned(reached, is_more=is_more, deleted=deleted)


async def prune_deliveries(
    tx: Transaction, before: datetime, beyond: DeliveryId
) -> tuple[DeliveryId, int]:
    """Delete deliveries with their attempts; return up to where all have to stay, and how many."""
    looked_at = await look_at_old_deliveries(
        tx, beyond=beyond, before=first_delivery_id_of(before), limit=LOOKED_AT
    )
    chosen = chosen_of(looked_at)
    deleted = await delete_deliveries(tx, chosen) if chosen else 0
    return place_after(looked_at, beyond), deleted


async def prune_runs(tx: Transaction, before: datetime, beyond: RunPlace) -> tuple[RunPlace, int]:
    """Delete runs with their events; first their files, which may be large."""
    looked_at = await look_at_old_runs(tx, beyond=beyond, before=before, limit=LOOKED_AT)
    place, chosen = place_after(looked_at, beyond), chosen_of(looked_at)
    run_ids = await lock_old_runs(tx, [one.run_id for one in chosen], before=before)
    if not run_ids:
        return place, 0
    files = await delete_artifacts(tx, run_ids, limit=PARTS)
    return place, files + await delete_runs(tx, run_ids)


@repeats_contended
async def prune_scopes(
    store: Store, before: datetime, beyond: Mapping[ScopeKind, int]
) -> tuple[Mapping[ScopeKind, int], int]:
    """Delete unused jobs, environments and projects.

    Environments have their turn when all jobs were looked at, and projects after these.
    """
    reached = dict(beyond)
    deleted = 0
    for kind in ScopeKind:
        async with store.write() as tx:
            looked_at = await look_at_scopes(
                tx, kind, beyond=reached[kind], before=before, limit=LOOKED_AT
            )
            unused = [one for one, can_go in looked_at if can_go]
            if unused:
                deleted += await delete_unused(tx, kind, unused, before=before)
        if looked_at:
            reached[kind] = looked_at[-1][0]
        if len(looked_at) == LOOKED_AT:
            break
    return reached, deleted


def chosen_of(looked_at: Sequence[tuple[Place, bool]]) -> Sequence[Place]:
    """The first ``STEP`` that can be deleted."""
    return [place for place, can_go in looked_at if can_go][:STEP]


def place_after(looked_at: Sequence[tuple[Place, bool]], beyond: Place) -> Place:
    """The last place before anything that can be deleted."""
    for place, can_go in looked_at:
        if can_go:
            break
        beyond = place
    return beyond
