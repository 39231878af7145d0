"""Reading the audit log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from litestar import Router, get
from litestar.params import FromQuery, QueryParameter
from msgspec import Struct

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import ActorKind
from runhook.domain.people.permissions import Permission
from runhook.server.access.authentication import needs
from runhook.server.api.wire import NO_NUL, Envelope, Paged, checked_moment, page_envelope
from runhook.server.services import Calling, Serving
from runhook.storage.people.audit_log import (
    AuditFilter,
    LoggedChange,
    count_audit_entries,
    list_audit_entries,
)


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


Words = Annotated[str | None, QueryParameter(max_length=500, pattern=NO_NUL)]


@get("/", **needs(Permission.READ_AUDIT_LOG))
async def list_changes(
    services: Serving,
    caller: Calling,
    *,
    action: FromQuery[AuditAction | None] = None,
    actor: Words = None,
    subject: Words = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
    page: Paged,
) -> Envelope[list[AuditEntryOut]]:
    """List the changes in the audit log, the newest first.

    `actor` is a user's e-mail address or a token's name, `subject` the id of what was changed;
    `since` is included, `until` is not.
    """
    chosen = AuditFilter(
        action=action,
        actor_name=actor,
        subject_id=subject,
        since=checked_moment("since", since),
        until=checked_moment("until", until),
    )
    async with services.store.read() as tx:
        entries = await list_audit_entries(
            tx, caller.account_id, chosen, limit=page.limit, offset=page.offset
        )
        total = await count_audit_entries(tx, caller.account_id, chosen)
    shown = [shown_entry(entry) for entry in entries]
    return page_envelope(shown, page, total=total)


router = Router("/audit-log", route_handlers=[list_changes])
