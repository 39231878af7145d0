"""API tokens, of which only digests are kept."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.people.permissions import PermissionSet
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.rows import count_rows
from runhook.storage.engine.store import Clock, Transaction
from runhook.storage.engine.tables import accounts, tokens

SHOWN = [column for column in tokens.c if column.name != "digest"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidToken:
    """A token that is valid now, and whose it is."""

    id: int
    name: str
    account_id: AccountId
    account_identifier: str
    permission_set: PermissionSet
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A token as its account sees it, valid or not, without its text."""

    id: int
    account_id: AccountId
    name: str
    permission_set: PermissionSet
    created_by: str
    """The name of the user or token that made it."""
    created_at: datetime
    last_used_at: datetime | None
    """To the minute."""
    expires_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class TokenEnd:
    """Since when a token is revoked, and when it expires or has expired."""

    revoked_at: datetime | None
    expires_at: datetime | None


async def insert_token(
    tx: Transaction,
    account_id: AccountId,
    permission_set: PermissionSet,
    *,
    name: str,
    digest: str,
    created_by: str,
    expires_at: datetime | None,
    now: datetime,
) -> Token:
    """Add a token, and return it with its id."""
    rows = await tx.execute(
        sa.insert(tokens)
        .values(
            account_id=account_id,
            name=name,
            permission_set=permission_set,
            digest=digest,
            created_by=created_by,
            created_at=now,
            expires_at=expires_at,
        )
        .returning(*SHOWN)
    )
    return token_of(rows.one())


async def find_valid_tokens(tx: Transaction, digests: Collection[str]) -> dict[str, ValidToken]:
    """Grants of the valid tokens among these digests."""
    rows = await tx.execute(
        valid_tokens_statement(tx.database.is_among(tokens.c.digest, "digests"), tx.now),
        {"digests": list(digests)},
    )
    return {
        row.digest: ValidToken(
            id=row.id,
            name=row.name,
            account_id=row.account_id,
            account_identifier=row.identifier,
            permission_set=row.permission_set,
            last_used_at=row.last_used_at,
        )
        for row in rows
    }


async def find_ends_of_tokens(tx: Transaction, digests: Collection[str]) -> dict[str, TokenEnd]:
    """When those of these tokens that are known were revoked, or expire."""
    rows = await tx.execute(
        sa.select(tokens.c.digest, tokens.c.revoked_at, tokens.c.expires_at).where(
            tx.database.is_among(tokens.c.digest, "digests")
        ),
        {"digests": list(digests)},
    )
    return {row.digest: TokenEnd(row.revoked_at, row.expires_at) for row in rows}


# It is asked at every request, and takes longer to build than to run.
@lru_cache
def valid_tokens_statement(is_asked: sa.ColumnElement[bool], now: Clock) -> sa.Select[Any]:
    """Query of ``find_valid_tokens``."""
    return (
        sa.select(
            tokens.c.digest,
            tokens.c.id,
            tokens.c.name,
            tokens.c.account_id,
            accounts.c.identifier,
            tokens.c.permission_set,
            tokens.c.last_used_at,
        )
        .join(accounts, accounts.c.id == tokens.c.account_id)
        .where(is_asked, is_valid(now))
    )


def is_valid(now: Clock) -> sa.ColumnElement[bool]:
    """Condition that a token is neither revoked nor expired."""
    return sa.and_(
        tokens.c.revoked_at.is_(None),
        sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now),
    )


async def note_token_use(
    tx: Transaction, token_id: int, *, now: datetime, at_least: timedelta
) -> None:
    """Write that a token is used now, unless something no older than ``at_least`` is written."""
    await tx.execute(
        sa.update(tokens)
        .where(
            tokens.c.id == token_id,
            sa.or_(tokens.c.last_used_at.is_(None), tokens.c.last_used_at <= now - at_least),
        )
        .values(last_used_at=now)
    )


async def list_tokens(
    tx: Transaction, account_id: AccountId, *, limit: int, offset: int
) -> Sequence[Token]:
    """A page of an account's tokens, the newest first."""
    rows = await tx.execute(
        sa.select(*SHOWN)
        .where(tokens.c.account_id == account_id)
        .order_by(tokens.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [token_of(row) for row in rows]


async def count_tokens(tx: Transaction, account_id: AccountId) -> int:
    """Count an account's tokens, expired and revoked ones too."""
    return await count_rows(tokens, tokens.c.account_id == account_id, tx=tx)


async def count_valid_tokens(tx: Transaction, account_id: AccountId) -> int:
    """Count an account's valid tokens."""
    return await count_rows(tokens, tokens.c.account_id == account_id, is_valid(tx.now), tx=tx)


async def find_token(tx: Transaction, account_id: AccountId, digest: str) -> Token | None:
    """Find a token of this account by its digest, whether it is valid or not."""
    rows = await tx.execute(
        sa.select(*SHOWN).where(tokens.c.account_id == account_id, tokens.c.digest == digest)
    )
    row = rows.one_or_none()
    return None if row is None else token_of(row)


async def lock_token(tx: Transaction, account_id: AccountId, token_id: int) -> Token | None:
    """Find a token of an account; lock it until the transaction ends."""
    row = (
        await tx.execute(
            sa.select(*SHOWN)
            .where(tokens.c.account_id == account_id, tokens.c.id == token_id)
            .with_for_update()
        )
    ).one_or_none()
    return None if row is None else token_of(row)


async def token_expiry(tx: Transaction, token_id: int) -> datetime | None:
    """When a token expires; None for never."""
    rows = await tx.execute(sa.select(tokens.c.expires_at).where(tokens.c.id == token_id))
    expires_at: datetime | None = rows.scalar_one_or_none()
    return expires_at


async def revoke_token(
    tx: Transaction, account_id: AccountId, token_id: int, *, now: datetime
) -> None:
    """Revoke a token."""
    await tx.execute(
        sa.update(tokens)
        .where(tokens.c.account_id == account_id, tokens.c.id == token_id)
        .values(revoked_at=now)
    )


async def delete_old_tokens(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete tokens that expired or were revoked before a time; return how many."""
    old = (
        sa.select(tokens.c.id)
        .where(sa.or_(tokens.c.revoked_at < before, tokens.c.expires_at < before))
        .limit(limit)
    )
    locked = tx.locked(tokens, tokens.c.id.in_(old), for_deletion=True)
    return (await tx.execute(sa.delete(tokens).where(locked))).rowcount


def token_of(row: sa.Row[Any]) -> Token:
    """Read a row."""
    return Token(
        id=row.id,
        account_id=row.account_id,
        name=row.name,
        permission_set=row.permission_set,
        created_by=row.created_by,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
