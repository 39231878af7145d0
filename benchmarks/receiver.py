"""An endpoint that costs as little as it can, in a process of its own.

It listens on eleven ports and prints them. A POST is noted and answered with 200; on the last port
neither. A GET returns what was noted.
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
"""Those that answer; there is one more."""
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
RUN = re.compile(rb'"run_?[iI]d":"?(\d+)')
EVENT = re.compile(rb'"event_?[tT]ype":"([a-z.]+)')
Event = tuple[int, str]
"""A run's id, and what happened to it."""


@dataclass(frozen=True)
class Receiver:
    """The receiver as others see it."""

    urls: Sequence[str]
    """Endpoints that answer."""
    hanging: str
    """One that takes every request and never answers."""

    def progress(self) -> dict[str, Any]:
        """Number of requests, and times of the first and the last one."""
        return self._get("progress")

    def arrivals(self) -> dict[Event, float]:
        """Take the first arrival of each event."""
        arrivals: dict[Event, float] = {}
        for run_id, event_type, moment in self._get("taken")["arrivals"]:
            arrivals.setdefault((run_id, event_type), moment)
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
        *urls, hanging = [f"http://127.0.0.1:{port}/" for port in ports]
        yield Receiver(urls, hanging)


class Connection(asyncio.Protocol):
    """Notes each request that has a body, and answers."""

    def __init__(self, noted: list[tuple[float, bytes]], *, is_hanging: bool) -> None:
        self.noted = noted
        self.is_hanging = is_hanging
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
        if not self.is_hanging:
            self.noted.append((time.monotonic(), self.body))
            self.transport.write(ANSWER)
        self.body = b""

    def report(self) -> bytes:
        """Answer a question of the benchmark's."""
        if self.path == b"/taken":
            told: dict[str, Any] = {"arrivals": [[*event_of(body), at] for at, body in self.noted]}
            self.noted.clear()
        else:
            # In no time: it is asked while requests wait.
            first, last = (self.noted[0][0], self.noted[-1][0]) if self.noted else (0.0, 0.0)
            told = {"count": len(self.noted), "first": first, "last": last}
        content = json.dumps(told).encode()
        return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(content), content)


def event_of(body: bytes) -> Event:
    """Event that a payload is about."""
    run, event = RUN.search(body), EVENT.search(body)
    return int(run[1]) if run else 0, event[1].decode() if event else ""


async def main() -> None:
    """Serve until ended."""
    loop = asyncio.get_running_loop()
    noted: list[tuple[float, bytes]] = []
    servers = [
        await loop.create_server(
            partial(Connection, noted, is_hanging=number == PORTS), "127.0.0.1", 0
        )
        for number in range(PORTS + 1)
    ]
    print(json.dumps([server.sockets[0].getsockname()[1] for server in servers]), flush=True)
    await asyncio.gather(*(server.serve_forever() for server in servers))


if __name__ == "__main__":
    uvloop.run(main())
