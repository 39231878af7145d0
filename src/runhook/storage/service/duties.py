"""Duties: what one process at a time does for all, and who does it now.

A duty is a lease, as a claim is: it has a holder, and an end on the database's clock.
"""

from collections.abc import Collection

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.deliveries.delivery import Lease
from runhook.storage.engine.columns import EPOCH, Duration
from runhook.storage.engine.store import Transaction, after
from runhook.storage.engine.tables import duties


async def take_duties(tx: Transaction, names: Collection[str], lease: Lease) -> set[str]:
    """Take or keep those of these duties that no other process holds; return which."""
    # What another process is taking at this moment is passed over, never waited for.
    free = (
        sa.select(duties.c.name)
        .where(
            duties.c.name.in_(sorted(names)),
            sa.or_(
                duties.c.holder == lease.owner,
                duties.c.held_until <= tx.now,
                # Taken before the clock was set back: no process holds one for so long.
                duties.c.held_until > after(tx.now, sa.literal(2 * lease.duration, Duration)),
            ),
        )
        .order_by(duties.c.name)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    taken = await tx.execute(
        sa.update(duties)
        .where(duties.c.name.in_(sa.select(free.c.name)))
        .values(holder=lease.owner, held_until=after(tx.now, sa.literal(lease.duration, Duration)))
        .returning(duties.c.name)
    )
    return set(taken.scalars())


async def register_duties(tx: Transaction, names: Collection[str]) -> None:
    """Add duties, held by no process yet."""
    await tx.execute(
        insert(duties).values(holder="", held_until=EPOCH).on_conflict_do_nothing(),
        [{"name": name} for name in sorted(names)],
    )


async def give_up_duties(tx: Transaction, holder: str) -> None:
    """Let go of all that a process holds, as it ends."""
    held = tx.locked(duties, duties.c.holder == holder)
    await tx.execute(sa.update(duties).where(held).values(held_until=tx.now))
