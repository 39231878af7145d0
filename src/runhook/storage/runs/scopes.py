"""Jobs, environments and projects as what others refer to: held, deleted when nothing does.

Runs, jobs and environments refer by foreign keys, webhooks by their topics
(``domain/webhooks/topics.py``).
Who adds a reference locks the scope before, shared; who deletes a scope locks it for himself and
looks for references then.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

import sqlalchemy as sa

from runhook.domain.runs.run import AccountId
from runhook.domain.runs.scopes import MOST_COUNTED, References, ScopeKind
from runhook.domain.webhooks.topics import NARROWED, narrowed_topic
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import (
    environments,
    expectations,
    interests,
    jobs,
    projects,
    runs,
)

TABLES = {
    ScopeKind.JOB: jobs,
    ScopeKind.ENVIRONMENT: environments,
    ScopeKind.PROJECT: projects,
}
OUTERMOST_FIRST = (ScopeKind.PROJECT, ScopeKind.ENVIRONMENT, ScopeKind.JOB)
"""The order in which several are locked, as reports lock those that they make."""
PARENT_COLUMNS = {
    ScopeKind.JOB: (ScopeKind.ENVIRONMENT, jobs.c.environment_id),
    ScopeKind.ENVIRONMENT: (ScopeKind.PROJECT, environments.c.project_id),
}
CHILD_COLUMNS = {
    ScopeKind.JOB: runs.c.job_id,
    ScopeKind.ENVIRONMENT: jobs.c.environment_id,
    ScopeKind.PROJECT: environments.c.project_id,
}


async def find_scope(
    tx: Transaction, account_id: AccountId, kind: ScopeKind, scope_id: int
) -> str | None:
    """The name of a scope of this account, None if there is none."""
    table = TABLES[kind]
    rows = await tx.execute(
        sa.select(table.c.name).where(table.c.account_id == account_id, table.c.id == scope_id)
    )
    name: str | None = rows.scalar_one_or_none()
    return name


async def hold_scopes(
    tx: Transaction, account_id: AccountId, kind: ScopeKind, ids: Collection[int]
) -> list[int]:
    """Keep scopes of this account from being deleted before this transaction ends.

    Return those of ``ids`` that are none of this account, in order.
    """
    table = TABLES[kind]
    known = await tx.execute(
        sa.select(table.c.id)
        .where(table.c.account_id == account_id, table.c.id.in_(list(ids)))
        .order_by(table.c.id)
        .with_for_update(read=True, key_share=True)
    )
    return sorted(set(ids) - set(known.scalars()))


async def touch_scopes(tx: Transaction, ids: Mapping[ScopeKind, Collection[int]]) -> None:
    """Note that somebody made use of scopes until now."""
    for kind in OUTERMOST_FIRST:
        table = TABLES[kind]
        # One at a time, so that two transactions wait for each other in one order.
        for one in sorted(ids.get(kind, ())):
            await tx.execute(sa.update(table).where(table.c.id == one).values(used_at=tx.now))


async def lock_scope(
    tx: Transaction, account_id: AccountId, kind: ScopeKind, scope_id: int
) -> str | None:
    """Name of a scope, locked so that no new reference to it appears until the transaction ends."""
    table = TABLES[kind]
    rows = await tx.execute(
        sa.select(table.c.name)
        .where(table.c.account_id == account_id, table.c.id == scope_id)
        .with_for_update()
    )
    name: str | None = rows.scalar_one_or_none()
    return name


async def count_references(
    tx: Transaction, account_id: AccountId, kind: ScopeKind, scope_id: int
) -> References:
    """Count what refers to a scope, each kind up to one more than ``MOST_COUNTED``."""
    topic = narrowed_topic(account_id, kind, scope_id)
    children = await count_some(tx, CHILD_COLUMNS[kind] == scope_id)
    webhooks = await count_some(tx, interests.c.topic == topic)
    match kind:
        case ScopeKind.JOB:
            expected = await count_some(tx, expectations.c.job_id == scope_id)
            return References(runs=children, webhooks=webhooks, expectations=expected)
        case ScopeKind.ENVIRONMENT:
            return References(jobs=children, webhooks=webhooks)
        case ScopeKind.PROJECT:
            return References(environments=children, webhooks=webhooks)


async def count_some(tx: Transaction, condition: sa.ColumnElement[bool]) -> int:
    """Count rows, no more of them than anybody wants to know of."""
    some = sa.select(sa.literal_column("1")).where(condition).limit(MOST_COUNTED + 1).subquery()
    return int((await tx.execute(sa.select(sa.func.count()).select_from(some))).scalar_one())


async def delete_scope(
    tx: Transaction, account_id: AccountId, kind: ScopeKind, scope_id: int
) -> None:
    """Delete a scope that nothing refers to; what it was in was used until now."""
    table = TABLES[kind]
    if kind in PARENT_COLUMNS:
        parent_kind, column = PARENT_COLUMNS[kind]
        parents = TABLES[parent_kind]
        parent = sa.select(column).where(table.c.id == scope_id).scalar_subquery()
        await tx.execute(sa.update(parents).where(parents.c.id == parent).values(used_at=tx.now))
    await tx.execute(
        sa.delete(table).where(table.c.account_id == account_id, table.c.id == scope_id)
    )


async def look_at_scopes(
    tx: Transaction, kind: ScopeKind, *, beyond: int, before: datetime, limit: int
) -> Sequence[tuple[int, bool]]:
    """The next scopes of all accounts by their ids, and whether each can go."""
    table = TABLES[kind]
    rows = await tx.execute(
        sa.select(table.c.id, is_unused(kind, before).label("can_go"))
        .where(table.c.id > beyond)
        .order_by(table.c.id)
        .limit(limit)
    )
    return [(row.id, bool(row.can_go)) for row in rows]


async def delete_unused(
    tx: Transaction, kind: ScopeKind, ids: Collection[int], *, before: datetime
) -> int:
    """Delete those of these scopes that nothing refers to; what others hold is passed over."""
    table = TABLES[kind]
    locked = await tx.execute(
        sa.select(table.c.id)
        .where(table.c.id.in_(list(ids)))
        .order_by(table.c.id)
        .with_for_update(skip_locked=True)
    )
    # Looked at once they are locked: a reference may have been added just before.
    unused = sa.delete(table).where(table.c.id.in_(locked.scalars().all()), is_unused(kind, before))
    return (await tx.execute(unused)).rowcount


def is_unused(kind: ScopeKind, before: datetime) -> sa.ColumnElement[bool]:
    """Condition that nothing refers to a scope, and that it was not used since a time."""
    table = TABLES[kind]
    account_id, scope_id = sa.cast(table.c.account_id, sa.Text), sa.cast(table.c.id, sa.Text)
    topic = account_id + f" {NARROWED} {kind} " + scope_id
    conditions = [
        table.c.used_at < before,
        is_none(sa.select(CHILD_COLUMNS[kind]).where(CHILD_COLUMNS[kind] == table.c.id), table),
        is_none(sa.select(interests.c.webhook_id).where(interests.c.topic == topic), table),
    ]
    if kind is ScopeKind.JOB:
        expected = sa.select(expectations.c.job_id).where(expectations.c.job_id == table.c.id)
        conditions.append(is_none(expected, table))
    return sa.and_(*conditions)


def is_none(found: sa.Select[tuple[object]], table: sa.Table) -> sa.ColumnElement[bool]:
    """The condition that a query of one table's row finds nothing.

    Not EXISTS, which PostgreSQL may turn into a join that reads the whole table.
    """
    one = found.limit(sa.literal_column("1")).correlate(table).scalar_subquery()
    return one.is_(None)
