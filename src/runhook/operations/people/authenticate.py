"""API tokens, recognised by their digests."""

import hashlib
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from runhook.clock import Clock
from runhook.domain.errors import UnauthorizedError, UnavailableError
from runhook.domain.people.callers import Actor, ActorKind, Caller
from runhook.operations.commits.group_commit import GroupCommit
from runhook.storage.engine.store import Store, Transaction
from runhook.storage.people.tokens import (
    TokenEnd,
    ValidToken,
    find_ends_of_tokens,
    find_valid_tokens,
    note_token_use,
)

KNOWN_TOKENS = 10_000
LAST_USE_PRECISION = timedelta(minutes=1)
"""A token's last use is written no more often than this."""


def token_in(header: str | None) -> str:
    """Parse the token of an Authorization header.

    Raises:
        UnauthorizedError: there is none, or the header has another form.
    """
    scheme, _, text = (header or "").strip().partition(" ")
    if scheme.lower() not in ("token", "bearer") or not text.strip():
        raise UnauthorizedError
    return text.strip()


class Authenticator:
    """Finds the caller that a token belongs to, as the database has it when it is asked.

    Requests that come while a look-up is under way share the next one: under load, authenticating
    reporters would else cost more than their reports do. Tokens that were valid here before have
    look-ups of their own, so that a flood of invalid ones, which takes one connection and one query
    at a time, delays none of them.

    Args:
        store: where tokens are known.
        clock: tells when a token is used.
    """

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._known: OrderedDict[str, ValidToken] = OrderedDict()
        """Tokens by their digests, as they were looked up last; those looked up last, last."""
        self._look_ups_of_known: GroupCommit[str, ValidToken] = GroupCommit(self._look_up)
        self._look_ups: GroupCommit[str, ValidToken] = GroupCommit(self._look_up)

    async def authenticate(
        self, digest: str, *, address: str | None, is_asked_again: bool = False
    ) -> Caller:
        """Find the caller that a token belongs to.

        Args:
            digest: of the token. It is what is looked up, so that its time says nothing about
                a token.
            address: where the request came from, for the audit log.
            is_asked_again: whether all that the request is for is done in a transaction that looks
                at the permission again. Then a token is not looked up within a minute of its use.

        Raises:
            UnauthorizedError: it is unknown, has expired, or was revoked. One that was valid once
                is told when it ended; it cannot be guessed.
        """
        token = self._remembered(digest) if is_asked_again else None
        if token is None:
            token = await self._find(digest)
            if not self._is_noted(token):
                await note_use(self._store, token, self._clock.now())
        return Caller(
            account_id=token.account_id,
            account_identifier=token.account_identifier,
            actor=Actor(kind=ActorKind.TOKEN, id=token.id, name=token.name, address=address),
            permissions=token.permission_set.permissions,
            authority=token.permission_set,
        )

    def forget(self, actor: Actor) -> None:
        """Look an actor's token up at its next use, since it has just been refused."""
        if actor.kind is ActorKind.TOKEN:
            for digest in [one for one, token in self._known.items() if token.id == actor.id]:
                del self._known[digest]

    def _remembered(self, digest: str) -> ValidToken | None:
        token = self._known.get(digest)
        return token if token is not None and self._is_noted(token) else None

    def _is_noted(self, token: ValidToken) -> bool:
        """Whether what is written of its last use is right to the minute."""
        last = token.last_used_at
        return last is not None and self._clock.now() - last < LAST_USE_PRECISION

    async def _find(self, digest: str) -> ValidToken:
        look_ups = self._look_ups_of_known if digest in self._known else self._look_ups
        try:
            token = await look_ups.submit(digest)
        except UnauthorizedError:
            self._known.pop(digest, None)
            raise
        self._known[digest] = token
        self._known.move_to_end(digest)
        if len(self._known) > KNOWN_TOKENS:
            self._known.popitem(last=False)
        return token

    async def _look_up(self, digests: Sequence[str]) -> Sequence[ValidToken | UnauthorizedError]:
        async def look_up(
            tx: Transaction,
        ) -> tuple[Mapping[str, ValidToken], Mapping[str, TokenEnd]]:
            found = await find_valid_tokens(tx, asked)
            missing = asked - found.keys()
            return found, await find_ends_of_tokens(tx, missing) if missing else {}

        asked = set(digests)
        found, ends = await self._store.query(look_up)
        return [found.get(digest) or refused_token(ends.get(digest)) for digest in digests]


def refused_token(end: TokenEnd | None) -> UnauthorizedError:
    """Error for a token that is not valid, by what is known of it."""
    if end is None:
        return UnauthorizedError()
    if end.revoked_at is not None:
        return UnauthorizedError(f"This token was revoked at {end.revoked_at:%Y-%m-%d %H:%M} UTC.")
    return UnauthorizedError(f"This token expired at {end.expires_at:%Y-%m-%d %H:%M} UTC.")


async def note_use(store: Store, token: ValidToken, now: datetime) -> None:
    """Write that a token is used now, unless it was just written."""
    # A database that takes no writes just now can still answer who this is.
    with suppress(UnavailableError):
        await store.commit(
            lambda tx: note_token_use(tx, token.id, now=now, at_least=LAST_USE_PRECISION)
        )


def token_digest(text: str) -> str:
    """Digest of a token, as it is stored.

    Tokens are random, so a fast hash without salt is enough.
    """
    return hashlib.sha256(text.encode()).hexdigest()
