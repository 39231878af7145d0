"""The way to a provider and back: what goes with the browser, and what has to come back.

What an answer has to fit is in a cookie of the browser that began the sign-in, encrypted with the
master key: it comes back from no other browser, and any replica can read it. It is answered once.
"""

import base64
import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from cryptography.fernet import InvalidToken
from litestar.datastructures import Cookie

from runhook.domain.errors import UnavailableError
from runhook.domain.people.identities import SignInRefusedError
from runhook.domain.people.providers import with_query
from runhook.domain.people.users import SignInMethod
from runhook.domain.webhooks.signature import Secret
from runhook.operations.people.identities import VouchedSignIn, sign_in_vouched, spend
from runhook.operations.people.sessions import Begun
from runhook.server.access.authentication import Connection, browser_of, client_address
from runhook.server.access.cookies import cookie_in, guarded_cookie, prefix_of
from runhook.server.access.openid.provider import Provider
from runhook.server.access.signing_in import invitation_at
from runhook.server.access.throttle import Rationed
from runhook.server.services import Services
from runhook.storage.people.sessions import find_id_token

STARTED_COOKIE = "runhook_sign_in"
LIFETIME = timedelta(minutes=10)
"""How long people may take at the provider."""
PURPOSE = "a sign-in by a provider"
LONGEST_STARTED = 3_500
LONGEST_FOLLOWING = 1_000
LONGEST_CODE = 4_096
AGAIN = "This sign-in was not begun in this browser, or too long ago; begin it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class StartedSignIn:
    """A sign-in that somebody has begun."""

    state: str
    """Comes back with the browser."""
    nonce: str
    """Comes back in the ID token."""
    verifier: str
    """Goes to the provider with the code; its digest went there before (RFC 7636)."""
    following: str
    """Page that it leads to, of this service."""

    def __repr__(self) -> str:
        return "StartedSignIn(...)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """A sign-in that a provider has answered."""

    begun: Begun
    following: str


async def start_sign_in(
    connection: Connection, services: Services, provider: Provider, following: str
) -> tuple[str, Cookie]:
    """Begin a sign-in: the provider's address to go to, and the cookie that keeps what has to fit.

    Raises:
        UnavailableError: the provider cannot be asked.
    """
    metadata = await provider.metadata()
    started = StartedSignIn(
        state=secrets.token_urlsafe(32),
        nonce=secrets.token_urlsafe(32),
        verifier=secrets.token_urlsafe(48),
        following=following if len(following) <= LONGEST_FOLLOWING else "/",
    )
    client = provider.client
    address = with_query(
        metadata.authorization_endpoint,
        {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": client.redirect_uri,
            "scope": " ".join(client.scopes),
            "state": started.state,
            "nonce": started.nonce,
            "code_challenge": challenge_of(started.verifier),
            "code_challenge_method": "S256",
        },
    )
    cookie = guarded_cookie(
        STARTED_COOKIE,
        sealed_sign_in(services, started),
        LIFETIME,
        prefix=prefix_of(connection, services.public_url),
    )
    return address, cookie


def challenge_of(verifier: str) -> str:
    """Digest of a verifier, as it goes to the provider first."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


async def finish_sign_in(
    connection: Connection, services: Services, provider: Provider, answer: Mapping[str, str]
) -> Finished:
    """Begin the session of who comes back from the provider.

    Args:
        connection: the request's.
        services: know who began it, and whom the groups make what.
        provider: where they come from.
        answer: the query that they come with.

    Raises:
        SignInRefusedError: it is not the answer to a sign-in of this browser, was used before, or
            is not to be believed; or the person has access to nothing here.
        UnavailableError: the provider cannot be asked.
        LimitedError: too many come from there.
    """
    services.throttle.admit(
        {Rationed.ANSWER_FROM: client_address(connection) or ""}, "Too many sign-ins came from here"
    )
    started = started_in(services, cookie_in(connection, services.public_url, STARTED_COOKIE))
    if started is None or not is_same(answer.get("state", ""), started.state):
        raise SignInRefusedError(AGAIN)
    metadata = await provider.metadata()
    check_sender(provider, answer, names_itself=metadata.names_itself)
    if "error" in answer:
        raise SignInRefusedError(
            f"{provider.client.name} did not sign you in: {said_error(answer)}."
        )
    code = answer.get("code", "")
    if not 0 < len(code) <= LONGEST_CODE:
        raise SignInRefusedError(AGAIN)
    await spend(services.store, started.state, expires_at=services.clock.now() + LIFETIME)
    identity, id_token = await provider.identity(
        code, verifier=started.verifier, nonce=started.nonce
    )
    begun = await sign_in_vouched(
        services.store,
        VouchedSignIn(
            identity=identity,
            method=SignInMethod.PROVIDER,
            voucher=provider.client.name,
            invitation=invitation_at(started.following),
            id_token=id_token,
        ),
        services.groups,
        browser=browser_of(connection),
        clock=services.clock,
    )
    return Finished(begun=begun, following=started.following)


def check_sender(provider: Provider, answer: Mapping[str, str], *, names_itself: bool) -> None:
    """Check that it is our provider that sends somebody back, if it says so (RFC 9207).

    Raises:
        SignInRefusedError: it is not the one that the sign-in began with.
    """
    issuer = answer.get("iss")
    if issuer != provider.client.issuer and (issuer is not None or names_itself):
        raise SignInRefusedError(
            f"This answer is not from {provider.client.name}. Begin the sign-in again."
        )


def said_error(answer: Mapping[str, str]) -> str:
    """What a provider says of a sign-in that did not come about."""
    texts = [answer["error"], answer.get("error_description", "")]
    shown = ["".join(letter for letter in text if letter.isprintable())[:200] for text in texts]
    return ": ".join(text for text in shown if text)


def is_same(one: str, other: str) -> bool:
    """Whether two texts are the same, in a time that does not tell how far they are."""
    return hmac.compare_digest(one.encode(), other.encode())


def sealed_sign_in(services: Services, started: StartedSignIn) -> str:
    """Encrypt what has to fit."""
    kept = {"for": PURPOSE, "at": services.clock.now().isoformat(), "started": asdict(started)}
    return services.store.vault.encrypt(Secret(json.dumps(kept))).decode()


def started_in(services: Services, text: str | None) -> StartedSignIn | None:
    """Decrypt what has to fit; None if there is nothing, or it is too old."""
    if not text or len(text) > LONGEST_STARTED:
        return None
    try:
        kept = json.loads(services.store.vault.decrypt(text.encode()).reveal())
    except (InvalidToken, ValueError):
        return None
    if not isinstance(kept, dict) or kept.get("for") != PURPOSE:
        return None
    age = services.clock.now() - datetime.fromisoformat(kept["at"])
    return StartedSignIn(**kept["started"]) if abs(age) <= LIFETIME else None


async def end_address(services: Services, provider: Provider | None, session_id: int) -> str | None:
    """Where somebody ends their session at the provider, too; None if there is no such place.

    It is asked for before the session ends here.
    """
    if provider is None:
        return None
    async with services.store.read() as tx:
        sealed_token = await find_id_token(tx, session_id)
    if sealed_token is None:
        return None
    with suppress(UnavailableError):
        metadata = await provider.metadata()
        if metadata.end_session_endpoint is not None:
            query = {
                "client_id": provider.client.client_id,
                "post_logout_redirect_uri": f"{services.public_url}/sign-in",
            }
            with suppress(InvalidToken):
                query["id_token_hint"] = services.store.vault.decrypt(sealed_token).reveal()
            return with_query(metadata.end_session_endpoint, query)
    return None
