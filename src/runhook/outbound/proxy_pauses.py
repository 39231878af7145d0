"""Proxies that fail whatever is asked of them: one request at a time tries them again."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from runhook.domain.network.proxies import Proxy


class ProxyPausedError(OSError):
    """A proxy has just failed another request, and is left alone for a while; says why."""


@dataclass(slots=True)
class ProxyPause:
    """Until when a proxy is left alone, in the clock's seconds, and why."""

    until: float
    why: str


class ProxyPauses:
    """The pauses of this process's proxies.

    Args:
        pause: how long a proxy that has failed is left alone.
        now: measures time in seconds, steadily.
    """

    def __init__(self, pause: timedelta, now: Callable[[], float]) -> None:
        self._seconds = pause.total_seconds()
        self._now = now
        self._paused: dict[Proxy, ProxyPause] = {}

    def check(self, proxy: Proxy) -> None:
        """Let a request go to a proxy; when its pause is over, one, as another may fail with it.

        Raises:
            ProxyPausedError: the proxy is paused.
        """
        paused = self._paused.get(proxy)
        if paused is None:
            return
        if self._now() < paused.until:
            raise ProxyPausedError(paused.why)
        paused.until = self._now() + self._seconds

    def begin(self, proxy: Proxy, why: str) -> None:
        """Leave a proxy alone for a while, since it has just failed a request."""
        self._paused[proxy] = ProxyPause(self._now() + self._seconds, why)

    def end(self, proxy: Proxy) -> None:
        """Let requests go on, since the proxy has just taken one."""
        self._paused.pop(proxy, None)
