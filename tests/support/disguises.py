"""Addresses that are refused, that are not, and what either can be disguised as."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import strategies as st

from runhook.domain.network.destinations import Address

REFUSED_IPV4 = [
    "0.0.0.0/8",
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "168.63.129.16/32",
    "169.254.0.0/16",
    "172.16.0.0/12",
    "192.0.0.0/24",
    "192.0.2.0/24",
    "192.88.99.0/24",
    "192.168.0.0/16",
    "198.18.0.0/15",
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",
    "240.0.0.0/4",
]
# The neighbours of what is refused, and a few in between.
ALLOWED_IPV4 = [
    "1.0.0.0/8",
    "9.0.0.0/8",
    "11.0.0.0/8",
    "93.184.0.0/16",
    "100.63.0.0/16",
    "100.128.0.0/16",
    "126.0.0.0/8",
    "128.0.0.0/8",
    "169.253.0.0/16",
    "169.255.0.0/16",
    "172.15.0.0/16",
    "172.32.0.0/16",
    "192.167.0.0/16",
    "192.169.0.0/16",
    "198.17.0.0/16",
    "198.20.0.0/16",
    "223.0.0.0/8",
]
REFUSED_IPV6 = [
    "::/128",
    "::1/128",
    "64:ff9b:1::/48",
    "100::/64",
    "100:0:0:1::/64",
    "2001::/23",
    "2001:db8::/32",
    "3fff::/20",
    "5f00::/16",
    "fc00::/7",
    "fe80::/10",
    "fec0::/10",
    "ff00::/8",
]
ALLOWED_IPV6 = ["2001:4860::/32", "2400::/12", "2600::/12", "2a00::/12", "2803::/16"]
PUBLIC = IPv4Address("8.8.8.8")
METADATA = IPv4Address("169.254.169.254")
THIS_NETWORK = IPv4Address("10.0.0.1")

FULL_WIDTH = "０１２３４５６７８９．"  # noqa: RUF001 - looking like others is what they are for


SEGMENTED = {ord("0") + digit: 0x1FBF0 + digit for digit in range(10)}
"""Younger than the oldest of the tables that make names plain."""
MATHEMATICAL = {ord("0") + digit: 0x1D7CE + digit for digit in range(10)}


def addresses_in(networks: list[str]) -> st.SearchStrategy[Address]:
    return st.sampled_from(networks).flatmap(lambda one: st.ip_addresses(network=one))


refused_ipv4 = addresses_in(REFUSED_IPV4)
allowed_ipv4 = addresses_in(ALLOWED_IPV4)


def ipv6(high_bits: str, address: IPv4Address, *, shift: int = 0) -> IPv6Address:
    return IPv6Address(int(IPv6Address(high_bits)) | int(address) << shift)


def teredo(*, server: IPv4Address, client: IPv4Address) -> IPv6Address:
    """The form of RFC 4380: the server as it is, the client with every bit inverted."""
    inverted = int(client) ^ 0xFFFF_FFFF
    return IPv6Address(int(IPv6Address("2001::")) | int(server) << 64 | inverted)


def full_width(address: IPv4Address) -> str:
    return str(address).translate(str.maketrans("0123456789.", FULL_WIDTH))


def circled(address: IPv4Address) -> str:
    return str(address).translate(str.maketrans("0123456789", "⓪①②③④⑤⑥⑦⑧⑨"))


DISGUISES = {
    "mapped": lambda address: ipv6("::ffff:0:0", address),
    "6to4": lambda address: ipv6("2002::1", address, shift=80),
    "NAT64": lambda address: ipv6("64:ff9b::", address),
    "ISATAP": lambda address: ipv6("2600:1:2:3:0:5efe::", address),
    "ISATAP with a global interface": lambda address: ipv6("2600:1:2:3:200:5efe::", address),
}
OBSOLETE_DISGUISES = {
    "compatible": lambda address: ipv6("::", address),
    "translated": lambda address: ipv6("::ffff:0:0:0", address),
}
LOCAL_NAT64 = {
    "at the end": lambda address: ipv6("64:ff9b:1::", address),
    "at the end of a network of one's own": lambda address: ipv6("64:ff9b:1:abcd::", address),
}
TEREDO_DISGUISES = {
    "as client": lambda address: teredo(server=PUBLIC, client=address),
    "as server": lambda address: teredo(server=address, client=PUBLIC),
}
LOOKALIKES = {
    "full width": full_width,
    "circled": circled,
    "ideographic dots": lambda address: str(address).replace(".", "。"),
    "digits of a segmented display": lambda address: str(address).translate(SEGMENTED),
    "mathematical digits": lambda address: str(address).translate(MATHEMATICAL),
}
OLD_FORMS = {
    "decimal": lambda address: str(int(address)),
    "octal": lambda address: f"0{int(address):o}",
    "hexadecimal": lambda address: f"0x{int(address):x}",
    "dotted octal": lambda address: ".".join(f"0{part:o}" for part in address.packed),
    "dotted hexadecimal": lambda address: ".".join(f"0X{part:X}" for part in address.packed),
    "two parts": lambda address: f"{address.packed[0]}.{int(address) & 0xFF_FFFF}",
    "three parts": lambda address: (
        f"{address.packed[0]}.{address.packed[1]}.{int(address) & 0xFFFF}"
    ),
    "mixed": lambda address: f"0x{address.packed[0]:x}.{int(address) & 0xFF_FFFF}",
    "dot at the end": lambda address: f"{address}.",
}
HOSTS = {"dotted": str} | LOOKALIKES | OLD_FORMS
