"""Second factors of users: an app's secret, encrypted, and digests of recovery codes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runhook.domain.people.users import UserId
from runhook.storage.engine.rows import count_rows
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import recovery_codes, second_factors


@dataclass(frozen=True, slots=True, kw_only=True)
class SecondFactor:
    """An authenticator app of a user's."""

    user_id: UserId
    sealed: bytes
    """Its secret, encrypted."""
    created_at: datetime
    confirmed_at: datetime | None
    """When it gave its first code; None until then, when it is not in force."""
    last_step: int
    """Step whose code was used last."""
    failures: int
    failing_since: datetime | None

    def __repr__(self) -> str:
        return f"SecondFactor({self.user_id})"


async def find_second_factor(tx: Transaction, user_id: UserId) -> SecondFactor | None:
    """Find a user's."""
    query = sa.select(second_factors).where(second_factors.c.user_id == user_id)
    row = (await tx.execute(query)).one_or_none()
    return None if row is None else SecondFactor(**row._asdict())


async def write_second_factor(tx: Transaction, factor: SecondFactor) -> None:
    """Write a user's, who is locked, in the place of one that they may have."""
    await delete_second_factor(tx, factor.user_id)
    await tx.execute(
        sa.insert(second_factors).values(
            user_id=factor.user_id,
            sealed=factor.sealed,
            created_at=factor.created_at,
            confirmed_at=factor.confirmed_at,
            last_step=factor.last_step,
            failures=factor.failures,
            failing_since=factor.failing_since,
        )
    )


async def update_second_factor(tx: Transaction, factor: SecondFactor) -> None:
    """Write what of one changes while it is used."""
    await tx.execute(
        sa.update(second_factors)
        .where(second_factors.c.user_id == factor.user_id)
        .values(
            confirmed_at=factor.confirmed_at,
            last_step=factor.last_step,
            failures=factor.failures,
            failing_since=factor.failing_since,
        )
    )


async def delete_second_factor(tx: Transaction, user_id: UserId) -> bool:
    """Delete a user's; say whether there was one."""
    rows = await tx.execute(sa.delete(second_factors).where(second_factors.c.user_id == user_id))
    return rows.rowcount == 1


async def replace_recovery_codes(tx: Transaction, user_id: UserId, digests: Sequence[str]) -> None:
    """Give a user, who is locked, other recovery codes."""
    theirs = tx.locked(recovery_codes, recovery_codes.c.user_id == user_id, for_deletion=True)
    await tx.execute(sa.delete(recovery_codes).where(theirs))
    if digests:
        await tx.execute(
            sa.insert(recovery_codes),
            [{"user_id": user_id, "digest": digest} for digest in digests],
        )


async def use_recovery_code(tx: Transaction, user_id: UserId, digest: str) -> bool:
    """Use up a recovery code of a user's, who is locked; say whether there was one."""
    rows = await tx.execute(
        sa.delete(recovery_codes).where(
            recovery_codes.c.user_id == user_id, recovery_codes.c.digest == digest
        )
    )
    return rows.rowcount == 1


async def count_recovery_codes(tx: Transaction, user_id: UserId) -> int:
    """Count the recovery codes that a user has left."""
    return await count_rows(recovery_codes, recovery_codes.c.user_id == user_id, tx=tx)
