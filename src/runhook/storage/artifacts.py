"""Files that belong to a run, compressed; they go when their run goes."""

from collections.abc import Sequence
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
