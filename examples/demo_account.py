"""A made-up account with a month of runs behind it, and a day of deliveries, for pictures."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy as sa

from runhook.domain.deliveries.attempt_counts import (
    EMPTY,
    AttemptCounts,
    bucket_of,
    hour_of,
    sum_of,
)
from runhook.domain.deliveries.delivery import AttemptTrigger, DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.deliveries.redeliveries import Picked, RedeliveryId, Selection
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.people.callers import COMMAND_LINE, Actor, ActorKind
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.runs.expectations import Expectation
from runhook.domain.runs.run import (
    FinishReport,
    JobId,
    Progress,
    ProgressReport,
    RunId,
    RunOutcome,
    RunStatus,
    RunStep,
    StartReport,
    Trigger,
)
from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.domain.version import VERSION
from runhook.domain.webhooks.failing import HOPELESS_SINCE, Health, hopeless_reason
from runhook.domain.webhooks.webhook import CONSUME, Webhook
from runhook.operations.context import Context
from runhook.operations.deliveries.consume import acknowledge
from runhook.operations.deliveries.pausing import note_pauses
from runhook.operations.deliveries.redeliver_many import begin_redelivery
from runhook.operations.people.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.people.invite import Acceptance, accept, invite
from runhook.operations.people.new_passwords import begin_reset
from runhook.operations.people.passwords import Passwords
from runhook.operations.people.sessions import Browser
from runhook.operations.people.tokens import create_token
from runhook.operations.runs.expect import expect_job
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Finish, Heartbeat, Start
from runhook.operations.runs.watch_jobs import tell_of_missed_runs
from runhook.operations.webhooks.subscribe import WebhookChange, change_webhook, create_webhook
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import (
    IS_PENDING,
    IS_UNSENT,
    attempts,
    consumers,
    deliveries,
    expectations,
    redelivery_shares,
    replicas,
    runs,
)
from runhook.storage.people.accounts import find_account, update_account
from runhook.storage.runs.jobs import JobName, register_jobs
from runhook.storage.service.replicas import note_sign_of_life
from runhook.storage.webhooks.rows import (
    Dispatch,
    deactivate_webhook,
    note_dispatches,
    note_health,
)
from runhook.storage.webhooks.statistics import CountedHour, add_attempt_counts

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
ADA = Actor(kind=ActorKind.USER, id=1, name=EMAIL)
"""The first user who joins."""
RUNS = 160
NIGHTLY = 100
"""The one of them that is the nightly one."""
EVERY_MINUTES = 8.9
ARCHIVED_AGO = timedelta(hours=3)
DOWN_FOR = timedelta(hours=4)
EVENTS = ["job.run.started", "job.run.completed", "job.run.errored", "job.run.canceled"]
ENDPOINTS = [
    ("Tell the data team", "https://hooks.chat.example.com/services/dbt", EVENTS[1:3], 0.995),
    ("Page on failure", "https://events.pager.example.com/v2/enqueue", EVENTS[2:3], 0.98),
    ("Refresh dashboards", "https://bi.example.com/api/refresh", EVENTS[1:2], 0.97),
    ("Warehouse cost log", "https://costs.internal.example.com/ingest", EVENTS, 0.99),
    ("Old catalogue", "https://catalogue.example.com/dbt", EVENTS[2:3], 0.0),
]
ANSWERS: list[tuple[int | None, FailureReason, str]] = [
    (503, FailureReason.HTTP_STATUS, "The endpoint answered 503."),
    (None, FailureReason.TIMED_OUT, "{host}:443 did not answer within 10 s."),
    (
        None,
        FailureReason.TLS_FAILED,
        "The certificate of {host}:443 was refused: certificate has expired.",
    ),
]
"""How endpoints fail: the status, why, and that in a sentence."""
JOBS = [
    ("nightly", "shop", "production"),
    ("hourly orders", "shop", "production"),
    ("slim CI", "shop", "staging"),
    ("finance marts", "finance", "production"),
]
"""Those that also run in the last day."""


HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CONSUMER = "laptop"
UNREAD_FOR = timedelta(minutes=40)
"""How long the consumer has been away."""


@dataclass(frozen=True)
class Habit:
    """How a job has run in the month before that."""

    job: tuple[str, str, str]
    every: timedelta
    minutes: float
    failing: float = 0.02
    """The share of runs that fail; warning likewise."""
    warning: float = 0.0
    last_ago: timedelta = timedelta(days=1)
    """How long ago the last of these runs started."""
    expected: bool = False


HABITS = [
    Habit(JOBS[0], DAY, 42, failing=0.1, expected=True),
    Habit(JOBS[1], HOUR, 3, failing=0.01),
    Habit(JOBS[2], 5 * HOUR, 6, failing=0.15),
    Habit(JOBS[3], 6 * HOUR, 18, failing=0.05),
    Habit(("nightly", "finance", "production"), DAY, 25, last_ago=5 * HOUR, expected=True),
    Habit(("nightly", "shop", "staging"), DAY, 12, failing=0.3, last_ago=6 * HOUR),
    Habit(
        ("attribution", "marketing", "production"),
        12 * HOUR,
        31,
        0.0,
        0.2,
        31 * HOUR,
        expected=True,
    ),
    Habit(
        ("source freshness", "shop", "production"), HOUR, 0.5, 0.0, 0.25, 0.8 * HOUR, expected=True
    ),
    Habit(("snapshots", "shop", "production"), DAY, 9, last_ago=20 * HOUR),
    Habit(("full refresh", "shop", "production"), 7 * DAY, 190, 0.0, last_ago=4 * DAY),
    Habit(
        ("churn model", "marketing", "production"),
        8 * HOUR,
        14,
        0.0,
        0.1,
        8.1 * HOUR,
        expected=True,
    ),
]
FAILED = {
    "nodes_known": True,
    "elapsed_seconds": 84.2,
    "total": 48,
    "counts": {"success": 31, "pass": 4, "warn": 2, "error": 2, "fail": 2, "skipped": 7},
    "failed_total": 4,
    "slowest": [
        {"unique_id": f"model.shop.{name}", "seconds": seconds}
        for name, seconds in [
            ("fct_order_lines", 41.8),
            ("fct_sessions", 33.1),
            ("dim_customers", 12.6),
            ("int_payments_joined", 9.4),
            ("stg_events", 6.2),
            ("int_orders_pivoted", 3.9),
        ]
    ],
    "failed": [
        {
            "unique_id": "model.shop.orders",
            "resource_type": "model",
            "status": "error",
            "message": "Database Error in model orders (models/marts/orders.sql)\n"
            '  Binder Error: Referenced column "amount_usd" not found in FROM clause!',
        },
        {
            "unique_id": "test.shop.unique_orders_order_id.fed79b3a6e",
            "resource_type": "test",
            "status": "fail",
            "message": "Got 3 results, configured to fail if != 0",
        },
        {
            "unique_id": "model.shop.revenue_by_day",
            "resource_type": "model",
            "status": "error",
            "message": "Runtime Error in model revenue_by_day (models/marts/revenue_by_day.sql)\n"
            "  Query exceeded its limit of 600 seconds.",
        },
        {
            "unique_id": "test.shop.not_null_orders_customer_id.5c2b4a6f02",
            "resource_type": "test",
            "status": "fail",
            "message": "Got 12 results, configured to fail if != 0",
        },
    ],
}


class PastClock:
    """A clock that is set."""

    def __init__(self, now: datetime) -> None:
        self.present = now

    def now(self) -> datetime:
        return self.present


@dataclass(frozen=True, kw_only=True)
class Seeded:
    """What of the account pictures are taken of."""

    invitation: str
    new_password: str
    """Secret of a link to a new password."""
    webhook_ids: Sequence[WebhookId]
    consumer_id: WebhookId
    """The webhook whose deliveries are fetched."""
    failed_ids: Sequence[DeliveryId]
    """Deliveries, the one with the most attempts first."""
    retried_id: DeliveryId
    """A delivery that waits for its next attempt."""
    failed_run_id: int
    open_run_id: int
    redelivery_id: RedeliveryId
    picked_redelivery_id: RedeliveryId


async def seed(store: Store, now: datetime) -> Seeded:
    """Fill an empty database."""
    chance = random.Random(8580)
    clock = PastClock(now - timedelta(hours=23, minutes=50))
    await begin_service(store, bootstrap_token=None, clock=clock)
    await name_account(store)
    invitation = await add_people(store, PastClock(now))
    reset = await begin_reset(store, EMAIL, actor=COMMAND_LINE, clock=PastClock(now))
    assert reset is not None
    webhooks = await add_webhooks(store, PastClock(now - timedelta(days=9)))
    consumer = await add_consumer(store, PastClock(now - timedelta(days=2)))
    await add_month(store, now, chance)
    publisher = Publisher(store, clock)
    for number in range(RUNS):
        clock.present = now - timedelta(minutes=(RUNS - number) * EVERY_MINUTES)
        newest = await one_run(publisher, clock, number, chance, is_last=number >= RUNS - 2)
    await advance(publisher, clock, newest)
    await settle(store, webhooks, now, chance)
    await read_as_consumer(store, consumer, now)
    await add_processes(store, now)
    redelivery_id = await add_redelivery(store, webhooks[3].id, now)
    failed_ids = await list_failed(store, webhooks[4].id)
    picked_redelivery_id = await begin_to_redeliver(store, Picked(tuple(failed_ids)), now)
    async with store.read() as tx:
        retried = sa.select(deliveries.c.id).where(
            deliveries.c.state == "pending", deliveries.c.http_status_code.is_not(None)
        )
        failed_run = sa.select(sa.func.max(runs.c.id)).where(runs.c.status == RunStatus.ERROR)
        return Seeded(
            invitation=invitation,
            new_password=reset.secret,
            webhook_ids=[webhook.id for webhook in webhooks],
            consumer_id=consumer.id,
            failed_ids=failed_ids,
            retried_id=(
                await tx.execute(retried.order_by(deliveries.c.attempt_count.desc()).limit(1))
            ).scalar_one(),
            failed_run_id=(await tx.execute(failed_run)).scalar_one(),
            open_run_id=(await tx.execute(sa.select(sa.func.max(runs.c.id)))).scalar_one(),
            redelivery_id=redelivery_id,
            picked_redelivery_id=picked_redelivery_id,
        )


async def list_failed(store: Store, but_not: WebhookId) -> Sequence[DeliveryId]:
    """Return some deliveries that failed, the one with the most attempts first."""
    failed = sa.select(deliveries.c.id).where(deliveries.c.state == "failed")
    by_attempts = failed.order_by(
        deliveries.c.webhook_id == but_not,
        deliveries.c.http_status_code.is_(None),
        deliveries.c.attempt_count.desc(),
        deliveries.c.id.desc(),
    )
    async with store.read() as tx:
        return (await tx.execute(by_attempts.limit(4))).scalars().all()


async def name_account(store: Store) -> None:
    async with store.write() as tx:
        account = await find_account(tx, FIRST_ACCOUNT)
        assert account is not None
        await update_account(tx, replace(account, name="Acme Analytics"))


async def add_people(store: Store, clock: PastClock) -> str:
    """Add members, an open invitation, whose secret is returned, and tokens."""
    people = [(EMAIL, "Ada", Role.OWNER), ("grace@example.com", "Grace", Role.MEMBER)]
    for email, name, role in people:
        _, secret = await invite(Context(store, clock, COMMAND_LINE), FIRST_ACCOUNT, role)
        await accept(
            store,
            secret,
            Acceptance(email=email, name=name, password=PASSWORD),
            browser=Browser(address="192.0.2.7", user_agent="Mozilla/5.0 Firefox/140.0"),
            passwords=Passwords(),
            clock=clock,
        )
    _, invitation = await invite(
        Context(store, clock, COMMAND_LINE), FIRST_ACCOUNT, Role.VIEWER, email="edsger@example.com"
    )
    for name, permission_set in [
        ("airflow", PermissionSet.JOB_RUNNER),
        ("terraform", PermissionSet.WEBHOOKS_ONLY),
    ]:
        await create_token(
            Context(store, clock, COMMAND_LINE), FIRST_ACCOUNT, permission_set, name=name
        )
    return invitation


async def add_month(store: Store, now: datetime, chance: random.Random) -> None:
    """Add the runs of a month, and what is expected of some jobs."""
    rows: list[dict[str, Any]] = []
    for habit in HABITS:
        name, project, environment = habit.job
        wanted = JobName(FIRST_ACCOUNT, project, environment, name)
        async with store.write() as tx:
            known = (await register_jobs(tx, [wanted]))[wanted]
        rows += runs_of(habit, known.job.id, now, chance)
        if habit.expected:
            expectation = Expectation(every=habit.every, grace=timedelta(minutes=30))
            context = Context(store, PastClock(now), COMMAND_LINE)
            await expect_job(context, FIRST_ACCOUNT, known.job.id, expectation)
            async with store.write() as tx:
                await tx.execute(
                    sa.update(expectations)
                    .where(expectations.c.job_id == known.job.id)
                    .values(missed_at=now - habit.last_ago + expectation.every + expectation.grace)
                )
    rows.sort(key=lambda row: row["started_at"])
    async with store.write() as tx:
        await tx.execute(sa.insert(runs), rows)
    await tell_of_missed_runs(store, PastClock(now))


def runs_of(
    habit: Habit, job_id: JobId, now: datetime, chance: random.Random
) -> list[dict[str, Any]]:
    """Return the rows of a job's runs in the month."""
    rows = []
    started_at = now - habit.last_ago
    while started_at > now - timedelta(days=29.5):
        luck = chance.random()
        status = RunStatus.ERROR if luck < habit.failing else RunStatus.SUCCESS
        if 0.98 < luck < 0.985:
            status = RunStatus.CANCELLED
        took = timedelta(minutes=habit.minutes * chance.lognormvariate(0, 0.15))
        # It has become slower.
        took *= 1.3 - 0.3 * ((now - started_at) / timedelta(days=30))
        if status is not RunStatus.SUCCESS:
            took *= chance.random()
        rows.append(
            {
                "account_id": FIRST_ACCOUNT,
                "job_id": job_id,
                "run_key": f"{job_id}-{started_at:%m-%d-%H-%M}",
                "start_fingerprint": "",
                "run_reason": "scheduled",
                "dbt_version": "1.11.16",
                "status": status,
                "has_warned": chance.random() < habit.warning,
                "event_count": 0,
                "longest_silence": timedelta(minutes=5),
                "started_at": started_at,
                "finished_at": started_at + took,
                "heartbeat_at": started_at + took,
                "created_at": started_at,
            }
        )
        started_at -= habit.every * chance.uniform(0.99, 1.01)
    return rows


async def add_webhooks(store: Store, clock: PastClock) -> list[Webhook]:
    policy = AddressPolicy.parse("")
    created = []
    for name, url, event_types, _ in ENDPOINTS:
        clock.present += timedelta(minutes=1)
        change = WebhookChange(name=name, client_url=url, event_types=event_types)
        webhook, _ = await create_webhook(
            Context(store, clock, COMMAND_LINE, policy=policy), FIRST_ACCOUNT, change
        )
        created.append(webhook)
    clock.present += timedelta(days=8, hours=9)
    await change_webhook(
        Context(store, clock, ADA, policy=policy),
        FIRST_ACCOUNT,
        created[3].id,
        WebhookChange(description="Adds what each run cost."),
    )
    change = WebhookChange(description="Posts to #data-alerts; owned by the platform team.")
    await change_webhook(
        Context(store, clock, COMMAND_LINE, policy=policy), FIRST_ACCOUNT, created[0].id, change
    )
    return created


async def add_consumer(store: Store, clock: PastClock) -> Webhook:
    """Add a webhook whose deliveries a program fetches."""
    change = WebhookChange(
        name="Ada's laptop",
        client_url=f"{CONSUME}{CONSUMER}",
        event_types=["job.run.started", "job.run.completed"],
    )
    context = Context(store, clock, ADA, policy=AddressPolicy.parse(""))
    webhook, _ = await create_webhook(context, FIRST_ACCOUNT, change)
    return webhook


async def read_as_consumer(store: Store, consumer: Webhook, now: datetime) -> None:
    """Let the consumer have read, hour by hour, what is older than ``UNREAD_FOR``."""
    async with store.read() as tx:
        found = sa.select(deliveries.c.id, deliveries.c.created_at).where(
            deliveries.c.webhook_id == consumer.id, deliveries.c.created_at < now - UNREAD_FOR
        )
        rows = (await tx.execute(found)).all()
    by_hour: dict[datetime, list[DeliveryId]] = {}
    for row in rows:
        by_hour.setdefault(hour_of(row.created_at), []).append(row.id)
    for hour, ids in by_hour.items():
        context = Context(store, PastClock(hour), ADA)
        await acknowledge(context, FIRST_ACCOUNT, CONSUMER, ids)
    async with store.write() as tx:
        unread = (IS_PENDING, deliveries.c.webhook_id == consumer.id)
        due = {"next_attempt_at": deliveries.c.created_at}
        await tx.execute(sa.update(deliveries).where(*unread).values(due))
        await tx.execute(sa.update(consumers).values(read_at=now - UNREAD_FOR, was_read=True))


async def one_run(
    publisher: Publisher, clock: PastClock, number: int, chance: random.Random, *, is_last: bool
) -> RunId:
    """Report a run and, unless it is one of the last, its end; return its id."""
    job, project, environment = JOBS[0 if number == NIGHTLY else chance.choice([1, 1, 2, 3])]
    run = await publisher.publish(
        Start(
            FIRST_ACCOUNT,
            StartReport(
                run_key=f"run-{number}",
                job_name=job,
                project_name=project,
                environment_name=environment,
                run_reason="scheduled" if job != "slim CI" else "github_pull_request",
                dbt_version="1.11.16",
                heartbeats=True,
                cancelable=is_last,
                trigger=Trigger(
                    system="Airflow",
                    external_id=f"dbt_{job.replace(' ', '_')}",
                    attempt=1,
                    category="scheduled",
                    link="https://airflow.example.com/dags/dbt",
                    commit="9f2c1e7ab04d55e1c2a7f0b7d8c4e0f1a2b3c4d5",
                ),
            ),
        )
    )
    if is_last:
        return run.run.id
    began = clock.present
    minutes = next(one.minutes for one in HABITS if one.job[0] == job)
    left = (RUNS - number) * EVERY_MINUTES - 1
    clock.present += timedelta(minutes=min(minutes * chance.uniform(0.8, 1.2), left))
    has_failed = number % 9 == 4
    await publisher.publish(
        Finish(
            FIRST_ACCOUNT,
            run.run.id,
            FinishReport(
                steps=steps_of_run(began, clock.present, has_failed=has_failed),
                status=RunStatus.ERROR if has_failed else RunStatus.SUCCESS,
                outcome=RunOutcome.FAILED if has_failed else None,
                status_message="Completed with 4 errors." if has_failed else None,
                results=FAILED
                if has_failed
                else {"nodes_known": True, "total": 48, "counts": {"success": 40, "pass": 8}},
            ),
        )
    )
    return run.run.id


def steps_of_run(began: datetime, ended: datetime, *, has_failed: bool) -> tuple[RunStep, ...]:
    """Return the commands of a run; what follows one that failed is not run."""
    took = ended - began
    bounds = [("dbt deps", 0.0, 0.04), ("dbt source freshness", 0.05, 0.16)]
    bounds += [("dbt build", 0.17, 1.0 if has_failed else 0.9)]
    if not has_failed:
        bounds.append(("dbt docs generate", 0.91, 1.0))
    return tuple(
        RunStep(
            name=f"Invoke dbt with `{command}`",
            status=RunStatus.ERROR if has_failed and command == "dbt build" else RunStatus.SUCCESS,
            started_at=began + begin * took,
            finished_at=began + end * took,
        )
        for command, begin, end in bounds
    )


async def advance(publisher: Publisher, clock: PastClock, newest: RunId) -> None:
    """Let the newest run have come to its second step."""
    began = clock.present
    steps = (
        RunStep(
            name="Invoke dbt with `dbt deps`",
            status=RunStatus.SUCCESS,
            started_at=began,
            finished_at=began + timedelta(seconds=7),
        ),
        RunStep(
            name="Invoke dbt with `dbt build --select state:modified+`",
            status=RunStatus.RUNNING,
            started_at=began + timedelta(seconds=7),
        ),
    )
    progress = Progress(step=2, planned_steps=3, nodes_done=1_264, nodes_total=2_048)
    report = ProgressReport(steps=steps, progress=progress)
    await publisher.publish(Heartbeat(FIRST_ACCOUNT, newest, report))


async def settle(
    store: Store, webhooks: Sequence[Webhook], now: datetime, chance: random.Random
) -> None:
    """Give every delivery its attempts."""
    shares = {one.id: endpoint[3] for one, endpoint in zip(webhooks, ENDPOINTS, strict=True)}
    urls = {one.id: one.client_url for one in webhooks}
    made: list[dict[str, Any]] = []
    counted: dict[tuple[WebhookId, datetime], list[AttemptCounts]] = {}
    latest: dict[WebhookId, Dispatch] = {}
    failing, archived = webhooks[3:5]
    health = {
        failing.id: Health(
            failing_since=now - DOWN_FOR,
            consecutive_failures=64,
            failed_probes=1,
            paused_until=now + timedelta(seconds=90),
        ),
        archived.id: Health(
            failing_since=now - ARCHIVED_AGO - HOPELESS_SINCE,
            consecutive_failures=214,
            failed_probes=170,
            paused_until=now - ARCHIVED_AGO,
        ),
    }
    async with store.write() as tx:
        sent = sa.select(deliveries).where(deliveries.c.webhook_id.in_(list(shares)))
        rows = list(await tx.execute(sent.order_by(deliveries.c.created_at)))
        for row in rows:
            until = now - ARCHIVED_AGO if row.webhook_id == archived.id else now
            age = until - row.created_at
            is_down = row.webhook_id == failing.id and age < DOWN_FOR
            share = 0.0 if is_down else shares[row.webhook_id]
            host = urlsplit(urls[row.webhook_id]).hostname or ""
            tries, is_good = tries_of(row, share, age, chance, host)
            values = final_values(row, tries, now, is_good=is_good)
            if row.webhook_id == archived.id and values["state"] is DeliveryState.PENDING:
                values["state"] = DeliveryState.CANCELED if tries else DeliveryState.SKIPPED
                values["next_attempt_at"] = None
            await tx.execute(sa.update(deliveries).where(deliveries.c.id == row.id).values(values))
            made += tries
            for one in tries:
                hour = hour_of(one["sent_at"] + one["duration"])
                counted.setdefault((row.webhook_id, hour), []).append(count_of(one))
            if tries:
                latest[row.webhook_id] = Dispatch(
                    webhook_id=row.webhook_id,
                    at=tries[-1]["sent_at"],
                    status_code=tries[-1]["http_status_code"] or 0,
                )
        await tx.execute(sa.insert(attempts), made)
        await add_attempt_counts(
            tx,
            [
                CountedHour(
                    account_id=FIRST_ACCOUNT,
                    webhook_id=webhook_id,
                    hour=hour,
                    counts=sum_of(counts),
                )
                for (webhook_id, hour), counts in counted.items()
            ],
        )
        await note_dispatches(tx, list(latest.values()))
        await note_health(tx, health)
        await note_pauses(tx, [(failing, health[failing.id])], now=now - DOWN_FOR)
        error = ANSWERS[2][2].format(host=urlsplit(archived.client_url).hostname)
        reason = hopeless_reason(health[archived.id], error)
        await deactivate_webhook(tx, archived.id, reason=reason, now=now - ARCHIVED_AGO)


async def add_processes(store: Store, now: datetime) -> None:
    """Let two processes have shown that they live."""
    async with store.write() as tx:
        for number, roles in enumerate([tuple(ReplicaRole), (ReplicaRole.DISPATCHER,)], 1):
            replica = Replica(
                name=f"runhook-{number}:4{number}:5f1c7d2e",
                host=f"runhook-{number}",
                roles=roles,
                version=VERSION,
                started_at=now - timedelta(hours=30 * number),
            )
            await note_sign_of_life(tx, replica, attempts_lately=24 // number)
        # They live as long as somebody looks.
        await tx.execute(sa.update(replicas).values(seen_at=now + timedelta(minutes=10)))


async def add_redelivery(store: Store, webhook_id: WebhookId, now: datetime) -> RedeliveryId:
    """Begin a redelivery, and let it have come a part of the way."""
    selection = Selection(since=now - timedelta(hours=23))
    redelivery_id = await begin_to_redeliver(store, selection, now)
    async with store.write() as tx:
        share = redelivery_shares.c
        is_ours = sa.and_(share.redelivery_id == redelivery_id, share.webhook_id == webhook_id)
        await tx.execute(
            sa.update(redelivery_shares).where(is_ours).values(queued=share.total - share.total / 3)
        )
        (queued,) = (await tx.execute(sa.select(share.queued).where(is_ours))).one()
        oldest_first = (
            sa.select(deliveries.c.id)
            .where(deliveries.c.webhook_id == webhook_id, IS_UNSENT)
            .order_by(deliveries.c.created_at)
        )
        ids = (await tx.execute(oldest_first.limit(queued))).scalars().all()
        for place, delivery_id in enumerate(ids):
            state = (
                DeliveryState.PENDING
                if place > 0.9 * queued
                else DeliveryState.FAILED
                if place % 7 == 3
                else DeliveryState.SUCCEEDED
            )
            await tx.execute(
                sa.update(deliveries)
                .where(deliveries.c.id == delivery_id)
                .values(redelivery_id=redelivery_id, state=state)
            )
    return redelivery_id


async def begin_to_redeliver(
    store: Store, selection: Selection | Picked, now: datetime
) -> RedeliveryId:
    """Begin a redelivery."""
    redelivery = await begin_redelivery(
        Context(store, PastClock(now), ADA),
        FIRST_ACCOUNT,
        selection,
        retention=timedelta(days=30),
    )
    return redelivery.id


def tries_of(
    row: sa.Row[Any], share: float, age: timedelta, chance: random.Random, host: str
) -> tuple[list[dict[str, Any]], bool]:
    """Return a delivery's attempts, and whether the last one succeeded."""
    pauses = [0, 11, 72, 331, 1_900, 7_400]
    sent_at = row.created_at + timedelta(milliseconds=40)
    tries: list[dict[str, Any]] = []
    for number, pause in enumerate(pauses, 1):
        sent_at += timedelta(seconds=pause)
        if sent_at > row.created_at + age:
            return tries, False
        is_good = chance.random() < share
        code, failure, error = (204, None, "") if is_good else chance.choice(ANSWERS)
        duration = (
            timedelta(seconds=10)
            if failure is FailureReason.TIMED_OUT
            else timedelta(milliseconds=chance.lognormvariate(4.6, 0.6))
        )
        tries.append(
            {
                "delivery_id": row.id,
                "number": number,
                "trigger": AttemptTrigger.SCHEDULED,
                "sent_at": sent_at,
                "duration": duration,
                "phases": phases_of(duration, failure),
                "http_status_code": code,
                "failure": failure,
                "error": error.format(host=host),
                "request_headers": {
                    "Content-Type": "application/json",
                    "Authorization": "5f1c" * 16,
                    "webhook-id": row.id,
                    "webhook-timestamp": str(int(sent_at.timestamp())),
                    "webhook-signature": "v1,Zm9yIGEgcGljdHVyZSBvbmx5",
                },
                "response_headers": {"content-type": "application/json", "server": "nginx"}
                if code
                else {},
                "response_body": b'{"error": "upstream is restarting"}' if code == 503 else b"",
            }
        )
        if is_good:
            return tries, True
    return tries, False


def phases_of(
    duration: timedelta, failure: FailureReason | None
) -> Mapping[AttemptPhase, timedelta]:
    """Return what an attempt spent its time on, most of it on what it failed at."""
    before = {AttemptPhase.DNS: 0.04, AttemptPhase.CONNECT: 0.09, AttemptPhase.TLS: 0.16}
    last = {
        FailureReason.TIMED_OUT: AttemptPhase.WAIT,
        FailureReason.DNS_FAILED: AttemptPhase.DNS,
        FailureReason.CONNECTION_FAILED: AttemptPhase.CONNECT,
        FailureReason.TLS_FAILED: AttemptPhase.TLS,
    }.get(failure or FailureReason.HTTP_STATUS, AttemptPhase.READ)
    if failure is FailureReason.TIMED_OUT:
        before = {phase: share / 100 for phase, share in before.items()}
    if last is AttemptPhase.READ:
        before[AttemptPhase.WAIT] = 0.66
    phases = {
        phase: share * duration
        for phase, share in before.items()
        if [*AttemptPhase].index(phase) < [*AttemptPhase].index(last)
    }
    return {**phases, last: duration - sum(phases.values(), timedelta())}


def count_of(attempt: Mapping[str, Any]) -> AttemptCounts:
    """Count one attempt."""
    durations = [*EMPTY]
    durations[bucket_of(attempt["duration"])] = 1
    has_failed = attempt["failure"] is not None
    return AttemptCounts(
        succeeded=int(not has_failed),
        failed=int(has_failed),
        durations=durations,
        longest=attempt["duration"],
    )


def final_values(
    row: sa.Row[Any], tries: list[dict[str, Any]], now: datetime, *, is_good: bool
) -> dict[str, Any]:
    """Return what the attempts leave of a delivery."""
    last = tries[-1] if tries else {}
    is_over = is_good or len(tries) == 6
    state = DeliveryState.SUCCEEDED if is_good else DeliveryState.FAILED
    return {
        "state": state if is_over else DeliveryState.PENDING,
        "attempt_count": len(tries),
        "next_attempt_at": None if is_over else now + timedelta(minutes=4),
        "http_status_code": last.get("http_status_code"),
        "failure": last.get("failure"),
        "updated_at": last.get("sent_at", row.created_at),
    }


def present() -> datetime:
    """Return the present, for who seeds by hand."""
    return datetime.now(UTC)
