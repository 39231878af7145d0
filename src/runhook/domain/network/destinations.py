"""Where requests may go: the form of an endpoint's URL, and the addresses policy refuses.

A URL is checked when it is saved, as far as it can be seen then. Every address is checked again
when it is about to be dialled, because DNS answers change; that check is the one that counts.

A URL is read in one place, by ``read_url``: what is judged is what is looked up, dialled, asked of
a proxy and written into the request.
"""

import re
import socket
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import quote

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import MASK

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

URL_LIMIT = 2_048
DEFAULT_PORTS = {"http": 80, "https": 443}
URL = re.compile(
    r"(?P<scheme>https?)://(?P<place>[^/?#]+)(?P<target>[^#]*)(?:#.*)?", re.IGNORECASE | re.DOTALL
)
PLACE = re.compile(
    r"(?:\[(?P<bracketed>[^\[\]]*)\]|(?P<host>[^:\[\]]*))(?::(?P<port>[^:]*))?", re.DOTALL
)
PORT = re.compile(r"[0-9]{1,5}", re.ASCII)
NOT_ASCII = re.compile(r"[^\x00-\x7f]+")
LABEL = re.compile(r"[a-z0-9_-]{1,63}", re.ASCII)
NAME_LIMIT = 253
LETTERS = frozenset({"Ll", "Lm", "Lo", "Mn", "Mc"})
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
        "169.254.169.250",  # Rancher
        "169.254.42.42",  # Scaleway
        "169.254.0.23",  # Tencent
        "100.100.100.200",  # Alibaba
        "192.0.0.192",  # Oracle
        "168.63.129.16",  # Azure
        "fd00:ec2::254",  # AWS
        "fd00:ec2::23",
        "fd20:ce::254",  # Google
        "fd00:42::42",  # Scaleway
        "fd00:c1::a9fe:a9fe",  # Oracle
        "fe80::a9fe:a9fe",  # OpenStack
    )
)
"""Where clouds hand out a machine's credentials; to be allowed they must be named one by one."""
METADATA_ADDRESS = IPv4Address("169.254.169.254")
METADATA_NAMES = frozenset(
    {
        "instance-data",
        "instance-data.ec2.internal",
        "metadata",
        "metadata.goog",
        "metadata.google.internal",
        "metadata.tencentyun.com",
    }
)
"""Names of the same, which a proxy would look up where they mean something."""

GLOBAL_UNICAST = IPv6Network("2000::/3")
AS_GOOD_AS_IPV4 = (
    IPv6Network("::ffff:0:0/96"),  # mapped (RFC 4291)
    IPv6Network("64:ff9b::/96"),  # NAT64 (RFC 6052)
    IPv6Network("2002::/16"),  # 6to4 (RFC 3056)
)
"""What is dialled there comes out as the IPv4 address inside, which is judged in its place."""
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
    has_mail: bool = False
    """Whether there is a mail server for what goes to `mailto:`."""

    @classmethod
    def parse(cls, text: str) -> "AddressPolicy":
        """Read networks in CIDR form with commas between them.

        Raises:
            InvalidError: a part is not a network.
        """
        parts = [part.strip() for part in text.split(",") if part.strip()]
        return cls(tuple(parse_network(part) for part in parts))

    def refusal(self, address: Address) -> str | None:
        """Why ``address`` may not be dialled, in a sentence; None if it may."""
        for meant in (address, *embedded_addresses(address)):
            kind = kind_of(meant)
            if kind and not self.allows(meant):
                return refusal_sentence(address, meant, kind)
        return None

    def refusal_as_own(self, address: Address) -> str | None:
        """Why an address of this machine may not be dialled; None if it may."""
        meant = (address, *embedded_addresses(address))
        if any(self.allows(one) for one in meant):
            return None
        return refusal_sentence(address, address, "an address of this machine")

    def allows(self, address: Address) -> bool:
        """Whether the setting lists the address, or a network around it.

        A cloud's metadata lies in networks that are allowed for quite other reasons, so that it
        must be listed by itself.
        """
        if address in METADATA:
            return ip_network(address) in self.allowed
        return any(address in network for network in self.allowed)


def refusal_sentence(address: Address, meant: Address, kind: str) -> str:
    """Sentence for a refused address."""
    name = str(address) if meant == address else f"{address}, which means {meant},"
    what = "the address itself" if meant in METADATA else "its network"
    return f"{name} is {kind}, and those are refused; to allow it, list {what} in {ALLOW_SETTING}."


def refusal_of_name(host: str) -> str:
    """Sentence for a host with a refused address.

    It hides the address: a user who may name a host may not know where it leads.
    """
    return (
        f"The host {host} leads to an address that policy refuses; "
        f"to allow it, list the address or its network in {ALLOW_SETTING}."
    )


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
    """Kind of a refused address; None for a public one."""
    for network, kind in REFUSED_NETWORKS:
        if address in network:
            return kind
    if isinstance(address, IPv6Address):
        if any(address in network for network in AS_GOOD_AS_IPV4):
            return None
        if address not in GLOBAL_UNICAST:
            return "no address of the public internet"
    return None if address.is_global else "a reserved address"


def embedded_addresses(address: Address) -> tuple[IPv4Address, ...]:
    """The IPv4 addresses inside an IPv6 one.

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


@dataclass(frozen=True, slots=True)
class EndpointUrl:
    """A URL as it is requested."""

    scheme: str
    """http or https."""
    host: str
    """As it is looked up: in lower case and plain ASCII, an IPv6 address without brackets."""
    port: int
    target: str
    """Path and query as they were written, for the request line."""

    @property
    def place(self) -> str:
        """Host and port, as people write them."""
        return place_of(self.host, self.port)

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header has them: without the port that goes unsaid."""
        place = place_of(self.host, self.port)
        is_usual = self.port == DEFAULT_PORTS[self.scheme]
        return place.removesuffix(f":{self.port}") if is_usual else place


def place_of(host: str, port: int) -> str:
    """Host and port as people write them."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def check_url(text: str, policy: AddressPolicy) -> str:
    """Check an endpoint's URL; keep it as written, in ASCII behind the host.

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
    for address in literal_addresses(host_in(text) or ""):
        refusal = policy.refusal(address)
        if refusal:
            raise InvalidError(f"address_refused: {refusal}", field="client_url")
    try:
        read_url(text)
    except InvalidError as error:
        raise InvalidError(error.message, field="client_url") from None
    start = text.index("//") + len("//")
    end = next((at for at in range(start, len(text)) if text[at] in "/?#"), len(text))
    return text[:end] + in_ascii(text[end:])


def check_own_address(url: str, policy: AddressPolicy) -> str:
    """Check an address that is the format's own, which may be `mailto:`.

    Raises:
        InvalidError: the service sends nothing to it.
    """
    if not url.startswith("mailto:"):
        return check_url(url, policy)
    if not policy.has_mail:
        raise InvalidError(
            "This service has no mail server yet. Its operator sets RUNHOOK_SMTP_URL and "
            "RUNHOOK_SMTP_FROM, and restarts it."
        )
    return url


@lru_cache(maxsize=4_096)
def host_of(url: str) -> str:
    """The host of an endpoint's URL, in lower case; nothing if it cannot be requested."""
    try:
        return read_url(url).host
    except InvalidError:
        return ""


def masked_url(url: str) -> str:
    """A URL of which only its origin may be seen."""
    read = read_url(url)
    return f"{read.scheme}://{read.authority}/{MASK}"


def origin_of(url: str) -> str:
    """Origin of a URL's requests: scheme, host and port, each written in one way.

    Two URLs have the same origin only if the same machine is asked for by the same name. One that
    cannot be requested is an origin by itself.
    """
    try:
        read = read_url(url)
    except InvalidError:
        return url
    return f"{read.scheme}://{read.place}"


def read_url(text: str) -> EndpointUrl:
    """Read a URL: the only place that takes one apart.

    Raises:
        InvalidError: it is not one that can be requested.
    """
    if not text.isprintable() or " " in text:
        raise InvalidError("spaces and control characters must be percent-encoded")
    url = URL.fullmatch(text)
    if url is None:
        raise InvalidError("give a whole URL that begins with https:// or http://")
    if "@" in url["place"]:
        raise InvalidError(
            "leave the user name and password out; a header of its own can carry them"
        )
    place = PLACE.fullmatch(url["place"])
    if place is None:
        raise InvalidError(
            f"`{url['place'][:60]}` is not a host with a port; an IPv6 address stands in brackets"
        )
    scheme = url["scheme"].lower()
    host = read_host(place)
    target = in_ascii(url["target"])
    return EndpointUrl(
        scheme=scheme,
        host=host,
        port=read_port(place["port"], scheme),
        target=target if target.startswith("/") else f"/{target}",
    )


def read_port(text: str | None, scheme: str) -> int:
    """Read a port, the scheme's own where none is written.

    Raises:
        InvalidError: there is no such port.
    """
    if not text:
        return DEFAULT_PORTS[scheme]
    if not PORT.fullmatch(text) or int(text) > 65_535:
        raise InvalidError(f"`{text[:60]}` is not a port; ports are numbers up to 65535")
    if int(text) == 0:
        raise InvalidError("port 0 cannot be dialled")
    return int(text)


def read_host(place: re.Match[str]) -> str:
    """Normalise a host for look-up.

    Raises:
        InvalidError: it cannot be looked up, or other HTTP programs would look up something else.
    """
    if (bracketed := place["bracketed"]) is not None:
        try:
            return str(IPv6Address(bracketed))
        except ValueError:
            raise InvalidError(f"`[{bracketed[:60]}]` is not an IPv6 address") from None
    host = place["host"]
    if not host:
        raise InvalidError("give a whole URL that begins with https:// or http://")
    written = plain_host(host) or host
    address = ipv4_address(written)
    if address is not None and host != str(address):
        raise InvalidError(f"write {address} instead of {host[:60]}")
    if address is not None:
        return host
    name = host_name(host)
    if name is None:
        raise InvalidError(
            f"`{host[:60]}` is not a host name that all programs read alike; "
            "write it in ASCII letters, digits and hyphens (xn--... for others)"
        )
    if name.replace(".", "").isdigit():
        raise InvalidError(f"`{host[:60]}` is neither a host name nor an address")
    return name


def host_name(host: str) -> str | None:
    """Host name in ASCII; None if it is invalid, or written differently by other programs.

    There is more than one table that makes names of other letters plain (IDNA 2003, 2008, UTS 46),
    and each has an edition. Only letters are taken that all of them leave as they are, so that no
    other program makes another host of a name than we have judged.
    """
    name = host.lower()
    if not name.isascii():
        if not is_plain_in_all_tables(name):
            return None
        try:
            name = name.encode("idna").decode()
        except UnicodeError:
            return None
    labels = name.removesuffix(".").split(".")
    if len(name) > NAME_LIMIT or not all(LABEL.fullmatch(label) for label in labels):
        return None
    return name


def is_plain_in_all_tables(name: str) -> bool:
    """Whether a name in lower case has only letters that every table leaves as they are."""
    return name == unicodedata.normalize("NFKC", name) == name.casefold() and all(
        letter.isascii()
        or unicodedata.category(letter) == unicodedata.ucd_3_2_0.category(letter) in LETTERS
        for letter in name
    )


def in_ascii(text: str) -> str:
    """Percent-encode what is not ASCII in a path or query."""
    return NOT_ASCII.sub(lambda found: quote(found[0], safe=""), text)


def host_in(url: str) -> str | None:
    """Host of a URL as written; None if there is none."""
    found = URL.fullmatch(url)
    place = PLACE.fullmatch(found["place"].rpartition("@")[2]) if found else None
    if place is None:
        return None
    return place["host"] if place["bracketed"] is None else place["bracketed"]


def literal_addresses(host: str) -> Iterable[Address]:
    """The address that a host spells out, in any form that resolvers accept.

    Beside the usual forms these are the old ones of `inet_aton` (decimal, octal, hexadecimal and
    shortened IPv4), and all of them in full-width digits and the like. `localhost` is recognised by
    its name.
    """
    plain = plain_host(host) or host
    name = plain.rstrip(".").lower()
    if name == "localhost" or name.endswith(".localhost"):
        return (IPv4Address("127.0.0.1"),)
    if name in METADATA_NAMES:
        return (METADATA_ADDRESS,)
    try:
        return (ip_address(name.partition("%")[0]),)
    except ValueError:
        pass
    address = ipv4_address(name)
    return () if address is None else (address,)


def plain_host(host: str) -> str | None:
    """What some program may take a host for, in ASCII; None if it has no such form.

    It makes plain what only looks different: full-width digits, circled letters, other dots. Digits
    that are younger than Python's table of names (RFC 3490) are made plain before it sees them.
    """
    if ":" in host:
        return host
    host = unicodedata.normalize("NFKC", host)
    name = host.rstrip(".")
    try:
        return name.encode("idna").decode() + host[len(name) :]
    except UnicodeError:
        return None


def ipv4_address(host: str) -> IPv4Address | None:
    """The IPv4 address that `inet_aton` reads in a host, ignoring dots at the end."""
    try:
        return IPv4Address(socket.inet_aton(host.rstrip(".")))
    except (OSError, ValueError):
        return None
