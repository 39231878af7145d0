"""Accounts."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runhook.domain.runs import AccountId
from runhook.domain.webhooks import PayloadVersion
from runhook.storage.store import Transaction
from runhook.storage.tables import accounts


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose webhooks and runs these are."""

    id: AccountId
    identifier: str
    """`act_` and a KSUID, as dbt Cloud's."""
    name: str
    default_payload_version: PayloadVersion
    """What a new webhook gets that does not choose."""


async def find_account(tx: Transaction, account_id: AccountId) -> Account | None:
    """Return the account with this id."""
    row = (await tx.execute(sa.select(accounts).where(accounts.c.id == account_id))).one_or_none()
    if row is None:
        return None
    return Account(
        id=row.id,
        identifier=row.identifier,
        name=row.name,
        default_payload_version=row.default_payload_version,
    )


async def insert_account(tx: Transaction, account: Account, *, now: datetime) -> None:
    """Add an account, with its id."""
    await tx.execute(
        sa.insert(accounts).values(
            id=account.id,
            identifier=account.identifier,
            name=account.name,
            default_payload_version=account.default_payload_version,
            created_at=now,
        )
    )
