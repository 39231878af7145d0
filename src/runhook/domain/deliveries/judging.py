"""What an attempt's outcome means for its delivery.

An outcome is what happened: the endpoint answered, or the request failed in one of the ways that
``FailureReason`` names. A verdict is what we decide.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum

from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.deliveries.retries import RetrySchedule, parse_retry_after
from runhook.domain.formats.format import Answer, Format, Meaning, Reading


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
    SMTP_STATUS = "smtp_status"
    """The mail server answered, but did not take it."""
    NOT_SET_UP = "not_set_up"
    """The service has nothing to send it with, such as a mail server."""
    REFUSED = "refused"
    """The service answered, and by its own rules it did not take what we built for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What happened when a request was sent. ``duration`` spans the whole exchange."""

    duration: timedelta
    phases: Mapping[AttemptPhase, timedelta] = field(default_factory=dict)
    """What the duration was spent on."""
    status_code: int | None = None
    failure: FailureReason | None = None
    """None if the endpoint took it: that is a 2xx, unless its service has rules of its own."""
    error: str = ""
    """The failure in a sentence for people, with what to do where that is known."""
    is_ours: bool = False
    """Whether it failed for what the service itself runs on: its descriptors, its memory, its name
    servers, its proxy, its mail server. That says nothing about the endpoint."""
    stops_mail: bool = False
    """Whether the mail server failed before it was told anything of this letter, so that it fails
    all others, too."""
    meaning: Meaning | None = None
    """What the answer means by the rules of the webhook's format; None without an answer."""
    retry_after: timedelta | None = None
    """How long the service wants to be left alone, if it said so elsewhere than in a header."""
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
    """The last scheduled attempt failed, or the answer says that the next ones would fail, too."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The service never takes it, for what we built; that is not counted against the endpoint."""


@dataclass(frozen=True, slots=True)
class EndpointGone:
    """The endpoint is no more: it wants no more deliveries, this one included."""


@dataclass(frozen=True, slots=True)
class Postponed:
    """The service itself could not send: the delivery waits for a pause, and no retry is spent."""


Verdict = Succeeded | Retry | GivenUp | Refused | EndpointGone | Postponed

OUR_PAUSE = timedelta(seconds=30)
"""How long a webhook's deliveries rest when what the service runs on has failed one of them."""

REDIRECTED = "redirects are not followed"
GONE_REASON = "The endpoint answered 410 Gone. Change the URL or set the webhook active again."


def read_outcome(outcome: Outcome, format_: Format[object], *, host: str) -> Outcome:
    """Read an outcome's answer by the rules of the webhook's format.

    Args:
        outcome: what happened.
        format_: the webhook's.
        host: the endpoint's, in lower case.
    """
    if outcome.status_code is None or outcome.is_ours:
        return outcome
    reading = format_.read(
        Answer(
            status=outcome.status_code,
            headers=outcome.response_headers,
            body=outcome.response_body,
            host=host,
        )
    )
    if reading.meaning is Meaning.TAKEN:
        is_by_status = outcome.failure is FailureReason.HTTP_STATUS
        # Some say with an error that there is nothing left to do.
        return replace(outcome, failure=None, error="") if is_by_status else outcome
    return replace(
        outcome,
        failure=FailureReason.REFUSED
        if outcome.failure is None or reading.meaning is Meaning.REFUSED
        else outcome.failure,
        error=sentence_of(outcome, reading, format_),
        meaning=reading.meaning,
        retry_after=reading.retry_after,
    )


def sentence_of(outcome: Outcome, reading: Reading, format_: Format[object]) -> str:
    """What an answer that is not a success says, in the service's own words if it has any."""
    redirects = outcome.status_code is not None and 300 <= outcome.status_code < 400
    # What comes with a redirect is a page for browsers, and does not say what is wrong here.
    words = REDIRECTED if redirects else reading.words.rstrip(".")
    said = f": {words}." if words else "."
    answered = f"{format_.answerer} answered {outcome.status_code}{said}"
    match reading.meaning:
        case Meaning.REFUSED:
            return (
                f"{answered} {format_.title} does not take what Runhook built for it; that is not "
                "tried again, and not counted against the endpoint."
            )
        case Meaning.FINAL:
            return f"{answered} That is not tried again; look at {format_.to_mend}."
        case _:
            return answered if reading.words else outcome.error


def is_endpoints_failure(outcome: Outcome, verdict: Verdict, format_: Format[object]) -> bool:
    """Whether an attempt counts against its endpoint; what we built wrong does not."""
    if isinstance(verdict, Succeeded | Refused | Postponed):
        return False
    return not format_.is_relayed or outcome.meaning is Meaning.FINAL


def gone_reason(outcome: Outcome) -> str:
    """Why a webhook whose endpoint is gone was deactivated."""
    if outcome.status_code == 410:
        return GONE_REASON
    return f"{outcome.error} It is gone. Change the URL or set the webhook active again."


def judge(
    outcome: Outcome, *, attempt: int, schedule: RetrySchedule, now: datetime, jitter: float
) -> Verdict:
    """Decide what follows from the ``attempt``-th attempt (counted from 1).

    Success is an outcome without a failure. A failure of our own is not an attempt. ``jitter``
    is a number from 0 to 1, drawn for this attempt.
    """
    if outcome.failure is None:
        return Succeeded()
    if outcome.is_ours:
        return Postponed()
    is_read = outcome.meaning is not None
    if outcome.meaning is Meaning.GONE or (outcome.status_code == 410 and not is_read):
        return EndpointGone()
    if outcome.meaning is Meaning.REFUSED:
        return Refused()
    if outcome.meaning is Meaning.FINAL:
        return GivenUp()
    retry_after = outcome.retry_after or parse_retry_after(
        outcome.response_headers.get("retry-after"), now=now
    )
    delay = schedule.delay_after(attempt, retry_after=retry_after, jitter=jitter)
    return GivenUp() if delay is None else Retry(delay)
