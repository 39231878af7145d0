"""Accounts, and the tokens that act for them."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runhook.domain.permissions import PermissionSet
from runhook.domain.runs import AccountId
from runhook.domain.webhooks import PayloadVersion
from runhook.storage.store import Transaction
from runhook.storage.tables import accounts, tokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """Whose webhooks and runs these are."""

    id: AccountId
    identifier: str
    """`act_` and a KSUID, as dbt Cloud's."""
    name: str
    default_payload_version: PayloadVersion
    """What a new webhook gets that does not choose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token that is valid now."""

    id: int
    name: str
    account_id: AccountId
    account_identifier: str
    permission_set: PermissionSet


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


async def insert_token(
    tx: Transaction,
    account_id: AccountId,
    permission_set: PermissionSet,
    *,
    name: str,
    digest: str,
    created_by: str,
    now: datetime,
) -> None:
    """Add a token, of which only the digest is kept."""
    await tx.execute(
        sa.insert(tokens).values(
            account_id=account_id,
            name=name,
            permission_set=permission_set,
            digest=digest,
            created_by=created_by,
            created_at=now,
        )
    )


async def find_token(tx: Transaction, digest: str) -> Token | None:
    """Return what the token with this digest may act for."""
    row = (
        await tx.execute(
            sa.select(
                tokens.c.id,
                tokens.c.name,
                tokens.c.account_id,
                accounts.c.identifier,
                tokens.c.permission_set,
            )
            .join(accounts, accounts.c.id == tokens.c.account_id)
            .where(tokens.c.digest == digest)
        )
    ).one_or_none()
    if row is None:
        return None
    return Token(
        id=row.id,
        name=row.name,
        account_id=row.account_id,
        account_identifier=row.identifier,
        permission_set=row.permission_set,
    )
