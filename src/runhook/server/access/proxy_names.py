"""Who an authenticating proxy says is there, by a header that counts from trusted proxies alone."""

import time
from collections.abc import Callable
from datetime import timedelta

from runhook.domain.people.identities import Identity
from runhook.domain.people.proxy_names import NamingHeaders, identity_named
from runhook.server.http.forwarding import CAME_BY_TRUSTED_PROXY, Connection
from runhook.telemetry.events import HEADER_IGNORED

LOGGED_EVERY = timedelta(minutes=1)


class ProxyNames:
    """Reads the headers.

    Args:
        headers: their names.
        now: the seconds of a clock that never goes back.
    """

    def __init__(
        self, headers: NamingHeaders, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self.roles = headers.roles
        self._headers = headers
        self._now = now
        self._logged_at: float | None = None

    def named(self, connection: Connection) -> Identity | None:
        """Who is there; None if no proxy says so.

        Raises:
            SignInRefusedError: a trusted proxy says it in a form that is not believed.
        """
        users = connection.headers.getall(self._headers.user, [])
        if not users:
            return None
        if not connection.scope["state"].get(CAME_BY_TRUSTED_PROXY):
            self._note(connection)
            return None
        groups = self._headers.groups
        return identity_named(users, connection.headers.getall(groups, []) if groups else [])

    def _note(self, connection: Connection) -> None:
        """Log that somebody else sends the header, now and then."""
        now = self._now()
        if self._logged_at is None or now >= self._logged_at + LOGGED_EVERY.total_seconds():
            self._logged_at = now
            HEADER_IGNORED.say(
                header=self._headers.user,
                client=connection.client.host if connection.client else None,
            )
