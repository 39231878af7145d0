"""When to look for due deliveries again, if nothing wakes us."""

from datetime import timedelta

from runhook.dispatcher.limits import DispatcherLimits


class Polling:
    """Looks often where other processes cannot wake us, as long as that finds something.

    Where they can, a look is only for what no process has told of.
    """

    def __init__(self, limits: DispatcherLimits) -> None:
        self._first = limits.first_poll
        self._longest = limits.poll_interval
        self._pause = limits.poll_interval

    def note_found(self) -> None:
        """Others have made something due: more of it may follow."""
        self._pause = self._first

    def pause_after_nothing(self, *, is_woken: bool) -> timedelta:
        """Time until the next look, after one that found nothing.

        Args:
            is_woken: whether other processes wake us.
        """
        if is_woken:
            return self._longest
        pause, self._pause = self._pause, min(2 * self._pause, self._longest)
        return pause
