"""Links that let a user choose another password once, of which only digests are kept."""

from datetime import datetime

import sqlalchemy as sa

from runhook.domain.people.users import User, UserId
from runhook.storage.engine.rows import delete_oldest
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import password_resets, users
from runhook.storage.people.users import SHOWN, user_of


async def insert_password_reset(
    tx: Transaction, user_id: UserId, *, digest: str, now: datetime, expires_at: datetime
) -> None:
    """Add a link of a user's."""
    await tx.execute(
        sa.insert(password_resets).values(
            user_id=user_id, digest=digest, created_at=now, expires_at=expires_at
        )
    )


async def find_user_by_reset(tx: Transaction, digest: str) -> User | None:
    """Find the user whose link this is; None once it was used or has expired."""
    row = (
        await tx.execute(
            sa.select(*SHOWN)
            .join(password_resets, password_resets.c.user_id == users.c.id)
            .where(password_resets.c.digest == digest, password_resets.c.expires_at > tx.now)
        )
    ).one_or_none()
    return None if row is None else user_of(row)


async def count_password_resets(tx: Transaction, user_id: UserId) -> int:
    """Count a user's links that work now."""
    rows = await tx.execute(
        sa.select(sa.func.count())
        .select_from(password_resets)
        .where(password_resets.c.user_id == user_id, password_resets.c.expires_at > tx.now)
    )
    return int(rows.scalar_one())


async def delete_password_resets(tx: Transaction, user_id: UserId) -> None:
    """Delete all links of a user."""
    own = tx.locked(password_resets, password_resets.c.user_id == user_id, for_deletion=True)
    await tx.execute(sa.delete(password_resets).where(own))


async def delete_old_password_resets(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete links that expired before a time; return how many."""
    ended_at = password_resets.c.expires_at
    return await delete_oldest(ended_at, tx=tx, before=before, limit=limit)
