"""Webhooks: who wants which events, where they go, and in which form."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from difflib import get_close_matches
from enum import Enum, StrEnum
from typing import TypeVar

from runhook.domain.dbt.results import has_warned
from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import MessageFormat
from runhook.domain.messages.notices import MissedRun, Notice
from runhook.domain.messages.telling import DeliveryId, Telling, WebhookId
from runhook.domain.names import check_shown
from runhook.domain.network.destinations import host_of
from runhook.domain.runs.events import RESULT_EVENTS, Event, EventType
from runhook.domain.runs.node_filters import concerned, narrowed_nodes
from runhook.domain.runs.run import AccountId, EnvironmentId, Job, JobId, ProjectId
from runhook.domain.runs.scopes import ScopeKind
from runhook.domain.webhooks.failing import WELL, Health
from runhook.domain.webhooks.options import NO_OPTIONS, Options, ResultFilter
from runhook.domain.webhooks.signature import Secret

CONSUME = "consume:"
"""What the address of a consumer begins with: its deliveries are fetched, and not sent."""
NAME_LIMIT = 255
DESCRIPTION_LIMIT = 2_000
IDS_LIMIT = 1_000
"""How many jobs, projects or environments a webhook can name."""
LONGEST_GRACE = timedelta(days=7)
"""How long a secret can stay valid beside the one that took its place."""

DEACTIVATED_REASON = "Set inactive by a user."
DELETED_REASON = "The webhook was deleted."

Id = TypeVar("Id", bound=int)


class DeactivatedBy(StrEnum):
    """Who set a webhook inactive."""

    USER = "user"
    RUNHOOK = "runhook"
    """For its endpoint's failures."""


class Unwanted(Enum):
    """Why a webhook did not ask for an event."""

    NOT_SELECTED = "this event is not selected"
    OTHER_JOB = "it is narrowed to other jobs, projects or environments"
    RESULT_FILTER = "nothing was new that failed, or nothing warned, as it asks for"
    NODE_FILTER = "no node failed or warned that it asks for"
    FORMAT = "its format has nothing to say of it"


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """Which events of an account are sent, and to which endpoint."""

    id: WebhookId
    account_id: AccountId
    name: str
    description: str = ""
    client_url: str
    """Masked behind the host if who knows it can send."""
    moves: int = 0
    """How often it has changed."""
    event_types: tuple[EventType, ...]
    job_ids: tuple[JobId, ...] = ()
    """Empty means every job of the account; likewise for projects and environments."""
    project_ids: tuple[ProjectId, ...] = ()
    environment_ids: tuple[EnvironmentId, ...] = ()
    active: bool = True
    options: Options = NO_OPTIONS
    """With what is secret in them masked."""
    health: Health = WELL
    previous_secret_until: datetime | None = None
    """How long the secret before the last rotation is, or was, valid."""
    deactivated_by: DeactivatedBy | None = None
    """None while it is active; so is the reason."""
    deactivate_reason: str | None = None
    http_status_code: int | None = None
    """What the endpoint last answered; None before the first attempt, 0 for no answer."""
    dispatched_at: datetime | None = None
    held_up_since: datetime | None = None
    """Since when nothing could be sent for the service's own sake; None if the last attempt was."""
    held_up_by: str | None = None
    """Why, in a sentence."""
    created_at: datetime
    updated_at: datetime

    @property
    def is_consumed(self) -> bool:
        """Whether its deliveries are fetched by a consumer, and not sent."""
        return self.client_url.startswith(CONSUME)

    @property
    def is_archived(self) -> bool:
        """Whether its endpoint's failures made it inactive, which dbt Cloud calls archived."""
        return self.deactivated_by is DeactivatedBy.RUNHOOK

    @property
    def is_signed(self) -> bool:
        """Whether its requests carry our signatures."""
        return FORMATS[self.options.format].signs(self.options.settings)

    @property
    def format_title(self) -> str:
        """What people call its format."""
        return FORMATS[self.options.format].title

    @property
    def sends_mail(self) -> bool:
        """Whether its deliveries go over the operator's mail server."""
        return FORMATS[self.options.format].is_relayed

    @property
    def has_payload(self) -> bool:
        """Whether it gets dbt Cloud's facts, in a payload version."""
        return not isinstance(FORMATS[self.options.format], MessageFormat)

    def telling(
        self,
        delivery_id: DeliveryId,
        *,
        public_url: str | None = None,
        has_recovered: bool = False,
        is_sample: bool = False,
    ) -> Telling:
        """What a delivery to this webhook is made of, beside the event."""
        return Telling(
            delivery_id=delivery_id,
            webhook_id=self.id,
            webhook_name=self.name,
            payload_version=self.options.payload_version,
            include_results=self.options.include_results,
            mention=self.options.mention,
            host=host_of(self.client_url),
            public_url=public_url,
            has_recovered=has_recovered,
            is_sample=is_sample,
        )

    @property
    def narrowed_to(self) -> Mapping[ScopeKind, tuple[int, ...]]:
        """The ids of what it is narrowed to, the narrowest kind first."""
        return {
            ScopeKind.JOB: self.job_ids,
            ScopeKind.ENVIRONMENT: self.environment_ids,
            ScopeKind.PROJECT: self.project_ids,
        }

    def wants(self, event: Event) -> bool:
        """Whether this webhook asked for ``event``; an inactive one still may have."""
        return event.run.account_id == self.account_id and self.why_not(event) is None

    def why_not(self, event: Event) -> Unwanted | None:
        """Why this webhook did not ask for an event of its account; None if it did."""
        if event.type not in self.event_types:
            return Unwanted.NOT_SELECTED
        if not self.covers(event.run.job):
            return Unwanted.OTHER_JOB
        if self.options.result_filter and not self.lets_through(event):
            return Unwanted.RESULT_FILTER
        if (
            self.options.node_filter is not None
            and event.type is not EventType.STARTED
            and not concerned(event.run, self.options.node_filter)
        ):
            return Unwanted.NODE_FILTER
        return None if FORMATS[self.options.format].tells(event) else Unwanted.FORMAT

    def shown(self, event: Event | Notice) -> Event | Notice:
        """Narrow an event to the nodes that this webhook asked for."""
        if self.options.node_filter is None or not isinstance(event, Event):
            return event
        return replace(event, run=narrowed_nodes(event.run, self.options.node_filter))

    def wants_notice(self, notice: Notice) -> bool:
        """Whether this webhook asked for a notice; one of a deactivation never tells of itself.

        Of a deactivation it is told whatever jobs, projects or environments it is narrowed to.
        """
        return (
            notice.account_id == self.account_id
            and notice.type in self.event_types
            and (
                self.covers(notice.job)
                if isinstance(notice, MissedRun)
                else notice.webhook_id != self.id
            )
            and FORMATS[self.options.format].tells(notice)
        )

    def covers(self, job: Job) -> bool:
        """Whether a job is among those that this webhook is narrowed to."""
        return (
            (not self.job_ids or job.id in self.job_ids)
            and (not self.project_ids or job.project_id in self.project_ids)
            and (not self.environment_ids or job.environment_id in self.environment_ids)
        )

    def lets_through(self, event: Event) -> bool:
        """Whether the filter of results passes ``event``; what has no results always does."""
        return event.type not in RESULT_EVENTS or any(
            event.has_new_failures
            if one is ResultFilter.NEW_FAILURES
            else has_warned(event.run.results)
            for one in self.options.result_filter
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where a webhook's deliveries go now, and what each attempt is made with."""

    webhook_id: WebhookId
    client_url: str = field(repr=False)
    """As it is requested."""
    moves: int = 0
    """How often it had changed until then."""
    secrets: tuple[Secret, ...]
    """They sign; the newest first."""
    options: Options = NO_OPTIONS
    """Those that sending looks at, with their secrets."""
    is_gated: bool = False
    """Whether deliveries are let through one by one or a few at a time: the endpoint is paused, or
    has a rate limit."""
    is_sealed: bool = False
    """Whether what was secret was encrypted with a master key that is not there; nothing can be
    signed then."""

    @property
    def sends_mail(self) -> bool:
        """Whether deliveries go over the operator's mail server."""
        return FORMATS[self.options.format].is_relayed


def check_webhook_name(name: str) -> str:
    """Check a webhook's name; strip surrounding spaces.

    Raises:
        InvalidError: it is empty or too long, or has characters that cannot be shown.
    """
    name = name.strip()
    if not name:
        raise InvalidError("give the webhook a name", field="name")
    if len(name) > NAME_LIMIT:
        raise InvalidError(
            f"{len(name)} characters are too long; {NAME_LIMIT} at most", field="name"
        )
    return check_shown(name, field="name")


def check_description(description: str) -> str:
    """Check a webhook's description.

    Raises:
        InvalidError: it is too long, or has characters that cannot be shown.
    """
    if len(description) > DESCRIPTION_LIMIT:
        raise InvalidError(
            f"{len(description)} characters are too long; {DESCRIPTION_LIMIT} at most",
            field="description",
        )
    return check_shown(description, field="description", allowed="\n\r\t")


def check_event_types(names: list[str]) -> tuple[EventType, ...]:
    """Check names of event types; return each once, in the order given.

    Raises:
        InvalidError: there are none, or one is unknown.
    """
    types = {one.value: one for one in EventType}
    known = ", ".join(f"`{name}`" for name in types)
    if not names:
        raise InvalidError(f"choose at least one of {known}", field="event_types")
    for name in names:
        if name not in types:
            raise InvalidError(
                f"`{name[:80]}` is unknown; choose from {known}", field="event_types"
            )
    return tuple(types[name] for name in dict.fromkeys(names))


def check_event_type(name: str) -> EventType:
    """Check the name of an event type.

    Raises:
        InvalidError: it is unknown; the message names the nearest.
    """
    known = [one.value for one in EventType]
    if name in known:
        return EventType(name)
    near = get_close_matches(name, known, n=1, cutoff=0)
    raise InvalidError(f"`{name[:80]}` is unknown; did you mean `{near[0]}`?", field="event_type")


def check_told(webhook: Webhook) -> Webhook:
    """Check that a webhook's format has something to say of its events.

    Raises:
        InvalidError: it has not.
    """
    format_ = FORMATS[webhook.options.format]
    if format_.told_types.isdisjoint(webhook.event_types):
        known = ", ".join(f"`{one.value}`" for one in EventType if one in format_.told_types)
        raise InvalidError(
            f"{format_.title} gets none of these; choose from {known}", field="event_types"
        )
    return webhook


def check_filtered(webhook: Webhook) -> Webhook:
    """Check that the webhook gets an event with the results that its options ask for.

    Raises:
        InvalidError: it does not.
    """
    options = webhook.options
    asked = {
        "result_filter": bool(options.result_filter),
        "node_filter": options.node_filter is not None,
        "include_results": options.include_results,
    }
    for name, is_asked in asked.items():
        if is_asked and RESULT_EVENTS.isdisjoint(webhook.event_types):
            named = " or ".join(f"`{one.value}`" for one in EventType if one in RESULT_EVENTS)
            raise InvalidError(
                f"select {named} too, or leave it empty: no other event has results", field=name
            )
    return webhook


def check_mention(webhook: Webhook) -> Webhook:
    """Check that the messages of a webhook's format can mention whom they are to mention.

    Raises:
        InvalidError: they mention no one, or an id is not one of the service.
    """
    format_ = FORMATS[webhook.options.format]
    for name, one in webhook.options.mention.items():
        if format_.mentionable is None:
            raise InvalidError(
                f"messages of the format `{format_.name}` mention no one; leave it empty",
                field="mention",
            )
        if not format_.mentionable.fullmatch(one):
            raise InvalidError(
                f"what `{name}` has is not {format_.mentionable_as}", field="mention"
            )
    return webhook


def check_options(webhook: Webhook) -> Webhook:
    """Check that a webhook has no option that its format has no use for.

    Raises:
        InvalidError: it has.
    """
    format_ = FORMATS[webhook.options.format]
    for name in sorted(format_.unused_options):
        if getattr(webhook.options, name) != getattr(NO_OPTIONS, name):
            raise InvalidError(
                f"webhooks of the format `{format_.name}` have no use for it; leave it out",
                field=name,
            )
    return webhook


def check_ids(key: str, ids: list[Id]) -> tuple[Id, ...]:
    """Check ids; return each once, in the order given. Whether they exist, the store checks.

    Args:
        key: name of the field, such as `job_ids`.
        ids: of jobs, projects or environments.

    Raises:
        InvalidError: there are too many.
    """
    if len(ids) > IDS_LIMIT:
        raise InvalidError(f"{len(ids)} ids are too many; {IDS_LIMIT} at most", field=key)
    return tuple(dict.fromkeys(ids))


def check_grace(days: int) -> timedelta:
    """How long the present secret stays valid after a rotation.

    Raises:
        InvalidError: that is not from 0 to 7 days.
    """
    if not 0 <= days <= LONGEST_GRACE.days:
        raise InvalidError(f"{days} is not from 0 to {LONGEST_GRACE.days}", field="grace_days")
    return timedelta(days=days)
