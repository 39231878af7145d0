"""Webhooks as JSON; dbt Cloud's API calls them subscriptions."""

from msgspec import UNSET, Struct, UnsetType

from runhook.domain.callers import Caller
from runhook.domain.errors import InvalidError
from runhook.domain.runs import JobId
from runhook.domain.signature import Secret
from runhook.domain.webhooks import PayloadVersion, Webhook
from runhook.operations.subscribe import WebhookChange
from runhook.server.api.wire import LARGEST_ID, Text, given, microseconds


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
