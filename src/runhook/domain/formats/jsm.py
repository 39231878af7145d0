"""Alerts of Jira Service Management; Opsgenie takes the same at its own address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import quote

from runhook.domain.formats.addresses import with_parameter
from runhook.domain.formats.format import Draft, Rendered
from runhook.domain.formats.incidents import (
    IncidentFormat,
    check_integration_key,
    lines_of,
    needed,
    source_of,
    word_by_environment_option,
    word_for,
    word_option,
)
from runhook.domain.messages.message import Message
from runhook.domain.messages.telling import Telling
from runhook.domain.messages.text import fit
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import SecretText
from runhook.domain.payload import encoded

MESSAGE_LIMIT = 117
DESCRIPTION_LIMIT = 13_500
CLOSE = "/close"


class Priority(StrEnum):
    """The priorities of alerts."""

    P1 = "P1"
    P2 = "P2"
    P3 = "P3"
    P4 = "P4"
    P5 = "P5"


@dataclass(frozen=True, slots=True, kw_only=True)
class JsmSettings:
    """What a webhook for alerts needs."""

    api_key: str = option(
        "",
        SecretText(check_integration_key),
        label="API key",
        hint="Of an API integration of the team, which may create and close alerts.",
        help="the key of an API integration; a secret",
    )
    priority: Priority = word_option(Priority, Priority.P3, label="Priority", help="`P1` to `P5`")
    priority_by_environment: Mapping[str, Priority] = word_by_environment_option(
        Priority, label="Priority", example="P1"
    )


class Jsm(IncidentFormat[JsmSettings]):
    """An alert for each job and environment."""

    name = "jsm"
    title = "Jira Service Management"
    summary = "An alert at a failure, closed when the job succeeds again; Opsgenie takes it, too."
    where = (
        "In Jira Service Management: Operations, your team, Integrations, Add integration, API; "
        "copy its key. The URL can stay empty; for Opsgenie it is "
        "https://api.opsgenie.com/v2/alerts or https://api.eu.opsgenie.com/v2/alerts."
    )
    reasons_at = ("message", "errors")
    settings = JsmSettings
    caveat = "The alert was accepted, and is looked at later: see whether it is there."

    def check(self, settings: JsmSettings) -> JsmSettings:
        """Check that settings have a key."""
        needed(settings.api_key, "api_key", "the key of the integration")
        return settings

    def address(self, settings: JsmSettings) -> str:
        """The address of all regions."""
        del settings
        return "https://api.atlassian.com/jsm/ops/integration/v2/alerts"

    def compose(self, message: Message, telling: Telling, settings: JsmSettings) -> Rendered:
        """The alert of a message, or its end, which has a path of its own."""
        del telling
        alias = message.correlation_key
        if message.is_over:
            return Rendered(
                body=encoded({"source": "Runhook", "note": message.headline}),
                path=f"/{quote(alias, safe='')}{CLOSE}",
            )
        job = message.job
        return Rendered(
            body=encoded(
                {
                    "message": fit(message.headline, MESSAGE_LIMIT),
                    "alias": alias,
                    "description": fit("\n".join(lines_of(message)), DESCRIPTION_LIMIT),
                    "priority": word_for(
                        message, settings.priority_by_environment, settings.priority
                    ).value,
                    "tags": ["dbt", message.status.value],
                    "details": {one.name: one.value for one in message.facts},
                    "entity": job.name if job else source_of(message),
                    "source": "Runhook",
                }
            )
        )

    def finish(self, draft: Draft, settings: JsmSettings) -> Draft:
        """Put the key into its header, and say that an alert's end names it by its alias."""
        address = draft.url.partition("?")[0]
        url = draft.url
        if address.endswith(CLOSE):
            url = with_parameter(url, "identifierType", "alias")
        request = replace(draft, url=url)
        return request.with_header("Authorization", f"GenieKey {settings.api_key}")
