"""A consumer of the standard library alone: takes over, reads, passes on, acknowledges.

It starts fast enough to be killed hundreds of times, and shows that the API needs no client.
"""

import http.client
import json
import os
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

SERVICE = urlsplit(os.environ["RUNHOOK_URL"])
RECEIVER = urlsplit(os.environ["FORWARD"])
CONSUMER = f"/api/v3/accounts/1/consumers/{os.environ['CONSUMER']}"
HEADERS = {
    "Authorization": f"Token {os.environ['RUNHOOK_TOKEN']}",
    "Content-Type": "application/json",
}


def ask(method: str, path: str, body: object = None) -> Any:
    """`data` of the service's answer."""
    connection = http.client.HTTPConnection(SERVICE.netloc, timeout=60)
    connection.request(method, f"{CONSUMER}{path}", body and json.dumps(body), HEADERS)
    with connection.getresponse() as answer:
        data = json.load(answer)["data"]
    connection.close()
    return data


def pass_on(headers: Mapping[str, str], body: str) -> None:
    """Post an event to the receiver."""
    connection = http.client.HTTPConnection(RECEIVER.netloc, timeout=60)
    connection.request("POST", RECEIVER.path, body.encode(), dict(headers))
    connection.getresponse().read()
    connection.close()


def main() -> None:
    """Go on until killed."""
    reader = ask("POST", "/readers")["reader"]
    print("reading", flush=True)
    while True:
        for event in ask("GET", f"/events?limit=5&wait=20&reader={reader}"):
            pass_on(event["headers"], event["body"])
            ask("POST", "/acknowledge", {"ids": [event["id"]], "reader": reader})


if __name__ == "__main__":
    main()
