"""Files that belong to a run, compressed; they go when their run goes."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from runhook.domain.runs import AccountId, RunId
from runhook.storage.store import Transaction
from runhook.storage.tables import artifacts, runs


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
    owner = sa.select(
        runs.c.id,
        sa.literal(artifact.name, sa.Text),
        sa.literal(artifact.size, sa.BigInteger),
        sa.literal(artifact.content, sa.LargeBinary),
        tx.now,
    ).where(runs.c.account_id == account_id, runs.c.id == run_id)
    columns = ["run_id", "name", "size", "content", "created_at"]
    statement = insert(artifacts).from_select(columns, owner)
    statement = statement.on_conflict_do_update(
        index_elements=["run_id", "name"],
        set_={column: statement.excluded[column] for column in columns[2:]},
    )
    return (await tx.execute(statement)).rowcount == 1


async def list_artifacts(tx: Transaction, account_id: AccountId, run_id: RunId) -> Sequence[str]:
    """Return the names of a run's files, sorted."""
    names = await tx.execute(
        sa.select(artifacts.c.name)
        .join(runs, runs.c.id == artifacts.c.run_id)
        .where(runs.c.account_id == account_id, runs.c.id == run_id)
    )
    return sorted(names.scalars())


async def find_artifact(
    tx: Transaction, account_id: AccountId, run_id: RunId, name: str
) -> Artifact | None:
    """Return a file of one of this account's runs."""
    row = (
        await tx.execute(
            sa.select(artifacts.c.name, artifacts.c.size, artifacts.c.content)
            .join(runs, runs.c.id == artifacts.c.run_id)
            .where(runs.c.account_id == account_id, runs.c.id == run_id, artifacts.c.name == name)
        )
    ).one_or_none()
    if row is None:
        return None
    return Artifact(name=row.name, size=row.size, content=row.content)


async def delete_artifacts(
    tx: Transaction, run_ids: Collection[RunId], *, size: int, limit: int
) -> int:
    """Delete files of these runs, as they come; return how many.

    Args:
        tx: where they are.
        run_ids: whose files.
        size: how many bytes of them, as they are stored, to delete; the first goes whatever it has.
        limit: how many of them to delete at most.
    """
    some = (
        sa.select(
            artifacts.c.run_id,
            artifacts.c.name,
            sa.func.length(artifacts.c.content).label("size"),
        )
        .where(artifacts.c.run_id.in_(list(run_ids)))
        .order_by(artifacts.c.run_id, artifacts.c.name)
        .limit(limit)
        .subquery("some")
    )
    before = sa.func.sum(some.c.size).over(order_by=(some.c.run_id, some.c.name)) - some.c.size
    counted = sa.select(some.c.run_id, some.c.name, before.label("before")).subquery("counted")
    chosen = sa.select(counted.c.run_id, counted.c.name).where(counted.c.before < size)
    deleted = await tx.execute(
        sa.delete(artifacts).where(sa.tuple_(artifacts.c.run_id, artifacts.c.name).in_(chosen))
    )
    return deleted.rowcount
