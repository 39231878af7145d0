"""Invitations: links that make their opener a member once, of which only digests are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runhook.domain.people.callers import Actor, ActorKind
from runhook.domain.people.permissions import Role
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.rows import count_rows, delete_oldest
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import accounts, invitations


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """An open invitation to an account."""

    id: int
    account_id: AccountId
    account_name: str
    email: str | None
    """The invited person's address; None: anyone who opens the link."""
    role: Role
    created_by: str
    created_at: datetime
    expires_at: datetime


async def insert_invitation(
    tx: Transaction,
    account_id: AccountId,
    role: Role,
    *,
    email: str | None,
    digest: str,
    created_by: Actor,
    now: datetime,
    expires_at: datetime,
) -> int:
    """Add an invitation, and return its id."""
    rows = await tx.execute(
        sa.insert(invitations)
        .values(
            account_id=account_id,
            email=email,
            role=role,
            digest=digest,
            created_by=created_by.name,
            created_by_kind=created_by.kind,
            created_by_id=created_by.id,
            created_at=now,
            expires_at=expires_at,
        )
        .returning(invitations.c.id)
    )
    return int(rows.scalar_one())


async def find_open_invitation(tx: Transaction, digest: str) -> Invitation | None:
    """Find the invitation with this digest, unless it was accepted or has expired."""
    row = (await tx.execute(open_query(tx).where(invitations.c.digest == digest))).one_or_none()
    return None if row is None else invitation_of(row)


async def lock_open_invitation(tx: Transaction, digest: str) -> Invitation | None:
    """Find the open invitation with this digest; lock it."""
    row = (
        await tx.execute(
            open_query(tx).where(invitations.c.digest == digest).with_for_update(of=invitations)
        )
    ).one_or_none()
    return None if row is None else invitation_of(row)


async def mark_accepted(tx: Transaction, invitation_id: int, *, now: datetime) -> None:
    """Make an invitation one that was accepted."""
    await tx.execute(
        sa.update(invitations).where(invitations.c.id == invitation_id).values(accepted_at=now)
    )


async def find_invitation(
    tx: Transaction, account_id: AccountId, invitation_id: int
) -> Invitation | None:
    """Find an open invitation of an account."""
    row = (
        await tx.execute(
            open_query(tx).where(
                invitations.c.account_id == account_id, invitations.c.id == invitation_id
            )
        )
    ).one_or_none()
    return None if row is None else invitation_of(row)


async def list_invitations(
    tx: Transaction, account_id: AccountId, *, limit: int, offset: int
) -> Sequence[Invitation]:
    """A page of an account's open invitations, the newest first."""
    rows = await tx.execute(
        open_query(tx)
        .where(invitations.c.account_id == account_id)
        .order_by(invitations.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [invitation_of(row) for row in rows]


async def count_invitations(tx: Transaction, account_id: AccountId) -> int:
    """Count an account's open invitations."""
    return await count_rows(invitations, invitations.c.account_id == account_id, is_open(tx), tx=tx)


async def delete_invitation(tx: Transaction, account_id: AccountId, invitation_id: int) -> bool:
    """Delete an invitation that was not accepted; return whether there was one."""
    rows = await tx.execute(
        sa.delete(invitations).where(
            invitations.c.account_id == account_id,
            invitations.c.id == invitation_id,
            invitations.c.accepted_at.is_(None),
        )
    )
    return rows.rowcount == 1


async def delete_invitations_by(
    tx: Transaction,
    account_id: AccountId,
    kind: ActorKind,
    actor_id: int | None,
    *,
    role: Role | None = None,
) -> None:
    """Delete what somebody made of an account's invitations, all or those to one role.

    What was accepted stays.
    """
    made = tx.locked(
        invitations,
        invitations.c.account_id == account_id,
        invitations.c.created_by_kind == kind,
        invitations.c.created_by_id.is_not_distinct_from(actor_id),
        invitations.c.accepted_at.is_(None),
        *([] if role is None else [invitations.c.role == role]),
        for_deletion=True,
    )
    await tx.execute(sa.delete(invitations).where(made))


async def delete_old_invitations(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete invitations that expired before a time, accepted or not; return how many."""
    return await delete_oldest(invitations.c.expires_at, tx=tx, before=before, limit=limit)


def open_query(tx: Transaction) -> sa.Select[Any]:
    """Query of the invitations that can be accepted now."""
    return (
        sa.select(*SHOWN, accounts.c.name.label("account_name"))
        .join(accounts, accounts.c.id == invitations.c.account_id)
        .where(is_open(tx))
    )


def is_open(tx: Transaction) -> sa.ColumnElement[bool]:
    """Condition that an invitation can be accepted now."""
    return sa.and_(invitations.c.accepted_at.is_(None), invitations.c.expires_at > tx.now)


HIDDEN = ("digest", "accepted_at", "created_by_kind", "created_by_id")
SHOWN = [column for column in invitations.c if column.name not in HIDDEN]


def invitation_of(row: sa.Row[Any]) -> Invitation:
    """Read a row of ``open_query``."""
    return Invitation(
        id=row.id,
        account_id=row.account_id,
        account_name=row.account_name,
        email=row.email,
        role=row.role,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )
