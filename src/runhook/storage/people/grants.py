"""Permissions of a caller, held until the transaction ends.

On PostgreSQL the rows are locked so that no permission is taken away meanwhile; a transaction that
does so at the same time comes first or second, never between. SQLite has one writer. What takes a
permission away locks the row of the account or user before it comes here, so that two of them never
wait for each other.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.users import UserId
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.store import Clock, Transaction
from runhook.storage.engine.tables import members, sessions, tokens


async def hold_tokens(
    tx: Transaction, token_ids: Collection[int]
) -> Mapping[tuple[AccountId, int], PermissionSet]:
    """Permission sets of the valid ones of these tokens, by account and id."""
    rows = await tx.execute(
        holding_tokens(tx.database.is_among(tokens.c.id, "ids"), tx.now), {"ids": sorted(token_ids)}
    )
    return {(row.account_id, row.id): row.permission_set for row in rows}


@lru_cache
def holding_tokens(is_asked: sa.ColumnElement[bool], now: Clock) -> sa.Select[Any]:
    """Build the query of ``hold_tokens``."""
    return (
        sa.select(tokens.c.account_id, tokens.c.id, tokens.c.permission_set)
        .where(
            is_asked,
            tokens.c.revoked_at.is_(None),
            sa.or_(tokens.c.expires_at.is_(None), tokens.c.expires_at > now),
        )
        .order_by(tokens.c.id)
        # Its use is noted meanwhile; who revokes it waits.
        .with_for_update(read=True, key_share=True)
    )


async def hold_sessions(tx: Transaction, session_ids: Collection[int]) -> Mapping[int, UserId]:
    """Users of those of these sessions that have not ended."""
    rows = await tx.execute(
        sa.select(sessions.c.id, sessions.c.user_id)
        .where(sessions.c.id.in_(list(session_ids)), sessions.c.expires_at > tx.now)
        .order_by(sessions.c.id)
        .with_for_update(read=True, key_share=True)
    )
    return {row.id: row.user_id for row in rows}


async def hold_roles(
    tx: Transaction, memberships: Collection[tuple[AccountId, UserId]]
) -> Mapping[tuple[AccountId, UserId], Role]:
    """Roles of these users in these accounts."""
    rows = await tx.execute(
        sa.select(members.c.account_id, members.c.user_id, members.c.role)
        .where(sa.tuple_(members.c.account_id, members.c.user_id).in_(list(memberships)))
        .order_by(members.c.account_id, members.c.user_id)
        .with_for_update(read=True)
    )
    return {(row.account_id, row.user_id): row.role for row in rows}
