"""Ports of this machine."""

import secrets
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

PORTS_TO_CHOOSE = range(10_000, 32_000)
"""Below those that systems give to connections and to listeners on port 0."""
claims: list[socket.socket] = []
"""Sockets of UDP: while this process lives, no other test takes the ports with their numbers."""


def free_ports(count: int) -> list[int]:
    """Ports without a listener, for programs that begin to listen later, or again."""
    return [free_port() for _ in range(count)]


def free_port() -> int:
    """A port without a listener, which is given neither to another test nor by the system."""
    while True:
        port = secrets.choice(PORTS_TO_CHOOSE)
        claim = socket.socket(type=socket.SOCK_DGRAM)
        try:
            claim.bind(("127.0.0.1", port))
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            claim.close()
        else:
            claims.append(claim)
            return port


@contextmanager
def a_port_where_nobody_listens() -> Iterator[int]:
    """Hold a port, so that no other program begins to listen there."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        yield holder.getsockname()[1]


@contextmanager
def a_port_that_takes_no_connection() -> Iterator[int]:
    """Listen, with so many connections waiting that the system drops every other one."""
    with ExitStack() as stack:
        listening = stack.enter_context(socket.socket())
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.settimeout(0)
            waiting.connect_ex(listening.getsockname())
        yield listening.getsockname()[1]
