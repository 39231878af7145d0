"""Exits with 0 if the service in this container answers on `/healthz`.

A container without `runhook serve` needs no such check, and switches it off.
"""

import os
import ssl
import sys
from http.client import HTTPConnection, HTTPException, HTTPSConnection

HOST = "127.0.0.1"
PATIENCE = 4
"""Seconds, fewer than the container's runtime waits for this program."""


def main() -> int:
    """Ask the service, and return the exit code."""
    connection = connection_to(int(os.environ.get("RUNHOOK_PORT") or 8580))
    try:
        connection.request("GET", "/healthz")
        return int(connection.getresponse().status != 200)
    except (OSError, HTTPException):
        return 1


def connection_to(port: int) -> HTTPConnection:
    """Connection to this container's own service, whose certificate has another name."""
    if not os.environ.get("RUNHOOK_TLS_CERT"):
        return HTTPConnection(HOST, port, timeout=PATIENCE)
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return HTTPSConnection(HOST, port, timeout=PATIENCE, context=context)


if __name__ == "__main__":
    sys.exit(main())
