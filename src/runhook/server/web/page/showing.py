"""Values as pages show them: times, durations, states and events in words."""

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

from markupsafe import Markup, escape

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.redeliveries import CODE_CLASSES
from runhook.domain.formats.format import LETTER
from runhook.domain.messages.text import one_line
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import Job, RunStatus
from runhook.domain.runs.steps import dbt_command
from runhook.storage.deliveries.rows import LoggedAttempt, LoggedDelivery
from runhook.storage.people.audit_log import AuditEntry

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


def shown_moment(at: datetime | None) -> Markup:
    """A time in UTC; the pages' script turns it into the reader's zone."""
    if at is None:
        return Markup('<span class="quiet">{}</span>').format(NOTHING)
    at = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{} UTC</time>').format(
        at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        at.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3],
        at.strftime("%-d %b %Y, %H:%M:%S"),
    )


def shown_ago(at: datetime, now: datetime) -> Markup:
    """How long ago something was; the exact time is its title, and for who listens."""
    at = at.astimezone(UTC)
    exact = f"{at:%-d %b %Y, %H:%M:%S} UTC"
    return Markup(
        '<time datetime="{}" title="{}" data-ago>{} ago<span class="unseen">, {}</span></time>'
    ).format(
        at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        exact,
        rough(now - at),
        exact,
    )


def shown_until(at: datetime, now: datetime) -> Markup:
    """How long it is until something happens; the exact time is its title."""
    at = at.astimezone(UTC)
    words = "due now" if at <= now else f"in {rough(at - now)}"
    return Markup('<span title="{:%-d %b %Y, %H:%M:%S} UTC">{}</span>').format(at, words)


def rough(span: timedelta) -> str:
    """A duration in one unit: `40 s`, `3 min`, `5 h`, `2 d`."""
    seconds = max(round(span.total_seconds()), 0)
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def duration(span: timedelta | None) -> str:
    """A duration in its fitting unit: `84 ms`, `1.2 s`, `3 min 4 s`, `2 h 5 min`."""
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


def how_many(count: int, noun: str) -> str:
    """A number of things: `1 run`, `1,200 runs`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def event_name(event_type: EventType) -> str:
    """Event type in dbt Cloud's words for people."""
    return EVENT_NAMES[event_type]


def job_title(job: Job) -> str:
    """A job's name, with the project and environment that tell it from others of that name."""
    return f"{job.name} ({job.project_name} / {job.environment_name})"


def visible_name(name: str) -> str:
    """A name that a reporter gave; of one in which nothing can be seen, a sign to click on."""
    return name if one_line(name) else NOTHING


def step_word(name: str) -> str:
    """Command of a step, without dbt Cloud's words around it: `dbt build`."""
    return dbt_command(name) or name


def run_word(status: RunStatus) -> str:
    """Status of a run in a word."""
    return RUN_STATUS_WORDS[status]


def pretty(body: bytes) -> str | None:
    """Indent JSON; None for anything else."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return None


JSON_PARTS = re.compile(
    r'(?P<text>"(?:[^"\\]|\\.)*")(?P<colon>:)?|(?P<number>-?\d[\d.eE+-]*)|\b(?P<word>true|false|null)\b'
)
MOST_COLOURED = 20_000
"""Characters of JSON whose parts are told apart: marks make a page several times as large."""


def coloured(text: str) -> Markup:
    """Indented JSON with its keys, texts, numbers and words marked; long texts stay plain."""
    if len(text) > MOST_COLOURED:
        return escape(text)
    parts: list[Markup] = []
    end = 0
    for found in JSON_PARTS.finditer(text):
        kind = "key" if found["colon"] else found.lastgroup
        shown = found["text"] or found.group()
        parts += [
            escape(text[end : found.start()]),
            Markup('<span class="json-{}">{}</span>').format(kind, shown),
            escape(found["colon"] or ""),
        ]
        end = found.end()
    return Markup("").join([*parts, escape(text[end:])])


def decoded(body: bytes) -> str:
    """Decode a body; bytes that are not UTF-8 are shown as such."""
    return body.decode(errors="replace")


def answer_of(delivery: LoggedDelivery) -> str:
    """Last response of an endpoint: a status code, or the reason why there is none."""
    if delivery.http_status_code:
        return str(delivery.http_status_code)
    if delivery.failure is not None:
        return delivery.failure.value.replace("_", " ")
    return NOTHING


def shown_size(body: bytes) -> str:
    """Size of a body: `84 bytes`, `1.2 kB`."""
    length = len(body)
    if length == 1:
        return "1 byte"
    return f"{length} bytes" if length < 1000 else f"{length / 1000:.1f} kB"


def large_size(length: int) -> str:
    """A number of bytes: `0.4 MB`, `1.2 GB`."""
    return f"{length / 1e6:.1f} MB" if length < 1e9 else f"{length / 1e9:.1f} GB"


def remedy_of(attempt: LoggedAttempt) -> str:
    """What to do about a failed attempt; empty where its error says so itself."""
    if attempt.request_headers.get("Content-Type") == LETTER:
        return ""
    code = attempt.http_status_code
    if attempt.failure is not FailureReason.HTTP_STATUS or code is None:
        return ""
    return REMEDIES_BY_CODE.get(code) or REMEDIES_BY_CLASS.get(code // 100, "")


def action_word(action: str) -> str:
    """An action of the audit log in words: `Webhook secret rotated`."""
    return action.replace(".", " ").replace("_", " ").capitalize()


TIMES = frozenset({"since", "until", "expires_at"})
"""The facts in the audit log that are times, which it keeps as text."""
LISTED = 10
"""So many values of a list or an object in it are shown."""
EMPTY: Sequence[object] = (None, False, "", [], {})
"""What is not shown of an object."""


def changes_of(entry: AuditEntry) -> Sequence[tuple[str, str, str]]:
    """Changes in an entry of the audit log: name, value before, value after."""
    before, after = entry.before or {}, entry.after or {}
    changed = [
        (name, fact(name, before.get(name)), fact(name, after.get(name)))
        for name in {**before, **after}
    ]
    return [one for one in changed if one[1] != one[2]]


def fact(name: str, value: object) -> str:
    """A value of the audit log for people; empty for nothing."""
    if isinstance(value, Mapping):
        told = [(key, fact(key, one)) for key, one in value.items() if one not in EMPTY]
        return fact(name, [f"{key}: {text}" for key, text in told])
    if isinstance(value, list):
        shown = ", ".join(fact(name, one) for one in value[:LISTED])
        return f"{shown} and {len(value) - LISTED} more" if len(value) > LISTED else shown
    if isinstance(value, str) and name in TIMES:
        return shown_moment(datetime.fromisoformat(value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


REMEDIES_BY_CODE = {
    401: "Check that the endpoint verifies with this webhook's present secret.",
    403: "Check that the endpoint verifies with this webhook's present secret.",
    404: "Check the path in the webhook's endpoint.",
    405: "Check the path in the webhook's endpoint: what is there takes no POST.",
    410: "The endpoint says that it is gone for good, which deactivates the webhook.",
    413: "The endpoint takes only smaller payloads; let it take a few kilobytes.",
    429: "Give the webhook a rate limit that the endpoint can bear.",
}
REMEDIES_BY_CLASS = {
    4: "The endpoint does not accept what it got; its own log says why.",
    5: "The endpoint failed while it handled the request; its own log says why.",
}


def state_dot(state: DeliveryState | str) -> Markup:
    """State of a delivery as a word with a dot before it."""
    word = escape(str(state))
    return Markup('<span class="state state-{0}">{0}</span>').format(word)


def without_indentation(text: Markup) -> Markup:
    """HTML without the indentation of its lines, where a page has many of them."""
    return Markup(INDENTATION.sub("\n", text))  # noqa: S704 - it was escaped before


INDENTATION = re.compile(r"\n\s+")
LOG_ANSWERS = {one: f"{one}xx" if one else "none" for one in CODE_CLASSES}
LOG_TIMES = [
    ("1h", "last hour"),
    ("5h", "last 5 hours"),
    ("24h", "last 24 hours"),
    ("7d", "last 7 days"),
    ("30d", "last 30 days"),
]
GLOBALS = {
    "log_states": [(one.value, one.value) for one in DeliveryState],
    "log_answers": LOG_ANSWERS,
    "log_times": LOG_TIMES,
    "log_events": [(one.value, one.value.removeprefix("job.run.")) for one in EVENT_NAMES],
}
"""What a log can be narrowed to, with the words for it."""
FILTERS = {
    "moment": shown_moment,
    "ago": shown_ago,
    "until": shown_until,
    "duration": duration,
    "rough": rough,
    "visible_name": visible_name,
    "counted": how_many,
    "event_name": event_name,
    "run_word": run_word,
    "step_word": step_word,
    "pretty": pretty,
    "coloured": coloured,
    "as_text": decoded,
    "answer": answer_of,
    "changes": changes_of,
    "without_indentation": without_indentation,
    "action_word": action_word,
    "remedy": remedy_of,
    "size": shown_size,
    "state": state_dot,
}
"""What templates call these."""
