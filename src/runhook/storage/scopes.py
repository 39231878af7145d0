"""Whether what a webhook's filters name is this account's; another account's ids are unknown."""

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from runhook.domain.runs import AccountId, EnvironmentId, ProjectId
from runhook.storage.store import Transaction
from runhook.storage.tables import environments, projects


async def unknown_projects(
    tx: Transaction, account_id: AccountId, ids: Collection[ProjectId]
) -> list[int]:
    """Return those of ``ids`` that are no project of this account, in order."""
    known = await tx.execute(known_ids(projects, account_id, ids))
    return sorted(set(ids) - set(known.scalars()))


async def unknown_environments(
    tx: Transaction, account_id: AccountId, ids: Collection[EnvironmentId]
) -> list[int]:
    """Return those of ``ids`` that are no environment of this account, in order."""
    known = await tx.execute(known_ids(environments, account_id, ids))
    return sorted(set(ids) - set(known.scalars()))


def known_ids(table: sa.Table, account_id: AccountId, ids: Collection[int]) -> sa.Select[Any]:
    """Return the query of those of ``ids`` that are in a table of the account's things."""
    return sa.select(table.c.id).where(table.c.account_id == account_id, table.c.id.in_(list(ids)))
