"""Endpoints that fail: when one is paused, how it is probed, and when it is given up.

The rules:
1. After ``PAUSE_AFTER`` failed attempts in a row the endpoint is paused, for a minute.
2. A pause that is over lets one delivery through: the probe. If it fails, the next pause is twice
   as long, up to an hour. An attempt that was under way when the pause began is not a probe.
3. One success heals: nothing is remembered.
4. After ``HOPELESS_AFTER`` failed attempts in a row, or when a paused endpoint has had nothing but
   failures for ``HOPELESS_SINCE``, its webhook is deactivated.

Waiting for an endpoint costs a delivery none of its retries. Tests count for nothing, and neither
does what was not sent.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

PAUSE_AFTER = 10
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=1)
HOPELESS_AFTER = 1_000
HOPELESS_SINCE = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How an endpoint has been doing, on the database's clock."""

    failing_since: datetime | None = None
    """When the first of the failures in a row became known; None for none."""
    consecutive_failures: int = 0
    failed_probes: int = 0
    paused_until: datetime | None = None
    """Nothing is sent before that, and then one delivery; while it is held, until its lease ends.
    None if the endpoint is not paused."""

    @property
    def is_paused(self) -> bool:
        """Whether the endpoint gets nothing but probes."""
        return self.paused_until is not None

    @property
    def gives_up_at(self) -> datetime | None:
        """When the webhook of a failing endpoint is deactivated at the latest, if nothing heals it.

        None if the endpoint does not fail.
        """
        return None if self.failing_since is None else self.failing_since + HOPELESS_SINCE

    def after_attempt(self, *, failed: bool, was_probe: bool, now: datetime) -> "Health":
        """Health after an attempt has ended.

        Args:
            failed: whether the attempt failed.
            was_probe: whether it was let through a pause.
            now: when its end became known.
        """
        if not failed:
            return WELL
        after = replace(
            self,
            failing_since=self.failing_since or now,
            consecutive_failures=self.consecutive_failures + 1,
        )
        if not self.is_paused:
            is_enough = after.consecutive_failures >= PAUSE_AFTER
            return replace(after, paused_until=now + FIRST_PAUSE) if is_enough else after
        if not was_probe:
            return after
        failed_probes = self.failed_probes + 1
        return replace(
            after, failed_probes=failed_probes, paused_until=now + pause_after(failed_probes)
        )

    def has_failed_for_long(self, now: datetime) -> bool:
        """Whether there has been nothing but failures for ``HOPELESS_SINCE``."""
        return self.failing_since is not None and now - self.failing_since >= HOPELESS_SINCE

    def is_hopeless(self, now: datetime, *, is_clock_doubted: bool = False) -> bool:
        """Whether the webhook is to be deactivated; a doubted clock does not say what is long."""
        if not self.is_paused:
            return False
        is_long = not is_clock_doubted and self.has_failed_for_long(now)
        return is_long or self.consecutive_failures >= HOPELESS_AFTER


WELL = Health()


def pause_after(failed_probes: int) -> timedelta:
    """Length of the pause after so many failed probes: a minute, then twice as long each."""
    most_doublings = (LONGEST_PAUSE // FIRST_PAUSE).bit_length()
    return min(FIRST_PAUSE * (1 << min(failed_probes, most_doublings)), LONGEST_PAUSE)


def hopeless_reason(health: Health, error: str) -> str:
    """Why a webhook was deactivated, in words for its owner.

    Args:
        health: a hopeless one.
        error: the last failure, as a sentence.
    """
    assert health.failing_since is not None
    since = health.failing_since.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return (
        f"The endpoint has been failing since {since} UTC, "
        f"{health.consecutive_failures:,} attempts in a row. The last error: {error} "
        "Fix the endpoint, then set the webhook active again or change the URL."
    )
