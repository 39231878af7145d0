"""What the routes need, handed to them by the wiring."""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path

from litestar.di import NamedDependency
from litestar.params import SkipValidation
from litestar.types import Scope

from runhook.clock import Clock
from runhook.domain.deliveries.delivery import Lease
from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE, RetrySchedule
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.network.forwarding import TrustedProxies
from runhook.domain.people.callers import Actor, Caller
from runhook.domain.people.identities import EVERYBODY, GroupRoles, PasswordUsers
from runhook.domain.people.permissions import Role
from runhook.domain.people.quotas import DEFAULT_QUOTAS, Quotas
from runhook.operations.context import Context
from runhook.operations.people.authenticate import Authenticator
from runhook.operations.people.passwords import Passwords
from runhook.operations.runs.publish import Publisher
from runhook.outbound.sender import Sender
from runhook.server.access.errands import Errands
from runhook.server.access.openid.provider import Provider
from runhook.server.access.proxy_names import ProxyNames
from runhook.server.access.throttle import Rationed, Refusals, Throttle
from runhook.server.access.turns import Turns
from runhook.server.http.arrivals import Arrivals
from runhook.server.http.requests import RequestWatch
from runhook.server.http.transfers import Transfers
from runhook.server.http.waiting_room import WaitingRoom
from runhook.storage.engine.store import Store
from runhook.storage.people.sessions import ValidSession

UPLOADS_AT_ONCE = 2
NO_PROXIES = TrustedProxies()
NO_GROUPS = GroupRoles()


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The open store, the publisher, and all else that routes use."""

    store: Store
    publisher: Publisher
    authenticator: Authenticator
    policy: AddressPolicy
    clock: Clock
    is_delivering: Callable[[], bool] | None
    """Says whether the dispatcher works; None is for a process that has none."""
    sender: Sender
    lease: Lease
    """This process's hold on what it sends by itself."""
    retention: timedelta
    """How long deliveries are kept."""
    clock_difference: Callable[[], timedelta] = timedelta
    """By how much this machine's clock is ahead of the database's."""
    throttle: Throttle = field(default_factory=Throttle)
    outage_patience: timedelta = timedelta()
    """How long what changes something waits for a database that is away."""
    waiting_room: WaitingRoom = field(init=False)
    turns: Turns = field(init=False)
    """Of those whose password is checked."""
    passwords: Passwords = field(default_factory=Passwords)
    errands: Errands = field(default_factory=Errands)
    provider: Provider | None = None
    """Whom people sign in by, if not by passwords alone."""
    groups: GroupRoles = NO_GROUPS
    """What the provider's groups are in accounts."""
    proxy_names: ProxyNames | None = None
    """Whom an authenticating proxy names, if one does."""
    password_users: PasswordUsers = EVERYBODY
    """Who may have a password."""
    second_factor_roles: Collection[Role] = ()
    """Roles for which a password alone does not do."""
    public_url: str | None = None
    """Where people reach this service, without a slash at the end; None is where they asked."""
    trusted_proxies: TrustedProxies = NO_PROXIES
    quotas: Quotas = DEFAULT_QUOTAS
    largest_artifact: int = 64 << 20
    """In bytes."""
    reading_uploads: asyncio.Semaphore = field(
        default_factory=lambda: asyncio.Semaphore(UPLOADS_AT_ONCE)
    )
    """Taken while an archive is read, which takes a thread and memory."""
    arriving: Transfers = field(
        default_factory=lambda: Transfers("being sent to this account", of_one=16, in_all=32)
    )
    in_places: Transfers = field(
        default_factory=lambda: Transfers("being put in this place", of_one=1, in_all=16)
    )
    leaving: Transfers = field(
        default_factory=lambda: Transfers("being read from this account", of_one=32, in_all=64)
    )
    arrivals: Arrivals = field(default_factory=Arrivals)
    """Where consumers wait for deliveries."""
    scratch_folder: Path | None = None
    """Where files lie that are not whole yet; None is the system's folder for such."""
    schedule: RetrySchedule = DEFAULT_SCHEDULE
    """Retry schedule of webhooks without one of their own."""
    watch: RequestWatch = field(default_factory=RequestWatch)
    refusals: Refusals = field(default_factory=Refusals)

    def __post_init__(self) -> None:
        is_guessed_at = partial(self.throttle.is_over, Rationed.SIGN_IN_AS)
        object.__setattr__(self, "turns", Turns(is_guessed_at))
        room = WaitingRoom(self.store.outage, self.outage_patience)
        object.__setattr__(self, "waiting_room", room)

    def context(self, actor: Actor) -> Context:
        """What a change is made with in somebody's name."""
        return Context(self.store, self.clock, actor, policy=self.policy, quotas=self.quotas)


def provide_services(scope: Scope) -> Services:
    """The application's services."""
    services: Services = scope["litestar_app"].state.services
    return services


# Litestar would otherwise take these apart to check them, at every request.
Serving = NamedDependency[SkipValidation[Services]]
Calling = NamedDependency[SkipValidation[Caller]]
InSession = NamedDependency[SkipValidation[ValidSession]]
Identified = NamedDependency[SkipValidation[Caller | ValidSession]]
