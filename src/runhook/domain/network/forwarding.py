"""Which client a request came from, where proxies pass requests on.

A proxy appends the client to `X-Forwarded-For`, after anything the client wrote there itself. So
the list is read from its end, and only as far as trusted proxies wrote it. The `Forwarded` header
(RFC 7239) is not read: a proxy that sets one of the two headers passes the other on as the client
sent it, so that a service which reads both believes the client.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address

from runhook.domain.network.destinations import Address, Network, parse_network

LONGEST_CHAIN = 32
"""How many proxies are followed; what stands before them is not read."""
LONGEST_ADDRESS = 45
"""Characters of an IPv6 address that ends in an IPv4 one."""
SCHEMES = ("http", "https")


@dataclass(frozen=True, slots=True)
class TrustedProxies:
    """The networks of the proxies whose word on their clients counts."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "TrustedProxies":
        """Read networks in CIDR form with commas between them.

        Raises:
            InvalidError: a part is not a network.
        """
        parts = [part.strip() for part in text.split(",")]
        return cls(tuple(parse_network(part) for part in parts if part))

    def trusts(self, address: Address) -> bool:
        """Whether what this address says of its client counts."""
        return any(address in network for network in self.networks)


@dataclass(frozen=True, slots=True)
class Client:
    """Where a request began: an IP address, None if unknown, and how it was sent from there."""

    address: Address | None
    scheme: str


def client_behind(
    peer: str | None,
    scheme: str,
    trusted: TrustedProxies,
    *,
    forwarded_for: Sequence[str],
    forwarded_proto: Sequence[str],
) -> Client:
    """Find the client of a request.

    Args:
        peer: the address at the other end of the connection; None if it has none.
        scheme: how the peer speaks to this service.
        trusted: the proxies that are believed.
        forwarded_for: the values of `X-Forwarded-For`, one for each header line.
        forwarded_proto: the values of `X-Forwarded-Proto`, likewise.
    """
    address = peer_address = read_client_address(peer or "")
    hops = 0
    for text in last_parts(forwarded_for):
        if address is None or not trusted.trusts(address):
            break
        before = read_client_address(text)
        if before is None:
            # Entries before it may be forged by the client, so the proxy that passed it on counts.
            break
        address = before
        hops += 1
    if peer_address is not None and trusted.trusts(peer_address):
        scheme = scheme_at(max(hops - 1, 0), last_parts(forwarded_proto)) or scheme
    return Client(address, scheme)


def scheme_at(hop: int, schemes: Sequence[str]) -> str | None:
    """Scheme that was written beside a client's address; None if none was.

    Proxies that keep a list write one scheme for each address; the others write one for all.
    """
    if not schemes:
        return None
    scheme = schemes[min(hop, len(schemes) - 1)].lower()
    return scheme if scheme in SCHEMES else None


def last_parts(lines: Sequence[str]) -> Sequence[str]:
    """Parts of a list that several header lines may hold, the last one first."""
    parts: list[str] = []
    for line in reversed(lines):
        parts += reversed(line.rsplit(",", LONGEST_CHAIN))
        if len(parts) >= LONGEST_CHAIN:
            break
    return [part.strip() for part in parts[:LONGEST_CHAIN]]


def read_client_address(text: str) -> Address | None:
    """Read an IP address, with a port or without; None if it is not one.

    An IPv4 address inside an IPv6 one is the IPv4 address, and a zone is left out.
    """
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    text = text.partition("%")[0]
    return read_address(text) if len(text) <= LONGEST_ADDRESS else None


@lru_cache(maxsize=4_096)
def read_address(text: str) -> Address | None:
    """Read an IP address; None if it is not one. Every request is asked for the same few."""
    try:
        return unmapped(ip_address(text))
    except ValueError:
        return None


def unmapped(address: IPv4Address | IPv6Address) -> Address:
    """The IPv4 address that an IPv6 one maps; any other address unchanged."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
