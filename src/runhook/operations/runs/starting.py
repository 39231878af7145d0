"""Add the runs that reports begin, with their jobs, in the transaction that publishes them."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from runhook.domain.people.quotas import over_quota
from runhook.domain.runs.events import Event, events_for
from runhook.domain.runs.run import (
    LONGEST_SILENCE,
    AccountId,
    Job,
    Run,
    RunId,
    RunKeyTakenError,
    RunStatus,
)
from runhook.operations.runs.reports import Answers, Reported, RunKey, Start
from runhook.operations.runs.room import Room
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.expectations import note_late_starts, note_starts
from runhook.storage.runs.jobs import JobName, KnownJob, find_jobs, register_jobs
from runhook.storage.runs.rows import (
    StoredRun,
    find_runs_by_key,
    insert_runs,
)


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
    return chain.from_iterable(
        started_events(one.run, by_key[key].trace, now=now) for key, one in added.items()
    )


def started_events(run: Run, trace: str | None, *, now: datetime) -> Iterable[Event]:
    """Events of a new run, which belong to the trace of its report."""
    events = events_for(None, run, now=now)
    return events if trace is None else [replace(one, trace=trace) for one in events]


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
