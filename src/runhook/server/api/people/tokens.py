"""API tokens: listed, created and revoked with the permission to manage them."""

from datetime import datetime, timedelta
from typing import Annotated

from litestar import Router, delete, get, post
from litestar.params import FromPath, JSONBody
from msgspec import UNSET, Meta, Struct, UnsetType

from runhook.domain.people.permissions import Permission, PermissionSet
from runhook.operations.people.tokens import LONGEST_LIFETIME, create_token, remove_token
from runhook.server.access.authentication import needs
from runhook.server.api.wire import Envelope, Name, Paged, created, page_envelope
from runhook.server.services import Calling, Serving
from runhook.storage.people.tokens import Token, count_tokens, list_tokens


class TokenIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A token to create."""

    name: Name
    permission_set: PermissionSet
    expires_in_days: Annotated[int, Meta(ge=1, le=LONGEST_LIFETIME.days)] | None = None

    @property
    def lifetime(self) -> timedelta | None:
        """How long the token is to be valid, None for until it is revoked."""
        return None if self.expires_in_days is None else timedelta(days=self.expires_in_days)


class TokenOut(Struct, kw_only=True):
    """A token; its text only in the answer to its making."""

    id: int
    account_id: int
    name: str
    permission_set: PermissionSet
    created_by: str
    created_at: datetime
    last_used_at: datetime | None
    expires_at: datetime | None
    revoked_at: datetime | None
    token: str | UnsetType = UNSET


def shown_token(token: Token, text: str | None = None) -> TokenOut:
    """Show a token; its text only in the response that creates it."""
    return TokenOut(
        id=token.id,
        account_id=token.account_id,
        name=token.name,
        permission_set=token.permission_set,
        created_by=token.created_by,
        created_at=token.created_at,
        last_used_at=token.last_used_at,
        expires_at=token.expires_at,
        revoked_at=token.revoked_at,
        token=UNSET if text is None else text,
    )


class RevokedOut(Struct, kw_only=True):
    """What is left of a token that was revoked."""

    id: int


@get("/", **needs(Permission.MANAGE_TOKENS))
async def list_all(services: Serving, caller: Calling, page: Paged) -> Envelope[list[TokenOut]]:
    """List the account's tokens, the newest first; expired and revoked ones too."""
    async with services.store.read() as tx:
        tokens = await list_tokens(tx, caller.account_id, limit=page.limit, offset=page.offset)
        total = await count_tokens(tx, caller.account_id)
    shown = [shown_token(token) for token in tokens]
    return page_envelope(shown, page, total=total)


@post("/", **needs(Permission.MANAGE_TOKENS))
async def create(services: Serving, caller: Calling, data: JSONBody[TokenIn]) -> Envelope[TokenOut]:
    """Create a token, allowed no more than its maker; the answer holds its text, this once."""
    token, text = await create_token(
        services.context(caller.actor),
        caller.account_id,
        data.permission_set,
        name=data.name,
        lifetime=data.lifetime,
    )
    return created(shown_token(token, text))


@delete("/{token_id:int}", status_code=200, **needs(Permission.MANAGE_TOKENS))
async def revoke(
    services: Serving, caller: Calling, token_id: FromPath[int]
) -> Envelope[RevokedOut]:
    """Revoke a token, from the next request on; again changes nothing."""
    await remove_token(services.context(caller.actor), caller.account_id, token_id)
    return Envelope(data=RevokedOut(id=token_id))


router = Router("/tokens", route_handlers=[list_all, create, revoke])
