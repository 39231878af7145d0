"""Whose password is checked next.

Checking one is meant to be slow, so only a few are checked at a time, and the others take turns:
devices that have signed in before come first, then strangers, one place after the other and within
a place one e-mail address after the other. A crowd in one place or around one e-mail address waits
for itself.
"""

import asyncio
import time
from collections import OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from runhook.domain.errors import LimitedError

AT_ONCE = 2
MOST_WAITING = 1_000
LONGEST_LANE = 60
"""How many may wait in one place for one e-mail address."""
PAUSE_SECONDS = 0.5
"""Between two checks for an e-mail address that strangers have guessed at too often."""
CROWDED = "Too many sign-ins are waiting; try again in a minute."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInAttempt:
    """An attempt to sign in: its address and its user."""

    place: str
    """An address, or a device."""
    email: str
    is_known: bool = False
    """Whether the place is a device that has signed in before, with this e-mail address."""


Waiting = deque[asyncio.Future[None]]


@dataclass(slots=True)
class Ring:
    """Those who wait, by place and by e-mail address; the place whose turn it is comes first."""

    places: OrderedDict[str, OrderedDict[str, Waiting]] = field(default_factory=OrderedDict)

    def add(self, attempt: SignInAttempt) -> asyncio.Future[None]:
        """Queue an attempt; its future ends when its turn comes.

        Raises:
            LimitedError: too many wait in the same place for the same e-mail address.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waiting = self.places.setdefault(attempt.place, OrderedDict()).setdefault(
            attempt.email, deque()
        )
        if len(waiting) >= LONGEST_LANE:
            raise LimitedError(CROWDED)
        waiting.append(turn)
        return turn

    def next(self, may_go: Callable[[str], bool]) -> asyncio.Future[None] | None:
        """Take out the next in turn; None if there is none."""
        for name, place in self.places.items():
            for email, waiting in place.items():
                if may_go(email):
                    turn = waiting.popleft()
                    self._rotate(name, email)
                    return turn
        return None

    def drop_newest(self) -> asyncio.Future[None]:
        """Take out the one who came last where most are waiting."""
        name, place = max(self.places.items(), key=lambda item: waiting_in(item[1]))
        email, waiting = max(place.items(), key=lambda item: len(item[1]))
        turn = waiting.pop()
        self._forget_empty(name, email)
        return turn

    def _rotate(self, name: str, email: str) -> None:
        self.places.move_to_end(name)
        self.places[name].move_to_end(email)
        self._forget_empty(name, email)

    def _forget_empty(self, name: str, email: str) -> None:
        if not self.places[name][email]:
            del self.places[name][email]
        if not self.places[name]:
            del self.places[name]


class Turns:
    """Lets a few attempts at a time go on.

    Args:
        is_guessed_at: whether strangers have guessed at an e-mail address too often.
        at_once: how many go on at the same time.
        most_waiting: how many strangers may wait in all.
        pause: seconds between two strangers' attempts for an e-mail address that is guessed at.
    """

    def __init__(
        self,
        is_guessed_at: Callable[[str], bool],
        *,
        at_once: int = AT_ONCE,
        most_waiting: int = MOST_WAITING,
        pause: float = PAUSE_SECONDS,
    ) -> None:
        self._is_guessed_at = is_guessed_at
        self._free = at_once
        self._most_waiting = most_waiting
        self._pause = pause
        self._known = Ring()
        self._strangers = Ring()
        self._waiting = 0
        self._paused: dict[str, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    @asynccontextmanager
    async def turn(self, attempt: SignInAttempt) -> AsyncIterator[None]:
        """Wait for an attempt's turn, and give the next one its turn afterwards.

        Raises:
            LimitedError: too many strangers wait, most of them in the same place or for the same
                e-mail address.
        """
        turn = (self._known if attempt.is_known else self._strangers).add(attempt)
        if not attempt.is_known:
            self._waiting += 1
            if self._waiting > self._most_waiting:
                self._waiting -= 1
                refuse_turn(self._strangers.drop_newest())
        self._go_on()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and turn.exception() is None:
                self._end(attempt)
            raise
        try:
            yield
        finally:
            self._end(attempt)

    def _end(self, attempt: SignInAttempt) -> None:
        self._free += 1
        if not attempt.is_known and self._is_guessed_at(attempt.email):
            self._paused[attempt.email] = time.monotonic() + self._pause
        self._go_on()

    def _go_on(self) -> None:
        """Let the next ones in while places are free."""
        now = time.monotonic()
        self._paused = {email: until for email, until in self._paused.items() if until > now}
        while self._free:
            turn = self._known.next(lambda _: True)
            if turn is None:
                turn = self._strangers.next(lambda email: email not in self._paused)
                if turn is None:
                    break
                self._waiting -= 1
            if not turn.done():
                self._free -= 1
                turn.set_result(None)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._free and self._waiting:
            earliest = min(self._paused.values()) - now
            self._timer = asyncio.get_running_loop().call_later(earliest, self._go_on)


def waiting_in(place: OrderedDict[str, Waiting]) -> int:
    """Number of attempts waiting in a place."""
    return sum(map(len, place.values()))


def refuse_turn(turn: asyncio.Future[None]) -> None:
    """End the wait of an attempt that gets no turn, with an error."""
    if not turn.done():
        turn.set_exception(LimitedError(CROWDED))
