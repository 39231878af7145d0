"""The first page of an account: is anything wrong, since when, and who was told."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from litestar import get
from litestar.response import Template

from runhook.domain.deliveries.attempt_counts import HOUR, hour_of
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.job_states import JobState, RunLook, look_of
from runhook.domain.runs.run import JobId
from runhook.domain.webhooks.webhook import Webhook
from runhook.server.access.authentication import needs
from runhook.server.http.origin import base_url
from runhook.server.http.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.page.addresses import address_of
from runhook.server.web.page.axes import Tick, ticks_back
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.page.watching import Watched
from runhook.server.web.runs.board import BoardRow, rows_of
from runhook.server.web.runs.charts import MARKS
from runhook.storage.deliveries.backlog import Backlog, backlog_of, oldest_waiting
from runhook.storage.deliveries.rows import (
    LoggedAttempt,
    ToldWebhook,
    find_last_failure,
    list_told,
    list_told_of_missed,
)
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.board import (
    BoardFilter,
    BoardOrder,
    CountedRuns,
    count_board,
    count_runs_by_hour,
    list_board,
)
from runhook.storage.runs.rows import count_open_runs
from runhook.storage.webhooks.rows import (
    count_troubled_webhooks,
    count_webhooks,
    list_troubled_webhooks,
)
from runhook.storage.webhooks.statistics import HourlyCount, count_account_by_hour

HOURS = 24
JOBS_SHOWN = 12
ENDPOINTS_SHOWN = 5
TOLD_READ = 500
RUNS_HEIGHT, ATTEMPTS_HEIGHT = 70, 56
RUNS_FLOOR, ATTEMPTS_CEILING = 96, 100
"""Where the bars of runs stand, and those of attempts hang, in pixels from above."""
STACKED = (
    RunLook.SUCCEEDED,
    RunLook.WARNED,
    RunLook.RUNNING,
    RunLook.CANCELED,
    RunLook.FAILED,
)
"""From the axis on."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """What is wrong: how many of which, where to see them, and since when."""

    look: str
    """How bad it is."""
    count: int
    words: str
    address: str
    since: datetime | None
    """When the first of those that are shown began; None if that is not known."""


@dataclass(frozen=True, slots=True)
class HourPart:
    """A part of an hour's bar, in pixels from above."""

    look: str
    y: float
    height: float


@dataclass(frozen=True, slots=True)
class TimelineHour:
    """An hour of the timeline: its numbers, and its bars."""

    begins_at: datetime
    x: float
    width: float
    looks: Mapping[RunLook, int]
    succeeded: int
    failed: int
    bars: Sequence[HourPart]
    address: str
    """The hour's deliveries."""

    @property
    def runs(self) -> int:
        """How many runs started in it."""
        return sum(self.looks.values())

    @property
    def words(self) -> str:
        """Its numbers in a line."""
        bad = self.looks.get(RunLook.FAILED, 0)
        attempts = self.succeeded + self.failed
        return (
            f"{self.begins_at:%H:%M} UTC \N{MIDDLE DOT} {self.runs} "
            f"run{'' if self.runs == 1 else 's'}{f', {bad} failed' if bad else ''} "
            f"\N{MIDDLE DOT} {attempts} attempt{'' if attempts == 1 else 's'}"
            f"{f', {self.failed} failed' if self.failed else ''}"
        )


@dataclass(frozen=True, slots=True)
class Timeline:
    """The last 24 hours."""

    hours: Sequence[TimelineHour]
    most_runs: int
    most_attempts: int
    ticks: Sequence[Tick]

    @property
    def is_empty(self) -> bool:
        """Whether nothing happened."""
        return not any(one.runs or one.succeeded or one.failed for one in self.hours)


@get("/overview", **needs(Permission.READ_RUNS))
async def show_overview(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Show how the account's jobs, endpoints and deliveries do."""
    may_see_webhooks = visit.may(Permission.READ_WEBHOOKS)
    watched = Watched()
    since = hour_of(services.clock.now()) - (HOURS - 1) * HOUR
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        counts = await count_board(tx, visit.account_id, BoardFilter())
        jobs = await list_board(
            tx, visit.account_id, BoardFilter(), BoardOrder.ATTENTION, limit=JOBS_SHOWN
        )
        rows = await rows_of(tx, jobs)
        running = await count_open_runs(tx, [visit.account_id])
        runs = await count_runs_by_hour(tx, visit.account_id, since=since)
        webhooks = await webhooks_of(tx, visit, rows, since) if may_see_webhooks else None
    attempts = webhooks.attempts if webhooks else ()
    troubles = troubles_of(visit, counts, rows, webhooks)
    return visit.page(
        "overview",
        section="overview",
        live=watched.address(visit.root, sight),
        counts=counts,
        total=sum(counts.values()),
        troubles=troubles,
        verdict=min((one.look for one in troubles), default="good"),
        base=base_url(request, services.public_url),
        rows=rows,
        running=running[visit.account_id],
        day=day_of(runs, attempts, since=since, root=visit.root),
        webhooks=webhooks,
        marks=MARKS,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookOverview:
    """How the account's webhooks do."""

    count: int
    backlog: Backlog
    oldest_waiting: timedelta | None
    """How old the oldest delivery is that waits."""
    troubled: Sequence[tuple[Webhook, LoggedAttempt | None]]
    """The first of those whose endpoints fail, with the last failure."""
    troubled_count: int
    attempts: Sequence[HourlyCount]
    told: Mapping[JobId, Sequence[ToldWebhook]]
    """Who was told of the last run of each job that fails, and of what others have missed."""


async def webhooks_of(
    tx: Transaction, visit: Visit, rows: Sequence[BoardRow], since: datetime
) -> WebhookOverview:
    """Read how the account's webhooks do."""
    troubled = await list_troubled_webhooks(tx, visit.account_id, limit=ENDPOINTS_SHOWN)
    failed = [row.streak.last for row in rows if row.streak is not None]
    told = [*await list_told(tx, visit.account_id, failed, limit=TOLD_READ)] if failed else []
    missed = {
        row.found.job.id: row.found.punctuality.due_at
        for row in rows
        if row.found.state is JobState.MISSED and row.found.punctuality
    }
    if missed:
        told += await list_told_of_missed(tx, visit.account_id, missed, limit=TOLD_READ)
    return WebhookOverview(
        count=await count_webhooks(tx, visit.account_id),
        backlog=await backlog_of(tx, visit.account_id),
        oldest_waiting=await oldest_waiting(tx, visit.account_id),
        troubled=[
            (one, await find_last_failure(tx, visit.account_id, one.id) if one.active else None)
            for one in troubled
        ],
        troubled_count=await count_troubled_webhooks(tx, visit.account_id),
        attempts=await count_account_by_hour(tx, visit.account_id, since=since),
        told=by_job(told),
    )


JOBS_IN_TROUBLE = (
    (JobState.FAILING, "bad", "job is failing", "jobs are failing"),
    (JobState.MISSED, "bad", "job missed its run", "jobs missed their runs"),
    (JobState.LATE, "warn", "job is late", "jobs are late"),
)


def troubles_of(
    visit: Visit,
    counts: Mapping[JobState, int],
    rows: Sequence[BoardRow],
    webhooks: WebhookOverview | None,
) -> Sequence[Trouble]:
    """Say what is wrong, the worst first; nothing if all is well."""
    found = [
        Trouble(
            look,
            counts[state],
            one if counts[state] == 1 else many,
            f"{visit.root}/jobs?state={state}",
            min((begun for row in rows if (begun := trouble_began(row, state))), default=None),
        )
        for state, look, one, many in JOBS_IN_TROUBLE
        if counts[state]
    ]
    if webhooks and webhooks.troubled:
        count = webhooks.troubled_count
        since = [one.health.failing_since for one, _ in webhooks.troubled]
        words = "endpoint is in trouble" if count == 1 else "endpoints are in trouble"
        begun = min((one for one in since if one), default=None)
        found.append(Trouble("bad", count, words, "#endpoints", begun))
    return found


def trouble_began(row: BoardRow, state: JobState) -> datetime | None:
    """When a job came into this state; None if it is in another."""
    if row.found.state is not state:
        return None
    if state is JobState.FAILING:
        return row.streak.since if row.streak else None
    return row.found.punctuality.due_at if row.found.punctuality else None


WORST_STATE_FIRST = (
    DeliveryState.FAILED,
    DeliveryState.PENDING,
    DeliveryState.SENDING,
    DeliveryState.SUCCEEDED,
    DeliveryState.CANCELED,
    DeliveryState.SKIPPED,
    DeliveryState.SUPERSEDED,
)


def by_job(told: Iterable[ToldWebhook]) -> Mapping[JobId, Sequence[ToldWebhook]]:
    """Group by job; of the deliveries of one webhook the one in the worst state counts."""
    found: dict[JobId, dict[str, ToldWebhook]] = {}
    for one in sorted(told, key=lambda one: WORST_STATE_FIRST.index(one.state)):
        found.setdefault(one.job_id, {}).setdefault(one.webhook_id, one)
    return {job_id: list(ones.values()) for job_id, ones in found.items()}


def day_of(
    runs: Iterable[CountedRuns],
    attempts: Iterable[HourlyCount],
    *,
    since: datetime,
    root: str,
) -> Timeline:
    """Draw runs above an axis and attempts below it."""
    looks: list[dict[RunLook, int]] = [{} for _ in range(HOURS)]
    for one in runs:
        # What a machine whose clock is ahead has told belongs to this hour.
        counted = looks[min(one.step, HOURS - 1)]
        look = look_of(one.status, has_warned=one.has_warned)
        counted[look] = counted.get(look, 0) + one.count
    good, bad = [0] * HOURS, [0] * HOURS
    for hour in attempts:
        place = min((hour.hour - since) // HOUR, HOURS - 1)
        good[place] += hour.succeeded
        bad[place] += hour.failed
    most_runs = max(sum(one.values()) for one in looks)
    most_attempts = max(map(sum, zip(good, bad, strict=True)))
    width = 100 / HOURS
    return Timeline(
        hours=[
            TimelineHour(
                begins_at=since + place * HOUR,
                x=round(place * width, 2),
                width=round(width, 2),
                looks=looks[place],
                succeeded=good[place],
                failed=bad[place],
                bars=[
                    *run_parts(looks[place], most_runs),
                    *attempt_parts(good[place], bad[place], most_attempts),
                ],
                address=address_of(
                    f"{root}/deliveries",
                    {
                        "since": [f"{since + place * HOUR:%Y-%m-%dT%H:%M}"],
                        "until": [f"{since + (place + 1) * HOUR:%Y-%m-%dT%H:%M}"],
                    },
                ),
            )
            for place in range(HOURS)
        ],
        most_runs=most_runs,
        most_attempts=most_attempts,
        ticks=ticks_back(HOURS * HOUR),
    )


def run_parts(looks: Mapping[RunLook, int], most: int) -> Iterable[HourPart]:
    """Stack an hour's runs on the axis."""
    y = float(RUNS_FLOOR)
    for look in STACKED:
        if count := looks.get(look, 0):
            height = RUNS_HEIGHT * count / most
            y -= height
            yield HourPart(look, round(y, 1), round(height, 1))


def attempt_parts(succeeded: int, failed: int, most: int) -> Iterable[HourPart]:
    """Hang an hour's attempts below the axis."""
    y = float(ATTEMPTS_CEILING)
    for look, count in ((RunLook.SUCCEEDED, succeeded), (RunLook.FAILED, failed)):
        if count:
            height = ATTEMPTS_HEIGHT * count / most
            yield HourPart(look, round(y, 1), round(height, 1))
            y += height


handlers = [show_overview]
