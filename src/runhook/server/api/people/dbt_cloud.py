"""Users and the audit log, at the paths and in the shapes of dbt Cloud's Admin API.

What Runhook says of them in its own words is under `/members` and `/audit-log`.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated

from litestar import get
from litestar.di import Provide
from litestar.params import FromPath, QueryParameter
from msgspec import Struct, field

from runhook.domain.errors import NotFoundError
from runhook.domain.people.permissions import Permission, Role
from runhook.domain.people.users import UserId
from runhook.domain.runs.run import AccountId
from runhook.server.access.authentication import needs
from runhook.server.api.wire import NO_NUL, Envelope, Paged, long_page, moment_in, page_envelope
from runhook.server.services import Calling, Serving
from runhook.storage.people.audit_log import (
    AuditFilter,
    LoggedChange,
    count_audit_entries,
    list_audit_entries,
)
from runhook.storage.people.users import AccountMember, count_members, find_member, list_members

ACTIVE = 1
Moment = Annotated[str | None, QueryParameter(max_length=100, pattern=NO_NUL)]
LICENSES = {Role.VIEWER: "read_only"}
"""dbt Cloud's word for what somebody may do; all others are developers."""


class LicenseView(Struct, kw_only=True):
    """What a user is in an account."""

    id: int
    account_id: int
    user_id: int
    license_type: str
    state: int = ACTIVE
    created_at: datetime


class UserView(Struct, kw_only=True):
    """A user of an account. What dbt Cloud connects users with is not here: its keys say no."""

    id: int
    state: int = ACTIVE
    first_name: str
    last_name: str
    fullname: str
    email: str
    is_active: bool = True
    is_staff: bool = False
    email_connected: bool = True
    email_verified: bool = False
    enterprise_connected: bool = False
    enterprise_authentication_method: str | None = None
    github_connected: bool = False
    github_username: str | None = None
    gitlab_connected: bool = False
    gitlab_username: str | None = None
    azure_active_directory_connected: bool = False
    azure_active_directory_username: str | None = None
    sso_only_user: bool = False
    last_login: datetime | None = None
    created_at: datetime
    permissions: list[LicenseView]
    licenses: dict[str, LicenseView]
    role: Role


class ChangeView(Struct, kw_only=True):
    """One change, as dbt Cloud's audit log has it; `event_context` is what differs."""

    id: str
    account_id: int
    source: str
    service: str = "Runhook"
    actor: dict[str, object]
    event_type: str
    event_label: str
    event_context: dict[str, object] = field(default_factory=dict)
    created_at: datetime


@get("/users", dependencies={"page": Provide(long_page)}, **needs(Permission.READ_MEMBERS))
async def list_users(services: Serving, caller: Calling, page: Paged) -> Envelope[list[UserView]]:
    """List the users of the account, the first before later ones."""
    async with services.store.read() as tx:
        members = await list_members(tx, caller.account_id, limit=page.limit, offset=page.offset)
        total = await count_members(tx, caller.account_id)
    shown = [user_view(member, caller.account_id) for member in members]
    return page_envelope(shown, page, total=total)


@get("/users/{user_id:int}", **needs(Permission.READ_MEMBERS))
async def show_account_user(
    services: Serving, caller: Calling, user_id: FromPath[int]
) -> Envelope[UserView]:
    """Show a user of the account."""
    async with services.store.read() as tx:
        member = await find_member(tx, caller.account_id, UserId(user_id))
    if member is None:
        raise NotFoundError
    return Envelope(data=user_view(member, caller.account_id))


@get("/audit-logs", dependencies={"page": Provide(long_page)}, **needs(Permission.READ_AUDIT_LOG))
async def list_audit_events(
    services: Serving,
    caller: Calling,
    *,
    logged_at_start: Moment = None,
    logged_at_end: Moment = None,
    page: Paged,
) -> Envelope[list[ChangeView]]:
    """List changes of the account, the newest first; both ends of the period are included."""
    chosen = AuditFilter(
        since=moment_in("logged_at_start", logged_at_start),
        until=moment_in("logged_at_end", logged_at_end, is_end=True),
    )
    async with services.store.read() as tx:
        entries = await list_audit_entries(
            tx, caller.account_id, chosen, limit=page.limit, offset=page.offset
        )
        total = await count_audit_entries(tx, caller.account_id, chosen)
    shown = [change_view(entry) for entry in entries]
    return page_envelope(shown, page, total=total)


def user_view(member: AccountMember, account_id: AccountId) -> UserView:
    """Show a member as a user."""
    user = member.user
    first_name, _, last_name = user.name.rpartition(" ")
    license_ = LicenseView(
        id=user.id,
        account_id=account_id,
        user_id=user.id,
        license_type=LICENSES.get(member.role, "developer"),
        created_at=member.joined_at,
    )
    return UserView(
        id=user.id,
        first_name=first_name or last_name,
        last_name=last_name if first_name else "",
        fullname=user.name,
        email=user.email,
        created_at=user.created_at,
        permissions=[license_],
        licenses={str(account_id): license_},
        role=member.role,
    )


def change_view(logged: LoggedChange) -> ChangeView:
    """Show an entry of the audit log."""
    entry = logged.entry
    subject, _, what = entry.action.value.partition(".")
    before: Mapping[str, object] = entry.before or {}
    after: Mapping[str, object] = entry.after or {}
    return ChangeView(
        id=str(logged.id),
        account_id=entry.account_id,
        source=entry.actor.kind.value,
        actor={
            "actor_type": entry.actor.kind.value,
            "actor_id": entry.actor.id,
            "actor_name": entry.actor.name,
            "actor_ip": entry.actor.address,
        },
        event_type=entry.action.value,
        event_label=f"{subject} {what.replace('_', ' ')}".capitalize(),
        event_context={
            "subject_id": entry.subject_id,
            "before": dict(before),
            "after": dict(after),
        },
        created_at=entry.at,
    )


HANDLERS = [list_users, show_account_user, list_audit_events]
