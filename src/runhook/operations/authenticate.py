"""API tokens: made, shown once, and recognised. Only their digests are kept."""

import hashlib
import secrets

from runhook.clock import Clock
from runhook.domain.errors import NotFoundError, UnauthorizedError
from runhook.domain.permissions import PermissionSet
from runhook.domain.runs import AccountId
from runhook.storage.accounts import Token, find_account, find_token, insert_token
from runhook.storage.store import Store

PREFIX = "rh_"


async def create_token(
    store: Store, account_id: AccountId, permission_set: PermissionSet, *, name: str, clock: Clock
) -> str:
    """Create a token and return it; it is never readable again.

    Raises:
        NotFoundError: there is no such account.
    """
    text = PREFIX + secrets.token_urlsafe(32)
    async with store.write() as tx:
        if await find_account(tx, account_id) is None:
            raise NotFoundError(f"There is no account {account_id}.")
        digest = digest_of(text)
        await insert_token(
            tx, account_id, permission_set, name=name, digest=digest, now=clock.now()
        )
    return text


async def authenticate(store: Store, header: str | None) -> Token:
    """Return whom an Authorization header speaks for.

    Raises:
        UnauthorizedError: it is missing, has another form, or its token is unknown.
    """
    scheme, _, text = (header or "").strip().partition(" ")
    if scheme.lower() not in ("token", "bearer") or not text:
        raise UnauthorizedError
    # The digest is what is looked up, so that the time a look-up takes tells nothing of a token.
    async with store.read() as tx:
        token = await find_token(tx, digest_of(text.strip()))
    if token is None:
        raise UnauthorizedError
    return token


def digest_of(text: str) -> str:
    """Return what is kept of a token. It is random, so a fast hash without salt is enough."""
    return hashlib.sha256(text.encode()).hexdigest()
