"""Everything that the service logs: one declaration an event, with its name, level and fields.

Names and fields are a contract with those who search the log or alert on it. Nothing is logged for
each delivery above the level debug.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import structlog

from runhook.domain.people.auditing import AuditAction
from runhook.telemetry.choices import LogLevel

_log: Any = structlog.get_logger()
_unwritten: frozenset[LogLevel] = frozenset()
"""Levels of which no line is written."""


def write_from(least: LogLevel) -> None:
    """Write no line below a level, and all others as logging is set up by now."""
    global _log, _unwritten  # noqa: PLW0603 - as is the library's configuration
    levels = list(LogLevel)
    _unwritten = frozenset(levels[: levels.index(least)])
    # Until then, the library makes a logger for each line.
    _log = structlog.get_logger().bind()


@dataclass(frozen=True, slots=True)
class LogEvent:
    """Something that can be logged."""

    name: str
    level: LogLevel
    meaning: str
    """What there is to know, as a sentence."""
    fields: tuple[str, ...] = ()
    """What a line of it may have beside that."""

    @property
    def is_written(self) -> bool:
        """Whether lines of its level are."""
        return self.level not in _unwritten

    def say(self, *, exc_info: BaseException | None = None, **fields: object) -> None:
        """Write a line.

        Args:
            exc_info: an error whose traceback tells more; None for an expected one.
            fields: some of the declared ones; no secret.
        """
        if not self.is_written:
            return
        if exc_info is not None:
            fields["exc_info"] = exc_info
        getattr(_log, self.level)(self.name, message=self.meaning, **fields)


class Seldom:
    """An event that strangers can bring about: the first few of a minute are written.

    Args:
        event: which has the field `not_shown`, for how many were not.
        most: how many are written within the window.
    """

    WINDOW = timedelta(minutes=1)

    def __init__(self, event: LogEvent, *, most: int = 10) -> None:
        self._event = event
        self._most = most
        self._since = float("-inf")
        self._count = 0

    def say(self, **fields: Any) -> None:
        """Write a line, unless there were enough of them lately."""
        now = monotonic()
        if now - self._since >= self.WINDOW.total_seconds():
            if self._count > self._most:
                fields["not_shown"] = self._count - self._most
            self._since, self._count = now, 0
        self._count += 1
        if self._count <= self._most:
            self._event.say(**fields)


DEBUG, INFO, WARNING, ERROR = LogLevel

SERVICE_STARTED = LogEvent(
    "service.started",
    INFO,
    "The process is ready.",
    ("version", "replica", "roles", "url", "database", "schema", "settings", "milliseconds"),
)
SERVICE_STOPPING = LogEvent(
    "service.stopping", INFO, "The process was told to end, and finishes what it does.", ("signal",)
)
SERVICE_STOPPED = LogEvent(
    "service.stopped",
    INFO,
    "The process has ended; deliveries that it still held are sent by another, or after a start.",
    ("seconds", "deliveries_left"),
)
VARIABLE_IGNORED = LogEvent(
    "variable.ignored", WARNING, "A variable of the environment looks like a setting.", ("reason",)
)
METRICS_OFFERED = LogEvent("metrics.offered", INFO, "Metrics can be read.", ("url",))
DESCRIPTORS_FEW = LogEvent(
    "descriptors.few",
    WARNING,
    "Connections are bounded by the limit of open files: raise it (ulimit -n).",
    ("outgoing", "incoming"),
)
FILE_NARROWED = LogEvent(
    "file.narrowed", WARNING, "Others could read this file; now only its owner can.", ("file",)
)
CERTIFICATE_RENEWED = LogEvent(
    "certificate.renewed", INFO, "New connections get the renewed certificate.", ("file",)
)
CERTIFICATE_UNUSABLE = LogEvent(
    "certificate.unusable",
    WARNING,
    "The renewed certificate cannot be used, and the one before stays.",
    ("reason",),
)
CERTIFICATE_EXPIRED = LogEvent(
    "certificate.expired", WARNING, "The certificate has expired.", ("at",)
)
TRACING_OFF = LogEvent(
    "tracing.off",
    WARNING,
    'Variables ask for traces, and the extra is not installed (pip install "runhook[otel]").',
)
TRACING_ON = LogEvent("tracing.on", INFO, "Traces are exported.")

REQUEST = LogEvent(
    "request",
    INFO,
    "A request was answered.",
    ("method", "route", "status", "milliseconds", "request_id", "account", "by", "client"),
)
REQUEST_FAILED = LogEvent(
    "request.failed",
    ERROR,
    "A request met an error of Runhook's own and was answered with 500.",
    ("method", "route", "request_id"),
)
TOKEN_REFUSED = LogEvent(
    "token.refused", WARNING, "A token was not accepted.", ("answer", "client", "not_shown")
)
SIGN_IN_REFUSED = LogEvent(
    "sign_in.refused", WARNING, "A password was not accepted.", ("answer", "client", "not_shown")
)
THROTTLE_CLOSED = LogEvent(
    "throttle.closed",
    WARNING,
    "Too many attempts failed: for a while, more are answered with 429.",
    ("counted", "client", "seconds", "not_shown"),
)
PROVIDER_UNUSABLE = LogEvent(
    "provider.unusable",
    WARNING,
    "What the OpenID provider answered cannot be used.",
    ("provider", "what", "reason"),
)
PROVIDER_REFUSED = LogEvent(
    "provider.refused",
    WARNING,
    "A sign-in by the OpenID provider was refused.",
    ("provider", "reason", "not_shown"),
)
HEADER_IGNORED = LogEvent(
    "header.ignored",
    WARNING,
    "A header that names a user did not come by a trusted proxy.",
    ("header", "client"),
)
ERRAND_FAILED = LogEvent(
    "errand.failed", WARNING, "Work behind an answer, such as mailing a link, failed.", ("reason",)
)
LINK_NOT_MAILED = LogEvent(
    "link.not_mailed", WARNING, "A link to a new password was not mailed.", ("user", "reason")
)

DATABASE_AWAY = LogEvent(
    "database.away",
    ERROR,
    "The database takes no writes; reports wait or are refused, and nothing new is sent.",
    ("reason",),
)
DATABASE_BACK = LogEvent("database.back", INFO, "The database takes writes again.", ("seconds",))
DATABASE_UNREADY = LogEvent(
    "database.unready", DEBUG, "A loop found no database, and tries again.", ("loop", "reason")
)
NOTIFICATIONS_LOST = LogEvent(
    "notifications.lost", WARNING, "The connection for notifications was lost; another is made."
)
NOTIFICATIONS_OFF = LogEvent(
    "notifications.off",
    WARNING,
    "Notifications cannot be heard; the queue is looked at once a second instead.",
    ("reason",),
)
NOTIFICATIONS_ABSENT = LogEvent(
    "notifications.absent",
    INFO,
    "A pooler passes no notifications on; the queue is looked at once a second instead.",
)
SCHEMA_MIGRATED = LogEvent(
    "schema.migrated", INFO, "A migration has changed the tables.", ("migration", "what")
)
SCHEMA_UPGRADED = LogEvent(
    "schema.upgraded", INFO, "The database has this version's tables.", ("before", "now", "seconds")
)
CLOCK_WRONG = LogEvent(
    "clock.wrong",
    ERROR,
    "This machine's clock differs from the database's: the process goes by that, deletes nothing.",
    ("ahead_seconds",),
)
CLOCK_RIGHT = LogEvent("clock.right", INFO, "This machine's clock is right again.")
CLOCK_JUMPED = LogEvent(
    "clock.jumped",
    ERROR,
    "The database's clock has jumped, or was not read for long: nothing is deleted by it.",
    ("hours", "trusted_at", "now"),
)
CLOCK_TRUSTED = LogEvent("clock.trusted", INFO, "The database's clock is trusted again.", ("now",))
CLOCK_SET_BACK = LogEvent("clock.set_back", WARNING, "The database's clock was set back.", ("now",))
KEYS_CHANGED = LogEvent(
    "keys.changed", INFO, "The master keys were read anew; the first one encrypts.", ("keys",)
)
KEY_MISSING = LogEvent(
    "key.missing",
    ERROR,
    "Secrets were encrypted with a master key that is not there; their webhooks wait for it.",
    ("webhooks",),
)
HISTORY_PRUNED = LogEvent(
    "history.pruned",
    INFO,
    "Rows older than the retention were deleted; more are left if `goes_on`.",
    ("deleted", "seconds", "goes_on"),
)

REPLICA_JOINED = LogEvent(
    "replica.joined", INFO, "Another process shares the database.", ("replica", "roles", "version")
)
REPLICA_LEFT = LogEvent("replica.left", INFO, "Another process has ended.", ("replica",))
REPLICA_SILENT = LogEvent(
    "replica.silent",
    WARNING,
    "Another process shows no life any more; what it held is sent by others.",
    ("replica",),
)
DUTY_TAKEN = LogEvent(
    "duty.taken", INFO, "This process does something for all that share the database.", ("duty",)
)
LOOP_FAILED = LogEvent(
    "loop.failed", ERROR, "A loop met an error of Runhook's own, and tries again.", ("loop",)
)

WEBHOOK_UNVERIFIED = LogEvent(
    "webhook.unverified",
    WARNING,
    "A webhook's TLS is not verified: anybody between can read and answer.",
    ("webhook", "account", "by"),
)
ENDPOINT_PAUSED = LogEvent(
    "endpoint.paused",
    WARNING,
    "An endpoint fails, and gets one delivery at a time from now on.",
    ("webhook", "account", "host", "failures", "until", "reason"),
)
ENDPOINT_PROBED = LogEvent(
    "endpoint.probed",
    INFO,
    "A paused endpoint was tried and failed again.",
    ("webhook", "account", "host", "failures", "until", "reason"),
)
ENDPOINT_HEALED = LogEvent(
    "endpoint.healed",
    INFO,
    "A paused endpoint succeeded, and gets all again.",
    ("webhook", "account", "host", "failures"),
)
ENDPOINT_DEACTIVATED = LogEvent(
    "endpoint.deactivated",
    WARNING,
    "An endpoint was given up, and its webhook deactivated.",
    ("webhook", "account", "host", "failures", "reason"),
)
CONSUMERS_ENDED = LogEvent(
    "consumers.deactivated", INFO, "Consumers that nothing reads were deactivated.", ("consumers",)
)
RUNS_LOST = LogEvent(
    "runs.lost", WARNING, "Runs were ended whose reporters were not heard any more.", ("runs",)
)
RUNS_MISSED = LogEvent("runs.missed", WARNING, "Jobs that were expected did not start.", ("jobs",))
DELIVERY_ATTEMPTED = LogEvent(
    "delivery.attempted",
    DEBUG,
    "A delivery was sent.",
    ("delivery", "webhook", "attempt", "outcome", "status", "milliseconds", "verdict"),
)
DELIVERY_BROKE = LogEvent(
    "delivery.broke",
    ERROR,
    "Sending met an error of Runhook's own; the delivery is tried again.",
    ("delivery",),
)
ATTEMPT_NOT_RECORDED = LogEvent(
    "attempt.not_recorded",
    WARNING,
    "An attempt was made and is not in the log; the delivery is sent again.",
    ("delivery", "reason"),
)
CLAIMS_RESCUED = LogEvent(
    "claims.rescued",
    WARNING,
    "Deliveries of a process that died are back in the queue.",
    ("deliveries",),
)
CLAIMS_RETURNED = LogEvent(
    "claims.returned",
    WARNING,
    "Deliveries whose claim was not confirmed are back in the queue.",
    ("deliveries",),
)
CLAIMS_NOT_RELEASED = LogEvent(
    "claims.not_released",
    WARNING,
    "Deliveries that are not sent now could not be given back; they are found later.",
    ("deliveries",),
)
RETRIES_SUPERSEDED = LogEvent(
    "retries.superseded",
    DEBUG,
    "Deliveries are not tried again, since newer events say more.",
    ("deliveries",),
)
SENDING_HELD_UP = LogEvent(
    "sending.held_up",
    ERROR,
    "Deliveries wait, since what they need on this side failed.",
    ("reason",),
)
WRITING_HELD_UP = LogEvent(
    "writing.held_up",
    INFO,
    "Something to write waits for the database.",
    ("items",),
)
SUBMITTERS_UNANSWERED = LogEvent(
    "submitters.unanswered", ERROR, "What was written could not be answered: an error of Runhook's."
)

AUDITED: Mapping[AuditAction, LogEvent] = {
    action: LogEvent(action.value, INFO, meaning, ("account", "subject", "by", "client", "changed"))
    for action, meaning in {
        AuditAction.WEBHOOK_CREATED: "A webhook was created.",
        AuditAction.WEBHOOK_CHANGED: "A webhook was changed.",
        AuditAction.WEBHOOK_DELETED: "A webhook was deleted.",
        AuditAction.WEBHOOK_SECRET_ROTATED: "A webhook has a new secret.",
        AuditAction.JOB_NAMED: "A job was named in advance.",
        AuditAction.JOB_EXPECTATION_CHANGED: "How often a job is expected was changed.",
        AuditAction.JOB_DELETED: "A job was deleted.",
        AuditAction.ENVIRONMENT_DELETED: "An environment was deleted.",
        AuditAction.PROJECT_DELETED: "A project was deleted.",
        AuditAction.DELIVERY_REDELIVERED: "A delivery was sent to the queue again by hand.",
        AuditAction.REDELIVERY_BEGUN: "A redelivery in bulk has begun.",
        AuditAction.REDELIVERY_CANCELED: "A redelivery in bulk was canceled.",
        AuditAction.TOKEN_CREATED: "A token was created.",
        AuditAction.TOKEN_REVOKED: "A token was revoked.",
        AuditAction.MEMBER_INVITED: "Somebody was invited.",
        AuditAction.INVITATION_WITHDRAWN: "An invitation was withdrawn.",
        AuditAction.MEMBER_JOINED: "Somebody has joined an account.",
        AuditAction.MEMBER_CHANGED: "A member was changed.",
        AuditAction.MEMBER_REMOVED: "A member was removed.",
        AuditAction.PASSWORD_RESET_BEGUN: "A link to a new password was made.",
        AuditAction.PASSWORD_CHANGED: "A user has a new password.",
        AuditAction.SECOND_FACTOR_ADDED: "A user has a second factor.",
        AuditAction.SECOND_FACTOR_REMOVED: "A user has no second factor any more.",
        AuditAction.RECOVERY_CODES_RENEWED: "A user has new recovery codes.",
        AuditAction.RECOVERY_CODE_USED: "A recovery code was used in place of a second factor.",
        AuditAction.ACCOUNT_CREATED: "An account was created.",
        AuditAction.ACCOUNT_CHANGED: "An account was changed.",
    }.items()
}
"""What the audit log has, too. What endpoints do by themselves is in it as well, and has events of
its own here."""


def every_event() -> list[LogEvent]:
    """All events, by name."""
    declared = [one for one in globals().values() if isinstance(one, LogEvent)]
    return sorted([*declared, *AUDITED.values()], key=lambda one: one.name)
