"""Webhooks as JSON; dbt Cloud's API calls them subscriptions."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal, TypeVar

from msgspec import UNSET, Struct, UnsetType

from runhook.domain.callers import Caller
from runhook.domain.custom_headers import MASK
from runhook.domain.errors import InvalidError
from runhook.domain.numbers import number_in
from runhook.domain.rate_limits import RateLimit
from runhook.domain.retries import RetrySchedule
from runhook.domain.runs import EnvironmentId, JobId, ProjectId
from runhook.domain.signature import Secret
from runhook.domain.webhooks import PayloadVersion, Webhook
from runhook.operations.send_test import Tried
from runhook.operations.subscribe import Kept, WebhookChange
from runhook.server.api.wire import Text, given, microseconds

Id = TypeVar("Id", bound=int)
Ids = list[int | str] | int | str | UnsetType | None
"""Ids as clients send them: numbers or texts, in a list or one by itself."""


class SubscriptionIn(Struct, kw_only=True):
    """A webhook as a client sends it, to create or to update one; other keys are passed over."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    client_url: Text | UnsetType = UNSET
    event_types: list[str] | UnsetType = UNSET
    job_ids: Ids = UNSET
    project_ids: Ids = UNSET
    environment_ids: Ids = UNSET
    active: bool | UnsetType | None = UNSET
    payload_version: PayloadVersion | UnsetType = UNSET
    result_filter: list[str] | UnsetType | None = UNSET
    include_results: bool | UnsetType | None = UNSET
    retry_schedule: list[float] | UnsetType | None = UNSET
    rate_limit: Text | UnsetType | None = UNSET
    custom_headers: dict[str, str] | UnsetType | None = UNSET

    def to_change(self) -> WebhookChange:
        """Return the change that the client wants."""
        return WebhookChange(
            name=given(self.name),
            description=given(self.description),
            client_url=given(self.client_url),
            event_types=given(self.event_types),
            job_ids=ids_of("job", JobId, given(self.job_ids)),
            project_ids=ids_of("project", ProjectId, given(self.project_ids)),
            environment_ids=ids_of("environment", EnvironmentId, given(self.environment_ids)),
            active=given(self.active),
            payload_version=given(self.payload_version),
            result_filter=filter_of(self.result_filter),
            include_results=given(self.include_results),
            retry_schedule=schedule_of(self.retry_schedule),
            rate_limit=rate_limit_of(self.rate_limit),
            custom_headers=given(self.custom_headers),
        )


def ids_of(
    thing: str, id_type: Callable[[int], Id], value: list[int | str] | int | str | None
) -> list[Id] | None:
    """Read ids: numbers or strings of digits, in a list or a single one by itself.

    Args:
        thing: what they are the ids of; the key is called after it.
        id_type: makes an id of a number.
        value: what the client sent.

    Raises:
        InvalidError: one is no id.
    """
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    return [id_type(id_of(thing, one)) for one in listed]


def id_of(thing: str, value: int | str) -> int:
    """Read one id."""
    text = str(value)
    number = number_in(text)
    if number is None:
        raise InvalidError(f"{thing}_ids: `{text[:40]}` is not {ARTICLES[thing]} {thing}'s id")
    return number


ARTICLES = {"job": "a", "project": "a", "environment": "an"}


def filter_of(value: list[str] | UnsetType | None) -> list[str] | None:
    """Read a filter of results; null is an empty one."""
    return [] if value is None else given(value)


def schedule_of(
    value: list[float] | UnsetType | None,
) -> RetrySchedule | Literal[Kept.KEPT] | None:
    """Read a retry schedule: seconds before each retry, null for the service's own.

    Raises:
        InvalidError: it is not within bounds.
    """
    if isinstance(value, UnsetType):
        return Kept.KEPT
    if value is None:
        return None
    try:
        return RetrySchedule.of(value)
    except InvalidError as error:
        raise InvalidError(f"retry_schedule: {error.message}") from None


def rate_limit_of(value: str | UnsetType | None) -> RateLimit | Literal[Kept.KEPT] | None:
    """Read a rate limit such as `10/second`, null for none.

    Raises:
        InvalidError: it is not one.
    """
    if isinstance(value, UnsetType):
        return Kept.KEPT
    if value is None:
        return None
    try:
        return RateLimit.parse(value)
    except InvalidError as error:
        raise InvalidError(f"rate_limit: {error.message}") from None


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
    project_ids: list[str]
    environment_ids: list[str]
    result_filter: list[str]
    include_results: bool
    retry_schedule: list[float] | None
    rate_limit: str | None
    custom_headers: dict[str, str]
    previous_secret_until: str | None
    failing_since: str | None
    consecutive_failures: int
    paused_until: str | None


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
        project_ids=[str(project_id) for project_id in webhook.project_ids],
        environment_ids=[str(environment_id) for environment_id in webhook.environment_ids],
        result_filter=[one.value for one in webhook.result_filter],
        include_results=webhook.include_results,
        retry_schedule=webhook.retry_schedule.seconds if webhook.retry_schedule else None,
        rate_limit=str(webhook.rate_limit) if webhook.rate_limit else None,
        custom_headers=dict.fromkeys(webhook.header_names, MASK),
        previous_secret_until=moment_of(webhook.previous_secret_until),
        failing_since=moment_of(webhook.health.failing_since),
        consecutive_failures=webhook.health.consecutive_failures,
        paused_until=moment_of(webhook.health.paused_until),
    )


def moment_of(moment: datetime | None) -> str | None:
    """Show a moment that may not be there."""
    return microseconds(moment) if moment else None


class Deleted(Struct, kw_only=True):
    """What is left of something deleted."""

    id: str


class SecretIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A wish for a new secret; for so many days the present one stays valid beside it."""

    grace_days: int


class VerificationOut(Struct, kw_only=True):
    """What came of a test: one generation of clients reads the error and code, one the event."""

    verification_error: str | None
    verification_status_code: str
    event_id: str


def verification_of(tried: Tried) -> VerificationOut:
    """Show what came of a test; status code 0 is no answer."""
    return VerificationOut(
        verification_error=tried.outcome.error or None,
        verification_status_code=str(tried.outcome.status_code or 0),
        event_id=tried.delivery_id,
    )
