"""An identity provider: our registration as its client, and its discovery document."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlencode, urlsplit

from runhook.domain.errors import InvalidError
from runhook.domain.network.destinations import read_url

DISCOVERY = "/.well-known/openid-configuration"
LOOPBACK = ("localhost", "127.0.0.1", "::1")
CALLBACK = "/sign-in/provider/callback"
"""Path that providers send people back to, after the public URL."""
ANY_METHOD = ("client_secret_basic",)
"""Client authentication of a provider that names none (OpenID Connect Discovery)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderClient:
    """This service as a client of the provider, by the settings `RUNHOOK_OIDC_...`."""

    issuer: str
    client_id: str
    client_secret: str | None = field(repr=False)
    """None for a public client."""
    name: str
    """The provider's name on pages."""
    scopes: Sequence[str]
    groups_claim: str
    redirect_uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Metadata:
    """The parts of a provider's discovery document that are used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    end_session_endpoint: str | None
    names_itself: bool
    """Whether it names itself in the address that it sends people back to (RFC 9207)."""
    takes_secret_in_body: bool
    """Whether it takes a client's secret in the body only."""


def check_issuer(text: str) -> str:
    """Check the address of a provider.

    Raises:
        InvalidError: it is not an https address, or http on this machine, or has a query.
    """
    check_provider_url(text)
    if "?" in text or "#" in text:
        raise InvalidError(f"`{text}` has a query or a fragment; an issuer has neither")
    return text


def check_provider_url(text: str) -> str:
    """Check an address of a provider's.

    Raises:
        InvalidError: it is not an https address, or http on this machine.
    """
    url = read_url(text)
    if url.scheme != "https" and url.host not in LOOPBACK:
        raise InvalidError(
            f"`{text}` is not https: anyone on the network path could sign in as any user"
        )
    return text


def read_metadata(document: Mapping[str, object], issuer: str) -> Metadata:
    """Read a provider's discovery document.

    Raises:
        InvalidError: it is another issuer's, or lacks what a sign-in needs; says what.
    """
    if document.get("issuer") != issuer:
        raise InvalidError(f"its issuer is {document.get('issuer')!r:.200}, not {issuer}")
    methods = document.get("token_endpoint_auth_methods_supported")
    known = methods if isinstance(methods, list | tuple) else ANY_METHOD
    return Metadata(
        authorization_endpoint=url_in(document, "authorization_endpoint"),
        token_endpoint=url_in(document, "token_endpoint"),
        jwks_uri=url_in(document, "jwks_uri"),
        userinfo_endpoint=optional_url_in(document, "userinfo_endpoint"),
        end_session_endpoint=optional_url_in(document, "end_session_endpoint"),
        names_itself=document.get("authorization_response_iss_parameter_supported") is True,
        takes_secret_in_body="client_secret_post" in known and ANY_METHOD[0] not in known,
    )


def url_in(document: Mapping[str, object], name: str) -> str:
    """Read an address that has to be there.

    Raises:
        InvalidError: it is missing, or not an https address.
    """
    value = document.get(name)
    if not isinstance(value, str):
        raise InvalidError(f"it has no `{name}`")
    return check_provider_url(value)


def optional_url_in(document: Mapping[str, object], name: str) -> str | None:
    """Read an address that may be missing.

    Raises:
        InvalidError: it is not an https address.
    """
    return url_in(document, name) if document.get(name) is not None else None


def with_query(url: str, query: Mapping[str, str]) -> str:
    """Add a query to an address, which may have one."""
    joint = "&" if urlsplit(url).query else "?"
    return f"{url}{joint}{urlencode(query)}"
