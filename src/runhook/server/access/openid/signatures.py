"""Signatures of ID tokens, by the keys that a provider publishes.

Which algorithms count is fixed here, and a key serves those of its own kind alone: a token says
what it was signed with, and is not believed in that. Algorithms with a shared secret, such as
HS256, are not among them, and neither is `none`.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from joserfc.errors import JoseError
from joserfc.jwk import Key, import_key
from joserfc.jws import CompactSignature, JWSRegistry, extract_compact, validate_compact

from runhook.domain.errors import InvalidError
from runhook.domain.people.id_tokens import IdTokenRefusedError
from runhook.domain.strict_json import NotJsonError, parse_json

KINDS = {
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), "RSA"),
    **dict.fromkeys(("ES256", "ES384", "ES512"), "EC"),
    **dict.fromkeys(("EdDSA", "Ed25519"), "OKP"),
}
"""Kind of the key of each algorithm that counts."""
REGISTRY = JWSRegistry(algorithms=list(KINDS), strict_check_header=False)
DIGESTS = {"256": hashlib.sha256, "384": hashlib.sha384, "512": hashlib.sha512}
MOST_KEYS = 100
SHORTEST_MODULUS, LONGEST_MODULUS = 342, 1_366
"""Of an RSA key, in characters of Base64: 2,048 and 8,192 bits."""
LONGEST_EXPONENT = 8


class KeyUnknownError(IdTokenRefusedError):
    """An ID token is signed with a key that is not among those that are known."""

    def __init__(self) -> None:
        super().__init__("is signed with a key that is not the provider's")


@dataclass(frozen=True, slots=True)
class ProviderKey:
    """A key that a provider signs with."""

    id: str | None
    kind: str
    algorithm: str | None
    """The only one that it is for; None if the provider does not say."""
    key: Key


Keys = Sequence[ProviderKey]


@dataclass(frozen=True, slots=True)
class SignedClaims:
    """Claims whose signature is verified."""

    payload: Mapping[str, object]
    algorithm: str


def read_keys(document: Mapping[str, object]) -> Keys:
    """Read a provider's key set; keys that are not for signatures, or unknown, are left out.

    Raises:
        InvalidError: it is not a key set.
    """
    listed = document.get("keys")
    if not isinstance(listed, list):
        raise InvalidError("it has no `keys`")
    read = (read_jwk(one) for one in listed[:MOST_KEYS] if isinstance(one, dict))
    return [key for key in read if key is not None]


def read_jwk(jwk: Mapping[str, object]) -> ProviderKey | None:
    """Read one key; None if it is not one to verify ID tokens with."""
    kind, algorithm = jwk.get("kty"), jwk.get("alg")
    if kind not in KINDS.values() or jwk.get("use", "sig") != "sig":
        return None
    if algorithm is not None and KINDS.get(str(algorithm)) != kind:
        return None
    if kind == "RSA" and not is_of_good_size(jwk):
        return None
    public: dict[str, str | list[str]] = {
        name: value
        for name, value in jwk.items()
        if name in ("kty", "n", "e", "crv", "x", "y") and isinstance(value, str)
    }
    try:
        key = import_key(public)
    except (JoseError, ValueError, KeyError, TypeError):
        return None
    known_as = jwk.get("kid")
    return ProviderKey(
        id=known_as if isinstance(known_as, str) else None,
        kind=str(kind),
        algorithm=None if algorithm is None else str(algorithm),
        key=key,
    )


def is_of_good_size(jwk: Mapping[str, object]) -> bool:
    """Whether an RSA key is long enough to be safe, and short enough to be quick."""
    modulus, exponent = str(jwk.get("n", "")), str(jwk.get("e", ""))
    return SHORTEST_MODULUS <= len(modulus) <= LONGEST_MODULUS and len(exponent) <= LONGEST_EXPONENT


def verified_claims(token: str, keys: Keys) -> SignedClaims:
    """Claims of an ID token that one of these keys has signed.

    Raises:
        KeyUnknownError: the key that it names is not among them.
        IdTokenRefusedError: it is not a signed token, by an algorithm that counts; or the signature
            is not right.
    """
    try:
        signed = extract_compact(token.encode())
        algorithm, known_as = signed.headers().get("alg"), signed.headers().get("kid")
    except (JoseError, ValueError, AttributeError, RecursionError):
        raise IdTokenRefusedError("cannot be read") from None
    if not isinstance(algorithm, str) or algorithm not in KINDS:
        raise IdTokenRefusedError("is signed by an algorithm that does not count")
    candidates = [
        one
        for one in keys
        if one.kind == KINDS[algorithm]
        and one.algorithm in (None, algorithm)
        and (known_as is None or one.id == known_as)
    ]
    if not candidates:
        raise KeyUnknownError
    if not any(is_signed_by(signed, one.key) for one in candidates):
        raise IdTokenRefusedError("has a signature that is not right")
    try:
        return SignedClaims(read_object(signed.payload), algorithm)
    except InvalidError:
        raise IdTokenRefusedError("cannot be read") from None


def is_signed_by(signed: CompactSignature, key: Key) -> bool:
    """Whether a signature was made with a key."""
    try:
        return validate_compact(signed, key, registry=REGISTRY)
    except (JoseError, ValueError):
        return False


def check_access_token(claims: SignedClaims, access_token: object) -> None:
    """Check that an access token came with its ID token, if that says so.

    Raises:
        IdTokenRefusedError: it came with another one.
    """
    said = claims.payload.get("at_hash")
    if said is None or not isinstance(access_token, str):
        return
    digest = DIGESTS.get(claims.algorithm[-3:], hashlib.sha512)(access_token.encode()).digest()
    half = urlsafe_b64encode(digest[: len(digest) // 2]).decode().rstrip("=")
    if not isinstance(said, str) or not hmac.compare_digest(half.encode(), said.encode()):
        raise IdTokenRefusedError("came with another access token")


def read_object(text: bytes) -> Mapping[str, object]:
    """Read a JSON object, all of whose texts are characters.

    Raises:
        InvalidError: it is not such an object.
    """
    try:
        found = parse_json(text.decode())
        # Half of a surrogate pair is JSON, but no digest or database takes it.
        json.dumps(found, ensure_ascii=False).encode()
    except (NotJsonError, UnicodeError, RecursionError):
        raise InvalidError("it is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidError("it is not a JSON object")
    return found
