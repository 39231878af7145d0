"""Builds the running service from its settings. It builds; it never decides."""

import asyncio
import gc
import os
import secrets
import signal
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path

from runhook.clock import Clock, DatabaseClock
from runhook.dispatcher.collector import Collector
from runhook.dispatcher.consumer_watcher import ConsumerWatcher
from runhook.dispatcher.dispatcher import Dispatcher
from runhook.dispatcher.loop import Loop
from runhook.dispatcher.presence import Presence
from runhook.dispatcher.pruner import Pruner
from runhook.dispatcher.redeliverer import Redeliverer
from runhook.dispatcher.rescuer import Rescuer
from runhook.dispatcher.timekeeper import Listener, Timekeeper
from runhook.dispatcher.watcher import job_watcher, run_watcher
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.errors import InvalidError
from runhook.domain.secrets.shown_addresses import without_password
from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.domain.version import VERSION
from runhook.opening import make_ready, open_as_it_is, open_existing, opened_store
from runhook.operations.deliveries.attempt import rescue_all
from runhook.operations.people.authenticate import Authenticator
from runhook.operations.people.begin import FIRST_ACCOUNT, begin_service
from runhook.operations.people.invite import invite_first_user, link_of
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.tally import RunTally
from runhook.operations.service.keep_time import database_clock
from runhook.outbound.descriptors import Allotment, allot
from runhook.outbound.pool import Bounds
from runhook.outbound.sender import Sender
from runhook.server.access.openid.provider import Provider, provider_sender
from runhook.server.access.proxy_names import ProxyNames
from runhook.server.app import create_app
from runhook.server.connections.clients import ClientBounds
from runhook.server.connections.listening import Server, listen, url_of_socket
from runhook.server.connections.tls import Certificate, Pair
from runhook.server.http.arrivals import Arrivals
from runhook.server.http.requests import RequestWatch
from runhook.server.service.metrics import Measured, create_metrics_app
from runhook.server.services import Services
from runhook.settings import Settings
from runhook.storage.engine.schema import NEWEST
from runhook.storage.engine.store import Store
from runhook.storage.engine.vault import LOCKED
from runhook.storage.service.data_folder import (
    check_master_key,
    open_vault,
    sole_owner,
)
from runhook.telemetry.events import (
    DESCRIPTORS_FEW,
    METRICS_OFFERED,
    SERVICE_STARTED,
    SERVICE_STOPPED,
    SERVICE_STOPPING,
)
from runhook.telemetry.tracing import Tracing, open_tracing

RECORDING = timedelta(seconds=5)
"""Time limit for recording an attempt."""
SCRAPERS = 32
"""How many connections the port for metrics has."""
SWITCH_SECONDS = 0.0005
YOUNG_OBJECTS = 100_000
"""How many more objects than before there are when the collector looks for circles among them."""


@dataclass(frozen=True, slots=True)
class Started:
    """What there is to say once the service listens."""

    url: str
    is_first_start: bool
    has_bootstrap_token: bool
    invitation: str | None
    """The link that the first user accepts; None once there is one."""

    def __repr__(self) -> str:
        return f"Started({self.url!r})"


async def serve(
    settings: Settings, announce: Callable[[Started], None], *, machine: Clock | None = None
) -> None:
    """Run API and dispatcher, or the API alone, until SIGTERM or Ctrl-C, then stop gracefully.

    Args:
        settings: how.
        announce: called once the service listens.
        machine: this machine's clock, if it is not the system's.

    Raises:
        InvalidError: a setting does not work out, another process serves this database, or its
            secrets were encrypted with another master key.
        UnavailableError: the database cannot be reached.
    """
    roles = (ReplicaRole.API, *((ReplicaRole.DISPATCHER,) if settings.dispatcher else ()))
    pair = settings.tls()
    certificate = None if pair is None else Certificate(Pair(*pair))
    client, headers = settings.provider(), settings.naming_headers()
    async with (
        open_process(settings, *roles, machine=machine) as process,
        provider_sender(settings.proxies) as to_provider,
    ):
        store, clock, sender = process.store, process.clock, process.sender
        is_first_start = await begin_service(
            store,
            bootstrap_token=settings.bootstrap_token,
            payload_version=settings.default_payload_version,
            clock=clock,
        )
        secret = await invite_first_user(store, FIRST_ACCOUNT, clock=clock)
        delivering = build_delivering(process) if settings.dispatcher else None
        publisher = Publisher(
            store,
            clock,
            public_url=settings.public_url,
            quotas=settings.quotas(),
            patience=settings.outage_patience,
            handovers=None if delivering is None else delivering.dispatcher.handover,
            tally=process.tally,
        )
        watch = RequestWatch(log=settings.log_requests, tracing=process.tracing)
        services = Services(
            store=store,
            publisher=publisher,
            authenticator=Authenticator(store, clock),
            policy=settings.address_policy(),
            clock=clock,
            clock_difference=lambda: clock.difference,
            is_delivering=None if delivering is None else delivering.is_well,
            sender=sender,
            lease=process.lease,
            public_url=settings.public_url,
            provider=None if client is None else Provider(client, to_provider, clock),
            groups=settings.oidc_groups,
            proxy_names=None if headers is None else ProxyNames(headers),
            password_users=settings.users_with_password(),
            second_factor_roles=settings.second_factor_roles,
            trusted_proxies=settings.trusted_proxies,
            quotas=settings.quotas(),
            largest_artifact=settings.artifact_megabytes << 20,
            scratch_folder=scratch_folder_in(settings),
            retention=settings.retention_days,
            outage_patience=settings.outage_patience,
            schedule=settings.retry_schedule,
            watch=watch,
        )
        measured = Measured(
            store=store,
            sender=sender,
            runs=process.tally,
            deliveries=None if delivering is None else delivering.dispatcher.tally,
            requests=watch.tally,
        )
        with (
            listen(settings.host, settings.port) as listening,
            metrics_server(settings, measured) as metrics,
        ):
            server = Server(
                create_app(services),
                listening,
                client_bounds(settings, process.allotment.incoming),
                certificate,
            )
            url = url_of_socket(listening, scheme=settings.scheme)
            process.tell_of_start(url)
            announce(
                Started(
                    url=url,
                    is_first_start=is_first_start,
                    has_bootstrap_token=settings.bootstrap_token is not None,
                    invitation=link_of(secret, settings.public_url or url) if secret else None,
                )
            )
            await run_process(
                process, delivering, server=server, arrivals=services.arrivals, metrics=metrics
            )
            await services.errands.settle(settings.attempt_timeout)


async def dispatch(
    settings: Settings, announce: Callable[[str], None], *, machine: Clock | None = None
) -> None:
    """Run the dispatcher alone until SIGTERM or Ctrl-C, then stop gracefully.

    Args:
        settings: how.
        announce: called with this process's name once it begins.
        machine: this machine's clock, if it is not the system's.

    Raises:
        InvalidError: a setting does not work out, the database is SQLite's, or its secrets were
            encrypted with another master key.
        NoServiceError: there is no service in the database.
        UnavailableError: the database cannot be reached.
    """
    await refuse_to_begin(settings)
    async with open_process(settings, ReplicaRole.DISPATCHER, machine=machine) as process:
        delivering = build_delivering(process)
        measured = Measured(
            store=process.store,
            sender=process.sender,
            runs=process.tally,
            deliveries=delivering.dispatcher.tally,
        )
        with metrics_server(settings, measured) as metrics:
            process.tell_of_start()
            announce(process.replica.name)
            await run_process(process, delivering, metrics=metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceProcess:
    """What a process of the service has, whatever its roles."""

    settings: Settings
    began: float
    """When it began to start, in seconds of the monotonic clock."""
    stopping: "Stopping"
    allotment: Allotment
    tracing: Tracing
    store: Store
    sender: Sender
    clock: DatabaseClock
    replica: Replica
    presence: Presence
    lease: Lease
    tally: RunTally

    def tell_of_start(self, url: str | None = None) -> None:
        """Log that the process is ready, and what it is.

        Args:
            url: where it listens; None if it does not.
        """
        SERVICE_STARTED.say(
            version=VERSION,
            replica=self.replica.name,
            roles=list(self.replica.roles),
            url=url,
            database=without_password(self.settings.address_of_database()),
            schema=NEWEST,
            settings=dict(self.settings.given),
            milliseconds=round((time.monotonic() - self.began) * 1000),
        )


@asynccontextmanager
async def open_process(
    settings: Settings, *roles: ReplicaRole, machine: Clock | None
) -> AsyncIterator[ServiceProcess]:
    """Open what every process of the service needs.

    Raises:
        InvalidError, UnavailableError: as ``open_to_serve`` says.
    """
    began = time.monotonic()
    stopping = stop_on_signals()
    allotment = allotment_of(settings, listens=ReplicaRole.API in roles)
    async with (
        traced() as tracing,
        open_to_serve(settings) as store,
        sender_of(settings, allotment.outgoing) as sender,
    ):
        clock = await database_clock(store, machine=machine)
        replica = this_replica(clock, *roles)
        yield ServiceProcess(
            settings=settings,
            began=began,
            stopping=stopping,
            allotment=allotment,
            tracing=tracing,
            store=store,
            sender=sender,
            clock=clock,
            replica=replica,
            presence=Presence(store, replica, attempts_lately=sender.tally.lately),
            lease=Lease(owner=replica.name, duration=lease_duration(settings.attempt_timeout)),
            tally=RunTally(),
        )


@asynccontextmanager
async def traced() -> AsyncIterator[Tracing]:
    """Export traces, if the environment asks for it, and what is left of them at the end."""
    tracing = open_tracing(os.environ)
    try:
        yield tracing
    finally:
        if tracing.is_on:
            await asyncio.to_thread(tracing.close)


async def refuse_to_begin(settings: Settings) -> None:
    """Let a process that only delivers neither make a service nor own the database.

    Raises:
        InvalidError: the database is a file.
        NoServiceError: there is no service in it.
    """
    async with opened_store(settings, LOCKED) as store:
        if store.file is not None:
            with sole_owner(store.file) if store.file.exists() else nullcontext():
                raise InvalidError(
                    f"The database is the file {store.file}, and one process serves a SQLite "
                    "database: `runhook serve` delivers too. For several, use PostgreSQL "
                    "(RUNHOOK_DATABASE_URL)."
                )
    async with open_existing(settings):
        pass


@asynccontextmanager
async def open_to_serve(settings: Settings) -> AsyncIterator[Store]:
    """Open the database for a process that serves it, once it is sure that it may and can.

    Raises:
        InvalidError: another process serves this database, or its secrets were encrypted with
            another master key.
        UnavailableError: the database cannot be reached.
    """
    async with AsyncExitStack() as stack:
        given = settings.master_key
        vault = open_vault(settings.data_dir, given.reveal() if given else None)
        store = await stack.enter_async_context(open_as_it_is(settings, vault, serves=True))
        if store.file is not None:
            stack.enter_context(sole_owner(store.file))
        await make_ready(store)
        await check_master_key(store, settings.data_dir, is_given=given is not None)
        if store.file is not None:
            # The workers that held these are dead, or we would not own the file.
            await rescue_all(store)
        yield store


@contextmanager
def metrics_server(settings: Settings, measured: Measured) -> Iterator[Server | None]:
    """Open the port for metrics, if there is to be one.

    Raises:
        InvalidError: it cannot be listened on.
    """
    if settings.metrics_port is None:
        yield None
        return
    with listen(
        settings.metrics_host, settings.metrics_port, prefix="RUNHOOK_METRICS"
    ) as listening:
        METRICS_OFFERED.say(url=f"{url_of_socket(listening)}/metrics")
        yield Server(create_metrics_app(measured), listening, client_bounds(settings, SCRAPERS))


def scratch_folder_in(settings: Settings) -> Path | None:
    """Folder for incomplete files: beside the data if that is writable; else the system's."""
    return settings.data_dir if os.access(settings.data_dir, os.W_OK) else None


def this_replica(clock: Clock, *roles: ReplicaRole) -> Replica:
    """Describe this process, under a unique name."""
    host = socket.gethostname()
    return Replica(
        name=f"{host}:{os.getpid()}:{secrets.token_hex(4)}",
        host=host,
        roles=roles,
        version=VERSION,
        started_at=clock.now(),
    )


@dataclass(frozen=True, slots=True)
class Delivering:
    """What runs in a process that delivers."""

    dispatcher: Dispatcher
    wake: asyncio.Event
    loops: Sequence[Loop]
    """The dispatcher's is the first."""

    def is_well(self) -> bool:
        """Whether the dispatcher does its work."""
        return self.loops[0].is_well


def build_delivering(process: ServiceProcess) -> Delivering:
    """Build the loops of a process that delivers."""
    settings, store, clock = process.settings, process.store, process.clock
    presence = process.presence
    wake = asyncio.Event()
    dispatcher = Dispatcher(
        store=store,
        sender=process.sender,
        clock=clock,
        schedule=settings.retry_schedule,
        lease=process.lease,
        send_margin=send_margin(settings.attempt_timeout),
        on_room=wake.set,
        public_url=settings.public_url,
        tracing=process.tracing,
    )
    runs = run_watcher(store, clock, public_url=settings.public_url, tally=process.tally)
    jobs = job_watcher(store, clock, public_url=settings.public_url)
    consumers = ConsumerWatcher(store, clock, public_url=settings.public_url)
    pruner = Pruner(store, retention=settings.retention_days, is_clock_right=lambda: clock.is_right)
    loops = [
        Loop("dispatcher", dispatcher.tick, wake=wake),
        Loop("renewer", dispatcher.renew),
        # What one process at a time does for all.
        presence.duty("timekeeper", Timekeeper(store, settings.retry_schedule).tick),
        presence.duty("rescuer", Rescuer(store).tick),
        presence.duty("redeliverer", Redeliverer(store, clock).tick),
        presence.duty("run watcher", runs.tick),
        presence.duty("job watcher", jobs.tick),
        presence.duty("consumer watcher", consumers.tick),
        presence.duty("pruner", pruner.tick),
    ]
    return Delivering(dispatcher, wake, loops)


def allotment_of(settings: Settings, *, listens: bool) -> Allotment:
    """Divide the descriptors that the system lets this process have, and say if they are few."""
    wanted = Allotment(Bounds(), settings.max_connections if listens else 0)
    allotment = allot(wanted.outgoing, incoming=wanted.incoming)
    if allotment != wanted:
        DESCRIPTORS_FEW.say(
            outgoing=allotment.outgoing.in_all,
            incoming=allotment.incoming,
        )
    return allotment


def sender_of(settings: Settings, bounds: Bounds) -> Sender:
    """Build the sender of deliveries."""
    return Sender(
        settings.allow_networks,
        deadline=settings.attempt_timeout,
        proxies=settings.proxies,
        bounds=bounds,
        mail=settings.mail(),
    )


def client_bounds(settings: Settings, connections: int) -> ClientBounds:
    """Bounds on what clients may use, for so many connections."""
    return ClientBounds(
        connections=connections,
        from_one_address=settings.max_connections_per_address,
        shared_addresses=settings.trusted_proxies,
        head_bytes=settings.max_head_kilobytes << 10,
        patience=settings.client_timeout,
        idle=settings.idle_timeout,
    )


def send_margin(attempt_timeout: timedelta) -> timedelta:
    """Time that must be left of a lease to send: for an attempt, and to record it."""
    return attempt_timeout + RECORDING


def lease_duration(attempt_timeout: timedelta) -> timedelta:
    """How long a claim holds: for another attempt to end, and then for our own."""
    return attempt_timeout + RECORDING + send_margin(attempt_timeout)


def keep_out_of_collection() -> None:
    """Tell the garbage collector that what is in memory by now stays there.

    It would walk through all the modules, routes and statements again and again, as often as the
    deliveries under way come and go: two fifths of all CPU time. ``Collector`` takes out what it
    comes too late for.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])


def shorten_switch_interval() -> None:
    """Let a thread that has something for the event loop wait for it only so long.

    The database's answers come by a thread, which has to take the interpreter for each of them. A
    loop that many clients keep busy hands it over after 5 milliseconds by default: a transaction
    of some dozen statements then takes a quarter of a second.
    """
    sys.setswitchinterval(SWITCH_SECONDS)


class Stopping(asyncio.Event):
    """Set when the process is told to end, and knows for how long it has been."""

    _begun_at: float | None = None

    def set(self) -> None:
        """Begin to end."""
        self._begun_at = time.monotonic()
        super().set()

    @property
    def seconds(self) -> float:
        """How long it has been ending; 0 if it was not told to."""
        return 0.0 if self._begun_at is None else round(time.monotonic() - self._begun_at, 1)


def stop_on_signals() -> Stopping:
    """What SIGTERM and Ctrl-C set; a second one ends the process at once."""
    loop = asyncio.get_running_loop()
    stopping = Stopping()

    def stop(number: signal.Signals) -> None:
        for one in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(one)
        stopping.set()
        SERVICE_STOPPING.say(signal=number.name)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, number)
    return stopping


async def run_process(
    process: ServiceProcess,
    delivering: Delivering | None,
    *,
    server: Server | None = None,
    arrivals: Arrivals | None = None,
    metrics: Server | None,
) -> None:
    """Run all there is until told to stop or the server breaks, then end it in good order."""
    keep_out_of_collection()
    shorten_switch_interval()
    store, presence, stopping = process.store, process.presence, process.stopping
    loops = [
        Loop("presence", presence.tick),
        Loop("collector", Collector().tick),
        Loop("clock", Listener(store, process.clock).tick),
        *(delivering.loops if delivering else ()),
    ]
    async with asyncio.TaskGroup() as group:
        for loop in loops:
            group.create_task(loop.run())
        hearing = group.create_task(store.notifier.listen(partial(wake_all, delivering, arrivals)))
        if metrics is not None:
            group.create_task(metrics.run_until_stopped())
        if server is None:
            await stopping.wait()
        else:
            # No new reports first, then no new claims.
            await serve_until(stopping, server, arrivals)
        for loop in loops:
            loop.stop()
        if metrics is not None:
            metrics.stop()
        hearing.cancel()
    if delivering is not None:
        await delivering.dispatcher.stop()
    await presence.leave()
    SERVICE_STOPPED.say(
        seconds=stopping.seconds,
        deliveries_left=0 if delivering is None else delivering.dispatcher.held,
    )


def wake_all(delivering: Delivering | None, arrivals: Arrivals | None) -> None:
    """Let the dispatcher and waiting consumers look for what has become due."""
    if delivering is not None:
        delivering.wake.set()
    if arrivals is not None:
        arrivals.ring()


async def serve_until(
    stopping: asyncio.Event, server: Server, arrivals: Arrivals | None = None
) -> None:
    """Answer requests until told to stop, and then those that are under way."""
    async with asyncio.TaskGroup() as group:
        serving = group.create_task(server.run_until_stopped())
        told = group.create_task(stopping.wait())
        await asyncio.wait([serving, told], return_when=asyncio.FIRST_COMPLETED)
        told.cancel()
        if arrivals is not None:
            arrivals.close()
        server.stop()
