"""An endpoint that costs as little as it can, in a process of its own.

It listens on ten ports and prints them. A POST is noted and answered with 200, a GET returns what
was noted.
"""

import asyncio
import json
import re
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import httptools
import uvloop

from benchmarks.processes import first_line, running

PORTS = 10
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
RUN = re.compile(rb'"run_?[iI]d":"?(\d+)')


@dataclass(frozen=True)
class Receiver:
    """The receiver as others see it."""

    urls: Sequence[str]

    def progress(self) -> dict[str, Any]:
        """Return how many requests came, and when the first and the last one did."""
        return self._get("progress")

    def arrivals(self) -> dict[int, float]:
        """Return when each run was first heard of, and forget it."""
        arrivals: dict[int, float] = {}
        for run_id, moment in self._get("taken")["arrivals"]:
            arrivals.setdefault(run_id, moment)
        return arrivals

    def _get(self, path: str) -> dict[str, Any]:
        with urllib.request.urlopen(self.urls[-1] + path) as answer:
            found: dict[str, Any] = json.load(answer)
        return found


@contextmanager
def a_receiver() -> Iterator[Receiver]:
    """Run a receiver."""
    with running("benchmarks.receiver") as process:
        ports = json.loads(first_line(process))
        yield Receiver([f"http://127.0.0.1:{port}/" for port in ports])


class Connection(asyncio.Protocol):
    """Notes each request that has a body, and answers."""

    def __init__(self, noted: list[tuple[float, bytes]]) -> None:
        self.noted = noted
        self.path = self.body = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.WriteTransport", transport)
        self.parser = httptools.HttpRequestParser(self)

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.path = url

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        if not self.body:
            self.transport.write(self.report())
            return
        self.noted.append((time.monotonic(), self.body))
        self.body = b""
        self.transport.write(ANSWER)

    def report(self) -> bytes:
        """Answer a question of the benchmark's."""
        if self.path == b"/taken":
            told: dict[str, Any] = {"arrivals": [[run_of(body), at] for at, body in self.noted]}
            self.noted.clear()
        else:
            moments = [moment for moment, _ in self.noted]
            told = {"count": len(moments), "first": min(moments, default=0.0)}
            told["last"] = max(moments, default=0.0)
        content = json.dumps(told).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


def run_of(body: bytes) -> int:
    """Return the id of the run that a payload speaks of."""
    found = RUN.search(body)
    return int(found[1]) if found else 0


async def main() -> None:
    """Serve until ended."""
    loop = asyncio.get_running_loop()
    noted: list[tuple[float, bytes]] = []
    servers = [
        await loop.create_server(partial(Connection, noted), "127.0.0.1", 0) for _ in range(PORTS)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(main())
