"""Create, change and delete webhooks."""

import secrets
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import Literal, TypeVar

from runhook.clock import Clock
from runhook.domain.auditing import AuditAction, Facts
from runhook.domain.callers import Actor
from runhook.domain.custom_headers import CustomHeaders, check_custom_headers
from runhook.domain.destinations import AddressPolicy, check_url
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.failing import WELL
from runhook.domain.rate_limits import RateLimit
from runhook.domain.retries import RetrySchedule
from runhook.domain.runs import AccountId, EnvironmentId, JobId, ProjectId
from runhook.domain.signature import SECRET_BYTES, Secret
from runhook.domain.webhooks import (
    DEACTIVATED_REASON,
    DeactivatedBy,
    PayloadVersion,
    Webhook,
    WebhookId,
    check_description,
    check_event_types,
    check_filtered,
    check_grace,
    check_ids,
    check_name,
    check_result_filter,
)
from runhook.operations.audit import note_change
from runhook.operations.cancel_waiting import cancel_waiting
from runhook.operations.ids import new_webhook_id
from runhook.storage.accounts import find_account
from runhook.storage.jobs import unknown_jobs
from runhook.storage.scopes import unknown_environments, unknown_projects
from runhook.storage.store import Store, Transaction
from runhook.storage.webhooks import (
    delete_webhook,
    insert_webhook,
    lock_webhook,
    read_headers,
    rotate_secret,
    update_webhook,
    write_headers,
)

Id = TypeVar("Id", bound=int)


class Kept(Enum):
    """Stands for a value that stays as it is, where None is a value too."""

    KEPT = "kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """What a caller wants of a webhook; None leaves a value as it is."""

    name: str | None = None
    description: str | None = None
    client_url: str | None = None
    event_types: list[str] | None = None
    job_ids: list[JobId] | None = None
    project_ids: list[ProjectId] | None = None
    environment_ids: list[EnvironmentId] | None = None
    active: bool | None = None
    payload_version: PayloadVersion | None = None
    result_filter: list[str] | None = None
    include_results: bool | None = None
    retry_schedule: RetrySchedule | Literal[Kept.KEPT] | None = Kept.KEPT
    """None is the service's own."""
    rate_limit: RateLimit | Literal[Kept.KEPT] | None = Kept.KEPT
    """None is none."""
    custom_headers: CustomHeaders | None = field(default=None, repr=False)
    """All of them; a masked value keeps the one that is there."""


async def create_webhook(
    store: Store,
    account_id: AccountId,
    change: WebhookChange,
    *,
    actor: Actor,
    policy: AddressPolicy,
    clock: Clock,
) -> tuple[Webhook, Secret]:
    """Create a webhook; its secret is shown this once.

    Raises:
        InvalidError: a value is missing or not valid; the message begins with its name.
    """
    if change.name is None or change.client_url is None or change.event_types is None:
        raise InvalidError("name, client_url and event_types are required")
    now = clock.now()
    secret = new_secret()
    async with store.write() as tx:
        account = await find_account(tx, account_id)
        if account is None:
            raise NotFoundError(f"There is no account {account_id}.")
        blank = Webhook(
            id=new_webhook_id(now),
            account_id=account_id,
            name=change.name,
            client_url=change.client_url,
            event_types=(),
            payload_version=account.default_payload_version,
            created_at=now,
            updated_at=now,
        )
        webhook = await changed_webhook(tx, blank, change, policy)
        await insert_webhook(tx, webhook, secret)
        webhook, _ = await with_headers(tx, webhook, change)
        await note_webhook(
            tx, AuditAction.WEBHOOK_CREATED, actor, before=None, after=webhook, now=now
        )
    return webhook, secret


async def change_webhook(
    store: Store,
    account_id: AccountId,
    webhook_id: WebhookId,
    change: WebhookChange,
    *,
    actor: Actor,
    policy: AddressPolicy,
    clock: Clock,
) -> Webhook:
    """Change a webhook; deactivating one cancels what waits for it.

    Raises:
        NotFoundError: the account has no such webhook.
        InvalidError: a value is not valid; the message begins with its name.
    """
    now = clock.now()
    await end_what_waited(store, account_id, webhook_id)
    async with store.write() as tx:
        before = await existing_webhook(tx, account_id, webhook_id)
        after = replace(await changed_webhook(tx, before, change, policy), updated_at=now)
        await update_webhook(tx, after)
        after, renewed = await with_headers(tx, after, change)
        await note_webhook(
            tx,
            AuditAction.WEBHOOK_CHANGED,
            actor,
            before=before,
            after=after,
            # The values are secrets, so that it only tells which of them are new.
            beside={"new_header_values": renewed} if renewed else {},
            now=now,
        )
        if before.active and not after.active:
            await cancel_waiting(tx, [webhook_id])
    return after


async def end_what_waited(store: Store, account_id: AccountId, webhook_id: WebhookId) -> None:
    """Cancel what is left from before a webhook was switched off.

    It is not to be sent if the webhook is switched on just now.

    Raises:
        NotFoundError: the account has no such webhook.
    """
    is_more = True
    while is_more:
        async with store.write() as tx:
            await existing_webhook(tx, account_id, webhook_id)
            is_more = await cancel_waiting(tx, [webhook_id])


async def remove_webhook(
    store: Store, account_id: AccountId, webhook_id: WebhookId, *, actor: Actor, clock: Clock
) -> None:
    """Delete a webhook and cancel what waits for it.

    Raises:
        NotFoundError: the account has no such webhook.
    """
    now = clock.now()
    async with store.write() as tx:
        webhook = await existing_webhook(tx, account_id, webhook_id)
        await delete_webhook(tx, webhook, now=now)
        await note_webhook(
            tx, AuditAction.WEBHOOK_DELETED, actor, before=webhook, after=None, now=now
        )
        await cancel_waiting(tx, [webhook_id])


async def renew_secret(
    store: Store,
    account_id: AccountId,
    webhook_id: WebhookId,
    *,
    grace_days: int,
    actor: Actor,
    clock: Clock,
) -> tuple[Webhook, Secret]:
    """Give a webhook a new secret; it is shown this once.

    For so many days the one before it signs too, beside the new one, where a request can carry two
    signatures. A secret from before an earlier rotation is over at once.

    Raises:
        NotFoundError: the account has no such webhook.
        InvalidError: the grace is not from 0 to 7 days.
    """
    grace = check_grace(grace_days)
    now = clock.now()
    secret = new_secret()
    async with store.write() as tx:
        webhook = await existing_webhook(tx, account_id, webhook_id)
        until = await rotate_secret(tx, webhook, secret, grace=grace)
        await note_change(
            tx,
            account_id,
            actor,
            AuditAction.WEBHOOK_SECRET_ROTATED,
            webhook_id,
            before=None,
            after={"grace_days": grace_days},
            now=now,
        )
    return replace(webhook, previous_secret_until=until), secret


def new_secret() -> Secret:
    """Return a new random secret."""
    return Secret.from_bytes(secrets.token_bytes(SECRET_BYTES))


async def existing_webhook(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> Webhook:
    """Return a webhook, locked."""
    webhook = await lock_webhook(tx, account_id, webhook_id)
    if webhook is None:
        raise NotFoundError(f"There is no webhook {webhook_id} in this account.")
    return webhook


async def changed_webhook(
    tx: Transaction, webhook: Webhook, change: WebhookChange, policy: AddressPolicy
) -> Webhook:
    """Return the webhook with the change applied and checked."""
    if change.name is not None:
        webhook = replace(webhook, name=check_name(change.name))
    if change.description is not None:
        webhook = replace(webhook, description=check_description(change.description))
    if change.event_types is not None:
        webhook = replace(webhook, event_types=check_event_types(change.event_types))
    if change.payload_version is not None:
        webhook = replace(webhook, payload_version=change.payload_version)
    if change.result_filter is not None:
        webhook = replace(webhook, result_filter=check_result_filter(change.result_filter))
    if change.include_results is not None:
        webhook = replace(webhook, include_results=change.include_results)
    if change.retry_schedule is not Kept.KEPT:
        webhook = replace(webhook, retry_schedule=change.retry_schedule)
    if change.rate_limit is not Kept.KEPT:
        webhook = replace(webhook, rate_limit=change.rate_limit)
    return switched(await scoped(tx, check_filtered(webhook), change), change, policy)


async def scoped(tx: Transaction, webhook: Webhook, change: WebhookChange) -> Webhook:
    """Return the webhook narrowed to the jobs, projects and environments of the change."""
    account_id = webhook.account_id
    if change.job_ids is not None:
        job_ids = await checked_ids(tx, account_id, "job", change.job_ids, unknown_jobs)
        webhook = replace(webhook, job_ids=job_ids)
    if change.project_ids is not None:
        project_ids = await checked_ids(
            tx, account_id, "project", change.project_ids, unknown_projects
        )
        webhook = replace(webhook, project_ids=project_ids)
    if change.environment_ids is not None:
        environment_ids = await checked_ids(
            tx, account_id, "environment", change.environment_ids, unknown_environments
        )
        webhook = replace(webhook, environment_ids=environment_ids)
    return webhook


async def checked_ids(
    tx: Transaction,
    account_id: AccountId,
    thing: str,
    given: list[Id],
    find_unknown: Callable[[Transaction, AccountId, Collection[Id]], Awaitable[list[int]]],
) -> tuple[Id, ...]:
    """Return ids, each once; refuse what this account does not have, another account's too."""
    key = f"{thing}_ids"
    ids = check_ids(key, given)
    unknown = await find_unknown(tx, account_id, ids) if ids else []
    if unknown:
        named = ", ".join(str(one) for one in unknown[:5])
        raise InvalidError(f"{key}: this account has no {thing} {named}")
    return ids


async def with_headers(
    tx: Transaction, webhook: Webhook, change: WebhookChange
) -> tuple[Webhook, list[str]]:
    """Write the headers of the change, if it has any.

    Returns:
        the webhook with their names, and the names of those that got another value.
    """
    if change.custom_headers is None:
        return webhook, []
    kept = await read_headers(tx, webhook)
    headers = check_custom_headers(change.custom_headers, kept)
    if list(headers.items()) != list(kept.items()):
        await write_headers(tx, webhook, headers)
    renewed = [name for name in headers if name in kept and headers[name] != kept[name]]
    return replace(webhook, header_names=tuple(headers)), renewed


def switched(webhook: Webhook, change: WebhookChange, policy: AddressPolicy) -> Webhook:
    """Return the webhook with its URL changed and switched on or off.

    As in dbt Cloud, a new URL reactivates a webhook, even if the same request says inactive. Who
    gives a new URL, or says active, vouches for the endpoint: its failures are forgotten.
    """
    moved = False
    if change.client_url is not None:
        url = check_url(change.client_url, policy)
        moved = url != webhook.client_url
        webhook = replace(webhook, client_url=url)
    if moved or change.active:
        webhook = replace(webhook, health=WELL)
    was_active = webhook.active
    active = was_active if change.active is None else change.active
    if moved and not was_active:
        active = True
    if active:
        return replace(webhook, active=True, deactivated_by=None, deactivate_reason=None)
    if not was_active:
        return webhook
    return replace(
        webhook,
        active=False,
        deactivated_by=DeactivatedBy.USER,
        deactivate_reason=DEACTIVATED_REASON,
    )


async def note_webhook(
    tx: Transaction,
    action: AuditAction,
    actor: Actor,
    *,
    before: Webhook | None,
    after: Webhook | None,
    beside: Facts | None = None,
    now: datetime,
) -> None:
    """Write into the audit log what happened to a webhook, and what else there is now."""
    webhook = after or before
    assert webhook is not None
    await note_change(
        tx,
        webhook.account_id,
        actor,
        action,
        webhook.id,
        before=facts_of(before) if before else None,
        after={**facts_of(after), **(beside or {})} if after else None,
        now=now,
    )


def facts_of(webhook: Webhook) -> Facts:
    """Return what the audit log tells of a webhook: what a user can set, but no secret."""
    return {
        "name": webhook.name,
        "description": webhook.description,
        "client_url": webhook.client_url,
        "event_types": [event_type.value for event_type in webhook.event_types],
        "job_ids": list(webhook.job_ids),
        "project_ids": list(webhook.project_ids),
        "environment_ids": list(webhook.environment_ids),
        "active": webhook.active,
        "payload_version": webhook.payload_version.value,
        "result_filter": [one.value for one in webhook.result_filter],
        "include_results": webhook.include_results,
        "retry_schedule": webhook.retry_schedule and webhook.retry_schedule.seconds,
        "rate_limit": webhook.rate_limit and str(webhook.rate_limit),
        "header_names": list(webhook.header_names),
    }
