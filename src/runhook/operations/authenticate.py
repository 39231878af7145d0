"""API tokens: made, shown once, and recognised. Only their digests are kept."""

import hashlib
import secrets

from runhook.clock import Clock
from runhook.domain.callers import Actor, ActorKind, Caller
from runhook.domain.errors import NotFoundError, UnauthorizedError
from runhook.domain.permissions import PermissionSet
from runhook.domain.runs import AccountId
from runhook.storage.accounts import find_account, find_token, insert_token
from runhook.storage.store import Store

PREFIX = "rh_"


async def create_token(
    store: Store,
    account_id: AccountId,
    permission_set: PermissionSet,
    *,
    name: str,
    actor: Actor,
    clock: Clock,
) -> str:
    """Create a token and return it; it is never readable again.

    Raises:
        NotFoundError: there is no such account.
    """
    text = PREFIX + secrets.token_urlsafe(32)
    async with store.write() as tx:
        if await find_account(tx, account_id) is None:
            raise NotFoundError(f"There is no account {account_id}.")
        await insert_token(
            tx,
            account_id,
            permission_set,
            name=name,
            digest=digest_of(text),
            created_by=actor.name,
            now=clock.now(),
        )
    return text


async def authenticate(store: Store, header: str | None, *, address: str | None) -> Caller:
    """Return whom an Authorization header speaks for.

    Args:
        store: where tokens are known.
        header: the Authorization header, None if there is none.
        address: where the request came from, for the audit log.

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
    return Caller(
        account_id=token.account_id,
        account_identifier=token.account_identifier,
        actor=Actor(kind=ActorKind.TOKEN, id=token.id, name=token.name, address=address),
        permissions=token.permission_set.permissions,
        authority=f"This token's permission set, {token.permission_set}",
    )


def digest_of(text: str) -> str:
    """Return what is kept of a token. It is random, so a fast hash without salt is enough."""
    return hashlib.sha256(text.encode()).hexdigest()
