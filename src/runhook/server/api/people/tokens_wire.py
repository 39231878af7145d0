"""Tokens as JSON."""

from datetime import datetime, timedelta
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType

from runhook.domain.people.permissions import PermissionSet
from runhook.operations.people.tokens import LONGEST_LIFETIME
from runhook.server.api.wire import Name
from runhook.storage.people.tokens import Token


class TokenIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A token to be made."""

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
