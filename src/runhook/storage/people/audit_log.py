"""The audit log: who changed what, from where, and what it was before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import Actor
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.rows import count_rows, delete_oldest
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import audit_entries
from runhook.telemetry.events import AUDITED


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One change. ``before`` and ``after`` hold what differs, and no secret."""

    account_id: AccountId
    at: datetime
    actor: Actor
    action: AuditAction
    subject_id: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None

    @property
    def changed(self) -> list[str] | None:
        """Names of what differs; None for what was made or is gone."""
        return None if self.before is None or self.after is None else sorted(self.after)


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """An entry, and its number."""

    id: int
    entry: AuditEntry


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Which entries are asked for; None asks for all."""

    action: AuditAction | None = None
    actor_name: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    """Included."""
    until: datetime | None = None
    """Not included."""


async def insert_audit_entries(tx: Transaction, entries: Sequence[AuditEntry]) -> None:
    """Add entries; what somebody did is logged, too, once it is committed."""
    if entries:
        await tx.execute(sa.insert(audit_entries), [audit_row(entry) for entry in entries])
    for entry in entries:
        if entry.action in AUDITED:
            tx.tell(
                AUDITED[entry.action],
                account=entry.account_id,
                subject=entry.subject_id,
                by=entry.actor.label,
                client=entry.actor.address,
                changed=entry.changed,
            )


def audit_row(entry: AuditEntry) -> dict[str, Any]:
    """Values of the columns of an entry."""
    return {
        "account_id": entry.account_id,
        "at": entry.at,
        "actor_kind": entry.actor.kind,
        "actor_id": entry.actor.id,
        "actor_name": entry.actor.name,
        "address": entry.actor.address,
        "action": entry.action,
        "subject_id": entry.subject_id,
        "before": None if entry.before is None else dict(entry.before),
        "after": None if entry.after is None else dict(entry.after),
    }


async def list_audit_entries(
    tx: Transaction, account_id: AccountId, chosen: AuditFilter, *, limit: int, offset: int
) -> Sequence[LoggedChange]:
    """A page of an account's log, the newest first."""
    rows = await tx.execute(
        sa.select(audit_entries)
        .where(*audit_conditions(account_id, chosen))
        .order_by(audit_entries.c.id.desc())
        .limit(limit)
        .offset(offset)
    )
    return [logged_change_of(row) for row in rows]


async def count_audit_entries(tx: Transaction, account_id: AccountId, chosen: AuditFilter) -> int:
    """Count an account's entries that match the filter."""
    return await count_rows(audit_entries, *audit_conditions(account_id, chosen), tx=tx)


async def delete_old_audit_entries(tx: Transaction, *, before: datetime, limit: int) -> int:
    """Delete up to ``limit`` entries that are older than ``before``; return how many."""
    return await delete_oldest(audit_entries.c.at, tx=tx, before=before, limit=limit)


def audit_conditions(
    account_id: AccountId, chosen: AuditFilter
) -> Sequence[sa.ColumnElement[bool]]:
    """Conditions of a filter."""
    columns = audit_entries.c
    conditions = [columns.account_id == account_id]
    if chosen.action is not None:
        conditions.append(columns.action == chosen.action)
    if chosen.actor_name is not None:
        conditions.append(columns.actor_name == chosen.actor_name)
    if chosen.subject_id is not None:
        conditions.append(columns.subject_id == chosen.subject_id)
    if chosen.since is not None:
        conditions.append(columns.at >= chosen.since)
    if chosen.until is not None:
        conditions.append(columns.at < chosen.until)
    return conditions


def logged_change_of(row: sa.Row[Any]) -> LoggedChange:
    """Read a row."""
    entry = AuditEntry(
        account_id=row.account_id,
        at=row.at,
        actor=Actor(kind=row.actor_kind, id=row.actor_id, name=row.actor_name, address=row.address),
        action=row.action,
        subject_id=row.subject_id,
        before=row.before,
        after=row.after,
    )
    return LoggedChange(row.id, entry)
