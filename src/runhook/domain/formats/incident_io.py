"""incident.io's HTTP alert source: an alert fires at a failure and is resolved by a success."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from runhook.domain.formats.format import Draft, Rendered
from runhook.domain.formats.incidents import (
    IncidentFormat,
    check_integration_key,
    source_of,
    title_of,
    word_by_environment_option,
    word_for,
    word_option,
)
from runhook.domain.formats.pagerduty import PagerSeverity
from runhook.domain.messages.message import Message, Node
from runhook.domain.messages.telling import Telling
from runhook.domain.messages.text import fit
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import SecretText
from runhook.domain.payload import encoded

TITLE_LIMIT = 250
REASON_LIMIT = 2_000
NODE_LIMIT = 500
MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~&@:])")


@dataclass(frozen=True, slots=True, kw_only=True)
class IncidentIoSettings:
    """What a webhook for incident.io needs."""

    token: str = option(
        "",
        SecretText(check_integration_key),
        label="Token",
        hint="Leave it empty if the URL has ?token= in it.",
        help="the token of the alert source, where the URL does not have it; a secret",
    )
    severity: PagerSeverity = word_option(
        PagerSeverity,
        PagerSeverity.ERROR,
        label="Severity",
        help="`critical`, `error`, `warning` or `info`; it comes as `metadata.severity`",
    )
    severity_by_environment: Mapping[str, PagerSeverity] = word_by_environment_option(
        PagerSeverity, label="Severity", example="critical"
    )


class IncidentIo(IncidentFormat[IncidentIoSettings]):
    """An alert for each job and environment."""

    name = "incident_io"
    title = "incident.io"
    summary = "An alert that fires at a failure and is resolved when the job succeeds again."
    where = "In incident.io: Alerts, Sources, New alert source, HTTP; copy its URL and its token."
    url_is_secret = True
    reasons_at = ("errors", "message")
    settings = IncidentIoSettings

    def compose(self, message: Message, telling: Telling, settings: IncidentIoSettings) -> Rendered:
        """The alert event of a message."""
        del telling
        severity = word_for(message, settings.severity_by_environment, settings.severity)
        job = message.job
        return Rendered(
            body=encoded(
                {
                    "title": title_of(message, TITLE_LIMIT),
                    "status": "resolved" if message.is_over else "firing",
                    "deduplication_key": message.correlation_key,
                    "description": "\n\n".join(paragraphs_of(message)),
                    **({"source_url": message.run_link.url} if message.run_link else {}),
                    "metadata": {
                        "severity": severity.value,
                        "status": message.status.value,
                        "source": source_of(message),
                        "job": job.name if job else "",
                        "project": job.project_name if job else "",
                        "environment": job.environment_name if job else "",
                        "failed_nodes": [one.name for one in message.nodes],
                    },
                }
            )
        )

    def finish(self, draft: Draft, settings: IncidentIoSettings) -> Draft:
        """Put the token into its header, unless the URL has it."""
        if not settings.token:
            return draft
        return draft.with_header("Authorization", f"Bearer {settings.token}")


def paragraphs_of(message: Message) -> list[str]:
    """The paragraphs of the description, in Markdown."""
    paragraphs = [marked(message.reason, REASON_LIMIT)] if message.reason else []
    paragraphs += [
        f"**{marked(one.name, 100)}**: {marked(one.value, 300)}" for one in message.facts
    ]
    paragraphs += [node_line(one) for one in message.nodes]
    if message.more_nodes:
        paragraphs.append(f"and {message.more_nodes} more")
    return paragraphs


def node_line(node: Node) -> str:
    """A node's name and what it says."""
    name = f"**{marked(node.label, 300)}**"
    return f"{name}: {marked(node.message, NODE_LIMIT)}" if node.message else name


def marked(text: str, limit: int) -> str:
    """Escape what is markup."""
    return fit(text, limit, escape=lambda one: MARKUP.sub(r"\\\1", one))
