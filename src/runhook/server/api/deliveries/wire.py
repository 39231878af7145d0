"""Deliveries and attempts as JSON; dbt Cloud's API calls them events and receipts."""

from msgspec import Struct

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.people.callers import Caller
from runhook.server.api.wire import microseconds
from runhook.storage.deliveries.mail_pauses import HeldUp
from runhook.storage.deliveries.rows import LoggedAttempt, LoggedDelivery
from runhook.storage.engine.columns import MICROSECOND


class EventOut(Struct, kw_only=True):
    """A delivery, which dbt Cloud's API calls an event, with our keys behind."""

    id: str
    subscription_id: str
    account_identifier: str
    account_id: str
    job_id: str
    trigger_event_type: str
    payload: str
    http_status_code: str
    run_id: str
    is_test: bool
    state: str
    attempt_count: int
    failure: str | None
    cancel_reason: str | None
    created_at: str
    updated_at: str
    next_attempt_at: str | None
    held_until: str | None
    held_up_by: str | None


def event_of(delivery: LoggedDelivery, caller: Caller, held_up: HeldUp | None = None) -> EventOut:
    """Show a delivery, and what holds up its webhook's for the service's own sake."""
    is_due = delivery.state is DeliveryState.PENDING and delivery.held_until is None
    next_attempt_at = delivery.next_attempt_at if delivery.state == "pending" else None
    return EventOut(
        id=delivery.id,
        subscription_id=delivery.webhook_id,
        account_identifier=caller.account_identifier,
        account_id=str(delivery.account_id),
        # A test speaks of no job and no run; the keys are texts all the same.
        job_id=str(delivery.job_id or 0),
        trigger_event_type=delivery.event_type.value,
        payload=delivery.body.decode(),
        http_status_code=str(delivery.http_status_code or 0),
        run_id=str(delivery.run_id or 0),
        is_test=delivery.is_test,
        state=delivery.state.value,
        attempt_count=delivery.attempt_count,
        failure=delivery.failure.value if delivery.failure else None,
        cancel_reason=delivery.cancel_reason,
        created_at=microseconds(delivery.created_at),
        updated_at=microseconds(delivery.updated_at),
        next_attempt_at=microseconds(next_attempt_at) if next_attempt_at else None,
        held_until=microseconds(delivery.held_until) if delivery.held_until else None,
        held_up_by=held_up.by if held_up is not None and is_due else None,
    )


class ReceiptOut(Struct, kw_only=True):
    """An attempt, which dbt Cloud's API calls a receipt, with our keys behind."""

    id: str
    event_id: str
    subscription_id: str
    dispatched_at: str
    http_status_code: str
    error_info: str
    request_body: str
    request_headers: str
    response_body: str
    response_headers: str
    attempt: int
    duration: str
    phases: dict[str, str]
    """What the duration was spent on, in microseconds too."""
    failure: str | None
    note: str
    trigger: str


def receipt_of(attempt: LoggedAttempt, delivery: LoggedDelivery) -> ReceiptOut:
    """Show an attempt of a delivery."""
    return ReceiptOut(
        id=f"{delivery.id}.{attempt.number}",
        event_id=delivery.id,
        subscription_id=delivery.webhook_id,
        dispatched_at=microseconds(attempt.sent_at),
        http_status_code=str(attempt.http_status_code or 0),
        error_info=attempt.error,
        request_body=delivery.body.decode(),
        request_headers=header_lines(attempt.request_headers),
        response_body=attempt.response_body.decode(errors="replace"),
        response_headers=header_lines(attempt.response_headers),
        attempt=attempt.number,
        duration=str(attempt.duration // MICROSECOND),
        phases={one.value: str(spent // MICROSECOND) for one, spent in attempt.phases.items()},
        failure=attempt.failure.value if attempt.failure else None,
        note=attempt.note,
        trigger=attempt.trigger.value,
    )


def header_lines(headers: dict[str, str]) -> str:
    """Headers as on the wire, one per line."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items())
