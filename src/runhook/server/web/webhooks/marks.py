"""What happened to a webhook, as marks on the time of its charts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from runhook.domain.people.auditing import AuditAction
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.webhook import Webhook
from runhook.storage.engine.store import Transaction
from runhook.storage.people.audit_log import AuditEntry, AuditFilter, list_audit_entries

MOST_ENTRIES = 200
"""So many changes of a webhook, the newest, are marked."""
CHANGED, DEACTIVATED, PAUSED, RESUMED = "changed", "deactivated", "paused", "resumed"
SHAPES = {
    CHANGED: "M0-6L6 5H-6z",
    # Two bars, as on a player.
    PAUSED: "M-4-5h3v10h-3zM1-5h3v10h-3z",
    RESUMED: "M-4-6L6 0-4 6z",
    # A square.
    DEACTIVATED: "M-5-5h10v10h-10z",
}
"""Around their places."""
KINDS = {
    AuditAction.WEBHOOK_DEACTIVATED: DEACTIVATED,
    AuditAction.WEBHOOK_PAUSED: PAUSED,
    AuditAction.WEBHOOK_RESUMED: RESUMED,
}
WORDS = {
    AuditAction.WEBHOOK_CREATED: "created",
    AuditAction.WEBHOOK_SECRET_ROTATED: "secret rotated",
    AuditAction.WEBHOOK_DEACTIVATED: "deactivated",
    AuditAction.WEBHOOK_PAUSED: "paused",
    AuditAction.WEBHOOK_RESUMED: "resumed",
}


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that was done to a webhook: when, and where on the time of a chart in per cent."""

    at: datetime
    kind: str
    words: str
    x: float

    @property
    def shape(self) -> str:
        """Its shape, around its place."""
        return SHAPES[self.kind]

    @property
    def title(self) -> str:
        """What is said of it at its place."""
        return f"{self.at.astimezone(UTC):%-d %b %H:%M} UTC: {self.words}"


@dataclass(frozen=True, slots=True)
class Marks:
    """What happened to a webhook in a period."""

    events: Sequence[Mark]
    """The oldest first."""
    failing_from: float | None
    """From where on its endpoint has failed without a success; None if it does not."""

    @property
    def kinds(self) -> Sequence[tuple[str, str]]:
        """Kinds of what happened, each with its shape, to be explained."""
        seen = {one.kind for one in self.events}
        return [(kind, shape) for kind, shape in SHAPES.items() if kind in seen]


async def marks_of(
    tx: Transaction, account_id: AccountId, webhook: Webhook, *, since: datetime, until: datetime
) -> Marks:
    """Find what happened to a webhook in a period."""
    chosen = AuditFilter(subject_id=webhook.id, since=since, until=until)
    entries = await list_audit_entries(tx, account_id, chosen, limit=MOST_ENTRIES, offset=0)
    failing_since = webhook.health.failing_since
    return Marks(
        events=mark_entries((one.entry for one in reversed(entries)), since=since, until=until),
        failing_from=None
        if failing_since is None
        else place_in_period(max(failing_since, since), since, until),
    )


def mark_entries(
    entries: Iterable[AuditEntry], *, since: datetime, until: datetime
) -> Sequence[Mark]:
    """Mark entries of the audit log; what cannot be told apart on the chart is one mark."""
    marks: list[Mark] = []
    for one in entries:
        x = place_in_period(one.at, since, until)
        kind, words = mark_kind(one), f"{entry_words(one)} by {one.actor.name}"
        if marks and marks[-1].kind == kind and x - marks[-1].x < 1:
            before = marks.pop()
            marks.append(Mark(before.at, kind, f"{before.words}; {words}", before.x))
        else:
            marks.append(Mark(one.at, kind, words, x))
    return marks


def place_in_period(at: datetime, since: datetime, until: datetime) -> float:
    """Place of a moment on the time of a chart, in per cent."""
    return round(100 * ((at - since) / (until - since)), 2)


def mark_kind(entry: AuditEntry) -> str:
    """The kind of what an entry tells of."""
    if (entry.after or {}).get("active") is False:
        return DEACTIVATED
    return KINDS.get(entry.action, CHANGED)


def entry_words(entry: AuditEntry) -> str:
    """An entry in a few words: what was done, or which values were changed."""
    active = (entry.after or {}).get("active")
    if entry.action is AuditAction.WEBHOOK_CHANGED and active is not None:
        return "activated" if active else "deactivated"
    names = ", ".join(name.replace("_", " ") for name in (entry.after or {}))
    return WORDS.get(entry.action) or f"{names or 'webhook'} changed"
