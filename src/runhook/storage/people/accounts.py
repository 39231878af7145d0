"""Accounts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """An account, which owns webhooks and runs."""

    id: AccountId
    identifier: str
    """`act_` and a KSUID, as dbt Cloud's."""
    name: str
    default_payload_version: PayloadVersion
    """Payload version of new webhooks that choose none."""
    created_at: datetime


async def find_account(tx: Transaction, account_id: AccountId) -> Account | None:
    """Find an account."""
    row = (await tx.execute(sa.select(accounts).where(accounts.c.id == account_id))).one_or_none()
    return None if row is None else account_of(row)


async def lock_account(tx: Transaction, account_id: AccountId) -> Account | None:
    """Find an account; lock it and its members until the transaction ends.

    Rows that only refer to it, such as new runs, do not wait.
    """
    row = (
        await tx.execute(
            sa.select(accounts).where(accounts.c.id == account_id).with_for_update(key_share=True)
        )
    ).one_or_none()
    return None if row is None else account_of(row)


async def list_accounts(tx: Transaction) -> Sequence[Account]:
    """List every account, by id; for the operator."""
    return [account_of(row) for row in await tx.execute(sa.select(accounts).order_by("id"))]


async def next_account_id(tx: Transaction) -> AccountId:
    """An unused account id.

    Accounts are made too seldom for two to be made at once; if they are, one of them fails.
    """
    rows = await tx.execute(sa.select(sa.func.coalesce(sa.func.max(accounts.c.id), 0) + 1))
    return AccountId(rows.scalar_one())


async def insert_account(tx: Transaction, account: Account) -> None:
    """Add an account, with its id."""
    await tx.execute(
        sa.insert(accounts).values(
            id=account.id,
            identifier=account.identifier,
            name=account.name,
            default_payload_version=account.default_payload_version,
            created_at=account.created_at,
        )
    )


async def update_account(tx: Transaction, account: Account) -> None:
    """Write the columns of an account that can change."""
    await tx.execute(
        sa.update(accounts)
        .where(accounts.c.id == account.id)
        .values(name=account.name, default_payload_version=account.default_payload_version)
    )


def account_of(row: sa.Row[Any]) -> Account:
    """Read a row."""
    return Account(
        id=row.id,
        identifier=row.identifier,
        name=row.name,
        default_payload_version=row.default_payload_version,
        created_at=row.created_at,
    )
