"""What an attempt's outcome means for its delivery.

An outcome is what happened: the endpoint answered, or the request failed in one of the ways that
``FailureReason`` names. A verdict is what we decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from runhook.domain.retries import RetrySchedule, parse_retry_after


class FailureReason(StrEnum):
    """Why an attempt failed, shown word for word in API, pages and metrics."""

    HTTP_STATUS = "http_status"
    """The endpoint answered, but not with a 2xx."""
    TIMED_OUT = "timed_out"
    """The whole exchange took longer than the deadline."""
    DNS_FAILED = "dns_failed"
    """The host name has no address."""
    CONNECTION_FAILED = "connection_failed"
    """No connection, or it broke, or what came was not HTTP."""
    TLS_FAILED = "tls_failed"
    """The certificate or the handshake was refused."""
    ADDRESS_REFUSED = "address_refused"
    """Policy does not let us send to that address."""
    PROXY_FAILED = "proxy_failed"
    """The proxy that the service is configured to use could not be reached, or refused."""
    RESPONSE_TOO_LARGE = "response_too_large"
    """The response's headers were more than we read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened when a request was sent. ``duration`` spans the whole exchange."""

    duration: timedelta
    status_code: int | None = None
    failure: FailureReason | None = None
    """None for a 2xx, and for nothing else."""
    error: str = ""
    """The failure in a sentence for people, with what to do where that is known."""
    is_ours: bool = False
    """Whether it failed for what the service itself runs on: its descriptors, its memory, its name
    servers, its proxy. That says nothing about the endpoint."""
    note: str = ""
    """What was odd about the answer, in a sentence; whether it succeeded is its status's to say."""
    response_headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    response_body: bytes = b""
    """As much as is kept."""


@dataclass(frozen=True, slots=True)
class Succeeded:
    """The endpoint took it."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Try again after a pause, on the database's clock."""

    delay: timedelta


@dataclass(frozen=True, slots=True)
class GivenUp:
    """The last scheduled attempt failed."""


@dataclass(frozen=True, slots=True)
class EndpointGone:
    """The endpoint answered 410 Gone: it wants no more deliveries, this one included."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """It was us who could not send: it is tried again after a pause, and has cost nothing."""


Verdict = Succeeded | Retry | GivenUp | EndpointGone | Postponed

OUR_PAUSE = timedelta(seconds=30)
"""How long a webhook's deliveries rest when what the service runs on has failed one of them."""

GONE_REASON = "The endpoint answered 410 Gone. Change the URL or set the webhook active again."


def judge(
    outcome: Outcome, *, attempt: int, schedule: RetrySchedule, now: datetime, jitter: float
) -> Verdict:
    """Decide what follows from the ``attempt``-th attempt (counted from 1).

    Success is any 2xx. What failed for our own sake is no attempt. ``jitter`` is a number from 0 to
    1, drawn for this attempt.
    """
    if outcome.failure is None:
        return Succeeded()
    if outcome.is_ours:
        return Postponed()
    if outcome.status_code == 410:
        return EndpointGone()
    retry_after = parse_retry_after(outcome.response_headers.get("retry-after"), now=now)
    delay = schedule.delay_after(attempt, retry_after=retry_after, jitter=jitter)
    return GivenUp() if delay is None else Retry(delay)
