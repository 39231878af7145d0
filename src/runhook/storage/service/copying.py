"""How far a copy has come into this database, written together with the rows that it has brought.

A process that serves the database must not find half a service, nor change one that still comes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from runhook.domain.errors import ConflictError, InvalidError
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.engine.tables import accounts, copying

ONLY = 1
"""The id of the only row."""
UNFINISHED = (
    "A copy of a service into this database is not finished. Start the same `runhook copy` again, "
    "which goes on where it was, or empty the database."
)


@dataclass(frozen=True, slots=True)
class CopyPlace:
    """Where a copy goes on: after which row of which table."""

    table: str | None
    """None once all is here and was compared."""
    key: Sequence[Any] = ()
    """Empty before the first row."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A copy into this database, under way or ended."""

    source: str
    """Tells the service that is copied."""
    place: CopyPlace


async def find_service_identifier(tx: Transaction) -> str | None:
    """What tells the service in this database from all others; None if there is none."""
    first = sa.select(accounts.c.identifier).order_by(accounts.c.id).limit(1)
    identifier: str | None = (await tx.execute(first)).scalar_one_or_none()
    return identifier


async def find_copy(tx: Transaction) -> Copy | None:
    """The copy into this database; None if there is none, or its service has begun here."""
    row = (await tx.execute(sa.select(copying))).one_or_none()
    if row is None:
        return None
    return Copy(row.source, CopyPlace(row.table_name, msgspec.json.decode(row.place)))


async def begin_copy(tx: Transaction, copy: Copy) -> None:
    """Write that a copy into this database has begun."""
    await tx.execute(
        sa.insert(copying).values(id=ONLY, source=copy.source, **written_place(copy.place))
    )


async def move_copy(tx: Transaction, before: CopyPlace, after: CopyPlace) -> None:
    """Write how far a copy has come, in the transaction that brings it there.

    Raises:
        ConflictError: another process has brought it further.
    """
    was = written_place(before)
    is_there = sa.and_(
        copying.c.id == ONLY,
        copying.c.table_name.is_not_distinct_from(was["table_name"]),
        copying.c.place == was["place"],
    )
    moved = await tx.execute(sa.update(copying).where(is_there).values(**written_place(after)))
    if moved.rowcount != 1:
        raise ConflictError("Another process is copying into the same database already.")


async def begin_here(store: Store) -> None:
    """Let the service in this database begin, which may have been copied into it.

    Raises:
        InvalidError: the copy is not finished.
        UnavailableError: the database cannot be reached.
    """
    async with store.write() as tx:
        await end_copy(tx)


async def end_copy(tx: Transaction) -> None:
    """Forget a copy whose service begins here.

    Raises:
        InvalidError: it is not finished.
    """
    copy = await find_copy(tx)
    if copy is None:
        return
    if copy.place.table is not None:
        raise InvalidError(UNFINISHED)
    await tx.execute(sa.delete(copying))


def written_place(place: CopyPlace) -> dict[str, str | None]:
    """A place as the row has it."""
    return {"table_name": place.table, "place": msgspec.json.encode(place.key).decode()}
