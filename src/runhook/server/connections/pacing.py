"""When connections go on: addresses take turns, however many connections each of them has.

An event loop lets all that is ready go on in each of its turns. A request takes some dozen of them,
and in each one it would wait for every connection of somebody who keeps hundreds of them busy.
"""

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar

SPACE_SECONDS = 0.003
"""Between two of a lane that are spaced while another site waits: it has most of the time then."""
SLOW_SECONDS = 0.02
"""Between two turns of connections that cost much to read, of all together."""


class Paced(Protocol):
    """A connection that waits for its turn."""

    site: str
    """Where it comes from."""

    @property
    def lane(self) -> Hashable:
        """What shares turns with it."""

    @property
    def is_leaving(self) -> bool:
        """Whether the client has its last answer."""

    def take_turn(self) -> None:
        """Go on."""


Connection = TypeVar("Connection", bound=Paced)


class Unanswered:
    """Counts, for each site, of requests that have arrived and have no answer yet."""

    def __init__(self) -> None:
        self._by_site: Counter[str] = Counter()

    def add(self, site: str) -> None:
        """Note that a request has come."""
        self._by_site[site] += 1

    def remove(self, site: str) -> None:
        """Note that one is being answered, or never will be."""
        self._by_site[site] -= 1
        if not self._by_site[site]:
            del self._by_site[site]

    def has_other(self, site: str) -> bool:
        """Whether there is one of another site."""
        return len(self._by_site) > (site in self._by_site)


class Spaced(Generic[Connection]):
    """Lets one connection of each lane go on in a turn of the event loop.

    Args:
        unanswered: while another site has some, a lane's next one goes on after a while.
    """

    def __init__(self, unanswered: Unanswered | None = None) -> None:
        self._unanswered = unanswered
        # Of each lane that has had its turn, the connections that are to go on next.
        self._lanes: dict[Hashable, deque[Connection]] = {}
        # Kept, as Python 3.11 asks the system for its process id at each look for the running loop.
        self._loop: asyncio.AbstractEventLoop | None = None

    def may_go_on(self, connection: Connection) -> bool:
        """Whether a connection can go on at once; if not, it is queued for its turn."""
        if connection.lane in self._lanes:
            self._lanes[connection.lane].append(connection)
            return False
        self._lanes[connection.lane] = deque()
        self._wait(connection)
        return True

    def add(self, connection: Connection) -> None:
        """Let a connection go on when it is its turn, and not at once."""
        if self.may_go_on(connection):
            self._lanes[connection.lane].append(connection)

    def _wait(self, last: Connection) -> None:
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
        if self._unanswered is not None and self._unanswered.has_other(last.site):
            self._loop.call_later(SPACE_SECONDS, self._go_on, last.lane)
        else:
            self._loop.call_soon(self._go_on, last.lane)

    def _go_on(self, lane: Hashable) -> None:
        waiting = self._lanes[lane]
        if waiting:
            connection = waiting.popleft()
            self._wait(connection)
            connection.take_turn()
        else:
            del self._lanes[lane]


class Slow(Generic[Connection]):
    """Connections that cost much to read: one goes on at a time, in turns between their sites."""

    def __init__(self) -> None:
        self._sites: OrderedDict[str, deque[Connection]] = OrderedDict()
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Connection) -> None:
        """Let a connection go on when it is its turn."""
        self._sites.setdefault(connection.site, deque()).append(connection)
        if self._timer is None:
            self._wait()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(SLOW_SECONDS, self._go_on)

    def _go_on(self) -> None:
        self._timer = None
        if connection := self._next():
            self._wait()
            connection.take_turn()

    def _next(self) -> Connection | None:
        """Take out the connection whose turn it is, and those before it that are leaving."""
        while self._sites:
            site, waiting = self._sites.popitem(last=False)
            connection = waiting.popleft()
            if waiting:
                self._sites[site] = waiting
            if not connection.is_leaving:
                return connection
        return None
