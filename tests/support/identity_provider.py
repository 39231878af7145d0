"""An OpenID Connect provider on loopback that does what a test tells it, forging included."""

import base64
import hashlib
import json
import secrets
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Self
from urllib.parse import parse_qsl, urlencode, urlsplit

from joserfc import jws
from joserfc.jwk import ECKey, Key, RSAKey

from runhook.clock import Clock
from tests.support.receiver import Answer, Received, Receiver, status

Claims = dict[str, Any]
Forge = Callable[["ScriptedProvider", Claims], str]


def signed(provider: "ScriptedProvider", claims: Claims) -> str:
    """An ID token as it should be."""
    return sign(claims, provider.key, alg="RS256")


def sign(claims: Claims, key: Key, *, alg: str, **header: Any) -> str:
    """A token signed with a key; `kid` is the key's unless another one is given."""
    known_as = {"kid": key.kid} if key.kid else {}
    return jws.serialize_compact(
        {"alg": alg, **known_as, **header}, json.dumps(claims), key, algorithms=[alg]
    )


def unsigned(claims: Claims, signature: bytes = b"", **header: Any) -> str:
    """A token whose signature is these bytes."""
    parts = (json.dumps(header).encode(), json.dumps(claims).encode(), signature)
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def rsa_key(name: str, bits: int = 2_048) -> RSAKey:
    """A key of RSA."""
    return RSAKey.generate_key(bits, {"kid": name, "use": "sig"}, private=True)


def ec_key(name: str) -> ECKey:
    """A key of an elliptic curve."""
    return ECKey.generate_key("P-256", {"kid": name, "use": "sig"}, private=True)


KEY = rsa_key("first")
OTHER_KEY = rsa_key("second")


@dataclass(frozen=True)
class Asked:
    """What a code was issued for."""

    nonce: str
    challenge: str
    redirect_uri: str
    client_id: str


@dataclass(kw_only=True)
class ScriptedProvider:
    """The provider; use as an async context manager."""

    clock: Clock
    client_id: str = "runhook"
    client_secret: str | None = "a secret"
    key: Key = field(default_factory=lambda: KEY)
    published: list[Key] = field(default_factory=lambda: [KEY])
    claims: Claims = field(default_factory=dict)
    """Of the person who signs in next."""
    told: Claims | None = None
    """What the user info says; None offers none."""
    forge: Forge = signed
    document: Claims = field(default_factory=dict)
    """What the discovery document says otherwise."""
    answers: dict[str, Answer] = field(default_factory=dict)
    """What is answered at a path instead."""
    asked_for: list[str] = field(default_factory=list)
    """Paths of the requests so far."""
    redeems_again: bool = False
    """Whether a code counts more than once."""
    tls: ssl.SSLContext | None = None

    async def __aenter__(self) -> Self:
        self._codes: dict[str, Asked] = {}
        self._receiver = Receiver(self._answer, tls=self.tls)
        await self._receiver.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._receiver.__aexit__(*error)

    async def go_away(self) -> None:
        """Answer nothing any more."""
        await self._receiver.__aexit__(None, None, None)

    @property
    def issuer(self) -> str:
        return self._receiver.url_of("")

    def authorize(self, address: str) -> dict[str, str]:
        """Let the person sign in at an address; return the query that they come back with."""
        asked = dict(parse_qsl(urlsplit(address).query))
        assert address.startswith(f"{self.issuer}/authorize?")
        assert asked["response_type"] == "code"
        assert asked["code_challenge_method"] == "S256"
        assert asked["client_id"] == self.client_id
        code = secrets.token_urlsafe()
        self._codes[code] = Asked(
            nonce=asked["nonce"],
            challenge=asked["code_challenge"],
            redirect_uri=asked["redirect_uri"],
            client_id=asked["client_id"],
        )
        return {"code": code, "state": asked["state"], "iss": self.issuer}

    async def _answer(self, request: Received, writer: Any) -> None:
        path = urlsplit(request.path).path
        self.asked_for.append(path)
        answer = self.answers.get(path) or self._answer_at(path, request)
        await answer(request, writer)

    def _answer_at(self, path: str, request: Received) -> Answer:
        match path:
            case "/.well-known/openid-configuration":
                return as_json(self._discovery())
            case "/keys":
                return as_json({"keys": [key.as_dict(private=False) for key in self.published]})
            case "/authorize":
                return self._lead_back(f"{self.issuer}{request.path}")
            case "/token":
                return self._redeem(dict(parse_qsl(request.body.decode())), request.headers)
            case "/me" if self.told is not None:
                return as_json(self.told)
            case _:
                return status(404)

    def _lead_back(self, address: str) -> Answer:
        """Sign the person in who comes to an address, without asking."""
        back = dict(parse_qsl(urlsplit(address).query))["redirect_uri"]
        return status(302, headers={"Location": f"{back}?{urlencode(self.authorize(address))}"})

    def _discovery(self) -> Claims:
        document = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/keys",
            "authorization_response_iss_parameter_supported": True,
            **({} if self.told is None else {"userinfo_endpoint": f"{self.issuer}/me"}),
            **self.document,
        }
        return {name: value for name, value in document.items() if value is not None}

    def _redeem(self, form: dict[str, str], headers: dict[str, str]) -> Answer:
        asked = self._codes.get(form.get("code", ""))
        if asked is None:
            return as_json({"error": "invalid_grant"}, 400)
        if not self.redeems_again:
            del self._codes[form["code"]]
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        if base64.urlsafe_b64encode(digest).decode().rstrip("=") != asked.challenge:
            return as_json({"error": "invalid_grant"}, 400)
        if form["redirect_uri"] != asked.redirect_uri or not self._is_client(form, headers):
            return as_json({"error": "invalid_client"}, 401)
        now = self.clock.now()
        claims = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "ada",
            "nonce": asked.nonce,
            "iat": int(now.timestamp()),
            "exp": int((now + timedelta(minutes=5)).timestamp()),
            "email": "ada@example.com",
            "email_verified": True,
            "name": "Ada",
            **self.claims,
        }
        present = {name: value for name, value in claims.items() if value is not None}
        token = self.forge(self, present)
        return as_json({"id_token": token, "access_token": "at", "token_type": "Bearer"})

    def _is_client(self, form: dict[str, str], headers: dict[str, str]) -> bool:
        if self.client_secret is None:
            return form.get("client_id") == self.client_id and "authorization" not in headers
        pair = urlencode({self.client_id: self.client_secret}).replace("=", ":")
        basic = f"Basic {base64.b64encode(pair.encode()).decode()}"
        in_body = (form.get("client_id"), form.get("client_secret"))
        return headers.get("authorization") == basic or in_body == (
            self.client_id,
            self.client_secret,
        )


def as_json(content: object, code: int = 200) -> Answer:
    """Answer with JSON."""
    headers = {"Content-Type": "application/json"}
    return status(code, headers=headers, body=json.dumps(content).encode())
