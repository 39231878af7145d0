"""Duties: what one process at a time does for all, and who does it now.

A duty is a lease, as a claim is: it has a holder, and an end on the database's clock.
"""

from collections.abc import Collection
from functools import lru_cache

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.deliveries.delivery import Lease
from runhook.storage.engine.columns import EPOCH, Duration
from runhook.storage.engine.store import Clock, Transaction, after
from runhook.storage.engine.tables import duties

REGISTER = insert(duties).values(holder="", held_until=EPOCH).on_conflict_do_nothing()


async def take_duties(tx: Transaction, names: Collection[str], lease: Lease) -> set[str]:
    """Take or keep those of these duties that no other process holds; return which."""
    taken = await tx.execute(
        taking_duties(tx.database.is_among(duties.c.name, "names"), tx.now),
        {"names": sorted(names), "owner": lease.owner, "lease": lease.duration},
    )
    return set(taken.scalars())


@lru_cache
def taking_duties(is_asked: sa.ColumnElement[bool], now: Clock) -> sa.Update:
    """Statement of ``take_duties``."""
    owner = sa.bindparam("owner", type_=sa.Text)
    lease = sa.bindparam("lease", type_=Duration)
    # What another process is taking at this moment is passed over, never waited for.
    free = (
        sa.select(duties.c.name)
        .where(
            is_asked,
            sa.or_(
                duties.c.holder == owner,
                duties.c.held_until <= now,
                # Taken before the clock was set back: no process holds one for so long.
                duties.c.held_until > after(after(now, lease), lease),
            ),
        )
        .order_by(duties.c.name)
        .with_for_update(skip_locked=True)
        .cte("free")
    )
    return (
        sa.update(duties)
        .where(duties.c.name.in_(sa.select(free.c.name)))
        .values(holder=owner, held_until=after(now, lease))
        .returning(duties.c.name)
    )


async def register_duties(tx: Transaction, names: Collection[str]) -> None:
    """Add duties, held by no process yet."""
    await tx.execute(REGISTER, [{"name": name} for name in sorted(names)])


async def give_up_duties(tx: Transaction, holder: str) -> None:
    """Let go of all that a process holds, as it ends."""
    held = tx.locked(duties, duties.c.holder == holder)
    await tx.execute(sa.update(duties).where(held).values(held_until=tx.now))
