"""Write the audit log, within the transaction of the audited change."""

from datetime import datetime

from runhook.domain.people.auditing import AuditAction, Facts, difference
from runhook.domain.people.callers import Actor
from runhook.domain.runs.run import AccountId
from runhook.storage.engine.store import Transaction
from runhook.storage.people.audit_log import AuditEntry, insert_audit_entries


async def note_change(
    tx: Transaction,
    account_id: AccountId,
    actor: Actor,
    action: AuditAction,
    subject_id: str,
    *,
    before: Facts | None,
    after: Facts | None,
    now: datetime,
) -> None:
    """Add an entry to the audit log: of a change only what differs, and no entry if nothing does.

    Args:
        tx: the change's own transaction.
        account_id: whose log it belongs to.
        actor: who did it.
        action: what was done.
        subject_id: the id of what it was done to.
        before: the facts before; None if it was created.
        after: the facts after; None if it was deleted.
        now: when.
    """
    assert actor.grant is None or tx.acts_for == actor, "their permission was not looked at"
    if before is not None and after is not None:
        before, after = difference(before, after)
        if not before and not after:
            return
    entry = AuditEntry(
        account_id=account_id,
        at=now,
        actor=actor,
        action=action,
        subject_id=subject_id,
        before=before,
        after=after,
    )
    await insert_audit_entries(tx, [entry])
