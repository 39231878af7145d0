"""Decides whether silence is the reporters': none is heard while service or database is away."""

from datetime import datetime, timedelta

GRACE = timedelta(minutes=2)
"""Time that reporters get to be heard again after service or database was away."""


class Hearing:
    """Knows since when reporters could be heard without a break, from looks that went well."""

    def __init__(self) -> None:
        self._listening_since: datetime | None = None
        self._looked_at: datetime | None = None

    def is_sure(self, now: datetime) -> bool:
        """Whether reporters have had enough time to be heard since the service was back."""
        before = self._looked_at
        if self._listening_since is None or before is None or not before <= now <= before + GRACE:
            self._listening_since = now
        return now - self._listening_since >= GRACE

    def note_look(self, now: datetime) -> None:
        """Note a look; not after an error, so that a database that was away is noticed."""
        self._looked_at = now
