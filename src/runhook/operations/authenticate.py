"""API tokens, recognised by their digests."""

import hashlib
from contextlib import suppress
from datetime import timedelta

from runhook.clock import Clock
from runhook.domain.callers import Actor, ActorKind, Caller
from runhook.domain.errors import UnauthorizedError, UnavailableError
from runhook.storage.store import Store
from runhook.storage.tokens import ValidToken, find_valid_token, note_token_use

LAST_USE_PRECISION = timedelta(minutes=1)
"""A token's last use is written no more often than this."""


def token_in(header: str | None) -> str:
    """Return the token that an Authorization header holds.

    Raises:
        UnauthorizedError: there is none, or the header has another form.
    """
    scheme, _, text = (header or "").strip().partition(" ")
    if scheme.lower() not in ("token", "bearer") or not text.strip():
        raise UnauthorizedError
    return text.strip()


async def authenticate(store: Store, digest: str, *, address: str | None, clock: Clock) -> Caller:
    """Return whom a token speaks for.

    Args:
        store: where tokens are known.
        digest: of the token. It is what is looked up, so that the time a look-up takes tells
            nothing of a token.
        address: where the request came from, for the audit log.
        clock: tells when the token is used.

    Raises:
        UnauthorizedError: it is unknown, has expired, or was revoked; which one is not told.
    """
    async with store.read() as tx:
        token = await find_valid_token(tx, digest)
    if token is None:
        raise UnauthorizedError
    await note_use(store, token, clock)
    return Caller(
        account_id=token.account_id,
        account_identifier=token.account_identifier,
        actor=Actor(kind=ActorKind.TOKEN, id=token.id, name=token.name, address=address),
        permissions=token.permission_set.permissions,
        authority=f"This token's permission set, {token.permission_set}",
    )


async def note_use(store: Store, token: ValidToken, clock: Clock) -> None:
    """Write when a token was last used, if what is written is no longer right to the minute."""
    now = clock.now()
    if token.last_used_at is not None and now - token.last_used_at < LAST_USE_PRECISION:
        return
    # A database that takes no writes just now can still answer who this is.
    with suppress(UnavailableError):
        async with store.write() as tx:
            await note_token_use(tx, token.id, now=now, at_least=LAST_USE_PRECISION)


def digest_of(text: str) -> str:
    """Return what is kept of a token. It is random, so a fast hash without salt is enough."""
    return hashlib.sha256(text.encode()).hexdigest()
