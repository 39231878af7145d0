"""Authentication and authorization: each route names the permission it needs, or its users."""

from enum import StrEnum
from typing import Any

from litestar import HttpMethod
from litestar.connection import ASGIConnection
from litestar.exceptions import MethodNotAllowedException
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope

from runhook.domain.errors import ForbiddenError, NotFoundError, UnauthorizedError
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.people.callers import Caller
from runhook.domain.people.identities import Identity, SignInRefusedError
from runhook.domain.people.permissions import Permission
from runhook.domain.people.users import SignInMethod
from runhook.domain.runs.run import AccountId
from runhook.operations.people.authenticate import token_digest, token_in
from runhook.operations.people.sessions import Browser, caller_in, resume
from runhook.server.access.cookies import SESSION_COOKIE, cookie_in
from runhook.server.access.throttle import Rationed
from runhook.server.http.heads import ASKED_BY_HEAD
from runhook.server.http.origin import refuse_foreign
from runhook.server.services import Services, Serving
from runhook.storage.people.sessions import ValidSession

Connection = ASGIConnection[Any, Any, Any, Any]

ASKED_AGAIN = "is_asked_again"
LONGEST_PATH = 4_096
"""Characters of a path that leads anywhere in an account."""


class Access(StrEnum):
    """Who may use a route that belongs to no account."""

    ANYONE = "anyone"
    ANY_CALLER = "any token or session that is valid"
    ANY_USER = "anybody signed in"


def needs(
    permission: Permission, *, acts: bool = False, is_asked_again: bool = False
) -> dict[str, Any]:
    """Options of a route handler that name the permission it needs.

    Its path begins with an account's, and it can ask for the ``caller`` there.

    Args:
        permission: what its caller must be allowed.
        acts: whether it does something although its method is GET.
        is_asked_again: whether all that it does is done in a transaction that looks at the
            permission again, so that a token that has just been valid is let in unasked.
    """
    return {"opt": {"permission": permission, "acts": acts, ASKED_AGAIN: is_asked_again}}


LARGEST_BODY_OF_STRANGERS = 16 << 10
"""In bytes, where no token and no session says who sends it: a form of a mebibyte can hold the
event loop for half a second."""


def open_to(access: Access, *, acts: bool = False, is_led_to: bool = False) -> dict[str, Any]:
    """Options of a route handler that name who may use it, in any account.

    For any caller it can ask for the ``identity``, for any user for the ``session``.

    Args:
        access: who may use it.
        acts: whether it does something although its method is GET.
        is_led_to: whether browsers are led to it by another site, which proves itself.
    """
    return {"opt": {"access": access, "acts": acts, "is_led_to": is_led_to}}


async def authorize(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through if its sender may do what the route does.

    Raises:
        UnauthorizedError: no token or session, or one that is not valid.
        LimitedError: a token that is not valid, as too many from there were.
        NotFoundError: another account's path: it looks like one that is not there.
        MethodNotAllowedException: a HEAD of what does something although its method is GET.
        ForbiddenError: the token's permission set or the user's role does not allow it, or a
            foreign page caused the request.
    """
    if connection.scope.get("method") == HttpMethod.OPTIONS:
        # Answered by the framework with the methods of the path, which are no secret.
        return
    check_numbers(connection)
    if handler.opt.get("acts") and ASKED_BY_HEAD in connection.scope["state"]:
        raise MethodNotAllowedException
    services: Services = connection.app.state.services
    access = handler.opt.get("access")
    if access is Access.ANYONE:
        if not handler.opt.get("is_led_to"):
            refuse_foreign(connection, services.public_url, must_say=False)
        return
    connection.scope["user"] = await services.waiting_room.pass_through(
        connection, lambda: authorized(connection, handler, services)
    )


async def authorized(
    connection: Connection, handler: BaseRouteHandler, services: Services
) -> Caller | ValidSession:
    """Who sends a request, if they may do what the route does; errors as ``authorize``."""
    access = handler.opt.get("access")
    identity = await identify(
        connection, services, is_asked_again=handler.opt.get(ASKED_AGAIN, False)
    )
    if access is None:
        caller = await caller_at(connection, services, identity)
        return caller.using(handler.opt["permission"])
    if access is Access.ANY_USER and isinstance(identity, Caller):
        raise ForbiddenError("That is for people who are signed in, not for tokens.")
    return identity


def check_numbers(connection: Connection) -> None:
    """Refuse a path with a number that is not an id, before anything looks for it.

    The framework reads a number as Python does, so that `1_0`, `+10` and `010` would be run 10 too.

    Raises:
        NotFoundError: one is not an id, or is not written as ids are.
    """
    parts = connection.scope["path"].split("/")
    for one in connection.path_params.values():
        is_other_number = isinstance(one, int) and not 0 < one <= LARGEST_ID
        if is_other_number or str(one) not in parts:
            raise NotFoundError
        parts.remove(str(one))


async def identify(
    connection: Connection, services: Services, *, is_asked_again: bool
) -> Caller | ValidSession:
    """Authenticate a request by its token or session; a token comes first.

    Args:
        connection: the request's.
        services: know tokens and sessions.
        is_asked_again: as in ``needs``.

    Raises:
        UnauthorizedError: neither, or one that is not valid.
        LimitedError: the token is not valid, and too many from there were not.
        ForbiddenError: a foreign page caused the request.
    """
    if "Authorization" not in connection.headers and text_of_session(connection, services):
        return await session_in_cookie(connection, services)
    return await caller_by_token(connection, services, is_asked_again=is_asked_again)


async def caller_at(
    connection: Connection, services: Services, identity: Caller | ValidSession
) -> Caller:
    """The caller in the account that the path names.

    Raises:
        NotFoundError: the account does not exist, or is not theirs.
    """
    path = connection.scope["path"]
    if "\0" in path or len(path) > LONGEST_PATH:
        # No id holds a NUL character, and PostgreSQL does not even look for one.
        raise NotFoundError
    account_id = connection.path_params["account_id"]
    if isinstance(identity, ValidSession):
        return await caller_in(
            services.store,
            AccountId(account_id),
            identity,
            address=client_address(connection),
            guarded=services.second_factor_roles,
        )
    if account_id != identity.account_id:
        raise NotFoundError
    return identity


async def caller_by_token(
    connection: Connection, services: Services, *, is_asked_again: bool
) -> Caller:
    """The caller that the request's token belongs to.

    Raises:
        UnauthorizedError: no token, or one that is not valid.
        LimitedError: the token is not valid, and too many others from there or before it were not.
    """
    digest = token_digest(token_in(connection.headers.get("Authorization")))
    address = client_address(connection)
    try:
        return await services.authenticator.authenticate(
            digest, address=address, is_asked_again=is_asked_again
        )
    except UnauthorizedError as error:
        services.refusals.token.say(answer=error.message, client=address)
        names = {Rationed.TOKEN_FROM: address or "", Rationed.TOKEN: digest}
        raise services.throttle.refusal(error, names) from None


async def session_in_cookie(connection: Connection, services: Services) -> ValidSession:
    """The session in the request's cookie.

    Raises:
        UnauthorizedError: there is none, or it has ended.
        ForbiddenError: a foreign page caused the request.
    """
    text = text_of_session(connection, services)
    if not text:
        raise UnauthorizedError
    refuse_foreign(connection, services.public_url, must_say=True)
    issuer = "" if services.provider is None else services.provider.client.issuer
    session = await resume(services.store, text, clock=services.clock, issuer=issuer)
    if not is_still_a_way_in(connection, session, services):
        raise UnauthorizedError
    return session


def text_of_session(connection: Connection, services: Services) -> str | None:
    """What the cookie of a session holds; None if the request has none."""
    return cookie_in(connection, services.public_url, SESSION_COOKIE)


def is_still_a_way_in(connection: Connection, session: ValidSession, services: Services) -> bool:
    """Whether people could still sign in as this session was begun.

    Settings may have changed, and a proxy names who is there with each request.
    """
    match session.session.method:
        case SignInMethod.PASSWORD:
            return services.password_users.include(session.user.email)
        case SignInMethod.PROVIDER:
            # Another provider may have taken the place of the one that vouched for them.
            return session.is_known_to_provider
        case SignInMethod.PROXY:
            named = named_by_proxy(connection, services)
            return named is not None and named.email == session.user.email


def named_by_proxy(connection: Connection, services: Services) -> Identity | None:
    """Who an authenticating proxy says is there; None if none says so, or says it badly."""
    if services.proxy_names is None:
        return None
    try:
        return services.proxy_names.named(connection)
    except SignInRefusedError:
        return None


async def session_if_any(connection: Connection, services: Services) -> ValidSession | None:
    """The session in the request's cookie; None if there is no valid one."""
    try:
        return await session_in_cookie(connection, services)
    except UnauthorizedError:
        return None


def client_address(connection: Connection) -> str | None:
    """IP address that a request came from."""
    return connection.client.host if connection.client else None


def browser_of(connection: Connection) -> Browser:
    """Browser that a request came from."""
    return Browser(
        address=client_address(connection), user_agent=connection.headers.get("User-Agent", "")
    )


async def provide_caller(scope: Scope, services: Serving) -> Caller:
    """The caller, in the account that the path names."""
    # What needs both gets one after the other: of two at once, Litestar makes each a task.
    del services
    caller: Caller = scope["user"]
    return caller


async def provide_session(scope: Scope) -> ValidSession:
    """The session that the request comes from."""
    session: ValidSession = scope["user"]
    return session


async def provide_identity(scope: Scope) -> Caller | ValidSession:
    """The token's caller or the session that the request came with."""
    identity: Caller | ValidSession = scope["user"]
    return identity
