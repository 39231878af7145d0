"""API tokens: listed, created and revoked with the permission to manage them."""

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody

from runhook.domain.people.permissions import Permission
from runhook.operations.people.tokens import create_token, remove_token
from runhook.server.access.authentication import needs
from runhook.server.api.parameters import DEFAULT_LIMIT, Limit, Offset
from runhook.server.api.people.tokens_wire import RevokedOut, TokenIn, TokenOut, shown_token
from runhook.server.api.wire import Envelope, created, page_envelope
from runhook.server.services import Calling, Serving
from runhook.storage.people.tokens import count_tokens, list_tokens


@get("/", **needs(Permission.MANAGE_TOKENS))
async def list_all(
    services: Serving, caller: Calling, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> Envelope[list[TokenOut]]:
    """List the account's tokens, the newest first; expired and revoked ones too."""
    async with services.store.read() as tx:
        tokens = await list_tokens(tx, caller.account_id, limit=limit, offset=offset)
        total = await count_tokens(tx, caller.account_id)
    shown = [shown_token(token) for token in tokens]
    return page_envelope(shown, limit=limit, offset=offset, total=total)


@post("/", **needs(Permission.MANAGE_TOKENS))
async def create(services: Serving, caller: Calling, data: JSONBody[TokenIn]) -> Envelope[TokenOut]:
    """Create a token, allowed no more than its maker; the answer holds its text, this once."""
    token, text = await create_token(
        services.store,
        caller.account_id,
        data.permission_set,
        name=data.name,
        lifetime=data.lifetime,
        actor=caller.actor,
        quotas=services.quotas,
        clock=services.clock,
    )
    return created(shown_token(token, text))


@delete("/{token_id:int}", status_code=200, **needs(Permission.MANAGE_TOKENS))
async def revoke(
    services: Serving, caller: Calling, token_id: FromPath[int]
) -> Envelope[RevokedOut]:
    """Revoke a token, from the next request on; again changes nothing."""
    await remove_token(
        services.store,
        caller.account_id,
        token_id,
        actor=caller.actor,
        clock=services.clock,
    )
    return Envelope(data=RevokedOut(id=token_id))


router = Router("/tokens", route_handlers=[list_all, create, revoke])
