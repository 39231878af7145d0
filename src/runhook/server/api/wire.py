"""The API's JSON: what comes in, what goes out, and the only place that knows its names.

Requests of dbt Cloud's clients are read leniently where those clients are known to be sloppy. Ours
refuse what they do not know.
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Generic, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, field

from runhook.domain.callers import Caller
from runhook.domain.errors import InvalidError
from runhook.domain.runs import FinishReport, JobId, Run, RunOutcome, RunStatus, StartReport
from runhook.domain.signature import Secret
from runhook.domain.webhooks import PayloadVersion, Webhook
from runhook.operations.subscribe import WebhookChange
from runhook.storage.columns import EPOCH, MICROSECOND
from runhook.storage.deliveries import LoggedAttempt, LoggedDelivery

Data = TypeVar("Data")

# PostgreSQL keeps no NUL character in a text.
NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)]
Sentence = Annotated[str, Meta(max_length=2_000, pattern=NO_NUL)]
Text = Annotated[str, Meta(max_length=10_000, pattern=NO_NUL)]
Moment = Annotated[datetime, Meta(tz=True)]

LARGEST_ID = 2**63 - 1
FIRST_YEAR, LAST_YEAR = 2000, 2200


class Status(Struct, kw_only=True):
    """The part of the envelope that says how it went; clients read the code from here."""

    code: int = 200
    is_success: bool = True
    user_message: str = "Success!"
    developer_message: str = ""


class Envelope(Struct, Generic[Data], kw_only=True):
    """What every answer comes in."""

    data: Data
    status: Status = field(default_factory=Status)
    extra: dict[str, Any] = field(default_factory=dict)


def created(data: Data) -> Envelope[Data]:
    """Return the envelope of something new."""
    return Envelope(data=data, status=Status(code=201))


def page(data: list[Data], *, limit: int, offset: int, total: int) -> Envelope[list[Data]]:
    """Return the envelope of a page of a list."""
    return Envelope(
        data=data,
        extra={
            "filters": {"limit": limit, "offset": offset},
            "pagination": {"count": len(data), "total_count": total},
        },
    )


class SubscriptionIn(Struct, kw_only=True):
    """A webhook as a client sends it, to create or to update one; other keys are passed over."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    client_url: Text | UnsetType = UNSET
    event_types: list[str] | UnsetType = UNSET
    job_ids: list[int | str] | int | str | UnsetType | None = UNSET
    active: bool | UnsetType | None = UNSET
    payload_version: PayloadVersion | UnsetType = UNSET

    def to_change(self) -> WebhookChange:
        """Return the change that the client wants."""
        return WebhookChange(
            name=given(self.name),
            description=given(self.description),
            client_url=given(self.client_url),
            event_types=given(self.event_types),
            job_ids=job_ids_of(given(self.job_ids)),
            active=given(self.active),
            payload_version=given(self.payload_version),
        )


def given(value: Data | UnsetType) -> Data | None:
    """Return a value, None for a key that was left out."""
    return None if isinstance(value, UnsetType) else value


def job_ids_of(value: list[int | str] | int | str | None) -> list[JobId] | None:
    """Read job ids: numbers or strings of digits, in a list or a single one by itself.

    Raises:
        InvalidError: one is no id.
    """
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    return [job_id_of(one) for one in listed]


def job_id_of(value: int | str) -> JobId:
    """Read one job id."""
    text = str(value)
    # Leading zeros do not count; what is left of an id is short enough to be read.
    digits = text.lstrip("0") or "0"
    if not (text.isascii() and text.isdigit()) or int(digits[:30]) > LARGEST_ID:
        raise InvalidError(f"job_ids: `{text[:40]}` is not a job's id")
    return JobId(int(digits))


class SubscriptionOut(Struct, kw_only=True):
    """A webhook as dbt Cloud shows it, with our keys behind."""

    id: str
    account_identifier: str
    account_id: str
    name: str
    description: str
    job_ids: list[str]
    event_types: list[str]
    client_url: str
    active: bool
    created_at: str
    updated_at: str
    dispatched_at: str | UnsetType = UNSET
    http_status_code: str
    deactivate_reason: str | None
    hmac_secret: str | UnsetType = UNSET
    payload_version: str


def subscription_of(
    webhook: Webhook, caller: Caller, secret: Secret | None = None
) -> SubscriptionOut:
    """Show a webhook; its secret only to whom it was just made for."""
    return SubscriptionOut(
        id=webhook.id,
        account_identifier=caller.account_identifier,
        account_id=str(webhook.account_id),
        name=webhook.name,
        description=webhook.description,
        job_ids=[str(job_id) for job_id in webhook.job_ids],
        event_types=[event_type.value for event_type in webhook.event_types],
        client_url=webhook.client_url,
        active=webhook.active,
        created_at=microseconds(webhook.created_at),
        updated_at=microseconds(webhook.updated_at),
        dispatched_at=microseconds(webhook.dispatched_at) if webhook.dispatched_at else UNSET,
        http_status_code=str(webhook.http_status_code or 0),
        deactivate_reason=webhook.deactivate_reason,
        hmac_secret=secret.reveal() if secret else UNSET,
        payload_version=webhook.payload_version.value,
    )


class Deleted(Struct, kw_only=True):
    """What is left of something deleted."""

    id: str


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
    state: str
    attempt_count: int
    failure: str | None
    created_at: str
    updated_at: str
    next_attempt_at: str | None


def event_of(delivery: LoggedDelivery, caller: Caller) -> EventOut:
    """Show a delivery."""
    next_attempt_at = delivery.next_attempt_at if delivery.state == "pending" else None
    return EventOut(
        id=delivery.id,
        subscription_id=delivery.webhook_id,
        account_identifier=caller.account_identifier,
        account_id=str(delivery.account_id),
        job_id=str(delivery.job_id),
        trigger_event_type=delivery.event_type.value,
        payload=delivery.body.decode(),
        http_status_code=str(delivery.http_status_code or 0),
        run_id=str(delivery.run_id),
        state=delivery.state.value,
        attempt_count=delivery.attempt_count,
        failure=delivery.failure.value if delivery.failure else None,
        created_at=microseconds(delivery.created_at),
        updated_at=microseconds(delivery.updated_at),
        next_attempt_at=microseconds(next_attempt_at) if next_attempt_at else None,
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
    failure: str | None


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
        failure=attempt.failure.value if attempt.failure else None,
    )


def header_lines(headers: dict[str, str]) -> str:
    """Return headers as they stand on the wire, one a line."""
    return "\n".join(f"{name}: {value}" for name, value in headers.items())


class StartIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A reporter's word that a run has started."""

    job_name: Name
    run_key: Name | None = None
    project_name: Name = "default"
    environment_name: Name = "default"
    run_reason: Sentence = ""
    dbt_version: Annotated[str, Meta(max_length=64, pattern=NO_NUL)] = ""
    started_at: Moment | None = None

    def to_report(self, new_key: str) -> StartReport:
        """Return the report; a run without a key of its own gets ``new_key``."""
        return StartReport(
            run_key=self.run_key or new_key,
            job_name=self.job_name,
            project_name=self.project_name,
            environment_name=self.environment_name,
            run_reason=self.run_reason,
            dbt_version=self.dbt_version,
            started_at=utc("started_at", self.started_at),
        )


STATUS_WORDS = {
    "success": RunStatus.SUCCESS,
    "error": RunStatus.ERROR,
    "canceled": RunStatus.CANCELLED,
}


class FinishIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A reporter's word that a run is over."""

    status: str
    finished_at: Moment | None = None
    status_message: Text | None = None
    outcome: RunOutcome | None = None
    results: dict[str, Any] | None = None
    dbt_version: Annotated[str, Meta(max_length=64, pattern=NO_NUL)] | None = None

    def to_report(self) -> FinishReport:
        """Return the report.

        Raises:
            InvalidError: the status is none of the three.
        """
        if self.status not in STATUS_WORDS:
            raise InvalidError(
                f"status: `{self.status[:40]}` is none of `success`, `error` and `canceled`"
            )
        return FinishReport(
            status=STATUS_WORDS[self.status],
            finished_at=utc("finished_at", self.finished_at),
            status_message=self.status_message,
            outcome=self.outcome,
            results=self.results,
            dbt_version=self.dbt_version,
        )


def utc(name: str, moment: datetime | None) -> datetime | None:
    """Return a moment in UTC.

    Raises:
        InvalidError: it is in no year that a run can be in.
    """
    if moment is None:
        return None
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise InvalidError(f"{name}: the year {moment.year} cannot be right")
    return moment.astimezone(UTC)


class RunOut(Struct, kw_only=True):
    """A run as reporters see it."""

    id: int
    account_id: int
    job_id: int
    environment_id: int
    project_id: int
    run_key: str
    job_name: str
    environment_name: str
    project_name: str
    run_reason: str
    dbt_version: str
    status: int
    status_humanized: str
    status_message: str | None
    outcome: str | None
    started_at: datetime
    finished_at: datetime | None
    cancel_requested: bool


# The Admin API's words; webhooks say Errored.
HUMANIZED = {
    RunStatus.QUEUED: "Queued",
    RunStatus.STARTING: "Starting",
    RunStatus.RUNNING: "Running",
    RunStatus.SUCCESS: "Success",
    RunStatus.ERROR: "Error",
    RunStatus.CANCELLED: "Cancelled",
}


def run_of(run: Run) -> RunOut:
    """Show a run."""
    return RunOut(
        id=run.id,
        account_id=run.account_id,
        job_id=run.job.id,
        environment_id=run.job.environment_id,
        project_id=run.job.project_id,
        run_key=run.run_key,
        job_name=run.job.name,
        environment_name=run.job.environment_name,
        project_name=run.job.project_name,
        run_reason=run.run_reason,
        dbt_version=run.dbt_version,
        status=run.status.value,
        status_humanized=HUMANIZED[run.status],
        status_message=run.status_message,
        outcome=run.outcome.value if run.outcome else None,
        started_at=run.started_at,
        finished_at=run.finished_at,
        cancel_requested=run.cancel_requested_at is not None,
    )


class HeartbeatOut(Struct, kw_only=True):
    """What a reporter learns from its heartbeat."""

    cancel_requested: bool


def microseconds(moment: datetime) -> str:
    """Return a moment as dbt Cloud's API writes webhooks' times: microseconds since 1970."""
    return str((moment - EPOCH) // MICROSECOND)
