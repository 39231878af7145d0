"""Machines that share a database over lines that a test can cut.

Where the system lets us, each machine is a network namespace with one line to a hub, which has the
database and the endpoints. Elsewhere all are one machine, and the lines to the database go through
relays. Needs `ip` (Debian: iproute2) and root for the former.
"""

import asyncio
import ctypes
import os
import secrets
import shutil
import socket
import subprocess
import threading
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from tests.support.servers import SYSTEM_USER, PostgresqlServer, folder_for_server

NEW_NETWORK = 0x40000000
"""CLONE_NEWNET, for ``setns``."""
HUB_ADDRESS = "10.213.255.1"
NETWORKS = "127.0.0.0/8,10.213.0.0/16"


class Line(Protocol):
    """What connects a machine with the database."""

    async def cut(self) -> None:
        """Let nothing pass, without a word."""

    async def mend(self) -> None:
        """Let everything pass again."""


@dataclass(frozen=True)
class Machine:
    """Where a process can run."""

    prefix: Sequence[str]
    """What its command begins with, to run there."""
    database_url: str
    line: Line


@dataclass(frozen=True)
class Network:
    """A database, a place for an endpoint, and machines."""

    server: PostgresqlServer
    listening: socket.socket
    """For the endpoint that all machines reach."""
    machines: Sequence[Machine]


@asynccontextmanager
async def a_network(count: int) -> AsyncIterator[Network]:
    """Make one with so many machines."""
    kind = namespaces if may_make_namespaces() else relays
    async with kind(count) as network:
        yield network


def may_make_namespaces() -> bool:
    """Whether this system lets us have networks of our own."""
    if os.geteuid() != 0 or shutil.which("ip") is None or shutil.which("runuser") is None:
        return False
    name = f"rh-{secrets.token_hex(4)}-try"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode == 0:
        paired = subprocess.run(
            ["ip", "-n", name, "link", "add", "a", "type", "veth", "peer", "name", "b"],
            capture_output=True,
            check=False,
        )
        subprocess.run(["ip", "netns", "delete", name], check=True)
        return paired.returncode == 0
    return False


class Wire:
    """The line of a namespace: a pair of interfaces, of which the hub's can be set down."""

    def __init__(self, hub: str, name: str) -> None:
        self._hub = hub
        self._name = name

    async def cut(self) -> None:
        await ip("-n", self._hub, "link", "set", self._name, "down")

    async def mend(self) -> None:
        await ip("-n", self._hub, "link", "set", self._name, "up")


@asynccontextmanager
async def namespaces(count: int) -> AsyncIterator[Network]:
    """Make machines that are namespaces."""
    async with AsyncExitStack() as stack:
        hub = await a_namespace(stack, "hub")
        await ip("-n", hub, "address", "add", f"{HUB_ADDRESS}/32", "dev", "lo")
        folder = await stack.enter_async_context(folder_for_server())
        server = PostgresqlServer(
            folder,
            prefix=("ip", "netns", "exec", hub, "runuser", "-u", SYSTEM_USER, "--"),
            host=HUB_ADDRESS,
        )
        await server.create()
        await server.start()
        stack.callback(server.remove)
        machines = [
            await a_machine(stack, hub, number, server.url) for number in range(1, count + 1)
        ]
        listening = stack.enter_context(socket_in(hub))
        yield Network(server, listening, machines)


async def a_machine(stack: AsyncExitStack, hub: str, number: int, url: str) -> Machine:
    """Make a namespace with a line to the hub."""
    name = await a_namespace(stack, str(number))
    wire = f"to{number}"
    await ip(
        *("-n", hub, "link", "add", wire, "type", "veth"), *("peer", "name", "eth0", "netns", name)
    )
    await ip("-n", hub, "address", "add", f"10.213.{number}.1/24", "dev", wire)
    await ip("-n", hub, "link", "set", wire, "up")
    await ip("-n", name, "address", "add", f"10.213.{number}.2/24", "dev", "eth0")
    await ip("-n", name, "link", "set", "eth0", "up")
    await ip("-n", name, "route", "add", "default", "via", f"10.213.{number}.1")
    return Machine(("ip", "netns", "exec", name), url, Wire(hub, wire))


async def a_namespace(stack: AsyncExitStack, name: str) -> str:
    """Make a namespace that is ours alone, and goes in the end."""
    whole = f"rh-{secrets.token_hex(4)}-{name}"
    await ip("netns", "add", whole)
    stack.push_async_callback(ip, "netns", "delete", whole)
    await ip("-n", whole, "link", "set", "lo", "up")
    return whole


async def ip(*words: str) -> None:
    """Run `ip`."""
    process = await asyncio.create_subprocess_exec("ip", *words)
    assert await process.wait() == 0, f"ip {' '.join(words)} failed"


def socket_in(namespace: str) -> socket.socket:
    """Open a listening socket in a namespace; a socket stays where its thread was."""
    opened: list[socket.socket] = []

    def open_there() -> None:
        with Path(f"/run/netns/{namespace}").open() as entrance:
            assert ctypes.CDLL(None, use_errno=True).setns(entrance.fileno(), NEW_NETWORK) == 0
        opened.append(socket.create_server((HUB_ADDRESS, 0)))

    thread = threading.Thread(target=open_there)
    thread.start()
    thread.join()
    return opened[0]


class Relay:
    """The line of a machine that is none: passes on what comes, both ways, until it is cut."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._whole = asyncio.Event()
        self._whole.set()
        self._tasks: set[asyncio.Task[None]] = set()
        self.port = 0

    async def cut(self) -> None:
        self._whole.clear()

    async def mend(self) -> None:
        self._whole.set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        async with await asyncio.start_server(self._serve, "127.0.0.1") as server:
            self.port = server.sockets[0].getsockname()[1]
            yield
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            await self._whole.wait()
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            try:
                await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
            finally:
                far_writer.close()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._tasks.discard(task)
            writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65_536):
            await self._whole.wait()
            writer.write(some)
            await writer.drain()
        writer.close()


@asynccontextmanager
async def relays(count: int) -> AsyncIterator[Network]:
    """Make machines that are this one."""
    async with AsyncExitStack() as stack:
        server = PostgresqlServer(await stack.enter_async_context(folder_for_server()))
        await server.create()
        await server.start()
        stack.callback(server.remove)
        machines = []
        for _ in range(count):
            relay = Relay(server.host, server.port)
            await stack.enter_async_context(relay.open())
            url = f"postgresql://postgres@127.0.0.1:{relay.port}/postgres"
            machines.append(Machine((), url, relay))
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        yield Network(server, listening, machines)
