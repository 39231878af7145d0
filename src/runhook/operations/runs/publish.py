"""Publish what reporters say.

A run changes, events follow, and each webhook that wants one owes a delivery: all of it, for every
report that came in meanwhile, in one transaction.
There is no second step: what is answered with success has its deliveries in the database.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from runhook.clock import Clock
from runhook.domain.errors import NotFoundError, RunhookError
from runhook.domain.people.quotas import DEFAULT_QUOTAS, Quotas
from runhook.domain.runs.events import Event, events_for
from runhook.domain.runs.run import (
    AccountId,
    Run,
    RunId,
    advance,
    finish,
    note_cancel,
    request_cancel,
)
from runhook.domain.webhooks.incidents import follows
from runhook.domain.webhooks.renderings import Renderings
from runhook.domain.webhooks.topics import topics_of_event
from runhook.operations.commits.group_commit import GroupCommit, Pace
from runhook.operations.commits.queues import FairQueue
from runhook.operations.deliveries.follow import Asked, decide_what_is_told, new_delivery
from runhook.operations.deliveries.handover import Handover, Handovers, chooser_for
from runhook.operations.people.permitted import permissions_of
from runhook.operations.runs.compare import compare_with_last
from runhook.operations.runs.reports import (
    Answers,
    Cancel,
    Canceling,
    Change,
    Finish,
    Heartbeat,
    Report,
    Reported,
    Start,
)
from runhook.operations.runs.room import Room
from runhook.operations.runs.starting import start_runs
from runhook.operations.runs.tally import RunTally
from runhook.storage.deliveries.rows import NewDelivery, insert_deliveries
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.runs.rows import (
    insert_events,
    lock_runs,
    touch_runs,
    update_runs,
)
from runhook.storage.webhooks.rows import interested_webhooks

HEAVIEST_BATCH = 1_500
SLICE = 250
"""How many deliveries are made at once, which other requests wait for."""
ACCOUNTS_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Published:
    """What one transaction wrote."""

    answers: Answers
    events: Sequence[Event]
    owed: Mapping[AccountId, int]
    """How many deliveries each account owes."""


class Publisher:
    """Takes reports from any number of callers.

    Args:
        store: where they go.
        clock: dates the events.
        public_url: where people reach this service, None if not configured.
        quotas: say how many jobs and open runs an account may have.
        patience: how long reports wait for a database that is away.
        handovers: hands deliveries to the dispatcher of this process; None if it has none.
        heaviest: how many rows reports of several accounts write in one transaction, by what is
            expected of them; a report that writes more is in one of its own.
        tally: counts reports and runs; one of its own if None.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        public_url: str | None = None,
        quotas: Quotas = DEFAULT_QUOTAS,
        handovers: Handovers | None = None,
        heaviest: int = HEAVIEST_BATCH,
        patience: timedelta = timedelta(),
        tally: RunTally | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._public_url = public_url
        self._handovers = handovers or nullcontext
        self._heaviest = heaviest
        self._commits: GroupCommit[Report, Reported] = GroupCommit(
            self._publish,
            queue=FairQueue(
                lambda one: one.item.account_id,
                lambda one: self._weight_of(one.item),
                heaviest=heaviest,
            ),
            pace=Pace(patience=patience),
        )
        self._room = Room(quotas)
        self._fan_outs: OrderedDict[AccountId, int] = OrderedDict()
        """How many deliveries an account's last event had; of those that reported last."""
        self.tally = RunTally() if tally is None else tally

    async def publish(self, report: Report) -> Reported:
        """Publish one report; when this returns, all that follows from it is committed.

        Raises:
            NotFoundError: the account has no such run.
            ConflictError: it contradicts what was reported before.
            InvalidError: it contradicts itself.
            UnavailableError: the database is away; nothing was written.
        """
        return await self._commits.submit(report)

    async def _publish(self, reports: Sequence[Report]) -> Sequence[Reported | RunhookError]:
        now = self._clock.now()

        async def write(tx: Transaction) -> Published:
            allowed, refused = await part_permitted(tx, reports)
            answers, events = await apply_reports(tx, allowed, self._room, now=now)
            events = await compare_with_last(tx, events)
            owed = await owe_deliveries(tx, events, public_url=self._public_url, handover=handover)
            return Published(answers | refused, events, owed)

        with self._handovers() as handover:
            published = await self._store.commit(write)
        self._note_fan_outs(published.events, published.owed)
        answered = [published.answers[report] for report in reports]
        for report, answer in zip(reports, answered, strict=True):
            if isinstance(answer, Reported):
                self.tally.note_report(report, now)
        ended = {event.run.id: event.run for event in published.events if event.ends_run}
        self.tally.note_ended(ended.values())
        return answered

    def _weight_of(self, report: Report) -> int:
        """Estimate how many rows a report writes; the first of an account may write any number."""
        if not isinstance(report, Start | Finish):
            return 1
        return 1 + self._fan_outs.get(report.account_id, self._heaviest)

    def _note_fan_outs(self, events: Sequence[Event], owed: Mapping[AccountId, int]) -> None:
        counts = Counter(event.run.account_id for event in events)
        for account_id, count in counts.items():
            self._fan_outs[account_id] = owed.get(account_id, 0) // count
            self._fan_outs.move_to_end(account_id)
        while len(self._fan_outs) > ACCOUNTS_REMEMBERED:
            self._fan_outs.popitem(last=False)


async def part_permitted(
    tx: Transaction, reports: Sequence[Report]
) -> tuple[Sequence[Report], Answers]:
    """Reports whose senders are still permitted, and the errors for the others."""
    found = await permissions_of(tx, {report.actor for report in reports})
    refused: Answers = {}
    for report in reports:
        answer = found[report.actor]
        if isinstance(answer, RunhookError):
            refused[report] = answer
    return [report for report in reports if report not in refused], refused


async def apply_reports(
    tx: Transaction, reports: Sequence[Report], room: Room, *, now: datetime
) -> tuple[Answers, Sequence[Event]]:
    """Change the runs that the reports speak of, and return the events that follow."""
    starts = [report for report in reports if isinstance(report, Start)]
    changes = [report for report in reports if not isinstance(report, Start)]
    answers: Answers = {}
    events: list[Event] = []
    if starts:
        events += await start_runs(tx, starts, answers, room, now=now)
    if changes:
        events += await change_runs(tx, changes, answers, now=now)
    if events:
        await insert_events(tx, events)
    return answers, events


async def change_runs(
    tx: Transaction, changes: Sequence[Change], answers: Answers, *, now: datetime
) -> Iterable[Event]:
    """Apply each change to its run in the order they came; refused ones change nothing."""
    runs = await lock_runs(tx, {(change.account_id, change.run_id) for change in changes})
    changed: dict[RunId, Run] = {}
    alive: set[RunId] = set()
    events: list[Event] = []
    for change in changes:
        key = (change.account_id, change.run_id)
        try:
            before = known_run(runs, key)
            after = changed_run(before, change, now)
        except RunhookError as error:
            answers[change] = error
            continue
        if after is not before:
            after, following = number_events(before, after, now=now)
            trace = change.trace if isinstance(change, Finish) else None
            events += following if trace is None else [replace(e, trace=trace) for e in following]
            runs[key] = changed[after.id] = after
        if isinstance(change, Heartbeat | Canceling):
            alive.add(after.id)
        answers[change] = Reported(after)
    if changed:
        await update_runs(tx, list(changed.values()))
    if alive:
        await touch_runs(tx, alive)
    return events


def known_run(runs: Mapping[tuple[AccountId, RunId], Run], key: tuple[AccountId, RunId]) -> Run:
    """Find a run, or raise NotFoundError."""
    try:
        return runs[key]
    except KeyError:
        raise NotFoundError(f"There is no run {key[1]} in this account.") from None


def changed_run(run: Run, change: Change, now: datetime) -> Run:
    """Apply a change to a run."""
    match change:
        case Finish():
            return finish(run, change.report, now=now)
        case Cancel():
            return request_cancel(run, now=now)
        case Canceling():
            return note_cancel(run, now=now)
        case Heartbeat():
            return run if change.report is None else advance(run, change.report)


def number_events(before: Run, after: Run, *, now: datetime) -> tuple[Run, Sequence[Event]]:
    """Number the events of a change; return the changed run with their count."""
    events = events_for(before, after, now=now)
    return replace(after, event_count=before.event_count + len(events)), events


async def owe_deliveries(
    tx: Transaction,
    events: Sequence[Event],
    *,
    public_url: str | None,
    handover: Handover | None = None,
) -> Mapping[AccountId, int]:
    """Add a delivery of each event for each webhook that wants it; count them by account.

    What the dispatcher of this process can send at once is handed over to it.
    """
    if not events:
        return {}
    interested = await interested_webhooks(
        tx, {one for event in events for one in topics_of_run_event(event)}
    )
    asked = [
        Asked(event, found.webhook, is_wanted)
        for event in events
        for found in interested.get(event.run.account_id, ())
        if (is_wanted := found.webhook.wants(event)) or follows(found.webhook, event.run.job)
    ]
    owed = await decide_what_is_told(tx, asked)
    if not owed:
        return {}
    renderings = Renderings(public_url)
    chooser = lease = None
    if handover is not None:
        lease = handover.lease
        by_id = {one.webhook.id: one for found in interested.values() for one in found}
        chooser = await chooser_for(tx, owed, by_id, handover)
    # Others have their turn between two slices.
    for start in range(0, len(owed), SLICE):
        some = owed[start : start + SLICE]
        new: Sequence[NewDelivery] = [new_delivery(one, renderings) for one in some]
        if chooser is not None:
            new = chooser.hand_over(some, new)
        await insert_deliveries(tx, new, lease)
    return Counter(one.webhook.account_id for one in owed)


def topics_of_run_event(event: Event) -> list[str]:
    """Topics of an event."""
    return topics_of_event(event.run.account_id, event.type, event.run.job)
