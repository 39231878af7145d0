"""The guard at the moment of dialling: no socket is made for an address that policy refuses.

aiohttp asks a socket factory for every address it is about to connect to, resolved ones and IP
literals alike, so this is the one place that no URL, DNS answer or redirect can go around.
"""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ipaddress import ip_address
from typing import Any

from runhook.domain.destinations import AddressPolicy

_refusals: ContextVar[list[str] | None] = ContextVar("refusals", default=None)


class AddressRefusedError(OSError):
    """Policy does not let us dial this address."""


class Guard:
    """Makes sockets for addresses that policy allows."""

    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy

    def make_socket(self, address_info: tuple[Any, ...]) -> socket.socket:
        """Return a socket for what ``getaddrinfo`` returned.

        Raises:
            AddressRefusedError: policy refuses the address.
        """
        family, kind, protocol, _, socket_address = address_info
        # A link-local IPv6 address can carry its interface: fe80::1%eth0.
        refusal = self._policy.refusal(ip_address(str(socket_address[0]).partition("%")[0]))
        if refusal is not None:
            noted = _refusals.get()
            if noted is not None:
                noted.append(refusal)
            raise AddressRefusedError(refusal)
        made = socket.socket(family, kind, protocol)
        made.setblocking(False)  # noqa: FBT003 - the socket's own signature
        return made


@contextmanager
def noting_refusals() -> Iterator[list[str]]:
    """Collect why addresses were refused inside the block.

    Where several addresses are tried, aiohttp folds their errors into one that no longer says so.
    """
    noted: list[str] = []
    token = _refusals.set(noted)
    try:
        yield noted
    finally:
        _refusals.reset(token)
