"""Exits with 0 if the service in this container answers on `/healthz`.

A container without `runhook serve` needs no such check, and switches it off.
"""

import os
import sys
from http.client import HTTPConnection, HTTPException

PATIENCE = 4
"""Seconds, fewer than the container's runtime waits for this program."""


def main() -> int:
    """Ask the service, and return the exit code."""
    connection = HTTPConnection(
        "127.0.0.1", int(os.environ.get("RUNHOOK_PORT") or 8580), timeout=PATIENCE
    )
    try:
        connection.request("GET", "/healthz")
        return int(connection.getresponse().status != 200)
    except (OSError, HTTPException):
        return 1


if __name__ == "__main__":
    sys.exit(main())
