"""Files that belong to a run, compressed; they go when their run goes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from runhook.domain.runs import AccountId, RunId
from runhook.storage.store import Transaction
from runhook.storage.tables import artifacts, runs

PART = 4 << 20
"""How many bytes of a compressed file a row holds: deleting a row takes as long as it is large."""
PLACE = (artifacts.c.run_id, artifacts.c.name, artifacts.c.part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file of a run. ``size`` is in bytes, of the file itself; ``content`` is compressed."""

    name: str
    size: int
    content: bytes


async def put_artifact(
    tx: Transaction, account_id: AccountId, run_id: RunId, artifact: Artifact
) -> bool:
    """Add or replace a file of one of this account's runs; say if there is such a run."""
    # Whoever puts a file of the same name just now comes after us, or before.
    run = sa.select(runs.c.id).where(runs.c.account_id == account_id, runs.c.id == run_id)
    if (await tx.execute(run.with_for_update(key_share=True))).one_or_none() is None:
        return False
    await tx.execute(
        sa.delete(artifacts).where(artifacts.c.run_id == run_id, artifacts.c.name == artifact.name)
    )
    parts = range(0, max(len(artifact.content), 1), PART)
    for number, first in enumerate(parts):
        await tx.execute(
            sa.insert(artifacts).values(
                run_id=run_id,
                name=artifact.name,
                part=number,
                size=artifact.size,
                content=artifact.content[first : first + PART],
                created_at=tx.now,
            )
        )
    return True


async def list_artifacts(tx: Transaction, account_id: AccountId, run_id: RunId) -> Sequence[str]:
    """Return the names of a run's files, sorted."""
    names = await tx.execute(
        sa.select(artifacts.c.name)
        .join(runs, runs.c.id == artifacts.c.run_id)
        .where(runs.c.account_id == account_id, runs.c.id == run_id, artifacts.c.part == 0)
    )
    return sorted(names.scalars())


async def find_artifact(
    tx: Transaction, account_id: AccountId, run_id: RunId, name: str
) -> Artifact | None:
    """Return a file of one of this account's runs."""
    rows = (
        await tx.execute(
            sa.select(artifacts.c.part, artifacts.c.size, artifacts.c.content)
            .join(runs, runs.c.id == artifacts.c.run_id)
            .where(runs.c.account_id == account_id, runs.c.id == run_id, artifacts.c.name == name)
            .order_by(artifacts.c.part)
        )
    ).all()
    # Of a file that is about to go, the first part goes first.
    if not rows or rows[0].part > 0:
        return None
    return Artifact(name=name, size=rows[0].size, content=b"".join(row.content for row in rows))


async def delete_artifacts(
    tx: Transaction, run_ids: Collection[RunId], *, size: int, limit: int
) -> int:
    """Delete parts of these runs' files, as they come; return how many.

    Args:
        tx: where they are.
        run_ids: whose files.
        size: how many bytes of them, as they are stored, to delete; the first part always goes.
        limit: how many of them to delete at most.
    """
    some = (
        sa.select(
            artifacts.c.run_id,
            artifacts.c.name,
            artifacts.c.part,
            sa.func.length(artifacts.c.content).label("size"),
        )
        .where(artifacts.c.run_id.in_(list(run_ids)))
        .order_by(*PLACE)
        .limit(limit)
        .subquery("some")
    )
    before = (
        sa.func.sum(some.c.size).over(order_by=(some.c.run_id, some.c.name, some.c.part))
        - some.c.size
    )
    counted = sa.select(some.c.run_id, some.c.name, some.c.part, before.label("before")).subquery(
        "counted"
    )
    chosen = sa.select(counted.c.run_id, counted.c.name, counted.c.part).where(
        counted.c.before < size
    )
    deleted = await tx.execute(sa.delete(artifacts).where(sa.tuple_(*PLACE).in_(chosen)))
    return deleted.rowcount
