"""Who is asking, and may they: every API route names the permission that it needs."""

from typing import Any

from litestar import HttpMethod
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler
from litestar.types import Scope

from runhook.domain.errors import ForbiddenError, NotFoundError
from runhook.domain.permissions import Permission
from runhook.operations.authenticate import authenticate
from runhook.server.services import Services
from runhook.storage.accounts import Token

Connection = ASGIConnection[Any, Any, Any, Any]


def needs(permission: Permission) -> dict[str, Any]:
    """Return what a route handler is given to say the permission it needs."""
    return {"opt": {"permission": permission}}


async def authorize(connection: Connection, handler: BaseRouteHandler) -> None:
    """Let a request through if its token may do what the route does, in the account it names.

    Raises:
        UnauthorizedError: no token, or an unknown one.
        NotFoundError: another account's path: it looks like one that is not there.
        ForbiddenError: the token's permission set does not allow it.
    """
    if connection.scope.get("method") == HttpMethod.OPTIONS:
        # Answered by the framework with the methods of the path, which are no secret.
        return
    services: Services = connection.app.state.services
    token = await authenticate(services.store, connection.headers.get("Authorization"))
    if connection.path_params.get("account_id") != token.account_id:
        raise NotFoundError
    if "\0" in connection.scope["path"]:
        # No id holds a NUL character, and PostgreSQL does not even look for one.
        raise NotFoundError
    permission: Permission = handler.opt["permission"]
    if not token.permission_set.grants(permission):
        raise ForbiddenError(
            f"This token's permission set, {token.permission_set}, does not allow to {permission}."
        )
    connection.scope["user"] = token


async def provide_caller(scope: Scope) -> Token:
    """Return what the request's token may act for."""
    caller: Token = scope["user"]
    return caller
