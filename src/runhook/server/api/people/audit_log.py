"""Reading the audit log."""

from datetime import datetime
from typing import Annotated

from litestar import Router, get
from litestar.params import FromQuery, QueryParameter

from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.permissions import Permission
from runhook.server.access.authentication import needs
from runhook.server.api.parameters import DEFAULT_LIMIT, Limit, Offset, checked_moment
from runhook.server.api.people.audit_log_wire import AuditEntryOut, shown_entry
from runhook.server.api.wire import NO_NUL, Envelope, page_envelope
from runhook.server.services import Calling, Serving
from runhook.storage.people.audit_log import AuditFilter, count_audit_entries, list_audit_entries

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
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> Envelope[list[AuditEntryOut]]:
    """List who changed what, the newest first.

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
            tx, caller.account_id, chosen, limit=limit, offset=offset
        )
        total = await count_audit_entries(tx, caller.account_id, chosen)
    shown = [shown_entry(entry) for entry in entries]
    return page_envelope(shown, limit=limit, offset=offset, total=total)


router = Router("/audit-log", route_handlers=[list_changes])
