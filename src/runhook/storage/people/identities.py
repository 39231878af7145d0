"""Whom a provider's ids of people are here, and which of its answers were used."""

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.people.users import User, UserId
from runhook.storage.engine.rows import delete_oldest
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import identities, spent_sign_ins, users
from runhook.storage.people.users import SHOWN, user_of


async def find_user_by_identity(tx: Transaction, issuer: str, subject: str) -> User | None:
    """Find the user whom a provider knows by an id."""
    row = (
        await tx.execute(
            sa.select(*SHOWN)
            .join(identities, identities.c.user_id == users.c.id)
            .where(identities.c.issuer == issuer, identities.c.subject == subject)
        )
    ).one_or_none()
    return None if row is None else user_of(row)


async def insert_identity(
    tx: Transaction, user_id: UserId, issuer: str, subject: str, *, now: datetime
) -> bool:
    """Note by which id a provider knows a user; say whether it was no user's yet."""
    rows = await tx.execute(
        insert(identities)
        .values(issuer=issuer, subject=subject, user_id=user_id, created_at=now)
        .on_conflict_do_nothing()
    )
    return rows.rowcount == 1


async def has_identity(tx: Transaction, user_id: UserId, issuer: str) -> bool:
    """Whether a provider knows a user by any id."""
    known = sa.select(identities.c.subject).where(
        identities.c.user_id == user_id, identities.c.issuer == issuer
    )
    return bool((await tx.execute(sa.select(sa.exists(known)))).scalar_one())


async def spend_sign_in(tx: Transaction, digest: str, *, expires_at: datetime) -> bool:
    """Note that a sign-in was answered; say whether it was not yet."""
    rows = await tx.execute(
        insert(spent_sign_ins).values(digest=digest, expires_at=expires_at).on_conflict_do_nothing()
    )
    return rows.rowcount == 1


async def delete_old_spent_sign_ins(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete answered sign-ins that could not be answered any more before a time; say how many."""
    return await delete_oldest(spent_sign_ins.c.expires_at, tx=tx, before=before, limit=limit)
