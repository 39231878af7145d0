"""Attacks on a service, one wave after the other: `python -m tests.soak.attacks URL ACCOUNT`.

Each wave is bounded, so that what is measured is the service and not this machine. The attacker has
a token of an account of its own (RUNHOOK_TOKEN), as a customer of a shared service would. SIGTERM
ends it; then it says how many waves of each attack there were.
"""

import argparse
import asyncio
import contextlib
import json
import os
import random
import secrets
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.misbehaving import (
    break_off,
    drip,
    endless_body,
    endless_headers,
    endless_hints,
    endless_status_line,
    endless_trailers,
    one_endless_header,
)
from tests.support.receiver import Answer, Received, Receiver, hang, reset, status

ATTACKERS_ADDRESS = "127.0.0.2"
"""Connections are bounded by address, and ordinary reports come from another one."""
MEBIBYTE = 1 << 20
MOST_SENT = 8 * MEBIBYTE
"""Bytes that one connection of a flood sends, unless it is hung up on."""
CONNECTIONS = 300
HELD_SECONDS = 20.0
"""How long a wave holds connections that do nothing."""
REST_SECONDS = 0.5
NICENESS = 10
"""Attackers come from machines of their own, and take no time from the service on theirs."""
MOODS: dict[str, Answer] = {
    "/hints": endless_hints,
    "/headers": endless_headers,
    "/header": one_endless_header,
    "/status-line": endless_status_line,
    "/trailers": endless_trailers,
    "/body": endless_body,
    "/drip": drip,
    "/broken": break_off,
    "/hang": hang,
    "/reset": reset,
}


@dataclass(frozen=True)
class Target:
    """The service, and what the attacker has there."""

    host: str
    port: int
    account: int
    token: str

    def head(self, method: str, path: str, **headers: str | int) -> bytes:
        """Write a request's head, without the empty line that ends it."""
        said = {"Host": f"{self.host}:{self.port}", "Authorization": f"Token {self.token}"}
        said |= {name.replace("_", "-"): str(value) for name, value in headers.items()}
        lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {said[name]}" for name in said)]
        return "\r\n".join([*lines, ""]).encode()

    def path(self, rest: str) -> str:
        """A path of the attacker's account."""
        return f"/api/v3/accounts/{self.account}/{rest}"

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
        """Open a connection, and break it off in the end."""
        reader, writer = await asyncio.open_connection(
            self.host, self.port, local_addr=(ATTACKERS_ADDRESS, 0)
        )
        try:
            yield reader, writer
        finally:
            writer.transport.abort()

    async def pour(self, opening: bytes, piece: bytes, *, most: int = MOST_SENT) -> None:
        """Send an opening and then the same piece again and again, and read no answer."""
        async with self.connected() as (_, writer):
            writer.write(opening)
            for _ in range(most // len(piece)):
                writer.write(piece)
                await writer.drain()

    async def ask(self, request: bytes) -> int:
        """Send a request and return the status of its answer."""
        async with self.connected() as (reader, writer):
            writer.write(request)
            await writer.drain()
            line = await reader.readline()
            return int(line.split()[1])

    async def start_run(self) -> int:
        """Report a new run, and return its id."""
        body = json.dumps({"job_name": "hostile", "run_key": secrets.token_hex(8)}).encode()
        head = self.head("POST", self.path("runs"), Content_Length=len(body), Connection="close")
        async with self.connected() as (reader, writer):
            writer.write(head + b"\r\n" + body)
            _, _, answer = (await reader.read()).partition(b"\r\n\r\n")
            return int(json.loads(answer)["data"]["id"])

    async def ask_json(self, method: str, path: str, body: bytes) -> int:
        """Send a request with a body of JSON and return the status of its answer."""
        head = self.head(
            method,
            path,
            Content_Type="application/json",
            Content_Length=len(body),
            Connection="close",
        )
        return await self.ask(head + b"\r\n" + body)

    async def hold(self, opening: bytes, *, drip: bytes = b"") -> None:
        """Open many connections with the same beginning, and leave them like that for a while."""
        async with contextlib.AsyncExitStack() as stack:
            writers = []
            for _ in range(CONNECTIONS):
                _, writer = await stack.enter_async_context(self.connected())
                writer.write(opening)
                writers.append(writer)
            for _ in range(round(HELD_SECONDS)):
                await asyncio.sleep(1)
                for writer in writers:
                    if not writer.is_closing():
                        writer.write(drip)


async def endless_lines(target: Target) -> None:
    """Send header lines without end."""
    await target.pour(target.head("GET", "/healthz"), b"X-A: " + b"a" * 100 + b"\r\n")


async def endless_value(target: Target) -> None:
    """Send a header whose value has no end."""
    await target.pour(target.head("GET", "/healthz") + b"X-A: ", b"a" * 4_096)


async def endless_url(target: Target) -> None:
    """Send a request line that has no end."""
    await target.pour(b"GET /", b"a" * 4_096)


async def endless_trailer(target: Target) -> None:
    """End a body in chunks, and send headers after it without end."""
    head = target.head("POST", target.path("runs"), Transfer_Encoding="chunked")
    await target.pour(head + b"\r\n0\r\n", b"X-T: " + b"t" * 100 + b"\r\n")


async def endless_extension(target: Target) -> None:
    """Send a chunk whose extension has no end."""
    head = target.head("POST", target.path("runs"), Transfer_Encoding="chunked")
    await target.pour(head + b"\r\n1;a=", b"e" * 4_096)


async def tiny_headers(target: Target) -> None:
    """Send a head of headers that are as short as can be, to the bound of its bytes."""
    await target.ask(target.head("GET", "/healthz") + b"a:\n" * 8_000 + b"\r\n")


async def tiny_trailers(target: Target) -> None:
    """End a body in chunks, and send trailers that are as short as can be."""
    head = target.head("POST", target.path("runs"), Transfer_Encoding="chunked")
    await target.ask(head + b"\r\n2\r\n{}\r\n0\r\n" + b"a:\n" * 8_000 + b"\r\n")


async def tiny_chunks(target: Target) -> None:
    """Send a body in chunks of a byte each."""
    head = target.head("POST", target.path("runs"), Transfer_Encoding="chunked")
    await target.pour(head + b"\r\n", b"1\r\n \r\n" * 512, most=2 * MEBIBYTE)


async def tiny_chunks_on_many(target: Target) -> None:
    """Send bodies in chunks of a byte each on many connections."""
    async with asyncio.TaskGroup() as group:
        for _ in range(20):
            group.create_task(until_refused(tiny_chunks(target)))


async def pipelined(target: Target) -> None:
    """Send requests without end, and read no answer."""
    await target.pour(b"", (target.head("GET", "/healthz") + b"\r\n") * 16)


async def many_requests(target: Target) -> None:
    """Send one request after the other on many connections, and read the answers."""

    async def ask_again_and_again() -> None:
        async with target.connected() as (reader, writer):
            for _ in range(200):
                writer.write(target.head("GET", "/healthz") + b"\r\n")
                await reader.readuntil(b"\r\n\r\n")

    async with asyncio.TaskGroup() as group:
        for _ in range(50):
            group.create_task(until_refused(ask_again_and_again()))


async def half_closed(target: Target) -> None:
    """Send whole requests, say that nothing more comes, and read no answer."""
    for _ in range(50):
        async with target.connected() as (_, writer):
            writer.write(target.head("GET", "/sign-in") + b"\r\n")
            writer.write_eof()


async def half_heads(target: Target) -> None:
    """Begin many requests, and end none."""
    await target.hold(b"GET / HTTP/1.1\r\nHost: x\r\nX-A: ", drip=b"a")


async def slow_bodies(target: Target) -> None:
    """Begin many bodies, and send a byte a second of each."""
    head = target.head("POST", target.path("runs"), Content_Length=1_000_000)
    await target.hold(head + b"\r\n{", drip=b" ")


async def idle(target: Target) -> None:
    """Open many connections, and say nothing."""
    await target.hold(b"")


async def hostile_bodies(target: Target) -> None:
    """Send bodies that are refused: too large, of unknown keys, too deep, of other encodings."""
    for body in (
        json.dumps({"unknown": "x" * (MEBIBYTE - 100)}).encode(),
        b"[" * 500_000,
        b'{"job_name": "' + b"\xff" * 500_000 + b'"}',
        b'{"job_name": ' + b"9" * 500_000 + b"}",
        b"\xef\xbb\xbf{}",
        b"x" * (2 * MEBIBYTE),
    ):
        with contextlib.suppress(OSError, IndexError):
            await target.ask_json("POST", target.path("runs"), body)


async def unfinished_uploads(target: Target) -> None:
    """Begin uploads of large files, and break off in the middle."""
    place = target.path(f"runs/{await target.start_run()}/artifacts/manifest.json")
    head = target.head("PUT", place, Content_Length=60 << 20)
    async with asyncio.TaskGroup() as group:
        for _ in range(12):
            group.create_task(until_refused(target.pour(head + b"\r\n", b"x" * 65_536)))


async def guesses(target: Target) -> None:
    """Try tokens and passwords that are made up."""
    for _ in range(50):
        stranger = Target(target.host, target.port, 1, secrets.token_hex(16))
        await target.ask(stranger.head("GET", stranger.path("runs"), Connection="close") + b"\r\n")
    guess = json.dumps({"email": "ada@example.com", "password": secrets.token_hex(8)}).encode()
    for _ in range(4):
        await target.ask_json("POST", "/api/v3/session", guess)


async def odd_paths(target: Target) -> None:
    """Ask for what is not there, in every spelling."""
    for path in (
        "/static/%00",
        "/static/" + "a" * 5_000,
        "/static/..%2f..%2fetc%2fpasswd",
        target.path("runs/" + "9" * 30),
        target.path("webhooks/events?offset=" + "9" * 60),
        "/%ff%fe",
        "//",
        "*",
    ):
        for method in ("GET", "HEAD"):
            with contextlib.suppress(OSError, IndexError):
                await target.ask(target.head(method, path, Connection="close") + b"\r\n")


async def unwanted_upgrades(target: Target) -> None:
    """Ask for protocols that the service does not speak."""
    for protocol in ("h2c", "websocket", "TLS/1.3"):
        await target.ask(
            target.head("GET", "/healthz", Connection="Upgrade", Upgrade=protocol) + b"\r\n"
        )


async def own_reports(target: Target) -> None:
    """Report runs to webhooks of the attacker's own, whose endpoints misbehave."""
    for _ in range(5):
        await target.start_run()


Attack = Callable[[Target], Awaitable[None]]
ATTACKS: tuple[Attack, ...] = (
    endless_lines,
    endless_value,
    endless_url,
    endless_trailer,
    endless_extension,
    tiny_headers,
    tiny_trailers,
    tiny_chunks,
    tiny_chunks_on_many,
    pipelined,
    many_requests,
    half_closed,
    half_heads,
    slow_bodies,
    idle,
    hostile_bodies,
    unfinished_uploads,
    guesses,
    odd_paths,
    unwanted_upgrades,
    own_reports,
)


async def until_refused(sending: Awaitable[object]) -> None:
    """Send until the service hangs up, refuses another connection, or answers no more."""
    with contextlib.suppress(OSError, IndexError, ValueError):
        await sending


async def again_and_again(attack: Attack, target: Target, waves: Counter[str]) -> None:
    """Attack in waves, with a rest between them, and count the waves."""
    while True:
        waves[attack.__name__] += 1
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * HELD_SECONDS):
                await until_refused(attack(target))
        await asyncio.sleep(random.uniform(1, 2) * REST_SECONDS)


async def answer_badly(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer as the path says, and leave no flood running that is not read any more."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(HELD_SECONDS):
            await MOODS.get(request.path, status(200))(request, writer)


async def add_webhooks(target: Target, receiver: Receiver) -> None:
    """Make a webhook for each kind of bad endpoint."""
    for path in MOODS:
        webhook = {
            "name": path,
            "client_url": receiver.url.removesuffix("/hook") + path,
            "event_types": ["job.run.started"],
        }
        code = await target.ask_json(
            "POST", target.path("webhooks/subscriptions"), json.dumps(webhook).encode()
        )
        assert code == 201, f"no webhook for {path}: {code}"


async def attack_all(target: Target, chosen: set[str]) -> Counter[str]:
    """Attack in every way at once until SIGTERM comes; return how many waves there were."""
    waves: Counter[str] = Counter()
    is_over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, is_over.set)
    async with Receiver(answer_badly) as receiver:
        if own_reports.__name__ in chosen:
            await add_webhooks(target, receiver)
        attacking = [
            asyncio.create_task(again_and_again(attack, target, waves))
            for attack in ATTACKS
            if attack.__name__ in chosen
        ]
        await is_over.wait()
        for task in attacking:
            task.cancel()
        await asyncio.wait(attacking)
    return waves


def main() -> None:
    """Attack the service that the command line names."""
    names = [attack.__name__ for attack in ATTACKS]
    parser = argparse.ArgumentParser(prog="python -m tests.soak.attacks", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("account", type=int)
    parser.add_argument("--only", nargs="+", choices=names, default=names)
    chosen = parser.parse_args()
    url = urlsplit(chosen.url)
    assert url.hostname
    assert url.port
    target = Target(url.hostname, url.port, chosen.account, os.environ["RUNHOOK_TOKEN"])
    os.nice(NICENESS)
    print(json.dumps(asyncio.run(attack_all(target, set(chosen.only)))))


if __name__ == "__main__":
    sys.exit(main())
