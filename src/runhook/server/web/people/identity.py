"""The pages about who one is: signing in and out, invitations, and the first page."""

from math import ceil
from typing import Any

from litestar import Response, Router, get, post
from litestar.di import Provide
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.errors import (
    ConflictError,
    ForbiddenError,
    InvalidError,
    LimitedError,
    UnauthorizedError,
)
from runhook.domain.people.callers import Caller
from runhook.domain.people.identities import SignInRefusedError
from runhook.domain.people.second_factors import WrongCodeError
from runhook.domain.people.users import (
    SignInMethod,
    User,
    UserId,
    check_email,
    check_new_password,
    check_person_name,
)
from runhook.operations.people.invite import Acceptance, accept_as, look_at_invitation
from runhook.operations.people.seen import shown_state
from runhook.operations.people.sessions import Begun, end_other_sessions, end_session
from runhook.operations.people.sign_in import CodeAwaitedError, sign_in_with_code
from runhook.operations.people.users import rename_user, user_facts
from runhook.server.access.authentication import (
    LARGEST_BODY_OF_STRANGERS,
    Access,
    authorize,
    browser_of,
    client_address,
    open_to,
    provide_identity,
    provide_session,
    session_if_any,
)
from runhook.server.access.cookies import (
    SESSION_COOKIE,
    cookies_of,
    no_cookie,
    prefix_of,
    theme_cookie,
)
from runhook.server.access.forgotten import mails_links
from runhook.server.access.openid.flow import end_address
from runhook.server.access.signing_in import (
    accept_throttled,
    begin_named,
    begin_throttled,
    change_own_password,
)
from runhook.server.api.people.accounts import AccountOut, own_accounts
from runhook.server.api.wire import LARGEST_LIMIT, Envelope, Paging
from runhook.server.http.origin import is_secure
from runhook.server.http.request import AnyRequest
from runhook.server.services import Identified, InSession, Services, Serving
from runhook.server.web.page.addresses import local_path, page_before
from runhook.server.web.page.errors import show_error
from runhook.server.web.page.forms import WHOLE, Form
from runhook.server.web.page.once import LIFETIME, done, opened, seal
from runhook.server.web.page.rendering import FOLDER, page, see
from runhook.server.web.page.said import Done
from runhook.server.web.people.browsers import browser_named
from runhook.storage.people.invitations import Invitation
from runhook.storage.people.sessions import ValidSession, list_sessions
from runhook.storage.people.users import memberships_of
from runhook.storage.webhooks.rows import count_webhooks

LISTED = 500
AWAITING = "the code after a password"
THEMES = ("light", "dark")
"""Those that a reader can choose instead of the system's."""
ICON = (FOLDER / "static" / "favicon.ico").read_bytes()


@get("/", **open_to(Access.ANY_CALLER))
async def open_first_page(
    services: Serving, identity: Identified
) -> Redirect | Envelope[list[AccountOut]]:
    """Lead to one's only account, which is welcomed as long as it has no webhook; or to all.

    Clients of dbt Cloud that try their connection here get what a token may see.
    """
    if isinstance(identity, Caller):
        return await own_accounts(services, identity, Paging(LARGEST_LIMIT, 0))
    async with services.store.read() as tx:
        memberships = await memberships_of(tx, identity.user.id)
        if len(memberships) != 1:
            return see("/accounts")
        account_id = memberships[0].account.id
        is_new = await count_webhooks(tx, account_id) == 0
    return see(f"/accounts/{account_id}/{'welcome' if is_new else 'overview'}")


@get("/accounts", **open_to(Access.ANY_USER))
async def home(services: Serving, session: InSession) -> Template:
    """Name the signed-in user, and list their accounts."""
    async with services.store.read() as tx:
        memberships = await memberships_of(tx, session.user.id)
    return page("home", user=session.user, memberships=memberships)


@get("/sign-in", **open_to(Access.ANYONE))
async def show_sign_in(
    request: AnyRequest, services: Serving, following: FromQuery[str] = "/"
) -> Template | Redirect:
    """Show the sign-in page; users who are signed in, or whom a proxy names, go on."""
    following = local_path(following)
    if await session_if_any(request, services) is not None:
        return see(following)
    form = Form({"following": following})
    try:
        begun = await begin_named(request, services, following)
    except SignInRefusedError as error:
        form.refuse(WHOLE, error.message)
        return sign_in_page(services, form)
    if begun is not None:
        return welcome(request, services, begun, following)
    return sign_in_page(services, form)


@post(
    "/sign-in",
    status_code=200,
    request_max_body_size=LARGEST_BODY_OF_STRANGERS,
    **open_to(Access.ANYONE),
)
async def sign_in(request: AnyRequest, services: Serving) -> Template | Redirect:
    """Begin a session."""
    form = await Form.sent_with(request, "email", "password", "following")
    try:
        begun = await begin_throttled(
            request, services, email=form["email"], password=form["password"]
        )
    except CodeAwaitedError as error:
        return code_page(awaiting(services, error, local_path(form["following"])))
    except UnauthorizedError as error:
        form.refuse("password", error.message)
    except LimitedError as error:
        return sign_in_page(services, form, error)
    else:
        return welcome(request, services, begun, local_path(form["following"]))
    return sign_in_page(services, form)


@post(
    "/sign-in/code",
    status_code=200,
    request_max_body_size=LARGEST_BODY_OF_STRANGERS,
    **open_to(Access.ANYONE),
)
async def give_code(request: AnyRequest, services: Serving) -> Template | Redirect:
    """Begin a session of who has given the right password, by the code of their app."""
    form = await Form.sent_with(request, "awaited", "code")
    awaited = opened(services, AWAITING, form["awaited"], LIFETIME)
    if awaited is None:
        return see("/sign-in")
    try:
        begun = await sign_in_with_code(
            services.store,
            UserId(int(awaited["user_id"])),
            awaited["fingerprint"],
            form["code"],
            browser=browser_of(request),
            clock=services.clock,
        )
    except WrongCodeError as error:
        form.refuse("code", error.message)
    except LimitedError as error:
        return code_page(form, error)
    else:
        return welcome(request, services, begun, awaited["following"])
    return code_page(form)


def awaiting(services: Services, error: CodeAwaitedError, following: str) -> Form:
    """Form for the code of who has given the right password."""
    awaited = {
        "user_id": str(error.user_id),
        "fingerprint": error.fingerprint,
        "following": following,
    }
    return Form({"awaited": seal(services, AWAITING, awaited), "code": ""})


def code_page(form: Form, limited: LimitedError | None = None) -> Template:
    """Page that asks for a code."""
    return form_page("sign_in_code", form, None, limited)


@post("/sign-out", status_code=200, **open_to(Access.ANY_USER))
async def sign_out(
    request: AnyRequest, services: Serving, session: InSession
) -> Template | Redirect:
    """End this session; say where another one goes on that vouched for it."""
    address = await end_address(services, services.provider, session.session.id)
    await end_session(services.store, session, session.session.id)
    cookie = no_cookie(SESSION_COOKIE, prefix=prefix_of(request, services.public_url))
    if session.session.method is SignInMethod.PASSWORD:
        return see("/sign-in", cookies=[cookie])
    provider = "" if services.provider is None else services.provider.client.name
    signed_out = page("signed_out", provider=provider, address=address or "")
    signed_out.set_cookie(cookie)
    return signed_out


@get("/sessions", **open_to(Access.ANY_USER))
async def show_sessions(services: Serving, session: InSession) -> Template:
    """List the user's sessions."""
    async with services.store.read() as tx:
        sessions = await list_sessions(tx, session.user.id, limit=LISTED, offset=0)
    return page(
        "settings/sessions",
        user=session.user,
        sessions=[(one, browser_named(one.user_agent)) for one in sessions],
        current=session.session.id,
    )


@post("/sessions/{session_id:int}/end", status_code=200, **open_to(Access.ANY_USER))
async def end_one(
    request: AnyRequest, services: Serving, session: InSession, session_id: FromPath[int]
) -> Redirect:
    """End one of the user's own sessions."""
    await end_session(services.store, session, session_id)
    return done(request, services, "/sessions", Done.SESSION_ENDED)


@post("/sessions/end-others", status_code=200, **open_to(Access.ANY_USER))
async def end_others(request: AnyRequest, services: Serving, session: InSession) -> Redirect:
    """End all of the user's sessions but this one."""
    await end_other_sessions(services.store, session)
    return done(request, services, "/sessions", Done.OTHER_SESSIONS_ENDED)


@get("/profile", **open_to(Access.ANY_USER))
async def show_profile(session: InSession) -> Template:
    """Show what people can change of themselves."""
    return profile_page(session, name_form(session.user))


@post("/profile", status_code=200, **open_to(Access.ANY_USER))
async def rename(request: AnyRequest, services: Serving, session: InSession) -> Template | Redirect:
    """Change the name of the signed-in user."""
    form = await Form.sent_with(request, "name", "seen")
    try:
        await rename_user(services.store, session, form["name"], seen=form["seen"] or None)
    except InvalidError as error:
        form.refuse_invalid(error)
        return profile_page(session, form)
    except ConflictError as error:
        form.refuse_stale(error, name_form(session.user)["seen"])
        return profile_page(session, form)
    return done(request, services, "/profile", Done.NAME_SAVED)


@post("/profile/password", status_code=200, **open_to(Access.ANY_USER))
async def replace_own_password(
    request: AnyRequest, services: Serving, session: InSession
) -> Template | Redirect:
    """Change the password of the signed-in user; end their other sessions."""
    form = await Form.sent_with(request, "current_password", "password")
    form.values |= name_form(session.user).values
    limited = None
    try:
        await change_own_password(
            request,
            services,
            session,
            present=form["current_password"],
            password=form["password"],
        )
    except InvalidError as error:
        form.refuse_invalid(error)
    except LimitedError as error:
        limited = error
    else:
        return done(request, services, "/profile", Done.PASSWORD_SAVED)
    return profile_page(session, form, limited)


def name_form(user: User) -> Form:
    """Form of a user's name as it is."""
    return Form({"name": user.name, "seen": shown_state(user_facts(user))})


def profile_page(
    session: ValidSession, form: Form, limited: LimitedError | None = None
) -> Template:
    """Page of a user about themselves; passwords are for those who have signed in with one."""
    return form_page(
        "profile",
        form,
        session.user,
        limited,
        has_password=session.session.method is SignInMethod.PASSWORD,
        has_second_factor=session.has_second_factor,
    )


@post("/theme", status_code=200, **open_to(Access.ANYONE))
async def choose_theme(request: AnyRequest, services: Serving) -> Redirect:
    """Show pages light, dark, or as the system is, in this browser."""
    chosen = (await Form.sent_with(request, "theme"))["theme"]
    cookie = theme_cookie(
        chosen if chosen in THEMES else "", is_secure=is_secure(request, services.public_url)
    )
    return see(page_before(request), cookies=[cookie])


@get("/favicon.ico", media_type="image/vnd.microsoft.icon", **open_to(Access.ANYONE))
async def show_icon() -> Response[bytes]:
    """Show the icon that browsers ask for unasked."""
    return Response(ICON, media_type="image/vnd.microsoft.icon")


@get("/invitations/{secret:str}", **open_to(Access.ANYONE))
async def show_invitation(
    request: AnyRequest, services: Serving, secret: FromPath[str]
) -> Template:
    """Show what the link is an invitation to, and ask who accepts it."""
    invitation = await look_at_invitation(services.store, secret)
    session = await session_if_any(request, services)
    form = Form({"email": invitation.email or ""})
    return invitation_page(services, invitation, form, session.user if session else None)


@post(
    "/invitations/{secret:str}",
    status_code=200,
    request_max_body_size=LARGEST_BODY_OF_STRANGERS,
    **open_to(Access.ANYONE),
)
async def accept_invitation(
    request: AnyRequest, services: Serving, secret: FromPath[str]
) -> Template | Redirect:
    """Accept an invitation, as the signed-in user or else as the one that the form names."""
    invitation = await look_at_invitation(services.store, secret)
    session = await session_if_any(request, services)
    if session is not None:
        return await accept_signed_in(request, services, secret, invitation, session)
    form = await Form.sent_with(request, "email", "name", "password")
    if invitation.email is not None:
        form.values["email"] = invitation.email
    form.check("email", check_email)
    form.check("name", check_person_name)
    form.check("password", check_new_password)
    if form.errors:
        return invitation_page(services, invitation, form, None)
    answer = Acceptance(email=form["email"], name=form["name"], password=form["password"])
    try:
        begun = await accept_throttled(request, services, secret, answer)
    except UnauthorizedError as error:
        form.refuse("password", error.message)
    except InvalidError as error:
        form.refuse(error.field, error.sentence)
    except ConflictError as error:
        form.refuse(WHOLE, error.message)
    except LimitedError as error:
        return invitation_page(services, invitation, form, None, error)
    else:
        return welcome(request, services, begun, "/")
    return invitation_page(services, invitation, form, None)


async def accept_signed_in(
    request: AnyRequest,
    services: Services,
    secret: str,
    invitation: Invitation,
    session: ValidSession,
) -> Template | Redirect:
    """Accept an invitation as the signed-in user."""
    form = Form()
    try:
        await accept_as(
            services.store, secret, session, address=client_address(request), clock=services.clock
        )
    except (ConflictError, ForbiddenError) as error:
        form.refuse(WHOLE, error.message)
        return invitation_page(services, invitation, form, session.user)
    return see("/")


def welcome(request: AnyRequest, services: Services, begun: Begun, following: str) -> Redirect:
    """Send who has just signed in on to a page."""
    cookies = cookies_of(begun, prefix=prefix_of(request, services.public_url))
    return see(following, cookies=cookies)


def sign_in_page(services: Services, form: Form, limited: LimitedError | None = None) -> Template:
    """Sign-in page."""
    return form_page(
        "sign_in", form, None, limited, mails_links=mails_links(services), **ways_in(services)
    )


def invitation_page(
    services: Services,
    invitation: Invitation,
    form: Form,
    user: User | None,
    limited: LimitedError | None = None,
) -> Template:
    """Page of an invitation."""
    return form_page("invitation", form, user, limited, invitation=invitation, **ways_in(services))


def ways_in(services: Services) -> dict[str, Any]:
    """What a page needs to offer the ways in that there are."""
    provider = services.provider
    return {
        "provider": "" if provider is None else provider.client.name,
        "has_passwords": bool(services.password_users),
    }


def form_page(
    name: str, form: Form, user: User | None, limited: LimitedError | None, **context: Any
) -> Template:
    """A page with a form; 400 if it has errors, 429 if it was sent too often."""
    status_code = 400 if form.errors else 200
    headers = {}
    if limited is not None:
        form.refuse(WHOLE, limited.message)
        status_code = 429
        headers["Retry-After"] = str(ceil(limited.retry_after.total_seconds()))
    return page(name, user=user, status_code=status_code, headers=headers, form=form, **context)


router = Router(
    "/",
    route_handlers=[
        open_first_page,
        home,
        show_sessions,
        end_one,
        end_others,
        show_profile,
        rename,
        replace_own_password,
        choose_theme,
        show_icon,
        show_sign_in,
        sign_in,
        give_code,
        sign_out,
        show_invitation,
        accept_invitation,
    ],
    guards=[authorize],
    dependencies={"session": Provide(provide_session), "identity": Provide(provide_identity)},
    exception_handlers={Exception: show_error},
)
