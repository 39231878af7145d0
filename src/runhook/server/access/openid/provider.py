"""Requests to an identity provider, within bounds, and what it says of a person.

Its address is the operator's choice, so that it may lie in a private network; addresses of clouds'
metadata stay refused. No redirect is followed.
"""

import base64
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TypeVar
from urllib.parse import quote_plus, urlencode

from runhook.clock import Clock
from runhook.domain.errors import InvalidError, UnavailableError
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.network.proxies import Proxies
from runhook.domain.people.id_tokens import Expected, IdTokenRefusedError
from runhook.domain.people.identities import (
    Identity,
    SignInRefusedError,
    identity_in,
    said_together,
)
from runhook.domain.people.providers import DISCOVERY, Metadata, ProviderClient, read_metadata
from runhook.outbound.pool import Bounds
from runhook.outbound.sender import Request, Sender
from runhook.server.access.openid.remembered import Remembered
from runhook.server.access.openid.signatures import (
    Keys,
    KeyUnknownError,
    SignedClaims,
    check_access_token,
    read_keys,
    read_object,
    verified_claims,
)
from runhook.telemetry.events import PROVIDER_REFUSED, PROVIDER_UNUSABLE, Seldom

ANYWHERE = AddressPolicy.parse("0.0.0.0/0,::/0")
PATIENCE = timedelta(seconds=10)
"""For one request to a provider, from looking up its name to the body's end."""
AT_ONCE = 16
"""Connections to a provider."""
LARGEST_ANSWER = 256 << 10
"""In bytes."""
LARGEST_ID_TOKEN = 64 << 10
"""In characters."""
KEPT = timedelta(hours=1)
"""How long a provider's discovery document and keys are good."""
REST = timedelta(seconds=30)
"""Between two fetches of the same, so that forged tokens cannot make a provider busy."""

OK = 200
REFUSALS = range(400, 500)
ERROR = re.compile(r"[a-z0-9_]{1,60}")
FORM = "application/x-www-form-urlencoded"

T = TypeVar("T")


def provider_sender(proxies: Proxies) -> Sender:
    """Make what sends requests to providers."""
    bounds = Bounds(in_all=AT_ONCE, to_one_host=AT_ONCE)
    return Sender(ANYWHERE, deadline=PATIENCE, proxies=proxies, bounds=bounds)


class Provider:
    """An OpenID Connect provider, of which we are a client.

    Args:
        client: what we are to it.
        sender: sends our requests.
        clock: tells whether ID tokens are valid.
    """

    def __init__(self, client: ProviderClient, sender: Sender, clock: Clock) -> None:
        self.client = client
        self._sender = sender
        self._clock = clock
        self._refused = Seldom(PROVIDER_REFUSED)
        self._metadata = Remembered(self._discover, kept=KEPT, rest=REST)
        self._keys = Remembered(self._fetch_keys, kept=KEPT, rest=REST)

    async def metadata(self) -> Metadata:
        """What the provider says of itself.

        Raises:
            UnavailableError: it cannot be asked, or its discovery document will not do.
        """
        return await self._metadata.get()

    async def identity(self, code: str, *, verifier: str, nonce: str) -> tuple[Identity, str]:
        """Whom a code was issued for, and the ID token that says so.

        Args:
            code: that came back with the browser.
            verifier: whose digest went with the request for it (RFC 7636).
            nonce: that went with the request for it.

        Raises:
            UnavailableError: the provider cannot be asked.
            SignInRefusedError: it does not take the code, or what it says is not to be believed.
        """
        metadata = await self.metadata()
        answer = await self._redeem(metadata, code, verifier)
        token = answer.get("id_token")
        if not isinstance(token, str) or len(token) > LARGEST_ID_TOKEN:
            raise self._refusal("it sent no ID token")
        expected = Expected(issuer=self.client.issuer, client_id=self.client.client_id, nonce=nonce)
        access_token = answer.get("access_token")
        try:
            claims = await self._claims_of(token)
            expected.check(claims.payload, self._clock.now())
            check_access_token(claims, access_token)
        except IdTokenRefusedError as error:
            raise self._refusal(f"its ID token {error}") from None
        told = await self._user_info(metadata, claims.payload, access_token)
        identity = identity_in(
            said_together(claims.payload, told),
            issuer=self.client.issuer,
            groups_claim=self.client.groups_claim,
            provider=self.client.name,
        )
        return identity, token

    async def _discover(self) -> Metadata:
        issuer = self.client.issuer
        url = issuer.rstrip("/") + DISCOVERY
        return await self._fetch(
            "discovery document",
            Request(url=url, headers={}, body=b"", method="GET"),
            lambda document: read_metadata(document, issuer),
        )

    async def _fetch_keys(self) -> Keys:
        metadata = await self.metadata()
        request = Request(url=metadata.jwks_uri, headers={}, body=b"", method="GET")
        return await self._fetch("keys", request, read_keys)

    async def _claims_of(self, token: str) -> SignedClaims:
        try:
            return verified_claims(token, await self._keys.get())
        except KeyUnknownError:
            # The provider may have a new key.
            return verified_claims(token, await self._keys.renewed())

    async def _redeem(self, metadata: Metadata, code: str, verifier: str) -> Mapping[str, object]:
        """What a code is exchanged for."""
        client = self.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": verifier,
        }
        headers = {"Content-Type": FORM}
        if client.client_secret is None:
            form["client_id"] = client.client_id
        elif metadata.takes_secret_in_body:
            form |= {"client_id": client.client_id, "client_secret": client.client_secret}
        else:
            headers["Authorization"] = basic(client.client_id, client.client_secret)
        request = Request(
            url=metadata.token_endpoint, headers=headers, body=urlencode(form).encode()
        )
        return await self._fetch("answer to the code", request, dict, is_asked_by_person=True)

    async def _user_info(
        self, metadata: Metadata, claims: Mapping[str, object], access_token: object
    ) -> Mapping[str, object]:
        """What a provider tells of somebody beside their ID token; empty if that says all."""
        wanted = {"email", "email_verified", "name", self.client.groups_claim.partition(".")[0]}
        url = metadata.userinfo_endpoint
        if wanted <= claims.keys() or url is None or not isinstance(access_token, str):
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        request = Request(url=url, headers=headers, body=b"", method="GET")
        told = await self._fetch("user info", request, dict, is_asked_by_person=True)
        if told.get("sub") != claims.get("sub"):
            raise self._refusal("its user info is of somebody else")
        return told

    async def _fetch(
        self,
        what: str,
        request: Request,
        read: Callable[[Mapping[str, object]], T],
        *,
        is_asked_by_person: bool = False,
    ) -> T:
        """Send a request, and read the JSON object that is answered.

        Raises:
            UnavailableError: there is no answer, or not one that can be read.
            SignInRefusedError: the provider refuses a request that depends on who signs in.
        """
        headers = {"Accept": "application/json", **request.headers}
        outcome = await self._sender.send(
            replace(request, headers=headers, body_kept=LARGEST_ANSWER)
        )
        status = outcome.status_code or 0
        if is_asked_by_person and status in REFUSALS:
            raise self._refusal(f"it answered {status}{error_code_in(outcome.response_body)}")
        why = outcome.error
        if status == OK:
            try:
                return read(read_object(outcome.response_body))
            except InvalidError as error:
                why = error.message
        PROVIDER_UNUSABLE.say(provider=self.client.issuer, what=what, reason=why)
        raise UnavailableError(
            f"{self.client.name} cannot be asked just now; try again in a minute. An operator "
            "finds the reason in the log."
        )

    def _refusal(self, why: str) -> SignInRefusedError:
        """Error for who cannot sign in by this provider now; the reason is logged too."""
        self._refused.say(provider=self.client.issuer, reason=why)
        return SignInRefusedError(
            f"{self.client.name} did not sign you in: {why}. Begin the sign-in again."
        )


def basic(name: str, secret: str) -> str:
    """Header with a client's name and secret, each encoded as RFC 6749, section 2.3.1, says."""
    pair = f"{quote_plus(name)}:{quote_plus(secret)}"
    return f"Basic {base64.b64encode(pair.encode()).decode()}"


def error_code_in(body: bytes) -> str:
    """What a provider calls an error, to follow its status; empty if it does not say."""
    try:
        code = read_object(body).get("error")
    except InvalidError:
        return ""
    return f" ({code})" if isinstance(code, str) and ERROR.fullmatch(code) else ""
