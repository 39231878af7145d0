"""The guard at the moment of dialling: no socket is made for an address that policy refuses.

Every connection is dialled through a socket that is made here for one address, resolved ones and IP
literals alike, so this is the one place that no URL, DNS answer or redirect can go around.
"""

import socket
from functools import lru_cache
from ipaddress import ip_address
from typing import Any

from runhook.domain.network.destinations import (
    Address,
    AddressPolicy,
    host_in,
    literal_addresses,
    place_of,
    refusal_of_name,
)
from runhook.outbound.trip import Trip, TripStage

REMEMBERED = 4_096
"""How many URLs and addresses are not taken apart anew for each of a webhook's deliveries."""
DISCARD_PORT = 9

AddressInfo = tuple[int, int, int, str, tuple[Any, ...]]
"""As ``getaddrinfo`` returns it: family, kind, protocol, name, address."""


class AddressRefusedError(OSError):
    """Policy does not let us dial this address."""


class Guard:
    """Makes sockets for addresses that policy allows."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy
        self._refusal_of = lru_cache(maxsize=REMEMBERED)(policy.refusal)
        self._refusal_in = lru_cache(maxsize=REMEMBERED)(self._find_refusal)

    def check(self, url: str, trip: Trip) -> None:
        """Refuse a URL that spells out an address that would not even be dialled.

        Some forms are known to some resolvers only, and what is asked through a proxy is dialled by
        the proxy.

        Raises:
            AddressRefusedError: policy refuses the address.
        """
        refusal = self._refusal_in(url)
        if refusal is not None:
            refuse_address(refusal, trip)

    def refusal_of(self, host: str) -> str | None:
        """Why an address may not be dialled, in a sentence; None if it may.

        Raises:
            OSError: the system does not let us find out.
        """
        # A link-local IPv6 address can carry its interface: fe80::1%eth0.
        address = ip_address(host.partition("%")[0])
        refusal = self._refusal_of(address)
        if refusal is None and is_own(address):
            return self._policy.refusal_as_own(address)
        return refusal

    def make_socket(self, address_info: AddressInfo, trip: Trip) -> socket.socket:
        """Make a socket for an address from ``getaddrinfo``.

        Raises:
            AddressRefusedError: policy refuses the address.
        """
        host = str(address_info[4][0])
        refusal = self.refusal_of(host)
        if refusal is not None:
            refuse_address(refusal if host == trip.host else refusal_of_name(trip.host), trip)
        return make_socket(address_info, trip)

    def _find_refusal(self, url: str) -> str | None:
        refusals = (self._refusal_of(one) for one in literal_addresses(host_in(url) or ""))
        return next((one for one in refusals if one is not None), None)


def refuse_address(refusal: str, trip: Trip) -> None:
    """Note why an address is not dialled.

    Raises:
        AddressRefusedError: always. Where several addresses are tried, it may be lost.
    """
    if refusal not in trip.refusals:
        trip.refusals.append(refusal)
    raise AddressRefusedError(refusal)


def make_socket(address_info: AddressInfo, trip: Trip) -> socket.socket:
    """Make a socket for any address: for proxies, which the operator chose."""
    family, kind, protocol, _, address = address_info
    trip.enter(TripStage.CONNECTING)
    place = place_of(*address[:2])
    if place not in trip.dialled:
        trip.dialled.append(place)
    return socket.socket(family, kind, protocol)


def is_own(address: Address) -> bool:
    """Whether an address is one of this machine's, as the system would route to it; sends nothing.

    Raises:
        OSError: there is no descriptor left to ask with.
    """
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((str(address), DISCARD_PORT))
        except OSError:
            return False
        # To one of its own addresses a machine talks from that very address.
        return ip_address(str(probe.getsockname()[0]).partition("%")[0]) == address
