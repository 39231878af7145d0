"""What the claims of an ID token have to say, once its signature is verified.

OpenID Connect Core 1.0, section 3.1.3.7, and RFC 9700.
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

LEEWAY = timedelta(seconds=60)
"""By how much a provider's clock may differ from ours."""
OLDEST = timedelta(minutes=15)
"""How long ago an ID token may have been issued: it answers a sign-in that has just begun."""


class IdTokenRefusedError(Exception):
    """An ID token is not for this sign-in; says why, after "its ID token"."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the ID token of a sign-in has to be."""

    issuer: str
    client_id: str
    nonce: str

    def check(self, claims: Mapping[str, object], now: datetime) -> None:
        """Check the claims of an ID token.

        Raises:
            IdTokenRefusedError: it is another provider's, for another client or another sign-in,
                or not valid now.
        """
        if claims.get("iss") != self.issuer:
            raise IdTokenRefusedError("is of another issuer")
        self.check_audience(claims)
        nonce = claims.get("nonce")
        if not isinstance(nonce, str) or not hmac.compare_digest(
            nonce.encode(), self.nonce.encode()
        ):
            raise IdTokenRefusedError("is not for this sign-in")
        check_times(claims, now)

    def check_audience(self, claims: Mapping[str, object]) -> None:
        """Check whom an ID token is for.

        Raises:
            IdTokenRefusedError: it is for another client, or for others too and not issued to us.
        """
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if self.client_id not in audiences:
            raise IdTokenRefusedError("is for another client")
        is_ours_alone = len(audiences) == 1 and "azp" not in claims
        if not is_ours_alone and claims.get("azp") != self.client_id:
            raise IdTokenRefusedError("was issued to another client")


def check_times(claims: Mapping[str, object], now: datetime) -> None:
    """Check when an ID token is valid, and when it was issued.

    Raises:
        IdTokenRefusedError: not now, or too long ago.
    """
    if moment_claimed(claims, "exp") <= now - LEEWAY:
        raise IdTokenRefusedError("has expired")
    issued_at = moment_claimed(claims, "iat")
    begins_at = moment_claimed(claims, "nbf") if "nbf" in claims else issued_at
    if max(issued_at, begins_at) > now + LEEWAY:
        raise IdTokenRefusedError("is not valid yet")
    if issued_at < now - OLDEST - LEEWAY:
        raise IdTokenRefusedError("was issued too long ago")


def moment_claimed(claims: Mapping[str, object], name: str) -> datetime:
    """Read a time.

    Raises:
        IdTokenRefusedError: it is missing, or not one.
    """
    seconds = claims.get(name)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise IdTokenRefusedError(f"has no `{name}`")
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        raise IdTokenRefusedError(f"has no `{name}`") from None
