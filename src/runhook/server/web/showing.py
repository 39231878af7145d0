"""Values as pages show them: times, durations, states and events in words."""

import json
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from runhook.domain.deliveries import DeliveryState
from runhook.domain.events import EventType
from runhook.domain.runs import RunStatus
from runhook.domain.webhooks import DEACTIVATED_REASON, Webhook
from runhook.storage.deliveries import LoggedDelivery

NOTHING = "\N{EN DASH}"
"""Stands where there is no value."""

EVENT_NAMES = {
    EventType.STARTED: "Run started",
    EventType.COMPLETED: "Run completed (any status)",
    EventType.ERRORED: "Run completed (errored)",
    EventType.CANCELED: "Run canceled",
    EventType.MISSED: "Run missed",
    EventType.DEACTIVATED: "Another webhook deactivated",
}
"""dbt Cloud's names for its own, in the order of its form."""

RUN_STATUS_WORDS = {
    RunStatus.QUEUED: "queued",
    RunStatus.STARTING: "starting",
    RunStatus.RUNNING: "running",
    RunStatus.SUCCESS: "succeeded",
    RunStatus.ERROR: "failed",
    RunStatus.CANCELLED: "canceled",
}


def moment(at: datetime | None) -> Markup:
    """Return a time in UTC; the pages' script turns it into the reader's zone."""
    if at is None:
        return Markup('<span class="quiet">{}</span>').format(NOTHING)
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(
        at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        at.strftime("%-d %b %Y, %H:%M:%S"),
    )


def duration(span: timedelta | None) -> str:
    """Return a duration in its fitting unit: `84 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`."""
    if span is None:
        return NOTHING
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


def event_name(event_type: EventType) -> str:
    """Return an event type in dbt Cloud's words for people."""
    return EVENT_NAMES[event_type]


def run_word(status: RunStatus) -> str:
    """Return a run's status in a word."""
    return RUN_STATUS_WORDS[status]


def pretty(body: bytes) -> str | None:
    """Return JSON indented, None for what is not JSON."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


def as_text(body: bytes) -> str:
    """Return a body as text; what is no UTF-8 in it is shown as such."""
    return body.decode(errors="replace")


def answer_of(delivery: LoggedDelivery) -> str:
    """Return what an endpoint last answered: a status code, or the reason why there is none."""
    if delivery.http_status_code:
        return str(delivery.http_status_code)
    if delivery.failure is not None:
        return delivery.failure.value.replace("_", " ")
    return NOTHING


def is_archived(webhook: Webhook) -> bool:
    """Whether a webhook was deactivated for failing, which dbt Cloud calls archived."""
    return not webhook.active and webhook.deactivate_reason not in (None, DEACTIVATED_REASON)


def state_dot(state: DeliveryState | str) -> Markup:
    """Return a delivery's state as a word with a dot before it."""
    word = escape(str(state))
    return Markup('<span class="state state-{0}">{0}</span>').format(word)


FILTERS = {
    "moment": moment,
    "duration": duration,
    "event_name": event_name,
    "run_word": run_word,
    "pretty": pretty,
    "as_text": as_text,
    "answer": answer_of,
    "is_archived": is_archived,
    "state": state_dot,
}
"""What templates call these."""
