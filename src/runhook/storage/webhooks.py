"""Webhooks and their secrets."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runhook.domain.events import EventType
from runhook.domain.runs import AccountId
from runhook.domain.signature import Secret
from runhook.domain.webhooks import Endpoint, Webhook, WebhookId
from runhook.storage.store import Transaction
from runhook.storage.tables import webhooks

IS_THERE = webhooks.c.deleted_at.is_(None)


async def insert_webhook(tx: Transaction, webhook: Webhook, secret: Secret) -> None:
    """Add a webhook."""
    await tx.execute(
        sa.insert(webhooks).values(
            id=webhook.id,
            account_id=webhook.account_id,
            secret_ciphertext=tx.vault.encrypt(secret),
            created_at=webhook.created_at,
            project_ids=[],
            environment_ids=[],
            **changing_columns(webhook),
        )
    )


async def update_webhook(tx: Transaction, webhook: Webhook) -> None:
    """Write what a caller can change of a webhook."""
    await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.account_id == webhook.account_id, webhooks.c.id == webhook.id)
        .values(changing_columns(webhook))
    )


async def lock_webhook(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> Webhook | None:
    """Return a webhook and let no other transaction change it before this one ends."""
    statement = select_webhooks(account_id).where(webhooks.c.id == webhook_id)
    row = (await tx.execute(statement.with_for_update())).one_or_none()
    return None if row is None else webhook_of(row)


async def find_webhook(
    tx: Transaction, account_id: AccountId, webhook_id: WebhookId
) -> Webhook | None:
    """Return a webhook of this account."""
    statement = select_webhooks(account_id).where(webhooks.c.id == webhook_id)
    row = (await tx.execute(statement)).one_or_none()
    return None if row is None else webhook_of(row)


async def list_webhooks(
    tx: Transaction, account_id: AccountId, *, limit: int, offset: int
) -> Sequence[Webhook]:
    """Return a page of an account's webhooks, the oldest first."""
    rows = await tx.execute(
        select_webhooks(account_id).order_by(webhooks.c.id).limit(limit).offset(offset)
    )
    return [webhook_of(row) for row in rows]


async def count_webhooks(tx: Transaction, account_id: AccountId) -> int:
    """Return how many webhooks an account has."""
    rows = await tx.execute(
        sa.select(sa.func.count())
        .select_from(webhooks)
        .where(webhooks.c.account_id == account_id, IS_THERE)
    )
    return int(rows.scalar_one())


async def webhooks_of_accounts(
    tx: Transaction, account_ids: Collection[AccountId]
) -> Mapping[AccountId, Sequence[Webhook]]:
    """Return every webhook of these accounts, inactive ones too."""
    rows = await tx.execute(
        sa.select(webhooks)
        .where(webhooks.c.account_id.in_(list(account_ids)), IS_THERE)
        .order_by(webhooks.c.id)
    )
    found: dict[AccountId, list[Webhook]] = {account_id: [] for account_id in account_ids}
    for row in rows:
        found[row.account_id].append(webhook_of(row))
    return found


async def delete_webhook(tx: Transaction, webhook: Webhook, *, now: datetime) -> None:
    """Take a webhook away; its row stays for its deliveries, without the secret."""
    await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.account_id == webhook.account_id, webhooks.c.id == webhook.id)
        .values(active=False, secret_ciphertext=None, deleted_at=now)
    )


async def find_endpoints(
    tx: Transaction, webhook_ids: Collection[WebhookId]
) -> dict[WebhookId, Endpoint]:
    """Return where these webhooks' deliveries go now; none for one that is not active."""
    rows = await tx.execute(
        sa.select(webhooks.c.id, webhooks.c.client_url, webhooks.c.secret_ciphertext).where(
            webhooks.c.id.in_(list(webhook_ids)), webhooks.c.active, IS_THERE
        )
    )
    return {
        row.id: Endpoint(
            webhook_id=row.id,
            client_url=row.client_url,
            secrets=(tx.vault.decrypt(row.secret_ciphertext),),
        )
        for row in rows
    }


async def newest_secret_opens(tx: Transaction) -> bool:
    """Whether the newest secret of any account was encrypted with the vault's key, or none is."""
    rows = await tx.execute(
        sa.select(webhooks.c.secret_ciphertext)
        .where(webhooks.c.secret_ciphertext.is_not(None))
        .order_by(webhooks.c.id.desc())
        .limit(1)
    )
    ciphertext = rows.scalar_one_or_none()
    return ciphertext is None or tx.vault.opens(ciphertext)


async def note_dispatches(
    tx: Transaction, latest: Mapping[WebhookId, tuple[datetime, int]]
) -> None:
    """Write when each webhook was last dispatched to and what it answered (0 for nothing).

    In the order of their ids, so that two workers wait for each other in one order.
    """
    await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.id == sa.bindparam("webhook_id"))
        .values(dispatched_at=sa.bindparam("at"), http_status_code=sa.bindparam("code")),
        [
            {"webhook_id": webhook_id, "at": at, "code": code}
            for webhook_id, (at, code) in sorted(latest.items())
        ],
    )


async def deactivate_webhooks(
    tx: Transaction, webhook_ids: Collection[WebhookId], *, reason: str, now: datetime
) -> None:
    """Switch webhooks off and say why."""
    await tx.execute(
        sa.update(webhooks)
        .where(webhooks.c.id.in_(list(webhook_ids)), webhooks.c.active)
        .values(active=False, deactivate_reason=reason, updated_at=now)
    )


def select_webhooks(account_id: AccountId) -> sa.Select[Any]:
    """Return the query of an account's webhooks, to be narrowed."""
    return sa.select(webhooks).where(webhooks.c.account_id == account_id, IS_THERE)


def changing_columns(webhook: Webhook) -> dict[str, Any]:
    """Return the columns that a caller can change."""
    return {
        "name": webhook.name,
        "description": webhook.description,
        "client_url": webhook.client_url,
        "event_types": list(webhook.event_types),
        "job_ids": list(webhook.job_ids),
        "active": webhook.active,
        "payload_version": webhook.payload_version,
        "deactivate_reason": webhook.deactivate_reason,
        "updated_at": webhook.updated_at,
    }


def webhook_of(row: sa.Row[Any]) -> Webhook:
    """Return the webhook in a row."""
    return Webhook(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        description=row.description,
        client_url=row.client_url,
        event_types=tuple(EventType(one) for one in row.event_types),
        job_ids=tuple(row.job_ids),
        active=row.active,
        payload_version=row.payload_version,
        deactivate_reason=row.deactivate_reason,
        http_status_code=row.http_status_code,
        dispatched_at=row.dispatched_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )
