"""The audit log as JSON."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import ActorKind
from runhook.storage.people.audit_log import LoggedChange


class ActorOut(Struct, kw_only=True):
    """Who did it, as they were called then."""

    kind: ActorKind
    id: int | None
    """The user's or the token's; null for neither."""
    name: str
    """A user's e-mail address, a token's name."""
    address: str | None
    """The IP address that the request came from."""


class AuditEntryOut(Struct, kw_only=True):
    """One change; ``before`` and ``after`` hold what differs."""

    id: int
    at: datetime
    actor: ActorOut
    action: AuditAction
    subject_id: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


def shown_entry(logged: LoggedChange) -> AuditEntryOut:
    """Show an entry."""
    entry = logged.entry
    return AuditEntryOut(
        id=logged.id,
        at=entry.at,
        actor=ActorOut(
            kind=entry.actor.kind,
            id=entry.actor.id,
            name=entry.actor.name,
            address=entry.actor.address,
        ),
        action=entry.action,
        subject_id=entry.subject_id,
        before=entry.before,
        after=entry.after,
    )
