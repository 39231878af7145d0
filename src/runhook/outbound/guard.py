"""The guard at the moment of dialling: no socket is made for an address that policy refuses.

aiohttp asks a socket factory for every address it is about to connect to, resolved ones and IP
literals alike, so this is the one place that no URL, DNS answer or redirect can go around.
"""

import socket
from functools import lru_cache
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from runhook.domain.destinations import AddressPolicy, literal_addresses
from runhook.outbound.trip import Stage, current_trip, place_of

REMEMBERED = 4_096
"""How many URLs and addresses are not taken apart anew for each of a webhook's deliveries."""


class AddressRefusedError(OSError):
    """Policy does not let us dial this address."""


class Guard:
    """Makes sockets for addresses that policy allows."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._refusal_of = lru_cache(maxsize=REMEMBERED)(policy.refusal)
        self._refusal_in = lru_cache(maxsize=REMEMBERED)(self._find_refusal)

    def check(self, url: str) -> None:
        """Refuse a URL that spells out an address that would not even be dialled.

        aiohttp knows 127.0.0.1, but of 2130706433 or 127.1 it only says that the URL is invalid;
        and what is asked through a proxy is dialled by the proxy.

        Raises:
            AddressRefusedError: policy refuses the address.
            ValueError: it is no URL.
        """
        refuse(self._refusal_in(url))

    def refusal_of(self, host: str) -> str | None:
        """Return why an address may not be dialled, in a sentence; None if it may."""
        # A link-local IPv6 address can carry its interface: fe80::1%eth0.
        return self._refusal_of(ip_address(host.partition("%")[0]))

    def make_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for what ``getaddrinfo`` returned.

        Raises:
            AddressRefusedError: policy refuses the address.
        """
        refuse(self.refusal_of(str(address_info[4][0])))
        return make_socket(address_info)

    def _find_refusal(self, url: str) -> str | None:
        addresses = literal_addresses(urlsplit(url).hostname or "")
        refusals = (self._refusal_of(one) for one in addresses)
        return next((one for one in refusals if one is not None), None)


def refuse(refusal: str | None) -> None:
    """Note on the trip under way why an address is not dialled; do nothing if it may be.

    Raises:
        AddressRefusedError: it may not.
    """
    if refusal is None:
        return
    # Where several addresses are tried, aiohttp tells of the last one only.
    trip = current_trip()
    if trip is not None and refusal not in trip.refusals:
        trip.refusals.append(refusal)
    raise AddressRefusedError(refusal)


def make_socket(address_info: tuple[Any, ...]) -> socket.socket:
    """Return a socket, whatever the address: for proxies, which the operator chose."""
    family, kind, protocol, _, socket_address = address_info
    trip = current_trip()
    if trip is not None:
        trip.stage = Stage.CONNECTING
        place = place_of(*socket_address[:2])
        if place not in trip.dialled:
            trip.dialled.append(place)
    made = socket.socket(family, kind, protocol)
    made.setblocking(False)  # noqa: FBT003 - the socket's own signature
    return made
