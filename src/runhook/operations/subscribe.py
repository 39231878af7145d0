"""Create, change and delete webhooks."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runhook.clock import Clock
from runhook.domain.auditing import AuditAction, Facts
from runhook.domain.callers import Actor
from runhook.domain.destinations import AddressPolicy, check_url
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.runs import AccountId, JobId
from runhook.domain.signature import SECRET_BYTES, Secret
from runhook.domain.webhooks import (
    PayloadVersion,
    Webhook,
    WebhookId,
    check_description,
    check_event_types,
    check_job_ids,
    check_name,
)
from runhook.operations.audit import note_change
from runhook.operations.ids import new_webhook_id
from runhook.storage.accounts import find_account
from runhook.storage.deliveries import cancel_pending_of_inactive
from runhook.storage.jobs import unknown_jobs
from runhook.storage.store import Store, Transaction
from runhook.storage.webhooks import (
    delete_webhook,
    insert_webhook,
    lock_webhook,
    update_webhook,
)

DEACTIVATED_REASON = "Set inactive by a user."


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookChange:
    """What a caller wants of a webhook; None leaves a value as it is."""

    name: str | None = None
    description: str | None = None
    client_url: str | None = None
    event_types: list[str] | None = None
    job_ids: list[JobId] | None = None
    active: bool | None = None
    payload_version: PayloadVersion | None = None


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
    secret = Secret.from_bytes(secrets.token_bytes(SECRET_BYTES))
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
    async with store.write() as tx:
        before = await existing_webhook(tx, account_id, webhook_id)
        after = replace(await changed_webhook(tx, before, change, policy), updated_at=now)
        await update_webhook(tx, after)
        await note_webhook(
            tx, AuditAction.WEBHOOK_CHANGED, actor, before=before, after=after, now=now
        )
        if before.active and not after.active:
            await cancel_pending_of_inactive(tx, [webhook_id], now=now)
    return after


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
        await cancel_pending_of_inactive(tx, [webhook_id], now=now)


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
    if change.job_ids is not None:
        job_ids = check_job_ids(change.job_ids)
        await check_jobs_exist(tx, webhook.account_id, job_ids)
        webhook = replace(webhook, job_ids=job_ids)
    return switched(webhook, change, policy)


async def check_jobs_exist(
    tx: Transaction, account_id: AccountId, job_ids: Sequence[JobId]
) -> None:
    """Refuse jobs that this account does not have, another account's among them."""
    unknown = await unknown_jobs(tx, account_id, job_ids) if job_ids else []
    if unknown:
        named = ", ".join(str(job_id) for job_id in unknown[:5])
        raise InvalidError(f"job_ids: this account has no job {named}")


def switched(webhook: Webhook, change: WebhookChange, policy: AddressPolicy) -> Webhook:
    """Return the webhook with its URL changed and switched on or off.

    As in dbt Cloud, a new URL reactivates a webhook, even if the same request says inactive.
    """
    moved = False
    if change.client_url is not None:
        url = check_url(change.client_url, policy)
        moved = url != webhook.client_url
        webhook = replace(webhook, client_url=url)
    was_active = webhook.active
    active = was_active if change.active is None else change.active
    if moved and not was_active:
        active = True
    if active:
        return replace(webhook, active=True, deactivate_reason=None)
    reason = DEACTIVATED_REASON if was_active else webhook.deactivate_reason
    return replace(webhook, active=False, deactivate_reason=reason)


async def note_webhook(
    tx: Transaction,
    action: AuditAction,
    actor: Actor,
    *,
    before: Webhook | None,
    after: Webhook | None,
    now: datetime,
) -> None:
    """Write into the audit log what happened to a webhook."""
    webhook = after or before
    assert webhook is not None
    await note_change(
        tx,
        webhook.account_id,
        actor,
        action,
        webhook.id,
        before=facts_of(before) if before else None,
        after=facts_of(after) if after else None,
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
        "active": webhook.active,
        "payload_version": webhook.payload_version.value,
    }
