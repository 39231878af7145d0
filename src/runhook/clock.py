"""The present moment, as something that can be passed in.

What ends or begins by time does so by the database's clock: a statement asks the database itself,
and what a process decides goes by ``DatabaseClock``.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Protocol

from runhook.domain.service.timekeeping import WRONG


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        return datetime.now(UTC)


class DatabaseClock:
    """The database's clock as this process last read it, carried on by a steady one.

    All processes that share a database have the same time by it, also if their machines differ.

    Args:
        heard: what the database's clock says now.
        machine: this machine's clock.
        steady: measures seconds, independent of settings of the machine's clock.
    """

    def __init__(
        self,
        heard: datetime,
        *,
        machine: Clock | None = None,
        steady: Callable[[], float] = time.monotonic,
    ) -> None:
        self._machine = SystemClock() if machine is None else machine
        self._steady = steady
        self.hear(heard)

    def hear(self, moment: datetime) -> None:
        """Go by what the database's clock says now."""
        self._heard, self._heard_at = moment, self._steady()
        self._difference = self._machine.now() - moment

    @property
    def difference(self) -> timedelta:
        """By how much the machine's clock was ahead of the database's when that was last heard."""
        return self._difference

    @property
    def is_right(self) -> bool:
        """Whether the machine's clock says the same, or nearly."""
        return abs(self._difference) <= WRONG

    def now(self) -> datetime:
        """The present moment, aware and in UTC."""
        return self._heard + timedelta(seconds=self._steady() - self._heard_at)
