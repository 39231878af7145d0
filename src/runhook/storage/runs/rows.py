"""Runs and their events."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.dbt.results import has_warned
from runhook.domain.runs.events import Event
from runhook.domain.runs.run import (
    SHORTEST_SILENCE,
    AccountId,
    Job,
    Progress,
    Run,
    RunId,
    RunStatus,
    RunStep,
    Trigger,
)
from runhook.storage.engine.batches import Batch, columns_like, insertion
from runhook.storage.engine.columns import Duration, UtcDateTime
from runhook.storage.engine.pages import Page, Period, Slice, page_of
from runhook.storage.engine.store import Clock, Database, Transaction, after
from runhook.storage.engine.tables import (
    IS_OPEN,
    artifacts,
    deliveries,
    environments,
    events,
    jobs,
    projects,
    runs,
)
from runhook.storage.runs.jobs import JOBS_WITH_NAMES, is_named

RUN_COLUMNS = (
    *runs.c,
    jobs.c.name.label("job_name"),
    projects.c.id.label("project_id"),
    projects.c.name.label("project_name"),
    environments.c.id.label("environment_id"),
    environments.c.name.label("environment_name"),
)
RUNS_WITH_NAMES = JOBS_WITH_NAMES.join(runs, runs.c.job_id == jobs.c.id)
LOCK_RUNS = (
    sa.select(*RUN_COLUMNS)
    .select_from(RUNS_WITH_NAMES)
    .where(
        runs.c.id.in_(sa.bindparam("ids", expanding=True)),
        sa.tuple_(runs.c.account_id, runs.c.id).in_(sa.bindparam("pairs", expanding=True)),
    )
    .order_by(runs.c.id)
    .with_for_update(of=runs)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run with the fingerprint of the report that started it."""

    run: Run
    start_fingerprint: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LoggedRun:
    """A run as it is listed and shown."""

    run: Run
    heartbeat_at: datetime
    has_artifacts: bool


@dataclass(frozen=True, slots=True)
class SilentRun:
    """A run that goes on, and how long nothing has been heard of it."""

    run: Run
    silence: timedelta


@dataclass(frozen=True, slots=True)
class RunPlace:
    """A run's place among all runs in the order in which they began."""

    created_at: datetime
    run_id: RunId


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs to list. None narrows nothing, an empty collection leaves none."""

    ids: Collection[int] | None = None
    job_ids: Collection[int] | None = None
    project_ids: Collection[int] | None = None
    environment_ids: Collection[int] | None = None
    statuses: Collection[RunStatus] | None = None
    name_part: str | None = None
    """Of the name of the job, its project or its environment."""
    created: Period = field(default_factory=Period)
    started: Period = field(default_factory=Period)
    finished: Period = field(default_factory=Period)


class RunOrder(StrEnum):
    """What runs can be sorted by."""

    ID = "id"
    STARTED_AT = "started_at"
    FINISHED_AT = "finished_at"


async def list_runs(
    tx: Transaction, account_id: AccountId, wanted: RunFilter, part: Slice[RunOrder]
) -> Page[LoggedRun]:
    """A page of this account's runs.

    A run without an end comes after all ends, on both databases.
    """
    counted = sa.select(runs.c.id).where(*conditions(account_id, wanted))
    query = select_in_order(account_id, wanted, part)
    return await page_of(query, counted, logged_run_of, tx=tx, part=part)


async def list_uncounted_runs(
    tx: Transaction, account_id: AccountId, wanted: RunFilter, part: Slice[RunOrder]
) -> Sequence[LoggedRun]:
    """The same runs as ``list_runs``, without their total."""
    query = select_in_order(account_id, wanted, part).limit(part.limit).offset(part.offset)
    return [logged_run_of(row) for row in await tx.execute(query)]


def select_in_order(
    account_id: AccountId, wanted: RunFilter, part: Slice[RunOrder]
) -> sa.Select[Any]:
    """Query of an account's runs in the order of a list."""
    query = select_logged_runs().where(*conditions(account_id, wanted))
    if part.order is not RunOrder.ID:
        column = runs.c[part.order.value]
        query = query.order_by(
            column.desc().nulls_first() if part.is_descending else column.asc().nulls_last()
        )
    return query.order_by(runs.c.id.desc() if part.is_descending else runs.c.id)


async def find_run(tx: Transaction, account_id: AccountId, run_id: RunId) -> LoggedRun | None:
    """Find a run of this account."""
    query = select_logged_runs().where(runs.c.account_id == account_id, runs.c.id == run_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else logged_run_of(row)


def select_logged_runs() -> sa.Select[Any]:
    """Query of runs as they are shown, to be narrowed."""
    has_artifacts = sa.exists().where(artifacts.c.run_id == runs.c.id, artifacts.c.is_whole)
    return select_runs().add_columns(has_artifacts.label("has_artifacts"))


def conditions(account_id: AccountId, wanted: RunFilter) -> list[sa.ColumnElement[bool]]:
    """Conditions of a filter on an account's runs."""
    found = [runs.c.account_id == account_id]
    if wanted.ids is not None:
        found.append(runs.c.id.in_(list(wanted.ids)))
    if wanted.job_ids is not None:
        found.append(runs.c.job_id.in_(list(wanted.job_ids)))
    if wanted.project_ids is not None or wanted.environment_ids is not None:
        found.append(runs.c.job_id.in_(jobs_in(account_id, wanted)))
    if wanted.statuses is not None:
        found.append(runs.c.status.in_([status.value for status in wanted.statuses]))
    if wanted.name_part is not None:
        named = sa.select(jobs.c.id).select_from(JOBS_WITH_NAMES)
        of_account = named.where(jobs.c.account_id == account_id, is_named(wanted.name_part))
        found.append(runs.c.job_id.in_(of_account))
    found += wanted.created.conditions(runs.c.created_at)
    found += wanted.started.conditions(runs.c.started_at)
    found += wanted.finished.conditions(runs.c.finished_at)
    return found


def jobs_in(account_id: AccountId, wanted: RunFilter) -> sa.Select[tuple[int]]:
    """Query of the ids of the jobs in the wanted projects and environments."""
    query = (
        sa.select(jobs.c.id)
        .join(environments, environments.c.id == jobs.c.environment_id)
        .where(jobs.c.account_id == account_id)
    )
    if wanted.project_ids is not None:
        query = query.where(environments.c.project_id.in_(list(wanted.project_ids)))
    if wanted.environment_ids is not None:
        query = query.where(environments.c.id.in_(list(wanted.environment_ids)))
    return query


@lru_cache
def runs_by_key() -> sa.Select[Any]:
    """Query of ``find_runs_by_key``."""
    return select_runs().where(
        # Of pairs alone SQLite thinks that they may be any run, once it has counted them.
        runs.c.account_id.in_(sa.bindparam("account_ids", expanding=True)),
        runs.c.run_key.in_(sa.bindparam("run_keys", expanding=True)),
        sa.tuple_(runs.c.account_id, runs.c.run_key).in_(sa.bindparam("keys", expanding=True)),
    )


async def find_runs_by_key(
    tx: Transaction, keys: Collection[tuple[AccountId, str]]
) -> dict[tuple[AccountId, str], StoredRun]:
    """Find the runs that reporters know by these keys."""
    rows = await tx.execute(
        runs_by_key(),
        {
            "account_ids": sorted({account_id for account_id, _ in keys}),
            "run_keys": [run_key for _, run_key in keys],
            "keys": list(keys),
        },
    )
    return {(row.account_id, row.run_key): stored_run_of(row) for row in rows}


async def count_open_runs(
    tx: Transaction, account_ids: Collection[AccountId]
) -> dict[AccountId, int]:
    """Count open runs of each of these accounts, 0 for none."""
    rows = await tx.execute(
        sa.select(runs.c.account_id, sa.func.count().label("runs"))
        .where(runs.c.account_id.in_(list(account_ids)), IS_OPEN)
        .group_by(runs.c.account_id)
    )
    return {**dict.fromkeys(account_ids, 0), **{row.account_id: row.runs for row in rows}}


async def lock_runs(
    tx: Transaction, ids: Collection[tuple[AccountId, RunId]]
) -> dict[tuple[AccountId, RunId], Run]:
    """Find these runs; lock them until the transaction ends."""
    rows = await tx.execute(
        LOCK_RUNS, {"ids": sorted({run_id for _, run_id in ids}), "pairs": sorted(ids)}
    )
    return {(row.account_id, row.id): stored_run_of(row).run for row in rows}


async def lock_silent_runs(tx: Transaction, *, limit: int) -> Sequence[SilentRun]:
    """Open runs whose reporter was silent for too long, the most silent first; locked.

    Rows that another transaction is changing are skipped; those returned stay locked until this
    one ends. The database's clock decides.
    """
    rows = await tx.execute(locking_silent_runs(tx.now, limit))
    return [SilentRun(run_of(row), row.silence) for row in rows]


@lru_cache
def locking_silent_runs(now: Clock, limit: int) -> sa.Select[Any]:
    """Query of ``lock_silent_runs``."""
    silence = sa.type_coerce(now, sa.BigInteger) - sa.type_coerce(
        runs.c.heartbeat_at, sa.BigInteger
    )
    return (
        select_runs()
        .add_columns(sa.type_coerce(silence, Duration).label("silence"))
        .where(
            IS_OPEN,
            # None is given up earlier: this is where the index is entered.
            runs.c.heartbeat_at <= after(now, sa.literal(-SHORTEST_SILENCE, Duration)),
            runs.c.longest_silence <= silence,
        )
        .order_by(runs.c.heartbeat_at)
        .limit(limit)
        .with_for_update(of=runs, skip_locked=True)
    )


async def insert_runs(
    tx: Transaction, stored: Sequence[StoredRun]
) -> dict[tuple[AccountId, str], RunId]:
    """Add runs and return the ids they got, by key; none for a key that was taken meanwhile."""
    rows = [
        {
            "account_id": one.run.account_id,
            "job_id": one.run.job.id,
            "run_key": one.run.run_key,
            "start_fingerprint": one.start_fingerprint,
            "run_reason": one.run.run_reason,
            "heartbeats": one.run.heartbeats,
            "longest_silence": one.run.longest_silence,
            "cancelable": one.run.cancelable,
            "trigger": one.run.trigger and asdict(one.run.trigger),
            "started_at": one.run.started_at,
            "created_at": one.run.created_at,
            **columns_of_run(one.run),
        }
        for one in stored
    ]
    added = await tx.execute_many(inserting_runs(tx.database, tx.now, tuple(rows[0])), rows)
    return {(row.account_id, row.run_key): row.id for row in added}


@lru_cache
def inserting_runs(database: Database, now: Clock, names: tuple[str, ...]) -> Batch:
    """Batch of ``insert_runs``, for these columns."""
    given = database.rows_given("added", columns_like(runs, names))
    inserting = insertion(runs, given, {**given.table.c, "heartbeat_at": now})
    statement = inserting.on_conflict_do_nothing(
        index_elements=["account_id", "run_key"]
    ).returning(runs.c.account_id, runs.c.run_key, runs.c.id)
    return Batch(statement, given)


async def update_runs(tx: Transaction, changed: Sequence[Run]) -> None:
    """Write what a report can change of a run."""
    rows = [{"id": run.id, **columns_of_run(run)} for run in changed]
    await tx.execute_many(updating_runs(tx.database, tuple(rows[0])), rows)


@lru_cache
def updating_runs(database: Database, names: tuple[str, ...]) -> Batch:
    """Batch that writes these columns of runs, by their ids."""
    given = database.rows_given("changed", columns_like(runs, names))
    changed = given.table.c
    statement = (
        sa.update(runs)
        .where(runs.c.id == changed.id)
        .values({name: changed[name] for name in names if name != "id"})
    )
    return Batch(statement, given)


async def touch_runs(tx: Transaction, ids: Collection[RunId]) -> None:
    """Note that these runs' reporters are alive, on the database's clock; they must be locked."""
    await tx.execute(touching_runs(tx.now), {"ids": sorted(ids)})


@lru_cache
def touching_runs(now: Clock) -> sa.Update:
    """Build the statement of ``touch_runs``."""
    chosen = runs.c.id.in_(sa.bindparam("ids", expanding=True))
    return sa.update(runs).where(chosen).values(heartbeat_at=now)


async def insert_events(tx: Transaction, new: Sequence[Event]) -> None:
    """Add events."""
    await tx.insert_many(
        events,
        [
            {
                "run_id": event.run.id,
                "sequence": event.sequence,
                "type": event.type,
                "occurred_at": event.occurred_at,
            }
            for event in new
        ],
    )


async def list_events(tx: Transaction, run: Run) -> Sequence[Event]:
    """A run's events in their order, each with the run as it is now."""
    columns = events.c
    rows = await tx.execute(
        sa.select(columns.type, columns.sequence, columns.occurred_at)
        .where(columns.run_id == run.id)
        .order_by(columns.sequence)
    )
    return [
        Event(type=row.type, run=run, sequence=row.sequence, occurred_at=row.occurred_at)
        for row in rows
    ]


async def look_at_old_runs(
    tx: Transaction, *, beyond: RunPlace, before: datetime, limit: int
) -> Sequence[tuple[RunPlace, bool]]:
    """Runs that began before a time, in order, and whether each can be deleted."""
    place = sa.tuple_(runs.c.created_at, runs.c.id)
    rows = await tx.execute(
        sa.select(runs.c.created_at, runs.c.id, can_go(before).label("can_go"))
        .where(
            place > sa.tuple_(sa.literal(beyond.created_at, UtcDateTime), beyond.run_id),
            runs.c.created_at < before,
        )
        .order_by(runs.c.created_at, runs.c.id)
        .limit(limit)
    )
    return [(RunPlace(row.created_at, RunId(row.id)), bool(row.can_go)) for row in rows]


async def lock_old_runs(
    tx: Transaction, run_ids: Collection[RunId], *, before: datetime
) -> Sequence[RunId]:
    """Those of these runs that can be deleted, locked.

    Rows that another transaction is changing are skipped; those returned stay locked until this
    one ends.
    """
    ids = await tx.execute(
        sa.select(runs.c.id)
        .where(runs.c.id.in_(list(run_ids)), can_go(before))
        .order_by(runs.c.id)
        .with_for_update(of=runs, skip_locked=True)
    )
    return ids.scalars().all()


def can_go(before: datetime) -> sa.ColumnElement[bool]:
    """Condition that a run was over before a time and has no delivery."""
    # Not EXISTS, which PostgreSQL may turn into a join that reads the whole table.
    any_delivery = (
        sa.select(deliveries.c.id)
        .where(deliveries.c.run_id == runs.c.id)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    return sa.and_(
        runs.c.finished_at.is_not(None),
        runs.c.finished_at < before,
        runs.c.status >= RunStatus.SUCCESS,
        any_delivery.is_(None),
    )


async def delete_runs(tx: Transaction, ids: Collection[RunId]) -> int:
    """Delete those of these runs that have no files left, with their events; return how many."""
    any_artifact = (
        sa.select(artifacts.c.name)
        .where(artifacts.c.run_id == runs.c.id)
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    deleted = await tx.execute(
        sa.delete(runs).where(runs.c.id.in_(list(ids)), any_artifact.is_(None))
    )
    return deleted.rowcount


def select_runs() -> sa.Select[Any]:
    """Query of runs with their jobs, to be narrowed."""
    return sa.select(*RUN_COLUMNS).select_from(RUNS_WITH_NAMES)


def columns_of_run(run: Run) -> dict[str, Any]:
    """Columns that a report can change."""
    return {
        "dbt_version": run.dbt_version,
        "status": run.status.value,
        "status_message": run.status_message,
        "outcome": run.outcome,
        "results": run.results,
        "steps": [stored_step_of(step) for step in run.steps] or None,
        "progress": run.progress and asdict(run.progress),
        "event_count": run.event_count,
        "finished_at": run.finished_at,
        "cancel_requested_at": run.cancel_requested_at,
        "lost_at": run.lost_at,
        "is_late": run.is_late,
        "has_warned": has_warned(run.results),
    }


def stored_run_of(row: sa.Row[Any]) -> StoredRun:
    """The run in a row of ``RUN_COLUMNS``, to be matched with reports."""
    return StoredRun(run=run_of(row), start_fingerprint=row.start_fingerprint)


def logged_run_of(row: sa.Row[Any]) -> LoggedRun:
    """The run in a row of ``select_logged_runs``."""
    return LoggedRun(
        run=run_of(row), heartbeat_at=row.heartbeat_at, has_artifacts=bool(row.has_artifacts)
    )


def run_of(row: sa.Row[Any]) -> Run:
    """The run in a row of ``RUN_COLUMNS``."""
    return Run(
        id=row.id,
        account_id=row.account_id,
        job=Job(
            id=row.job_id,
            name=row.job_name,
            project_id=row.project_id,
            project_name=row.project_name,
            environment_id=row.environment_id,
            environment_name=row.environment_name,
        ),
        run_key=row.run_key,
        run_reason=row.run_reason,
        dbt_version=row.dbt_version,
        heartbeats=row.heartbeats,
        cancelable=row.cancelable,
        longest_silence=row.longest_silence,
        status=RunStatus(row.status),
        status_message=row.status_message,
        outcome=row.outcome,
        results=row.results,
        steps=tuple(step_in_row(stored) for stored in row.steps or ()),
        progress=row.progress and Progress(**row.progress),
        started_at=row.started_at,
        finished_at=row.finished_at,
        cancel_requested_at=row.cancel_requested_at,
        lost_at=row.lost_at,
        trigger=row.trigger and Trigger(**row.trigger),
        is_late=row.is_late,
        created_at=row.created_at,
        event_count=row.event_count,
    )


def stored_step_of(step: RunStep) -> dict[str, Any]:
    """A step as stored JSON."""
    return {
        "name": step.name,
        "status": step.status.value,
        "started_at": step.started_at and step.started_at.isoformat(),
        "finished_at": step.finished_at and step.finished_at.isoformat(),
        "logs": step.logs,
    }


def step_in_row(stored: dict[str, Any]) -> RunStep:
    """Parse what ``stored_step_of`` made."""
    return RunStep(
        name=stored["name"],
        status=RunStatus(stored["status"]),
        started_at=stored["started_at"] and datetime.fromisoformat(stored["started_at"]),
        finished_at=stored["finished_at"] and datetime.fromisoformat(stored["finished_at"]),
        logs=stored["logs"],
    )
