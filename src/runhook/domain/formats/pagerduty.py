"""PagerDuty's Events API v2: an alert at a failure, resolved by the next success.

The integration key stands in the body there, so that it is put in when the body is sent.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from runhook.domain.errors import InvalidError
from runhook.domain.formats.format import Answer, Draft, Meaning, Reading, Rendered
from runhook.domain.formats.incidents import (
    IncidentFormat,
    check_integration_key,
    line_of,
    needed,
    source_of,
    title_of,
    word_by_environment_option,
    word_for,
    word_option,
)
from runhook.domain.messages.message import Link, Message, Severity
from runhook.domain.messages.telling import Telling
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import Choice, SecretText
from runhook.domain.payload import encoded
from runhook.domain.payload.v2023_02 import precise_text

KEY_CHARACTERS = 32
SUMMARY_LIMIT = 920


class Region(StrEnum):
    """Where a PagerDuty account is."""

    US = "us"
    EU = "eu"


class PagerSeverity(StrEnum):
    """PagerDuty's severities."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


HOSTS = {Region.US: "events.pagerduty.com", Region.EU: "events.eu.pagerduty.com"}


def check_routing_key(text: str) -> str:
    """Check an integration key.

    Raises:
        InvalidError: it is not a key. The message does not repeat it.
    """
    text = check_integration_key(text)
    if len(text) != KEY_CHARACTERS or not text.isalnum():
        raise InvalidError(
            f"an integration key has {KEY_CHARACTERS} letters and digits; it is that of an "
            "integration `Events API V2` of a service"
        )
    return text


@dataclass(frozen=True, slots=True, kw_only=True)
class PagerDutySettings:
    """What a webhook for PagerDuty needs."""

    routing_key: str = option(
        "",
        SecretText(check_routing_key),
        label="Integration key",
        hint="32 letters and digits.",
        help="the integration key of a service, 32 characters; a secret",
    )
    region: Region = option(
        Region.US,
        Choice(Region, {Region.US: "United States", Region.EU: "Europe"}),
        label="Service region",
        help="`us` or `eu`, where the account is",
    )
    severity: PagerSeverity = word_option(
        PagerSeverity,
        PagerSeverity.ERROR,
        label="Severity",
        help="`critical`, `error`, `warning` or `info`",
    )
    severity_by_environment: Mapping[str, PagerSeverity] = word_by_environment_option(
        PagerSeverity, label="Severity", example="critical"
    )


class PagerDuty(IncidentFormat[PagerDutySettings]):
    """An alert for each job and environment."""

    name = "pagerduty"
    title = "PagerDuty"
    summary = "An alert at a failure, resolved when the job succeeds again."
    where = (
        "In PagerDuty: Services, the service, Integrations, Add an integration, Events API V2; "
        "copy its integration key. The URL can stay empty."
    )
    reasons_at = ("message", "errors")
    settings = PagerDutySettings
    caveat = (
        "PagerDuty has accepted the event, and looks at it later: a disabled service stays silent. "
        "A test opens an alert of a sample job: resolve it by hand."
    )

    def check(self, settings: PagerDutySettings) -> PagerDutySettings:
        """Check that settings have a key."""
        needed(settings.routing_key, "routing_key", "the integration key")
        return settings

    def address(self, settings: PagerDutySettings) -> str:
        """The address of the account's region."""
        return f"https://{HOSTS[settings.region]}/v2/enqueue"

    def compose(self, message: Message, telling: Telling, settings: PagerDutySettings) -> Rendered:
        """The event without its key."""
        del telling
        key = {"dedup_key": message.correlation_key}
        if message.is_over:
            return Rendered(body=encoded({"event_action": "resolve", **key}))
        return Rendered(
            body=encoded({"event_action": "trigger", **key, **alert_of(message, settings)})
        )

    def finish(self, draft: Draft, settings: PagerDutySettings) -> Draft:
        """Put the key into the body."""
        key = json.dumps({"routing_key": settings.routing_key}).encode()
        return replace(draft, body=key[:-1] + b"," + draft.body[1:])

    def read(self, answer: Answer) -> Reading:
        """Read an answer: a wrong key is its owner's fault, anything else ours."""
        reading = super().read(answer)
        if answer.status == 400 and "routing" in reading.words.lower():
            return replace(reading, meaning=Meaning.FINAL)
        return reading


def alert_of(message: Message, settings: PagerDutySettings) -> dict[str, object]:
    """What an alert shows."""
    job = message.job
    severity = word_for(message, settings.severity_by_environment, settings.severity)
    if message.severity is Severity.WARNING:
        severity = PagerSeverity.WARNING
    details: dict[str, object] = {one.name: one.value for one in message.facts}
    if message.reason:
        details["What it says"] = message.reason
    if message.nodes:
        details["Failed nodes"] = [line_of(one) for one in message.nodes]
    if message.more_nodes:
        details["Failed nodes not shown"] = message.more_nodes
    return {
        "payload": {
            "summary": title_of(message, SUMMARY_LIMIT),
            "source": source_of(message),
            "severity": severity.value,
            "timestamp": precise_text(message.occurred_at),
            **({"component": job.name, "group": job.project_name} if job else {}),
            "class": message.status.value,
            "custom_details": details,
        },
        **({"links": list(map(incident_link, message.links))} if message.links else {}),
        "client": "Runhook",
        **({"client_url": message.run_link.url} if message.run_link else {}),
    }


def incident_link(link: Link) -> dict[str, object]:
    """A link of an incident."""
    return {"href": link.url, "text": link.title}
