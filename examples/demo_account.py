"""A made-up account with a day of runs behind it, for pictures of the pages."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import sqlalchemy as sa

from runhook.domain.callers import COMMAND_LINE
from runhook.domain.deliveries import DeliveryState
from runhook.domain.destinations import AddressPolicy
from runhook.domain.failing import WELL
from runhook.domain.judging import FailureReason
from runhook.domain.permissions import PermissionSet, Role
from runhook.domain.runs import FinishReport, RunOutcome, RunStatus, StartReport
from runhook.domain.webhooks import Webhook, WebhookId
from runhook.operations.begin import FIRST_ACCOUNT, begin
from runhook.operations.invite import Answer, accept, invite
from runhook.operations.passwords import Passwords
from runhook.operations.publish import Finish, Publisher, Start
from runhook.operations.sessions import Browser
from runhook.operations.subscribe import WebhookChange, change_webhook, create_webhook
from runhook.operations.tokens import create_token
from runhook.storage.accounts import find_account, update_account
from runhook.storage.store import Store
from runhook.storage.tables import attempts, deliveries
from runhook.storage.webhooks import Dispatch, deactivate_webhook, note_dispatches

EMAIL, PASSWORD = "ada@example.com", "correct horse battery"
RUNS = 160
ARCHIVED = "No delivery has arrived for 7 days: connection refused."
EVENTS = ["job.run.started", "job.run.completed", "job.run.errored", "job.run.canceled"]
ENDPOINTS = [
    ("Tell the data team", "https://hooks.chat.example.com/services/dbt", EVENTS[1:3], 0.995),
    ("Page on failure", "https://events.pager.example.com/v2/enqueue", EVENTS[2:3], 0.90),
    ("Refresh dashboards", "https://bi.example.com/api/refresh", EVENTS[1:2], 0.97),
    ("Warehouse cost log", "https://costs.internal.example.com/ingest", EVENTS, 0.70),
    ("Old catalogue", "https://catalogue.example.com/dbt", EVENTS[:2], 0.0),
]
ANSWERS: list[tuple[int | None, FailureReason, str]] = [
    (503, FailureReason.HTTP_STATUS, "The endpoint answered 503."),
    (None, FailureReason.TIMED_OUT, "costs.internal.example.com:443 did not answer within 10 s."),
    (
        None,
        FailureReason.TLS_FAILED,
        "The certificate of costs.internal.example.com:443 was refused: certificate has expired.",
    ),
]
JOBS = [
    ("nightly", "shop", "production"),
    ("hourly orders", "shop", "production"),
    ("slim CI", "shop", "staging"),
    ("finance marts", "finance", "production"),
]
FAILED = {
    "nodes_known": True,
    "elapsed_seconds": 84.2,
    "total": 48,
    "counts": {"success": 41, "pass": 4, "error": 1, "fail": 1, "skipped": 1},
    "failed_total": 2,
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
    ],
}


class PastClock:
    """A clock that is set."""

    def __init__(self, now: datetime) -> None:
        self.present = now

    def now(self) -> datetime:
        return self.present


async def seed(store: Store, now: datetime) -> Sequence[WebhookId]:
    """Fill an empty database; return the webhooks."""
    chance = random.Random(8580)
    clock = PastClock(now - timedelta(hours=23, minutes=50))
    await begin(store, bootstrap_token=None, clock=clock)
    await name_account(store)
    await add_people(store, PastClock(now))
    webhooks = await add_webhooks(store, PastClock(now - timedelta(days=9)))
    publisher = Publisher(store, clock)
    for number in range(RUNS):
        clock.present = now - timedelta(minutes=(RUNS - number) * 8.9)
        await one_run(publisher, clock, number, chance, is_last=number >= RUNS - 2)
    await settle(store, webhooks, now, chance)
    return [webhook.id for webhook in webhooks]


async def name_account(store: Store) -> None:
    async with store.write() as tx:
        account = await find_account(tx, FIRST_ACCOUNT)
        assert account is not None
        await update_account(tx, replace(account, name="Acme Analytics"))


async def add_people(store: Store, clock: PastClock) -> None:
    people = [(EMAIL, "Ada", Role.OWNER), ("grace@example.com", "Grace", Role.MEMBER)]
    for email, name, role in people:
        _, secret = await invite(store, FIRST_ACCOUNT, role, actor=COMMAND_LINE, clock=clock)
        await accept(
            store,
            secret,
            Answer(email=email, name=name, password=PASSWORD),
            browser=Browser(address="192.0.2.7", user_agent="Mozilla/5.0 Firefox/140.0"),
            passwords=Passwords(),
            clock=clock,
        )
    await invite(
        store,
        FIRST_ACCOUNT,
        Role.VIEWER,
        email="edsger@example.com",
        actor=COMMAND_LINE,
        clock=clock,
    )
    for name, permission_set in [
        ("airflow", PermissionSet.JOB_RUNNER),
        ("terraform", PermissionSet.WEBHOOKS_ONLY),
    ]:
        await create_token(
            store, FIRST_ACCOUNT, permission_set, name=name, actor=COMMAND_LINE, clock=clock
        )


async def add_webhooks(store: Store, clock: PastClock) -> list[Webhook]:
    policy = AddressPolicy.parse("")
    created = []
    for name, url, event_types, _ in ENDPOINTS:
        change = WebhookChange(name=name, client_url=url, event_types=event_types)
        webhook, _ = await create_webhook(
            store, FIRST_ACCOUNT, change, actor=COMMAND_LINE, policy=policy, clock=clock
        )
        created.append(webhook)
    change = WebhookChange(description="Posts to #data-alerts; owned by the platform team.")
    await change_webhook(
        store,
        FIRST_ACCOUNT,
        created[0].id,
        change,
        actor=COMMAND_LINE,
        policy=policy,
        clock=clock,
    )
    return created


async def one_run(
    publisher: Publisher, clock: PastClock, number: int, chance: random.Random, *, is_last: bool
) -> None:
    job, project, environment = JOBS[0 if number % 24 == 0 else chance.choice([1, 1, 2, 3])]
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
            ),
        )
    )
    if is_last:
        return
    clock.present += timedelta(seconds=chance.randint(40, 420))
    has_failed = number % 9 == 4
    await publisher.publish(
        Finish(
            FIRST_ACCOUNT,
            run.run.id,
            FinishReport(
                status=RunStatus.ERROR if has_failed else RunStatus.SUCCESS,
                outcome=RunOutcome.FAILED if has_failed else None,
                status_message="Completed with 2 errors." if has_failed else None,
                results=FAILED
                if has_failed
                else {"nodes_known": True, "total": 48, "counts": {"success": 40, "pass": 8}},
            ),
        )
    )


async def settle(
    store: Store, webhooks: Sequence[Webhook], now: datetime, chance: random.Random
) -> None:
    """Give every delivery its attempts."""
    shares = {one.id: endpoint[3] for one, endpoint in zip(webhooks, ENDPOINTS, strict=True)}
    made: list[dict[str, Any]] = []
    latest: dict[WebhookId, Dispatch] = {}
    async with store.write() as tx:
        rows = list(await tx.execute(sa.select(deliveries).order_by(deliveries.c.created_at)))
        for row in rows:
            age = now - row.created_at
            tries, is_good = tries_of(row, shares[row.webhook_id], age, chance)
            values = final_values(row, tries, now, is_good=is_good)
            await tx.execute(sa.update(deliveries).where(deliveries.c.id == row.id).values(values))
            made += tries
            if tries:
                latest[row.webhook_id] = Dispatch(
                    webhook_id=row.webhook_id,
                    at=tries[-1]["sent_at"],
                    status_code=tries[-1]["http_status_code"] or 0,
                    health=WELL,
                )
        await tx.execute(sa.insert(attempts), made)
        await note_dispatches(tx, list(latest.values()))
        await deactivate_webhook(tx, webhooks[-1].id, reason=ARCHIVED, now=now - timedelta(hours=3))


def tries_of(
    row: sa.Row[Any], share: float, age: timedelta, chance: random.Random
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
        tries.append(
            {
                "delivery_id": row.id,
                "number": number,
                "sent_at": sent_at,
                "duration": timedelta(milliseconds=chance.lognormvariate(4.6, 0.6))
                if failure is not FailureReason.TIMED_OUT
                else timedelta(seconds=10),
                "http_status_code": code,
                "failure": failure,
                "error": error,
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
