"""A job that fails, and is well again: what the formats' tests tell of."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from runhook.domain.messages.notices import MissedRun
from runhook.domain.messages.telling import DeliveryId, Telling
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import AccountId, Job, Run, RunId, RunOutcome, RunStatus, Trigger
from tests.support.builders import a_job, a_missed_run, a_run, a_webhook, an_event

BEGAN = datetime(2026, 3, 1, 4, 0, 2, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=4, seconds=12)
NIGHTLY = a_job(name="nightly", project_name="shop", environment_name="prod")
FAILURE = (RunStatus.ERROR, RunOutcome.FAILED)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
RESULTS = {
    "counts": {"success": 41, "error": 1, "fail": 1, "skipped": 3},
    "failed_total": 2,
    "failed": [
        {
            "unique_id": "model.shop.orders",
            "resource_type": "model",
            "status": "error",
            "message": "Database Error in model orders (models/orders.sql)\n"
            "  no such column: amount",
        },
        {
            "unique_id": "test.shop.not_null_customers_id.0123456789",
            "resource_type": "test",
            "status": "fail",
            "message": "Got 3 results, configured to fail if != 0",
        },
    ],
}


def started(*, job: Job = NIGHTLY, run_id: int = 812, commit: str = COMMIT) -> Event:
    run = a_run(
        id=RunId(run_id),
        account_id=AccountId(1),
        job=job,
        run_reason="scheduled",
        dbt_version="1.11.16",
        started_at=BEGAN,
        trigger=Trigger(
            system="github_actions",
            link="https://github.com/acme/warehouse/actions/runs/41",
            commit=commit,
            pull_request=7,
        ),
    )
    return an_event(type=EventType.STARTED, run=run, occurred_at=BEGAN)


def ended(type_: EventType, status: RunStatus, outcome: RunOutcome | None, **told: object) -> Event:
    event = started(**told)
    run = replace(event.run, status=status, outcome=outcome, finished_at=ENDED)
    return an_event(type=type_, run=run, occurred_at=ENDED)


def failed(type_: EventType = EventType.COMPLETED, **told: object) -> Event:
    event = ended(type_, *FAILURE, **told)
    run = replace(event.run, status_message="2 of 46 nodes failed", results=RESULTS)
    return replace(event, run=run)


def succeeded(**told: object) -> Event:
    return ended(EventType.COMPLETED, RunStatus.SUCCESS, RunOutcome.COMPLETE, **told)


def canceled(**told: object) -> Event:
    return ended(EventType.CANCELED, RunStatus.CANCELLED, None, **told)


def with_run(event: Event, run: Run) -> Event:
    return replace(event, run=run)


def missed() -> MissedRun:
    return a_missed_run(account_id=AccountId(1), job=NIGHTLY)


def with_run_link(length: int) -> Telling:
    """What a delivery is made of where the link to run 812 has so many characters."""
    root, path = "https://runhook.example.com/", "/accounts/1/runs/812"
    return replace(telling(), public_url=root + "x" * (length - len(root) - len(path)))


def telling(*, has_recovered: bool = False) -> Telling:
    return a_webhook(name="to the team").telling(
        DeliveryId("wev_3AKOxVSmqKvJ04VSSA8Z9R1u1pQ"),
        public_url="https://runhook.example.com",
        has_recovered=has_recovered,
    )
