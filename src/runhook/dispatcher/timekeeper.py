"""Two loops about clocks: they follow the database's, and log when one cannot be trusted."""

from datetime import timedelta

from runhook.clock import DatabaseClock
from runhook.dispatcher.loop import NO_PAUSE
from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE, RetrySchedule
from runhook.domain.service.timekeeping import LASTING
from runhook.operations.service.keep_time import hear, keep_time
from runhook.storage.engine.store import Store
from runhook.telemetry.events import (
    CLOCK_JUMPED,
    CLOCK_RIGHT,
    CLOCK_SET_BACK,
    CLOCK_TRUSTED,
    CLOCK_WRONG,
)

INTERVAL = timedelta(seconds=10)


class Listener:
    """Keeps a process's clock at the database's time, and logs when the machine's is wrong.

    Args:
        store: the database.
        clock: this process's.
    """

    def __init__(self, store: Store, clock: DatabaseClock) -> None:
        self._store = store
        self._clock = clock
        self._was_right = True

    async def tick(self) -> timedelta:
        """Read the database's clock; say how long to wait before reading it again."""
        await hear(self._store, self._clock)
        is_right = self._clock.is_right
        if not is_right and self._was_right:
            CLOCK_WRONG.say(ahead_seconds=round(self._clock.difference.total_seconds()))
        elif is_right and not self._was_right:
            CLOCK_RIGHT.say()
        self._was_right = is_right
        return INTERVAL


class Timekeeper:
    """Checks whether the database's own clock has jumped.

    Args:
        store: the database.
        schedule: when failed deliveries are tried again, if their webhook does not say.
    """

    def __init__(self, store: Store, schedule: RetrySchedule = DEFAULT_SCHEDULE) -> None:
        self._store = store
        self._schedule = schedule

    async def tick(self) -> timedelta:
        """Check the clock; say how long to wait before checking it again."""
        kept = await keep_time(self._store, self._schedule)
        before, after = kept.before, kept.after
        if after.doubted_since is not None and before.doubted_since is None:
            CLOCK_JUMPED.say(
                hours=LASTING // timedelta(hours=1),
                trusted_at=str(after.trusted_at),
                now=str(after.seen_at),
            )
        elif after.doubted_since is None and before.doubted_since is not None:
            CLOCK_TRUSTED.say(now=str(after.seen_at))
        if after.seen_at < before.seen_at and not after.is_settled:
            CLOCK_SET_BACK.say(now=str(after.seen_at))
        return INTERVAL if after.is_settled else NO_PAUSE
