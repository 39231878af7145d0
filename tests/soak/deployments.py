"""What of Runhook runs where while everything goes wrong, and what can happen to it there."""

import asyncio
import random
import socket
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, closing
from functools import partial
from pathlib import Path
from signal import SIGCONT, SIGSTOP
from typing import TypeVar

import httpx

from runhook.clock import SystemClock
from runhook.domain.errors import UnavailableError
from runhook.operations.people.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.settings import Hidden
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from runhook.storage.service.data_folder import open_vault
from tests.soak.reporting import AS_MANY_RUNS, QUOTAS, insist
from tests.support.accounts import a_start_report
from tests.support.disks import files_no_larger_than
from tests.support.machines import NETWORKS, Network, a_network
from tests.support.patience import PATIENCE
from tests.support.ports import free_port
from tests.support.program import Service, Worker
from tests.support.running import TOKEN

Answer = TypeVar("Answer")
Fault = Callable[[random.Random], Awaitable[str]]
"""Lets something happen, and returns what, once it is over."""

MACHINES = 4
ATTEMPT_TIMEOUT = "2"
LEASE = 14
"""Seconds that a lease lasts with that time-out."""
LONGEST_CUT = 60
LONGEST_STOP = 20
"""Seconds; a transaction waits for half of it."""
LONGEST_SUSPENSION = 3 * LEASE
LONGEST_FULL = 20


class Deployment(ABC):
    """Processes of Runhook that share a database, in which account 1 is."""

    def __init__(self, database: str, store: Store, listening: socket.socket, folder: Path) -> None:
        self.database = database
        """Its address, which is reached whatever happens."""
        self.store = store
        self.listening = listening
        """For the endpoint."""
        self._folder = folder
        self._environment = {
            "RUNHOOK_DATA_DIR": str(folder / "data"),
            "RUNHOOK_ALLOW_NETWORKS": NETWORKS,
            "RUNHOOK_ATTEMPT_TIMEOUT": ATTEMPT_TIMEOUT,
            "RUNHOOK_LOG_REQUESTS": "no",
            **AS_MANY_RUNS,
        }

    @property
    @abstractmethod
    def faults(self) -> Sequence[Fault]:
        """What can happen to it."""

    @abstractmethod
    async def start(self) -> None:
        """Start all its processes."""

    @abstractmethod
    async def report(self, key: str) -> int:
        """Report the start of a run until it is acknowledged, and return the run's id."""


class Replicas(Deployment):
    """Workers on machines of their own, which share a PostgreSQL."""

    def __init__(self, network: Network, store: Store, folder: Path, stack: AsyncExitStack) -> None:
        super().__init__(network.server.local_url, store, network.listening, folder)
        self._network = network
        self._stack = stack
        self._workers: dict[int, Worker] = {}
        self._publisher = Publisher(store, SystemClock(), quotas=QUOTAS)

    @property
    def faults(self) -> Sequence[Fault]:
        return self._kill, self._cut, self._stop_server

    async def start(self) -> None:
        await asyncio.gather(*(self._start_worker(number) for number in range(MACHINES)))

    async def report(self, key: str) -> int:
        report = Start(FIRST_ACCOUNT, a_start_report(key))
        return (await until_available(partial(self._publisher.publish, report))).run.id

    async def _start_worker(self, number: int) -> None:
        machine = self._network.machines[number]
        environment = {**self._environment, "RUNHOOK_DATABASE_URL": machine.database_url}
        self._workers[number] = await self._stack.enter_async_context(
            Worker(folder=self._folder, environment=environment, prefix=machine.prefix)
        )

    async def _kill(self, chance: random.Random) -> str:
        number = chance.randrange(MACHINES)
        await self._workers[number].kill()
        await self._start_worker(number)
        return "killed"

    async def _cut(self, chance: random.Random) -> str:
        line = self._network.machines[chance.randrange(MACHINES)].line
        await line.cut()
        await asyncio.sleep(chance.uniform(1, LONGEST_CUT))
        await line.mend()
        return "cut off"

    async def _stop_server(self, chance: random.Random) -> str:
        await self._network.server.stop()
        await asyncio.sleep(chance.uniform(0, LONGEST_STOP))
        await self._network.server.start()
        return "database stopped"


class OneProcess(Deployment):
    """A service that serves and delivers, with its SQLite file."""

    def __init__(
        self,
        store: Store,
        listening: socket.socket,
        folder: Path,
        api: httpx.AsyncClient,
        stack: AsyncExitStack,
    ) -> None:
        self._file = file_in(folder)
        super().__init__(address_of(self._file), store, listening, folder)
        port = free_port()
        self._environment["RUNHOOK_PORT"] = str(port)
        api.base_url = httpx.URL(f"http://127.0.0.1:{port}/api/v3/accounts/{FIRST_ACCOUNT}/")
        self._api = api
        self._stack = stack

    @property
    def faults(self) -> Sequence[Fault]:
        return self._kill, self._suspend, self._lock, self._fill_disk

    async def start(self) -> None:
        self._service = await self._stack.enter_async_context(
            Service(folder=self._folder, environment=self._environment)
        )

    async def report(self, key: str) -> int:
        return await insist(self._api, key)

    async def _kill(self, _chance: random.Random) -> str:
        await self._service.kill()
        await self.start()
        return "killed"

    async def _suspend(self, chance: random.Random) -> str:
        self._service.send(SIGSTOP)
        await asyncio.sleep(chance.uniform(LEASE, LONGEST_SUSPENSION))
        self._service.send(SIGCONT)
        return "suspended"

    async def _lock(self, chance: random.Random) -> str:
        locking = sqlite3.connect(
            self._file, PATIENCE, isolation_level=None, check_same_thread=False
        )
        with closing(locking):
            await asyncio.to_thread(locking.execute, "BEGIN EXCLUSIVE")
            await asyncio.sleep(chance.uniform(0, LONGEST_STOP))
            locking.execute("ROLLBACK")
        return "database locked"

    async def _fill_disk(self, chance: random.Random) -> str:
        log = self._file.with_name(f"{self._file.name}-wal")
        with files_no_larger_than(log, self._service.process_id):
            await asyncio.sleep(chance.uniform(1, LONGEST_FULL))
        return "disk full"


@asynccontextmanager
async def replicas(folder: Path) -> AsyncIterator[Deployment]:
    """Make machines and their database."""
    async with AsyncExitStack() as stack:
        network = await stack.enter_async_context(a_network(MACHINES))
        store = await stack.enter_async_context(a_store(network.server.local_url, folder))
        yield Replicas(network, store, folder, stack)


@asynccontextmanager
async def one_process(folder: Path) -> AsyncIterator[Deployment]:
    """Make a database that one process serves."""
    async with AsyncExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        api = await stack.enter_async_context(
            httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE)
        )
        store = await stack.enter_async_context(a_store(address_of(file_in(folder)), folder))
        yield OneProcess(store, listening, folder, api, stack)


DEPLOYMENTS: Mapping[str, Callable[[Path], AbstractAsyncContextManager[Deployment]]] = {
    "sqlite": one_process,
    "postgresql": replicas,
}
"""By database."""


@asynccontextmanager
async def a_store(database: str, folder: Path) -> AsyncIterator[Store]:
    """Open a new database, with account 1 and its token."""
    store = Store.open(database, vault=open_vault(folder / "data"))
    try:
        await migrate(store)
        await begin_service(store, bootstrap_token=Hidden(TOKEN), clock=SystemClock())
        yield store
    finally:
        await store.close()


async def until_available(act: Callable[[], Awaitable[Answer]]) -> Answer:
    """Do what needs the database, again and again as long as that is away."""
    while True:
        try:
            return await act()
        except UnavailableError:
            await asyncio.sleep(1)


def file_in(folder: Path) -> Path:
    """The database's file, where the service has it by default."""
    return folder / "data" / "runhook.db"


def address_of(file: Path) -> str:
    """The address of a database in a file."""
    return f"sqlite:///{file}"
