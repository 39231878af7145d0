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
from itertools import chain

from runhook.clock import Clock
from runhook.domain.errors import NotFoundError, RunhookError
from runhook.domain.people.callers import RUNHOOK, Actor
from runhook.domain.people.quotas import DEFAULT_QUOTAS, Quotas, over_quota
from runhook.domain.runs.events import Event, events_for
from runhook.domain.runs.run import (
    LONGEST_SILENCE,
    AccountId,
    FinishReport,
    Job,
    ProgressReport,
    Run,
    RunId,
    RunKeyTakenError,
    RunStatus,
    StartReport,
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
from runhook.operations.runs.room import Room
from runhook.storage.deliveries.rows import insert_deliveries
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.runs.expectations import note_late_starts, note_starts
from runhook.storage.runs.jobs import JobName, KnownJob, find_jobs, register_jobs
from runhook.storage.runs.rows import (
    StoredRun,
    find_runs_by_key,
    insert_events,
    insert_runs,
    lock_runs,
    touch_runs,
    update_runs,
)
from runhook.storage.webhooks.rows import interested_webhooks

HEAVIEST_BATCH = 1_500
SLICE = 250
"""How many deliveries are made at once, which other requests wait for."""
ACCOUNTS_REMEMBERED = 10_000


@dataclass(frozen=True, eq=False, slots=True)
class Start:
    """A run has started."""

    account_id: AccountId
    report: StartReport
    actor: Actor = RUNHOOK


@dataclass(frozen=True, eq=False, slots=True)
class Finish:
    """A run is over."""

    account_id: AccountId
    run_id: RunId
    report: FinishReport
    actor: Actor = RUNHOOK


@dataclass(frozen=True, eq=False, slots=True)
class Cancel:
    """Somebody asks for a run to be canceled."""

    account_id: AccountId
    run_id: RunId
    actor: Actor = RUNHOOK


@dataclass(frozen=True, eq=False, slots=True)
class Canceling:
    """A run's reporter says that somebody cancels it where it runs."""

    account_id: AccountId
    run_id: RunId
    actor: Actor = RUNHOOK


@dataclass(frozen=True, eq=False, slots=True)
class Heartbeat:
    """A run's reporter is alive, and may say how far the run has come."""

    account_id: AccountId
    run_id: RunId
    report: ProgressReport | None = None
    actor: Actor = RUNHOOK


Change = Finish | Cancel | Canceling | Heartbeat
Report = Start | Change


@dataclass(frozen=True, slots=True)
class Reported:
    """The run as it is after a report, and whether the report brought it into being."""

    run: Run
    is_new: bool = False


Answers = dict[Report, Reported | RunhookError]
RunKey = tuple[AccountId, str]


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
        self.accepted = 0
        """How many reports were committed so far, repeated ones too."""

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
        with self._handovers() as handover:
            async with self._store.write() as tx:
                allowed, refused = await part_permitted(tx, reports)
                answers, events = await apply_reports(tx, allowed, self._room, now=now)
                answers |= refused
                events = await compare_with_last(tx, events)
                owed = await owe_deliveries(
                    tx, events, public_url=self._public_url, handover=handover
                )
        self._note_fan_outs(events, owed)
        answered = [answers[report] for report in reports]
        self.accepted += sum(isinstance(answer, Reported) for answer in answered)
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


async def start_runs(
    tx: Transaction, starts: Sequence[Start], answers: Answers, room: Room, *, now: datetime
) -> Iterable[Event]:
    """Add the runs that are new; a report of a known one must say what the first one said."""
    by_key = {(start.account_id, start.report.run_key): start for start in reversed(starts)}
    known: dict[RunKey, StoredRun] = {}
    fresh: Sequence[Start] = list(by_key.values())
    jobs: Mapping[JobName, KnownJob] = await find_jobs(tx, {job_name(start) for start in fresh})
    left = await room.for_runs(tx, Counter(start.account_id for start in fresh))
    if left.total() < len(fresh) or any(job_name(start) not in jobs for start in fresh):
        # What repeats a report needs no room and no job; else it is seen when the run is added.
        known = await find_runs_by_key(tx, by_key.keys())
        fresh = [start for key, start in by_key.items() if key not in known]
        fresh = with_room(fresh, left, answers)
        fresh, jobs = await with_jobs(tx, fresh, jobs, answers, room)
    added = await add_runs(tx, [new_run(start, jobs[job_name(start)].job, now) for start in fresh])
    await meet_expectations(
        tx, [added[key].run for key in added if jobs[job_name(by_key[key])].is_expected], now=now
    )
    if len(added) < len(fresh):
        known |= await find_runs_by_key(tx, by_key.keys() - added.keys() - known.keys())
    for start in starts:
        key = (start.account_id, start.report.run_key)
        if by_key[key] in answers:
            # There is no room for it, nor for what repeats it.
            answers[start] = answers[by_key[key]]
            continue
        stored = added.get(key) or known[key]
        if stored.start_fingerprint == start.report.fingerprint():
            answers[start] = Reported(stored.run, is_new=by_key[key] is start and key in added)
        else:
            answers[start] = run_key_taken(stored.run)
    return chain.from_iterable(events_for(None, one.run, now=now) for one in added.values())


async def with_jobs(
    tx: Transaction,
    fresh: Sequence[Start],
    jobs: Mapping[JobName, KnownJob],
    answers: Answers,
    room: Room,
) -> tuple[Sequence[Start], Mapping[JobName, KnownJob]]:
    """Register the jobs of new runs that are missing; runs of one beyond the quota are refused."""
    missing = sorted({job_name(start) for start in fresh} - jobs.keys())
    if not missing:
        return fresh, jobs
    left = await room.for_jobs(tx, {name.account_id for name in missing})
    allowed = []
    for name in missing:
        if left[name.account_id] > 0:
            left[name.account_id] -= 1
            allowed.append(name)
    if allowed:
        jobs = {**jobs, **await register_jobs(tx, allowed)}
    for start in fresh:
        if job_name(start) not in jobs:
            answers[start] = over_quota("jobs", "max_jobs")
    return [start for start in fresh if start not in answers], jobs


def with_room(
    fresh: Sequence[Start], left: Counter[AccountId], answers: Answers
) -> Sequence[Start]:
    """New runs within the quota, of which so much is left; the others are refused."""
    allowed = []
    for start in fresh:
        if left[start.account_id] > 0:
            left[start.account_id] -= 1
            allowed.append(start)
        else:
            answers[start] = over_quota("runs that go on", "max_open_runs")
    return allowed


def run_key_taken(run: Run) -> RunKeyTakenError:
    """Error for a report whose run_key another run has."""
    job = run.job
    return RunKeyTakenError(
        f"run_key: `{run.run_key}` is already run {run.id} of the job `{job.name}` "
        f"(project `{job.project_name}`, environment `{job.environment_name}`), "
        "which was reported with other facts."
    )


def job_name(start: Start) -> JobName:
    """Name of a report's job."""
    report = start.report
    return JobName(start.account_id, report.project_name, report.environment_name, report.job_name)


def new_run(start: Start, job: Job, now: datetime) -> StoredRun:
    """The run that a report starts; the database gives its id."""
    report = start.report
    run = Run(
        id=RunId(0),
        account_id=start.account_id,
        job=job,
        run_key=report.run_key,
        run_reason=report.run_reason,
        dbt_version=report.dbt_version,
        heartbeats=report.heartbeats,
        cancelable=report.cancelable,
        longest_silence=report.longest_silence or LONGEST_SILENCE[report.heartbeats],
        status=RunStatus.RUNNING,
        started_at=report.started_at or now,
        trigger=report.trigger,
        is_late=report.is_late,
        created_at=now,
    )
    run = replace(run, event_count=len(events_for(None, run, now=now)))
    return StoredRun(run=run, start_fingerprint=report.fingerprint())


async def add_runs(tx: Transaction, fresh: Sequence[StoredRun]) -> dict[RunKey, StoredRun]:
    """Write runs whose keys are new and return them with their ids, by key."""
    if not fresh:
        return {}
    ids = await insert_runs(tx, fresh)
    by_key = {(one.run.account_id, one.run.run_key): one for one in fresh}
    return {
        key: replace(one, run=replace(one.run, id=ids[key]))
        for key, one in by_key.items()
        if key in ids
    }


async def meet_expectations(tx: Transaction, new: Sequence[Run], *, now: datetime) -> None:
    """Note that jobs which are expected have started, in time or late."""
    on_time = {run.job.id for run in new if not run.is_late}
    # Of a job's several late ones the last counts.
    late = {
        run.job.id: min(run.started_at, now)
        for run in sorted(new, key=lambda run: run.started_at)
        if run.is_late
    }
    if late:
        await note_late_starts(tx, late)
    if on_time:
        await note_starts(tx, on_time)


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
            events += following
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
        new = []
        for one in owed[start : start + SLICE]:
            delivery = new_delivery(one, renderings)
            new.append(delivery if chooser is None else chooser.hand_over(one, delivery))
        await insert_deliveries(tx, new, lease)
    return Counter(one.webhook.account_id for one in owed)


def topics_of_run_event(event: Event) -> list[str]:
    """Topics of an event."""
    return topics_of_event(event.run.account_id, event.type, event.run.job)
