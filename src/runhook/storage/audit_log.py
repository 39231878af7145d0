"""The audit log: who changed what, from where, and what it was before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from runhook.domain.auditing import AuditAction
from runhook.domain.callers import Actor
from runhook.domain.runs import AccountId
from runhook.storage.store import Transaction
from runhook.storage.tables import audit_entries


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


async def insert_audit_entry(tx: Transaction, entry: AuditEntry) -> None:
    """Add an entry."""
    await tx.execute(
        sa.insert(audit_entries).values(
            account_id=entry.account_id,
            at=entry.at,
            actor_kind=entry.actor.kind,
            actor_id=entry.actor.id,
            actor_name=entry.actor.name,
            address=entry.actor.address,
            action=entry.action,
            subject_id=entry.subject_id,
            before=None if entry.before is None else dict(entry.before),
            after=None if entry.after is None else dict(entry.after),
        )
    )
