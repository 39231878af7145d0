"""What an attempt spends its time on."""

from enum import StrEnum


class AttemptPhase(StrEnum):
    """A part of an attempt's duration, in their order; together they are all of it."""

    QUEUE = "queue"
    """Waiting for a free connection."""
    DNS = "dns"
    """Looking up the host's name."""
    CONNECT = "connect"
    """Waiting for an address to take the connection, or for a proxy to have it made."""
    TLS = "tls"
    """Agreeing on TLS, with the endpoint and with a proxy on the way there."""
    WAIT = "wait"
    """Sending the request and waiting for the head of the response; with a mail server, all of the
    conversation."""
    READ = "read"
    """Reading the body of the response."""
