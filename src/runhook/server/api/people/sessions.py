"""Signing in and out, who one is, and where else one is signed in."""

from collections.abc import Sequence
from datetime import datetime

from litestar import Response, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import Permission, Role
from runhook.operations.people.sessions import Begun, end_other_sessions, end_session
from runhook.server.access.authentication import (
    LARGEST_BODY_OF_STRANGERS,
    Access,
    Connection,
    open_to,
)
from runhook.server.access.cookies import SESSION_COOKIE, cookies_of, no_cookie, prefix_of
from runhook.server.access.signing_in import begin_throttled
from runhook.server.api.people.users_wire import UserOut, shown_user
from runhook.server.api.wire import Envelope, Paged, created, page_envelope
from runhook.server.http.request import AnyRequest
from runhook.server.services import Identified, InSession, Services, Serving
from runhook.storage.people.accounts import find_account
from runhook.storage.people.sessions import Session, ValidSession, count_sessions, list_sessions
from runhook.storage.people.users import Membership, memberships_of


class SignInIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """Who wants to sign in."""

    email: str
    password: str
    code: str | None = None
    """Of the user's second factor: their app's, or a recovery code."""


class TokenUsedOut(Struct, kw_only=True):
    """The token that a request came with."""

    id: int | None
    name: str


class OwnAccountOut(Struct, kw_only=True):
    """An account that the caller may see, and what they may do there."""

    id: int
    name: str
    identifier: str
    role: Role | None
    """Null for a token."""
    permissions: list[Permission]


class WhoOut(Struct, kw_only=True):
    """Identity of the caller: a user, or a token."""

    user: UserOut | None
    token: TokenUsedOut | None
    accounts: list[OwnAccountOut]


def shown_person(session: ValidSession, memberships: Sequence[Membership]) -> WhoOut:
    """Show a signed-in user."""
    accounts = [
        OwnAccountOut(
            id=one.account.id,
            name=one.account.name,
            identifier=one.account.identifier,
            role=one.role,
            permissions=sorted(one.role.permissions),
        )
        for one in memberships
    ]
    return WhoOut(user=shown_user(session.user), token=None, accounts=accounts)


def shown_caller(caller: Caller, account_name: str) -> WhoOut:
    """Show a token."""
    account = OwnAccountOut(
        id=caller.account_id,
        name=account_name,
        identifier=caller.account_identifier,
        role=None,
        permissions=sorted(caller.permissions),
    )
    token = TokenUsedOut(id=caller.actor.id, name=caller.actor.name)
    return WhoOut(user=None, token=token, accounts=[account])


class SessionOut(Struct, kw_only=True):
    """A browser that is signed in."""

    id: int
    address: str
    user_agent: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool


def shown_session(session: Session, current: ValidSession) -> SessionOut:
    """Show a session."""
    return SessionOut(
        id=session.id,
        address=session.address,
        user_agent=session.user_agent,
        created_at=session.created_at,
        last_seen_at=session.last_seen_at,
        expires_at=session.expires_at,
        is_current=session.id == current.session.id,
    )


class EndedOut(Struct, kw_only=True):
    """What is left of a session that was ended."""

    id: int


class OthersEndedOut(Struct, kw_only=True):
    """How many sessions were ended."""

    ended: int


@post("/v3/session", request_max_body_size=LARGEST_BODY_OF_STRANGERS, **open_to(Access.ANYONE))
async def begin(
    request: AnyRequest, services: Serving, data: JSONBody[SignInIn]
) -> Response[Envelope[WhoOut]]:
    """Sign in; the session is in the answer's cookie."""
    begun = await begin_throttled(
        request, services, email=data.email, password=data.password, code=data.code
    )
    return await signed_in(request, services, begun)


@get(["/v3/session", "/v3/whoami", "/v2/whoami"], **open_to(Access.ANY_CALLER))
async def show(services: Serving, identity: Identified) -> Envelope[WhoOut]:
    """Show the caller, and their permissions in each account."""
    return Envelope(data=await whoami(services, identity))


@delete("/v3/session", status_code=200, **open_to(Access.ANY_USER))
async def end_own(
    request: AnyRequest, services: Serving, session: InSession
) -> Response[Envelope[EndedOut]]:
    """Sign out."""
    await end_session(services.store, session, session.session.id)
    cookie = no_cookie(SESSION_COOKIE, prefix=prefix_of(request, services.public_url))
    return Response(Envelope(data=EndedOut(id=session.session.id)), cookies=[cookie])


@get("/v3/sessions", **open_to(Access.ANY_USER))
async def list_own(
    services: Serving, session: InSession, page: Paged
) -> Envelope[list[SessionOut]]:
    """List where the user is signed in, the newest first."""
    async with services.store.read() as tx:
        found = await list_sessions(tx, session.user.id, limit=page.limit, offset=page.offset)
        total = await count_sessions(tx, session.user.id)
    shown = [shown_session(one, session) for one in found]
    return page_envelope(shown, page, total=total)


@delete("/v3/sessions/{session_id:int}", status_code=200, **open_to(Access.ANY_USER))
async def end_one(
    services: Serving, session: InSession, session_id: FromPath[int]
) -> Envelope[EndedOut]:
    """End one of the user's sessions."""
    await end_session(services.store, session, session_id)
    return Envelope(data=EndedOut(id=session_id))


@delete("/v3/sessions", status_code=200, **open_to(Access.ANY_USER))
async def end_others(services: Serving, session: InSession) -> Envelope[OthersEndedOut]:
    """End all of the user's sessions but this one."""
    ended = await end_other_sessions(services.store, session)
    return Envelope(data=OthersEndedOut(ended=ended))


async def signed_in(
    connection: Connection, services: Services, begun: Begun
) -> Response[Envelope[WhoOut]]:
    """Response to a successful sign-in."""
    who = await whoami(services, begun.found)
    cookies = cookies_of(begun, prefix=prefix_of(connection, services.public_url))
    return Response(created(who), status_code=201, cookies=cookies)


async def whoami(services: Services, identity: Identified) -> WhoOut:
    """The user, and what they may do in which account."""
    async with services.store.read() as tx:
        if isinstance(identity, Caller):
            account = await find_account(tx, identity.account_id)
            return shown_caller(identity, account.name if account else "")
        return shown_person(identity, await memberships_of(tx, identity.user.id))
