"""Where requests may go: the form of an endpoint's URL, and the addresses policy refuses.

A URL is checked when it is saved, as far as it can be seen then. Every address is checked again
when it is about to be dialled, because DNS answers change; that check is the one that counts.
"""

import re
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

from runhook.domain.errors import InvalidError

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_LIMIT = 2_048
HOST_NAME = re.compile(r"[A-Za-z0-9._-]+", re.ASCII)
ALLOW_SETTING = "RUNHOOK_ALLOW_NETWORKS"

REFUSED_NETWORKS: tuple[tuple[Network, str], ...] = tuple(
    (ip_network(network), kind)
    for network, kind in (
        # The registries of special-purpose addresses (RFC 6890 and its updates).
        ("0.0.0.0/8", "an address of this host"),
        ("10.0.0.0/8", "a private address"),
        ("100.64.0.0/10", "a carrier's shared address"),
        ("127.0.0.0/8", "a loopback address"),
        # Public by its number, and yet answered by the machine's own cloud (Azure's agent).
        ("168.63.129.16/32", "an address of the cloud's own services"),
        ("169.254.0.0/16", "a link-local address, where clouds keep their metadata"),
        ("172.16.0.0/12", "a private address"),
        ("192.0.0.0/24", "a reserved address"),
        ("192.0.2.0/24", "an address for documentation"),
        ("192.88.99.0/24", "a reserved address"),
        ("192.168.0.0/16", "a private address"),
        ("198.18.0.0/15", "an address for benchmarks"),
        ("198.51.100.0/24", "an address for documentation"),
        ("203.0.113.0/24", "an address for documentation"),
        ("224.0.0.0/4", "a multicast address"),
        ("240.0.0.0/4", "a reserved address"),
        ("::/128", "an address of this host"),
        ("::1/128", "a loopback address"),
        ("64:ff9b:1::/48", "an address that a network translates for itself"),
        ("100::/64", "a reserved address"),
        ("100:0:0:1::/64", "a reserved address"),
        ("2001::/23", "a reserved address"),
        ("2001:db8::/32", "an address for documentation"),
        ("3fff::/20", "an address for documentation"),
        ("5f00::/16", "a reserved address"),
        ("fc00::/7", "a private address"),
        ("fe80::/10", "a link-local address, where clouds keep their metadata"),
        ("fec0::/10", "a private address"),
        ("ff00::/8", "a multicast address"),
    )
)

METADATA = frozenset(
    ip_address(one)
    for one in (
        "169.254.169.254",  # most clouds
        "169.254.170.2",  # AWS, inside containers
        "169.254.170.23",
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
    )
)
"""Where clouds hand out a machine's credentials; to be allowed they must be named one by one."""

# Networks whose addresses end in an IPv4 address: what is dialled there can come out as that one.
IPV4_AT_THE_END = (
    IPv6Network("::/96"),  # compatible (RFC 4291)
    IPv6Network("::ffff:0:0:0/96"),  # translated (RFC 2765)
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    IPv6Network("64:ff9b:1::/48"),  # NAT64 of one's own (RFC 8215)
)
ISATAP = frozenset((0x0000_5EFE, 0x0200_5EFE))
"""What stands before the IPv4 address in any network where ISATAP is used (RFC 5214)."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Which addresses may be dialled: the public ones, and the networks allowed by name."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> "AddressPolicy":
        """Read networks in CIDR form with commas between them.

        Raises:
            InvalidError: a part is not a network.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return cls(tuple(parse_network(part) for part in parts))

    def refusal(self, address: Address) -> str | None:
        """Return why ``address`` may not be dialled, in a sentence; None if it may."""
        for meant in (address, *embedded_addresses(address)):
            kind = kind_of(meant)
            if kind and not self.allows(meant):
                name = str(address) if meant == address else f"{address}, which means {meant},"
                what = "the address itself" if meant in METADATA else "its network"
                return (
                    f"{name} is {kind}, and those are refused; "
                    f"to allow it, list {what} in {ALLOW_SETTING}."
                )
        return None

    def allows(self, address: Address) -> bool:
        """Whether the setting lists the address, or a network around it.

        A cloud's metadata lies in networks that are allowed for quite other reasons, so that it
        must be listed by itself.
        """
        if address in METADATA:
            return ip_network(address) in self.allowed
        return any(address in network for network in self.allowed)


def parse_network(text: str) -> Network:
    """Read one network.

    Raises:
        InvalidError: it is not one.
    """
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise InvalidError(f"`{text[:60]}` is not a network such as 10.0.0.0/8") from None


def kind_of(address: Address) -> str | None:
    """Return what kind of address it is where that kind is refused, None for a public one."""
    for network, kind in REFUSED_NETWORKS:
        if address in network:
            return kind
    # An address that only wraps an IPv4 one is as good as what it wraps.
    if address.is_global or embedded_addresses(address):
        return None
    return "a reserved address"


def embedded_addresses(address: Address) -> tuple[IPv4Address, ...]:
    """Return the IPv4 addresses inside an IPv6 one.

    It may be mapped, compatible, translated, of 6to4, Teredo, NAT64 or ISATAP.
    """
    if isinstance(address, IPv4Address):
        return ()
    found: list[IPv4Address | None] = [address.ipv4_mapped, address.sixtofour]
    found.extend(address.teredo or ())
    low_bits = IPv4Address(int(address) & 0xFFFF_FFFF)
    # `::` and `::1` are no compatible addresses, they only look like it.
    if int(address) > 1 and any(address in network for network in IPV4_AT_THE_END):
        found.append(low_bits)
    if int(address) >> 32 & 0xFFFF_FFFF in ISATAP:
        found.append(low_bits)
    return tuple(one for one in found if one is not None)


def check_url(text: str, policy: AddressPolicy) -> str:
    """Return an endpoint's URL as it will be used.

    Raises:
        InvalidError: it is not an absolute http or https URL, it carries a user name or password,
            its host cannot be looked up or dialled as it is written, or is an address that policy
            refuses.
    """
    text = text.strip()
    if len(text) > URL_LIMIT:
        raise InvalidError(
            f"{len(text)} characters are too long; {URL_LIMIT} at most", field="client_url"
        )
    if not text.isprintable() or " " in text:
        raise InvalidError(
            "spaces and control characters must be percent-encoded", field="client_url"
        )
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise InvalidError(str(error), field="client_url") from None
    if url.scheme not in ("http", "https") or not url.hostname:
        raise InvalidError(
            "give a whole URL that begins with https:// or http://", field="client_url"
        )
    if port == 0:
        raise InvalidError("port 0 cannot be dialled", field="client_url")
    if "@" in url.netloc:
        raise InvalidError(
            "leave the user name and password out; the Authorization header carries the signature",
            field="client_url",
        )
    for address in literal_addresses(url.hostname):
        refusal = policy.refusal(address)
        if refusal:
            raise InvalidError(f"address_refused: {refusal}", field="client_url")
    check_host(url.hostname)
    return text


def origin_of(url: str) -> str:
    """Return where a URL's requests go: scheme, host and port, each written in one way.

    Two URLs have the same origin only if the same machine is asked for by the same name.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    return f"{parts.scheme}://{(plain_host(host) or host).lower()}:{port}"


def check_host(host: str) -> None:
    """Refuse a host that nothing answers to, or that only some HTTP clients understand.

    Raises:
        InvalidError: it is no host name, or an IPv4 address in an old form.
    """
    if ":" in host:
        return
    plain = plain_host(host)
    if plain is None or not HOST_NAME.fullmatch(plain):
        raise InvalidError(f"`{host[:60]}` is not a host name", field="client_url")
    address = ipv4_address(plain)
    if address is None and plain.replace(".", "").isdigit():
        raise InvalidError(
            f"`{host[:60]}` is neither a host name nor an address", field="client_url"
        )
    if address is not None and plain != str(address):
        raise InvalidError(f"write {address} instead of {host}", field="client_url")


def literal_addresses(host: str) -> Iterable[Address]:
    """Return the address that a host spells out, in any form that resolvers accept.

    Beside the usual forms these are the old ones of `inet_aton` (decimal, octal, hexadecimal and
    shortened IPv4), and all of them in full-width digits and the like. `localhost` is a name by
    itself.
    """
    plain = plain_host(host) or host
    name = plain.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return (IPv4Address("127.0.0.1"),)
    try:
        return (ip_address(name.partition("%")[0]),)
    except ValueError:
        pass
    address = ipv4_address(name)
    return () if address is None else (address,)


def plain_host(host: str) -> str | None:
    """Return a host as it is looked up, in ASCII (IDNA, RFC 3490); None if it has no such form.

    It makes plain what only looks different: full-width digits, circled letters, other dots.
    """
    if ":" in host:
        return host
    name = host.rstrip(".")
    try:
        return name.encode("idna").decode() + host[len(name) :]
    except UnicodeError:
        return None


def ipv4_address(host: str) -> IPv4Address | None:
    """Return the IPv4 address that `inet_aton` reads in a host, its dots at the end aside."""
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None
