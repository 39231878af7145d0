"""Who is asking, and may they: every API route names the permission that it needs."""

from typing import Any

from litestar import HttpMethod
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope

from runhook.domain.callers import Caller
from runhook.domain.errors import NotFoundError, UnauthorizedError
from runhook.domain.permissions import Permission
from runhook.operations.authenticate import authenticate, digest_of, token_in
from runhook.server.services import Services
from runhook.server.throttle import Failure

Connection = ASGIConnection[Any, Any, Any, Any]


def needs(permission: Permission) -> dict[str, Any]:
    """Return what a route handler is given to say the permission it needs."""
    return {"opt": {"permission": permission}}


async def authorize(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through if its token may do what the route does, in the account it names.

    Raises:
        UnauthorizedError: no token, or one that is not valid.
        LimitedError: too many tokens that are not valid came from there.
        NotFoundError: another account's path: it looks like one that is not there.
        ForbiddenError: the token's permission set does not allow it.
    """
    if connection.scope.get("method") == HttpMethod.OPTIONS:
        # Answered by the framework with the methods of the path, which are no secret.
        return
    services: Services = connection.app.state.services
    caller = await caller_by_token(connection, services)
    if connection.path_params.get("account_id") != caller.account_id:
        raise NotFoundError
    if "\0" in connection.scope["path"]:
        # No id holds a NUL character, and PostgreSQL does not even look for one.
        raise NotFoundError
    caller.require(handler.opt["permission"])
    connection.scope["user"] = caller


async def caller_by_token(connection: Connection, services: Services) -> Caller:
    """Return whom the request's token speaks for.

    Raises:
        UnauthorizedError: no token, or one that is not valid.
        LimitedError: too many that are not valid came from there; unknown ones are not even
            looked at for a while.
    """
    digest = digest_of(token_in(connection.headers.get("Authorization")))
    address = connection.client.host if connection.client else None
    throttle = services.throttle
    if not throttle.knows_token(digest):
        throttle.check(Failure.BAD_TOKEN, address or "")
    try:
        caller = await authenticate(services.store, digest, address=address, clock=services.clock)
    except UnauthorizedError:
        throttle.note_token(digest, is_good=False)
        throttle.count(Failure.BAD_TOKEN, address or "")
        raise
    throttle.note_token(digest, is_good=True)
    return caller


async def provide_caller(scope: Scope) -> Caller:
    """Return whom the request comes from."""
    caller: Caller = scope["user"]
    return caller
