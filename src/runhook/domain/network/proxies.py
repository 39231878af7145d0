"""Which proxy a request goes through, by the variables that most programs obey.

The proxy looks names up and dials, so policy can judge only addresses spelled out in a URL. An
operator who configures a proxy leaves the rest to it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from ipaddress import ip_network
from urllib.parse import unquote, urlsplit

from runhook.domain.errors import InvalidError
from runhook.domain.network.destinations import (
    DEFAULT_PORTS,
    Network,
    embedded_addresses,
    literal_addresses,
    place_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """An HTTP proxy."""

    scheme: str
    """Scheme of the connection to the proxy itself."""
    host: str
    port: int
    credentials: tuple[str, str] | None = field(default=None, repr=False)
    """User name and password."""

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return place_of(self.host, self.port)

    @property
    def url(self) -> str:
        """Its URL, without credentials."""
        return f"{self.scheme}://{self.place}"


@dataclass(frozen=True, slots=True)
class Proxies:
    """The proxies of the environment, by the scheme of what is asked through them.

    ``exceptions`` are the parts of NO_PROXY, in lower case.
    """

    by_scheme: Mapping[str, Proxy] = field(default_factory=dict)
    exceptions: Sequence[str] = ()

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Proxies":
        """Read HTTP_PROXY, HTTPS_PROXY and NO_PROXY; in lower case they win, as everywhere.

        Raises:
            InvalidError: a variable is not a proxy's address.
        """
        by_scheme = {}
        for scheme in DEFAULT_PORTS:
            name, text = variable_in(environment, f"{scheme}_proxy")
            if text:
                by_scheme[scheme] = read_proxy(name, text)
        _, exceptions = variable_in(environment, "no_proxy")
        parts = (part.strip().lower() for part in exceptions.split(","))
        return cls(by_scheme, tuple(part for part in parts if part))

    def proxy_for(self, scheme: str, host: str, port: int) -> Proxy | None:
        """Proxy for requests to a host; None for none.

        Loopback is never asked through one: it would be the proxy's own.
        """
        proxy = self.by_scheme.get(scheme)
        if proxy is None:
            return None
        host = host.rstrip(".").lower()
        if is_loopback(host):
            return None
        if any(matches(exception, host, port) for exception in self.exceptions):
            return None
        return proxy


def variable_in(environment: Mapping[str, str], name: str) -> tuple[str, str]:
    """Name and text of a variable that may be written in lower or upper case."""
    for one in (name, name.upper()):
        text = environment.get(one, "").strip()
        if text:
            return one, text
    return name, ""


def read_proxy(name: str, text: str) -> Proxy:
    """Read a proxy's address; without a scheme it is spoken to in http.

    Raises:
        InvalidError: it is not a proxy's address. The message holds no password.
    """
    try:
        url = urlsplit(text if "://" in text else f"http://{text}")
        host, port = url.hostname, url.port
        login, password = unquote(url.username or ""), unquote(url.password or "")
    except ValueError:
        host = None
    if not host or url.scheme not in DEFAULT_PORTS or ":" in login:
        raise InvalidError(
            f"{name}: give a proxy as http://host:port or https://host:port, "
            "with user:password@ before the host if it asks for them"
        )
    return Proxy(
        scheme=url.scheme,
        host=host,
        port=port or DEFAULT_PORTS[url.scheme],
        credentials=(login, password) if login or password else None,
    )


def is_loopback(host: str) -> bool:
    """Whether a host spells out this machine."""
    return any(
        one.is_loopback
        for address in literal_addresses(host)
        for one in (address, *embedded_addresses(address))
    )


def matches(exception: str, host: str, port: int) -> bool:
    """Whether a part of NO_PROXY is about this host and port.

    A part is `*`, an address, a network, or a name, which stands for all names under it too, with
    or without a dot before it. A name and an address may end in a port.
    """
    if exception == "*":
        return True
    around = network_of(exception)
    if around is not None:
        return any(address in around for address in literal_addresses(host))
    rest, _, its_port = exception.rpartition(":")
    if rest and its_port.isdigit():
        return int(its_port) == port and matches(rest, host, port)
    name = exception.removeprefix("*").strip(".")
    return host == name or host.endswith(f".{name}")


def network_of(text: str) -> Network | None:
    """Parse a network, or an address as a network of one; None for anything else."""
    try:
        return ip_network(text.strip("[]"), strict=False)
    except ValueError:
        return None
