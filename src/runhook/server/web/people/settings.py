"""The pages of an account's settings: the account, people, tokens, sessions, the audit log."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.errors import ConflictError, ForbiddenError, InvalidError
from runhook.domain.messages.telling import PAYLOAD_VERSIONS, WHICH_PAYLOAD_VERSION, PayloadVersion
from runhook.domain.numbers import number_in
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.permissions import Permission, PermissionSet, Role
from runhook.domain.people.users import UserId
from runhook.operations.people.accounts import AccountChange, account_facts, change_account
from runhook.operations.people.invite import withdraw
from runhook.operations.people.mail_links import invite_by_mail
from runhook.operations.people.seen import shown_state
from runhook.operations.people.tokens import create_token, new_token, remove_token
from runhook.operations.people.users import change_role, member_facts, remove_member
from runhook.server.access.authentication import needs
from runhook.server.http.origin import base_url
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.page.forms import WHOLE, Form
from runhook.server.web.page.once import done, seal_once, sent_once, show_once, shown_once
from runhook.server.web.page.said import Done
from runhook.server.web.page.showing import how_many
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.people.subjects import subjects_of
from runhook.storage.people.audit_log import AuditFilter, list_audit_entries
from runhook.storage.people.invitations import Invitation, list_invitations
from runhook.storage.people.tokens import Token, list_tokens
from runhook.storage.people.users import AccountMember, list_members

SECTION = "settings"
LISTED = 500
ENTRIES = 50
NOTHING_SHOWN: Mapping[str, str] = {}


@get("/settings", **needs(Permission.READ_ACCOUNT))
async def show_account(visit: Visiting) -> Template:
    """Show what the account is called, and what new webhooks get."""
    return account_page(visit, account_form(visit))


@post("/settings", status_code=200, **needs(Permission.CHANGE_ACCOUNT))
async def change(request: AnyRequest, services: Serving, visit: Visiting) -> Template | Redirect:
    """Change the account."""
    form = await Form.sent_with(request, "name", "default_payload_version", "seen")
    version = version_in(form)
    if version is None:
        return account_page(visit, form)
    try:
        await change_account(
            services.context(visit.caller.actor),
            visit.account_id,
            AccountChange(
                name=form["name"], default_payload_version=version, seen=form["seen"] or None
            ),
        )
    except InvalidError as error:
        form.refuse_invalid(error)
        return account_page(visit, form)
    except ConflictError as error:
        form.refuse_stale(error, account_form(visit)["seen"])
        return account_page(visit, form)
    return done(request, services, f"{visit.root}/settings", Done.SAVED)


def version_in(form: Form) -> PayloadVersion | None:
    """Payload version that a form chooses; None, and the form refused, if it is not one."""
    text = form["default_payload_version"]
    if text in set(PayloadVersion):
        return PayloadVersion(text)
    form.refuse("default_payload_version", "Choose one of the versions.")
    return None


def account_form(visit: Visit) -> Form:
    """Form of the account as it is."""
    return Form(
        {
            "name": visit.account.name,
            "default_payload_version": visit.account.default_payload_version.value,
            "seen": shown_state(account_facts(visit.account)),
        }
    )


def account_page(visit: Visit, form: Form) -> Template:
    """Page of the account."""
    status_code = 400 if form.errors else 200
    return visit.page(
        "settings/account",
        section=SECTION,
        status_code=status_code,
        form=form,
        versions=PAYLOAD_VERSIONS.items(),
        hint=f"{WHICH_PAYLOAD_VERSION} Webhooks that exist keep their own.",
    )


@get("/settings/members", **needs(Permission.READ_MEMBERS))
async def show_members(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """List the members and the open invitations; and an invitation's link, once."""
    form = blank_invitation()
    return await members_page(services, visit, form, shown_once(request, services))


@post("/settings/invitations", status_code=200, **needs(Permission.MANAGE_MEMBERS))
async def invite_somebody(
    request: AnyRequest, services: Serving, visit: Visiting
) -> Template | Redirect:
    """Invite a person, and show the link this once."""
    form = await Form.sent_with(request, "email", "role")
    try:
        invited = await invite_by_mail(
            services.context(visit.caller.actor),
            services.sender,
            visit.account_id,
            Role(form["role"]) if form["role"] in set(Role) else Role.VIEWER,
            email=form["email"].strip() or None,
            base=base_url(request, services.public_url),
            public_url=services.public_url,
        )
    except InvalidError as error:
        form.refuse("email", error.sentence)
    except ForbiddenError as error:
        form.refuse("role", error.message)
    else:
        texts, mailed = {"link": invited.link}, invited.mailed
        if mailed is not None:
            texts |= {"mailed_to": mailed.address, "mail_error": mailed.error}
        return show_once(request, services, f"{visit.root}/settings/members", texts)
    return await members_page(services, visit, form)


@post(
    "/settings/invitations/{invitation_id:int}/withdraw",
    status_code=200,
    **needs(Permission.MANAGE_MEMBERS),
)
async def withdraw_invitation(
    request: AnyRequest, services: Serving, visit: Visiting, invitation_id: FromPath[int]
) -> Redirect:
    """Make an invitation's link useless."""
    await withdraw(services.context(visit.caller.actor), visit.account_id, invitation_id)
    return done(request, services, f"{visit.root}/settings/members", Done.WITHDRAWN)


@post("/settings/members/{user_id:int}", status_code=200, **needs(Permission.MANAGE_MEMBERS))
async def change_member(
    request: AnyRequest, services: Serving, visit: Visiting, user_id: FromPath[int]
) -> Template | Redirect:
    """Give a member another role, or none, which is confirmed."""
    form = await Form.sent_with(request, "role", "seen", "confirmed")
    user, seen = UserId(user_id), form["seen"] or None
    if form["role"] == "none" and not form["confirmed"]:
        return await members_page(services, visit, blank_invitation(), removed=user, seen=seen)
    context = services.context(visit.caller.actor)
    try:
        if form["role"] == "none":
            await remove_member(context, visit.account_id, user, seen=seen)
        else:
            role = Role(form["role"]) if form["role"] in set(Role) else Role.VIEWER
            await change_role(context, visit.account_id, user, role, seen=seen)
    except (ConflictError, ForbiddenError) as error:
        form = blank_invitation()
        form.refuse(WHOLE, error.message)
        return await members_page(services, visit, form)
    return done(request, services, f"{visit.root}/settings/members", Done.ROLE_CHANGED)


def blank_invitation() -> Form:
    """Form that invites a member."""
    return Form({"email": "", "role": "member"})


async def members_page(
    services: Serving,
    visit: Visit,
    form: Form,
    shown: Mapping[str, str] = NOTHING_SHOWN,
    *,
    removed: UserId | None = None,
    seen: str | None = None,
) -> Template:
    """Page of the account's people.

    Args:
        services: where they come from.
        visit: whose account it is.
        form: which invites a member.
        shown: what the page shows this once.
        removed: the member whose removal is to be confirmed.
        seen: how that member looked as the removal was asked for.
    """
    async with services.store.read() as tx:
        members = await list_members(tx, visit.account_id, limit=LISTED, offset=0)
        invitations = (
            await list_invitations(tx, visit.account_id, limit=LISTED, offset=0)
            if visit.may(Permission.MANAGE_MEMBERS)
            else []
        )
        leaving = next((one for one in members if one.user.id == removed), None)
        tokens = await list_tokens(tx, visit.account_id, limit=LISTED, offset=0) if leaving else []
    return visit.page(
        "settings/members",
        section=SECTION,
        status_code=400 if form.errors else 200,
        members=[(one, shown_state(member_facts(one))) for one in members],
        leaving=leaving,
        seen=seen or "",
        losses=loss_of_member(leaving, invitations, tokens) if leaving else "",
        invitations=invitations,
        roles=[role.value for role in Role],
        form=form,
        link=shown.get("link", ""),
        mailed_to=shown.get("mailed_to", ""),
        mail_error=shown.get("mail_error", ""),
    )


def loss_of_member(
    member: AccountMember, invitations: Sequence[Invitation], tokens: Sequence[Token]
) -> str:
    """Say what goes with a member, and what stays."""
    email = member.user.email
    open_ones = sum(one.created_by == email for one in invitations)
    kept = sum(one.created_by == email and one.revoked_at is None for one in tokens)
    sentences = [f"{email} loses access to this account at once."]
    if open_ones:
        are = "is" if open_ones == 1 else "are"
        sentences.append(f"{how_many(open_ones, 'open invitation')} by {email} {are} withdrawn.")
    if kept:
        stay = "stays" if kept == 1 else "stay"
        sentences.append(f"{how_many(kept, 'token')} created by {email} {stay} valid.")
    return " ".join(sentences)


@get("/settings/tokens", **needs(Permission.MANAGE_TOKENS))
async def show_tokens(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """List the account's tokens; and a new one's text, once."""
    text = shown_once(request, services).get("text", "")
    return await tokens_page(services, visit, blank_token(services, visit), text=text)


@post("/settings/tokens", status_code=200, **needs(Permission.MANAGE_TOKENS))
async def create(request: AnyRequest, services: Serving, visit: Visiting) -> Template | Redirect:
    """Create a token, and show it this once."""
    form = await Form.sent_with(request, "name", "permission_set", "expires_in_days", "once")
    path = f"{visit.root}/settings/tokens"
    once = sent_once(services, path, form)
    days = form["expires_in_days"].strip()
    lifetime = number_in(days, most=99_999)
    if days and lifetime is None:
        form.refuse("expires_in_days", "Give a number of days, or nothing.")
    if form["permission_set"] not in set(PermissionSet):
        form.refuse("permission_set", "Choose one of these.")
    if not form.errors:
        try:
            _, text = await create_token(
                services.context(visit.caller.actor),
                visit.account_id,
                PermissionSet(form["permission_set"]),
                name=form["name"],
                lifetime=None if lifetime is None else timedelta(days=lifetime),
                text=None if once is None else new_token(once[1]),
            )
        except InvalidError as error:
            form.refuse_invalid(error)
        except ForbiddenError as error:
            form.refuse("permission_set", error.message)
        else:
            return show_once(request, services, path, {"text": text})
    return await tokens_page(services, visit, form)


@post("/settings/tokens/{token_id:int}/revoke", status_code=200, **needs(Permission.MANAGE_TOKENS))
async def revoke(
    request: AnyRequest, services: Serving, visit: Visiting, token_id: FromPath[int]
) -> Redirect:
    """Revoke a token."""
    await remove_token(services.context(visit.caller.actor), visit.account_id, token_id)
    return done(request, services, f"{visit.root}/settings/tokens", Done.REVOKED)


def blank_token(services: Services, visit: Visit) -> Form:
    """Form of a new token, which makes one however often it is sent."""
    once = seal_once(services, f"{visit.root}/settings/tokens")
    return Form({"name": "", "permission_set": "job_runner", "expires_in_days": "", "once": once})


async def tokens_page(services: Serving, visit: Visit, form: Form, text: str = "") -> Template:
    """Page of tokens; ``text`` is a new one, shown this once."""
    async with services.store.read() as tx:
        tokens = await list_tokens(tx, visit.account_id, limit=LISTED, offset=0)
    return visit.page(
        "settings/tokens",
        section=SECTION,
        status_code=400 if form.errors else 200,
        tokens=tokens,
        now=services.clock.now(),
        form=form,
        text=text,
    )


@get("/settings/audit-log", **needs(Permission.READ_AUDIT_LOG))
async def show_audit_log(
    services: Serving, visit: Visiting, *, action: FromQuery[str] = "", number: FromQuery[int] = 1
) -> Template:
    """List who changed what."""
    number = min(max(number, 1), 10_000)
    chosen = AuditFilter(action=AuditAction(action) if action in set(AuditAction) else None)
    async with services.store.read() as tx:
        entries = await list_audit_entries(
            tx,
            visit.account_id,
            chosen,
            limit=ENTRIES + 1,
            offset=(number - 1) * ENTRIES,
        )
        subjects = await subjects_of(tx, visit, entries)
    return visit.page(
        "settings/audit_log",
        section=SECTION,
        entries=entries[:ENTRIES],
        subjects=subjects,
        action=action,
        actions=[one.value for one in AuditAction],
        number=number,
        has_more=len(entries) > ENTRIES,
    )


@get("/welcome", **needs(Permission.READ_WEBHOOKS))
async def show_welcome(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Teach the steps, with commands that are right for this server."""
    return welcome_page(visit, account_form(visit), base_url(request, services.public_url))


@post("/welcome", status_code=200, **needs(Permission.CHANGE_ACCOUNT))
async def choose_payload_version(
    request: AnyRequest, services: Serving, visit: Visiting
) -> Template | Redirect:
    """Choose which payload the account's webhooks send."""
    form = await Form.sent_with(request, "default_payload_version", "seen")
    version = version_in(form)
    if version is None:
        return welcome_page(visit, form, base_url(request, services.public_url))
    try:
        await change_account(
            services.context(visit.caller.actor),
            visit.account_id,
            AccountChange(default_payload_version=version, seen=form["seen"] or None),
        )
    except ConflictError as error:
        form.refuse_stale(error, account_form(visit)["seen"])
        return welcome_page(visit, form, base_url(request, services.public_url))
    return done(request, services, f"{visit.root}/welcome", Done.SAVED)


def welcome_page(visit: Visit, form: Form, base: str) -> Template:
    """Page of the first steps."""
    return visit.page(
        "welcome",
        section="",
        status_code=400 if form.errors else 200,
        base=base,
        form=form,
        versions=PAYLOAD_VERSIONS.items(),
        hint=WHICH_PAYLOAD_VERSION,
    )


handlers = [
    show_account,
    change,
    show_members,
    invite_somebody,
    withdraw_invitation,
    change_member,
    show_tokens,
    create,
    revoke,
    show_audit_log,
    show_welcome,
    choose_payload_version,
]
