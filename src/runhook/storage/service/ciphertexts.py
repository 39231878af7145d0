"""Everything in the database that the master keys encrypted, of all accounts, a batch at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import second_factors, sessions, webhooks
from runhook.storage.webhooks.rows import CIPHERTEXTS

RowKey = str | int


@dataclass(frozen=True, slots=True)
class CipherPlace:
    """A table that holds ciphertexts."""

    key: sa.Column[Any]
    columns: Sequence[sa.Column[Any]]
    before_all: RowKey
    """What stands before every key."""


PLACES = (
    CipherPlace(webhooks.c.id, CIPHERTEXTS, ""),
    CipherPlace(second_factors.c.user_id, [second_factors.c.sealed], 0),
    CipherPlace(sessions.c.id, [sessions.c.id_token], 0),
)


@dataclass(frozen=True, slots=True)
class Ciphertexts:
    """What is encrypted in one row, by the name of the column that holds it."""

    key: RowKey
    by_column: Mapping[str, bytes]


async def list_ciphertexts(
    tx: Transaction, place: CipherPlace, *, after: RowKey, limit: int
) -> Sequence[Ciphertexts]:
    """Ciphertexts of the rows whose keys follow ``after``."""
    rows = await tx.execute(batch(place, after, limit))
    return [ciphertexts_in(place, row) for row in rows.mappings()]


async def lock_ciphertexts(
    tx: Transaction, place: CipherPlace, *, after: RowKey, limit: int
) -> Sequence[Ciphertexts]:
    """The same, locked until the transaction ends."""
    rows = await tx.execute(batch(place, after, limit).with_for_update())
    return [ciphertexts_in(place, row) for row in rows.mappings()]


async def replace_ciphertexts(
    tx: Transaction, place: CipherPlace, replaced: Sequence[Ciphertexts]
) -> None:
    """Write ciphertexts, which were locked, anew; what a row has none of stays empty."""
    if not replaced:
        return
    statement = (
        sa.update(place.key.table)
        .where(place.key == sa.bindparam("row_key"))
        .values({column: sa.bindparam(f"new_{column.name}") for column in place.columns})
    )
    await tx.execute(
        statement,
        [
            {
                "row_key": one.key,
                **{
                    f"new_{column.name}": one.by_column.get(column.name) for column in place.columns
                },
            }
            for one in replaced
        ],
    )


def batch(place: CipherPlace, after: RowKey, limit: int) -> sa.Select[Any]:
    """The query of both readings."""
    return (
        sa.select(place.key, *place.columns)
        .where(place.key > after, sa.or_(*(column.is_not(None) for column in place.columns)))
        .order_by(place.key)
        .limit(limit)
    )


def ciphertexts_in(place: CipherPlace, row: sa.RowMapping) -> Ciphertexts:
    """Read a row."""
    return Ciphertexts(
        row[place.key.name],
        {column.name: row[column] for column in place.columns if row[column] is not None},
    )
