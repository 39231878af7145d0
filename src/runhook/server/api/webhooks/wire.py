"""Webhooks as JSON; dbt Cloud's API calls them subscriptions.

The keys of options follow from their declarations. Type checkers, which cannot follow, see the
classes that have the other keys.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from msgspec import UNSET, Meta, Struct, UnsetType, defstruct, to_builtins

from runhook.domain.errors import InvalidError
from runhook.domain.numbers import number_in
from runhook.domain.options.declaring import Null, Option, written
from runhook.domain.options.kinds import Parts
from runhook.domain.people.callers import Caller
from runhook.domain.runs.run import EnvironmentId, JobId, ProjectId
from runhook.domain.webhooks.options import OPTIONS
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.webhooks.send_test import Tried
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.server.api.wire import Text, microseconds, value_or_none
from runhook.storage.deliveries.mail_pauses import HeldUp

Id = TypeVar("Id", bound=int)
Ids = list[int | str] | int | str | UnsetType | None
"""Ids as clients send them: numbers or texts, in a list or one by itself."""


class KnownIn(Struct, kw_only=True):
    """The keys of a webhook that are no options."""

    name: Text | UnsetType = UNSET
    description: Text | UnsetType | None = UNSET
    client_url: Text | UnsetType = UNSET
    event_types: list[str] | UnsetType = UNSET
    job_ids: Ids = UNSET
    project_ids: Ids = UNSET
    environment_ids: Ids = UNSET
    active: bool | UnsetType | None = UNSET

    def to_change(self) -> WebhookChange:
        """The requested change."""
        return WebhookChange(
            name=value_or_none(self.name),
            description=value_or_none(self.description),
            client_url=value_or_none(self.client_url),
            event_types=value_or_none(self.event_types),
            job_ids=ids_of("job", JobId, value_or_none(self.job_ids)),
            project_ids=ids_of("project", ProjectId, value_or_none(self.project_ids)),
            environment_ids=ids_of(
                "environment", EnvironmentId, value_or_none(self.environment_ids)
            ),
            active=value_or_none(self.active),
            options=dict(given_options(self)),
        )


def given_options(sent: Struct) -> Iterator[tuple[str, object]]:
    """Yield the options that a client sent, as JSON by name."""
    for option in OPTIONS:
        value = getattr(sent, option.name)
        is_kept = value is None and option.null is Null.KEEPS
        if value is not UNSET and not is_kept:
            yield option.name, to_builtins(value)


def option_in(option: Option) -> tuple[str, Any, Any]:
    """Field of a struct that reads an option, which may be left out."""
    type_: Any = option.kind.wire
    if isinstance(option.kind, Parts):
        type_ = struct_of(option.kind, "In", option_in, forbid_unknown_fields=True)
    missing = UnsetType if option.null is Null.IS_REFUSED else UnsetType | None
    return option.name, Annotated[type_ | missing, Meta(description=option.help)], UNSET


def option_out(option: Option) -> tuple[str, Any]:
    """Field of a struct that shows an option."""
    type_: Any = option.kind.wire
    if isinstance(option.kind, Parts):
        type_ = struct_of(option.kind, "Out", option_out)
    shown = type_ if option.default is not None else type_ | None
    return option.name, Annotated[shown, Meta(description=option.help)]


def struct_of(
    kind: Parts[Any],
    end: str,
    key_of: Callable[[Option], Any],
    *,
    forbid_unknown_fields: bool = False,
) -> Any:
    """Struct of an object, with a name that ends in ``end``."""
    return defstruct(
        f"{kind.of.__name__}{end}",
        [key_of(one) for one in kind.options],
        kw_only=True,
        forbid_unknown_fields=forbid_unknown_fields,
        module=__name__,
        namespace={"__doc__": kind.of.__doc__},
    )


if TYPE_CHECKING:
    SubscriptionIn = KnownIn
else:
    SubscriptionIn = defstruct(
        "SubscriptionIn",
        [option_in(option) for option in OPTIONS],
        bases=(KnownIn,),
        kw_only=True,
        module=__name__,
        namespace={
            "__doc__": "A webhook as a client sends it, to create or to update one; "
            "other keys are ignored."
        },
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
        InvalidError: one is not an id.
    """
    if value is None:
        return None
    listed = value if isinstance(value, list) else [value]
    return [id_type(read_id(thing, one)) for one in listed]


def read_id(thing: str, value: int | str) -> int:
    """Read one id."""
    text = str(value)
    number = number_in(text)
    if number is None:
        raise InvalidError(
            f"`{text[:40]}` is not {ARTICLES[thing]} {thing}'s id", field=f"{thing}_ids"
        )
    return number


ARTICLES = {"job": "a", "project": "a", "environment": "an"}


class KnownOut(Struct, kw_only=True):
    """What a webhook has beside its options."""

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
    project_ids: list[str]
    environment_ids: list[str]
    previous_secret_until: str | None
    failing_since: str | None
    consecutive_failures: int
    paused_until: str | None
    held_up_since: str | None
    held_up_by: str | None


if TYPE_CHECKING:
    SubscriptionOut = KnownOut
else:
    SubscriptionOut = defstruct(
        "SubscriptionOut",
        [option_out(option) for option in OPTIONS],
        bases=(KnownOut,),
        kw_only=True,
        module=__name__,
        namespace={"__doc__": "A webhook as dbt Cloud shows it, with our keys behind."},
    )


def subscription_of(
    webhook: Webhook,
    caller: Caller,
    *,
    secret: Secret | None = None,
    held_up: HeldUp | None = None,
) -> SubscriptionOut:
    """Show a webhook.

    Args:
        webhook: which.
        caller: to whom.
        secret: only in the response that makes it.
        held_up: what holds up deliveries that wait, for the service's own sake.
    """
    options: dict[str, Any] = written(webhook.options)
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
        project_ids=[str(project_id) for project_id in webhook.project_ids],
        environment_ids=[str(environment_id) for environment_id in webhook.environment_ids],
        previous_secret_until=wire_moment(webhook.previous_secret_until),
        failing_since=wire_moment(webhook.health.failing_since),
        consecutive_failures=webhook.health.consecutive_failures,
        paused_until=wire_moment(webhook.health.paused_until),
        held_up_since=wire_moment(held_up.since if held_up else None),
        held_up_by=held_up.by if held_up else None,
        **options,
    )


def wire_moment(moment: datetime | None) -> str | None:
    """Show a moment that may not be there."""
    return microseconds(moment) if moment else None


class Deleted(Struct, kw_only=True):
    """What is left of something deleted."""

    id: str


class SecretIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A wish for a new secret; for so many days the present one stays valid beside it."""

    grace_days: int


class VerificationOut(Struct, kw_only=True):
    """Result of a test: one generation of clients reads the error and code, one the event."""

    verification_error: str | None
    verification_status_code: str
    event_id: str


def verification_of(tried: Tried) -> VerificationOut:
    """Show the result of a test; status code 0 means no response."""
    return VerificationOut(
        verification_error=tried.outcome.error or None,
        verification_status_code=str(tried.outcome.status_code or 0),
        event_id=tried.delivery_id,
    )
