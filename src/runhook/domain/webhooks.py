"""Webhooks: who wants which events, where they go, and in which form."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import NewType

from runhook.domain.errors import InvalidError
from runhook.domain.events import Event, EventType
from runhook.domain.runs import AccountId, JobId
from runhook.domain.signature import Secret

WebhookId = NewType("WebhookId", str)
"""`wsu_` and a KSUID, as dbt Cloud's."""

NAME_LIMIT = 255
DESCRIPTION_LIMIT = 2_000
JOBS_LIMIT = 1_000


class PayloadVersion(StrEnum):
    """The payload's form: the 2022 page's, or dbt Cloud's of today."""

    V2022_05 = "2022-05"
    V2023_02 = "2023-02"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An account's wish to be told of events at an endpoint."""

    id: WebhookId
    account_id: AccountId
    name: str
    description: str = ""
    client_url: str
    event_types: tuple[EventType, ...]
    job_ids: tuple[JobId, ...] = ()
    """Empty means every job of the account."""
    active: bool = True
    payload_version: PayloadVersion = PayloadVersion.V2022_05
    deactivate_reason: str | None = None
    http_status_code: int | None = None
    """What the endpoint last answered; None before the first attempt, 0 for no answer."""
    dispatched_at: datetime | None = None
    created_at: datetime
    updated_at: datetime

    def wants(self, event: Event) -> bool:
        """Whether this webhook asked for ``event``; an inactive one still may have."""
        return (
            event.run.account_id == self.account_id
            and event.type in self.event_types
            and (not self.job_ids or event.run.job.id in self.job_ids)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a webhook's deliveries go now, and the secrets that sign them, the newest first."""

    webhook_id: WebhookId
    client_url: str
    secrets: tuple[Secret, ...]


def check_name(name: str) -> str:
    """Return a webhook's name without the spaces around it.

    Raises:
        InvalidError: it is empty or too long.
    """
    name = name.strip()
    if not name:
        raise InvalidError("name: give the webhook a name")
    if len(name) > NAME_LIMIT:
        raise InvalidError(f"name: {len(name)} characters are too long; {NAME_LIMIT} at most")
    return name


def check_description(description: str) -> str:
    """Return a webhook's description.

    Raises:
        InvalidError: it is too long.
    """
    if len(description) > DESCRIPTION_LIMIT:
        raise InvalidError(
            f"description: {len(description)} characters are too long; {DESCRIPTION_LIMIT} at most"
        )
    return description


def check_event_types(names: list[str]) -> tuple[EventType, ...]:
    """Return event types in the order given, each once.

    Raises:
        InvalidError: there are none, or one is unknown.
    """
    types = {one.value: one for one in EventType}
    known = ", ".join(f"`{name}`" for name in types)
    if not names:
        raise InvalidError(f"event_types: choose at least one of {known}")
    for name in names:
        if name not in types:
            raise InvalidError(f"event_types: `{name[:80]}` is unknown; choose from {known}")
    return tuple(types[name] for name in dict.fromkeys(names))


def check_job_ids(ids: list[JobId]) -> tuple[JobId, ...]:
    """Return job ids in the order given, each once; whether the jobs exist is the store's to say.

    Raises:
        InvalidError: there are too many.
    """
    if len(ids) > JOBS_LIMIT:
        raise InvalidError(f"job_ids: {len(ids)} jobs are too many; {JOBS_LIMIT} at most")
    return tuple(dict.fromkeys(ids))
