"""Files that belong to a run, compressed and in parts; they go when their run goes.

A file is written in several transactions and seen once it is whole. One that never became whole, or
that another one of its name has replaced, is deleted some time later: until then it can be read by
those who have begun to.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import NewType

import sqlalchemy as sa

from runhook.domain.runs.run import AccountId, RunId
from runhook.storage.engine.columns import Duration
from runhook.storage.engine.store import Transaction, after
from runhook.storage.engine.tables import artifact_parts, artifacts, runs

PART = 256 << 10
"""How many bytes of a compressed file a row holds at most: reading one holds as much memory."""

OF_RUN = 0
"""In place of a step, for a file that no step in particular has written."""

ArtifactId = NewType("ArtifactId", int)


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """A file of a run. ``size`` is in bytes, before it was compressed."""

    id: ArtifactId
    size: int


async def count_artifacts(tx: Transaction, run_id: RunId) -> tuple[int, int]:
    """Count files of a run, unfinished ones too, and their bytes."""
    size = sa.func.coalesce(sa.func.sum(artifacts.c.size), 0)
    found = await tx.execute(
        sa.select(sa.func.count().label("files"), size.label("size")).where(
            artifacts.c.run_id == run_id
        )
    )
    row = found.one()
    return int(row.files), int(row.size)


async def begin_artifact(
    tx: Transaction, run_id: RunId, name: str, *, size: int, step: int = OF_RUN
) -> ArtifactId:
    """Start a file of a run or of a step of it, which stays invisible until it is whole."""
    rows = await tx.execute(
        sa.insert(artifacts)
        .values(run_id=run_id, step=step, name=name, size=size, is_whole=False, touched_at=tx.now)
        .returning(artifacts.c.id)
    )
    return ArtifactId(rows.scalar_one())


async def add_parts(
    tx: Transaction, artifact_id: ArtifactId, first: int, parts: Sequence[bytes]
) -> None:
    """Add the next parts of a file, counted from 0."""
    for number, content in enumerate(parts, first):
        await tx.execute(
            sa.insert(artifact_parts).values(
                artifact_id=artifact_id, number=number, content=content
            )
        )


async def finish_artifact(
    tx: Transaction, account_id: AccountId, run_id: RunId, artifact_id: ArtifactId
) -> bool:
    """Show a file that is whole, and no earlier one of its name and step; say if it is there."""
    # A transaction that finishes a file of the same name comes after us, or before.
    if not await holds_run(tx, account_id, run_id):
        return False
    this = sa.select(artifacts.c.name, artifacts.c.step).where(artifacts.c.id == artifact_id)
    place = sa.tuple_(artifacts.c.name, artifacts.c.step)
    await tx.execute(
        sa.update(artifacts)
        .where(artifacts.c.run_id == run_id, place.in_(this), artifacts.c.is_whole)
        .values(is_whole=False, touched_at=tx.now)
    )
    finished = await tx.execute(
        sa.update(artifacts)
        .where(artifacts.c.id == artifact_id, artifacts.c.run_id == run_id)
        .values(is_whole=True, touched_at=tx.now)
    )
    return finished.rowcount == 1


async def holds_run(tx: Transaction, account_id: AccountId, run_id: RunId) -> bool:
    """Keep a run from being deleted before this transaction ends; say if the account has it."""
    run = sa.select(runs.c.id).where(runs.c.account_id == account_id, runs.c.id == run_id)
    found = await tx.execute(run.with_for_update(key_share=True))
    return found.one_or_none() is not None


async def list_artifacts(
    tx: Transaction, account_id: AccountId, run_id: RunId, step: int | None = None
) -> Sequence[str]:
    """Names of a run's files, sorted; of one step of it unless that is None."""
    names = await tx.execute(
        sa.select(artifacts.c.name)
        .distinct()
        .join(runs, runs.c.id == artifacts.c.run_id)
        .where(
            runs.c.account_id == account_id,
            runs.c.id == run_id,
            artifacts.c.is_whole,
            *of_step(step),
        )
    )
    return sorted(names.scalars())


async def find_artifact(
    tx: Transaction, account_id: AccountId, run_id: RunId, name: str, step: int | None = None
) -> Artifact | None:
    """Find a file of one of this account's runs; of the last step that has one if none is given."""
    rows = await tx.execute(
        sa.select(artifacts.c.id, artifacts.c.size)
        .join(runs, runs.c.id == artifacts.c.run_id)
        .where(
            runs.c.account_id == account_id,
            runs.c.id == run_id,
            artifacts.c.name == name,
            artifacts.c.is_whole,
            *of_step(step),
        )
        .order_by(artifacts.c.step.desc())
        .limit(1)
    )
    row = rows.one_or_none()
    return None if row is None else Artifact(id=ArtifactId(row.id), size=row.size)


def of_step(step: int | None) -> Sequence[sa.ColumnElement[bool]]:
    """Condition for the files of a step and of the run as a whole; none for those of all steps."""
    return [] if step is None else [artifacts.c.step.in_([step, OF_RUN])]


async def read_part(tx: Transaction, artifact_id: ArtifactId, number: int) -> bytes | None:
    """Read a part of a file; None after the last one."""
    rows = await tx.execute(
        sa.select(artifact_parts.c.content).where(
            artifact_parts.c.artifact_id == artifact_id, artifact_parts.c.number == number
        )
    )
    content: bytes | None = rows.scalar_one_or_none()
    return content


async def delete_artifacts(tx: Transaction, run_ids: Collection[RunId], *, limit: int) -> int:
    """Delete files of these runs, at most ``limit`` parts; return how many rows went.

    None of them is seen any more from the first step on.
    """
    of_runs = artifacts.c.run_id.in_(list(run_ids))
    whole = tx.locked(artifacts, of_runs, artifacts.c.is_whole)
    await tx.execute(sa.update(artifacts).where(whole).values(is_whole=False, touched_at=tx.now))
    return await delete_some(tx, sa.select(artifacts.c.id).where(of_runs), limit=limit)


async def delete_abandoned_artifacts(tx: Transaction, age: timedelta, *, limit: int) -> int:
    """Delete files that have not become whole, or were replaced, so long ago; as a step."""
    old = artifacts.c.touched_at <= after(tx.now, sa.literal(-age, Duration))
    abandoned = (
        sa.select(artifacts.c.id)
        .where(~artifacts.c.is_whole, old)
        .order_by(artifacts.c.touched_at)
        .limit(limit)
    )
    return await delete_some(tx, abandoned, limit=limit)


async def delete_some(tx: Transaction, chosen: sa.Select[tuple[int]], *, limit: int) -> int:
    """Delete up to ``limit`` parts of some files, and those of them that have none left."""
    ids = (await tx.execute(chosen)).scalars().all()
    if not ids:
        return 0
    place = (artifact_parts.c.artifact_id, artifact_parts.c.number)
    some = sa.select(*place).where(artifact_parts.c.artifact_id.in_(ids)).limit(limit)
    locked = tx.locked(artifact_parts, sa.tuple_(*place).in_(some), for_deletion=True)
    parts = await tx.execute(sa.delete(artifact_parts).where(locked))
    has_parts = sa.exists().where(artifact_parts.c.artifact_id == artifacts.c.id)
    empty = tx.locked(artifacts, artifacts.c.id.in_(ids), ~has_parts, for_deletion=True)
    files = await tx.execute(sa.delete(artifacts).where(empty))
    return parts.rowcount + files.rowcount
