"""Host names that mean what a test says."""

import socket
from collections.abc import Sequence

from runhook.outbound.resolver import AddressInfo, Resolver


class Names:
    """What ``getaddrinfo`` finds, for a resolver; a name that was not given has no address.

    The addresses are still found by ``getaddrinfo`` itself, so they have its form.
    """

    def __init__(self, **addresses: Sequence[str]) -> None:
        self.addresses = {name: list(found) for name, found in addresses.items()}

    def resolver(self) -> Resolver:
        return Resolver(self.look_up)

    def look_up(self, host: str, port: int, *how: int) -> list[AddressInfo]:
        if host not in self.addresses:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        family, kind, protocol, _ = how
        return [
            found
            for address in self.addresses[host]
            for found in socket.getaddrinfo(address, port, family, kind, protocol)
        ]
