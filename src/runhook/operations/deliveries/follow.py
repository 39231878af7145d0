"""Decide what webhooks are told, in the transaction of what has happened.

A webhook that wants every event gets each. For one that follows jobs, what is told depends on
what it was told before (``incidents``): that is read and written for all events of a transaction at
once, and kept locked in between, so that it is right whichever processes take the reports.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import RunId
from runhook.domain.webhooks.incidents import (
    HEALED_REASON,
    UNKNOWN,
    WITHDRAWN_REASON,
    Bearing,
    Decision,
    IncidentFact,
    Manner,
    Say,
    Told,
    decide,
    fact_of,
    manner_of,
)
from runhook.domain.webhooks.renderings import Renderings
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.ids import new_delivery_id
from runhook.storage.deliveries.rows import NewDelivery
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.standings import (
    Kept,
    Key,
    OnHold,
    end_holds,
    lock_held,
    lock_standings,
    supersede_waiting,
    write_standings,
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A pair of an event and a webhook, to be decided about."""

    event: Event | Notice
    webhook: Webhook
    is_wanted: bool
    """Whether the webhook has the event's type, and its filters match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owed:
    """A delivery that is about to be inserted."""

    id: DeliveryId
    event: Event | Notice
    webhook: Webhook
    hold: timedelta | None = None
    """How long it is held before it is due; None if it is not held."""
    is_healed: bool = False
    """Whether its job has succeeded by now, so that it is not told after all."""
    waits_for: DeliveryId | None = None
    """The delivery that has to be attempted before."""
    has_recovered: bool = False
    """Whether it tells of the first success after a failure."""

    @property
    def state(self) -> DeliveryState:
        """First state of the delivery."""
        if not self.webhook.active:
            return DeliveryState.SKIPPED
        return DeliveryState.SUPERSEDED if self.is_healed else DeliveryState.PENDING


async def decide_what_is_told(tx: Transaction, asked: Sequence[Asked]) -> Sequence[Owed]:
    """Decide which events webhooks get, and write what they know after that."""
    book = Book()
    entries = list(entries_of(asked))
    keys = {one.key for one in entries if one.key is not None}
    if keys:
        await book.open(tx, keys)
    for entry in entries:
        book.enter(entry)
    if keys:
        await book.close(tx)
    return book.owed


@dataclass(frozen=True, slots=True)
class Entry:
    """An event or notice, and the webhook and job that ``Book`` decides about."""

    asked: Asked
    position: int
    manner: Manner
    fact: IncidentFact | None = None
    """What the event means for an incident; None if the webhook follows no jobs."""
    key: Key | None = None
    """None if the event does not change how the job does."""


def entries_of(asked: Sequence[Asked]) -> Iterator[Entry]:
    """Yield the entries; formats that tell ends once get one of a run's two ends."""
    manners: dict[str, Manner] = {}
    told_ends = set()
    for position, one in enumerate(asked):
        webhook = one.webhook
        manner = manners.setdefault(webhook.id, manner_of(webhook))
        if manner.tells_ends_once and isinstance(one.event, Event) and one.is_wanted:
            end = (webhook.id, one.event.run.id)
            if one.event.type is EventType.COMPLETED and end in told_ends:
                continue
            if one.event.type is EventType.ERRORED:
                told_ends.add(end)
        fact = fact_of(one.event) if manner.follows_jobs else None
        key = None
        if fact is not None and fact.bearing is not Bearing.NEITHER:
            key = Key(webhook.id, fact.job.id)
        yield Entry(one, position, manner, fact, key)


@dataclass(slots=True)
class Book:
    """What webhooks know of the jobs of a transaction: read, decided by, and written back once."""

    owed: list[Owed] = field(default_factory=list)
    before: dict[Key, Kept] = field(default_factory=dict)
    kept: dict[Key, Kept] = field(default_factory=dict)
    held: dict[Key, list[OnHold]] = field(default_factory=dict)
    """Deliveries on hold in the database; their rows are locked."""
    healed: set[DeliveryId] = field(default_factory=set)
    withdrawn: set[DeliveryId] = field(default_factory=set)
    superseded: set[DeliveryId] = field(default_factory=set)
    unattempted: set[DeliveryId] = field(default_factory=set)
    """Those of the superseded that end without an attempt."""

    async def open(self, tx: Transaction, keys: Collection[Key]) -> None:
        """Lock and read the standings of some jobs."""
        self.before = await lock_standings(tx, keys)
        self.kept = dict(self.before)
        on_hold = {key for key, one in self.before.items() if one.standing.told is Told.HELD}
        if not on_hold:
            return
        for delivery in await lock_held(tx, on_hold):
            self.held.setdefault(delivery.key, []).append(delivery)
        for key in on_hold:
            kept = self.kept[key]
            if kept.failure_id not in {one.id for one in self.held.get(key, ())}:
                # A worker is just claiming it.
                self.kept[key] = replace(kept, standing=replace(kept.standing, told=Told.TOLD))

    def enter(self, entry: Entry) -> None:
        """Decide about one entry, and note the new standing."""
        asked = entry.asked
        if entry.fact is None:
            if asked.is_wanted:
                self.owe(entry)
            return
        kept = Kept() if entry.key is None else self.kept[entry.key]
        decision = decide(
            UNKNOWN if entry.key is None else kept.standing,
            entry.fact,
            entry.manner,
            is_wanted=asked.is_wanted,
        )
        if entry.key is not None and decision.heals:
            self.end_hold(entry.key)
        owed = self.owe(entry, decision, kept) if decision.say is not Say.NOTHING else None
        if entry.key is not None:
            self.kept[entry.key] = after_decision(kept, decision, owed)
            if decision.withdraws:
                self.withdraw(entry.key, entry.fact.run_id)

    def owe(self, entry: Entry, decision: Decision | None = None, kept: Kept | None = None) -> Owed:
        """Add a delivery for an entry."""
        asked = entry.asked
        owed = Owed(
            id=new_delivery_id(asked.event.occurred_at, entry.position),
            event=asked.event,
            webhook=asked.webhook,
        )
        if decision is not None and kept is not None and entry.key is not None:
            is_held = decision.say is Say.AFTER_HOLD
            owed = replace(
                owed,
                hold=entry.manner.hold if is_held else None,
                waits_for=kept.latest_id if entry.manner.joins_events else None,
                has_recovered=decision.has_recovered,
            )
            if entry.manner.tells_news_only and kept.latest_id is not None:
                self.superseded.add(kept.latest_id)
                if asked.webhook.health.is_paused:
                    self.unattempted.add(kept.latest_id)
        self.owed.append(owed)
        return owed

    def end_hold(self, key: Key) -> None:
        """Cancel all held failures of a job."""
        self.healed.update(one.id for one in self.held.pop(key, ()))
        self.owed = [
            replace(one, is_healed=True) if one.hold is not None and key == key_of(one) else one
            for one in self.owed
        ]

    def withdraw(self, key: Key, run_id: RunId | None) -> None:
        """Cancel the held failure of one run, and keep those of other runs."""
        held = self.held.get(key, [])
        self.withdrawn.update(one.id for one in held if one.run_id == run_id)
        self.held[key] = [one for one in held if one.run_id != run_id]
        left = [one.id for one in self.held[key]]
        left += [one.id for one in self.owed if one.hold is not None and key_of(one) == key]
        first = left[0] if left else None
        kept = self.kept[key]
        known = kept.standing.failed_run
        standing = replace(
            kept.standing,
            told=Told.NOT if first is None else Told.HELD,
            failed_run=None if known == run_id else known,
        )
        self.kept[key] = replace(kept, standing=standing, failure_id=first)

    async def close(self, tx: Transaction) -> None:
        """Write the changed standings, and end canceled and superseded deliveries."""
        changed = {key: kept for key, kept in self.kept.items() if kept != self.before[key]}
        if changed:
            await write_standings(tx, changed)
        if self.healed:
            await end_holds(tx, self.healed, HEALED_REASON)
        if self.withdrawn:
            await end_holds(tx, self.withdrawn, WITHDRAWN_REASON)
        if self.superseded:
            await supersede_waiting(tx, self.superseded, unattempted=self.unattempted)


def key_of(owed: Owed) -> Key | None:
    """Webhook and job of a delivery; None if it is about no job."""
    fact = fact_of(owed.event)
    return None if fact is None else Key(owed.webhook.id, fact.job.id)


def after_decision(kept: Kept, decision: Decision, owed: Owed | None) -> Kept:
    """Standing, with the ids of deliveries, after a decision."""
    is_told = owed is not None and owed.webhook.active
    failure_id = kept.failure_id
    if decision.standing.told is Told.NOT:
        failure_id = None
    elif decision.is_followed and owed is not None:
        failure_id = owed.id
    return Kept(
        standing=decision.standing,
        failure_id=failure_id,
        latest_id=owed.id if owed is not None and is_told else kept.latest_id,
    )


def new_delivery(owed: Owed, renderings: Renderings) -> NewDelivery:
    """The delivery of an event or a notice to a webhook, its bytes final."""
    rendered = renderings.of(owed.webhook, owed.event, owed.id, has_recovered=owed.has_recovered)
    if isinstance(owed.event, Event) and owed.event.trace is not None:
        rendered = replace(rendered, trace=owed.event.trace)
    return NewDelivery(
        id=owed.id,
        webhook_id=owed.webhook.id,
        event=owed.event,
        rendered=rendered,
        state=owed.state,
        hold=owed.hold,
        waits_for=owed.waits_for,
    )
