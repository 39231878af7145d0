"""A JSON document of the owner's own, filled in with the facts of an event."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache

from runhook.domain.dbt.artifacts import SHOWN_NODES
from runhook.domain.errors import InvalidError
from runhook.domain.formats.format import Audience, MessageFormat, Rendered
from runhook.domain.formats.incidents import lines_of
from runhook.domain.messages.message import Fact, Link, Message, Node, Severity, Status
from runhook.domain.messages.telling import DeliveryId, Telling, WebhookId
from runhook.domain.messages.templates import Template
from runhook.domain.messages.text import clean, fit, one_line
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import Choice, Flag, Text
from runhook.domain.payload.v2023_02 import second_text
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import AccountId

MOST_FACTS = 10
MOST_LINKS = 2
MOST_NAMES = 10
"""Of a node's owners, groups, tags and exposures."""
NAME_CHARACTERS = 200
TEMPLATES_KEPT = 512
CONTENT_TYPE = re.compile(r"[a-z0-9.+-]{1,60}/[a-z0-9.+-]{1,60}(?:; ?charset=utf-8)?")


class Method(StrEnum):
    """How a document is sent."""

    POST = "POST"
    PUT = "PUT"


def check_content_type(text: str) -> str:
    """Check that a content type is one of JSON.

    Raises:
        InvalidError: it is not a content type.
    """
    text = text.strip().lower()
    if not CONTENT_TYPE.fullmatch(text):
        raise InvalidError(f"`{text[:80]}` is not a content type such as `application/json`")
    return text


@lru_cache(maxsize=TEMPLATES_KEPT)
def template_in(source: str) -> Template:
    """Read a template; one that was read is kept.

    Raises:
        InvalidError: it is not JSON, or names what an event does not have.
    """
    return Template.parse(source, SAMPLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSettings:
    """What a webhook with a document of its own needs."""

    body: Template | None = option(
        None,
        Text(template_in, rows=12),
        label="Document",
        hint="JSON; in its texts {{ headline }} and the like are filled in.",
        help="a text: the JSON document, up to 16 KiB, in whose texts `{{ name }}` is filled in",
    )
    content_type: str = option(
        "application/json",
        Text(check_content_type),
        label="Content type",
        help="`application/json` if left out",
    )
    method: Method = option(
        Method.POST,
        Choice(Method, {one: one.value for one in Method}),
        label="Method",
        help="`POST` or `PUT`",
    )
    signed: bool = option(
        True,  # noqa: FBT003 - it is the value
        Flag(
            "Do not sign",
            "for services that take our Authorization header for one of theirs",
            ticked=False,
        ),
        label="Signature",
        help="whether requests carry the signatures that those of `dbt_cloud` do; `false` for "
        "services that take `Authorization` for a key of theirs",
    )


class TemplateFormat(MessageFormat[TemplateSettings]):
    """A JSON document that the webhook's owner wrote, filled in."""

    name = "template"
    title = "A document of your own"
    summary = "JSON that you write, filled in with what happened: for services without a format."
    where = (
        "The URL is the service's. The guide has documents for Mattermost, ntfy, Telegram, Zulip, "
        "Grafana IRM, Better Stack, Power Automate and Slack workflows."
    )
    audience = Audience.PROGRAMS
    look = None
    event_types = (EventType.COMPLETED,)
    is_signed = True
    url_is_secret = True
    settings = TemplateSettings

    def check(self, settings: TemplateSettings) -> TemplateSettings:
        """Check that settings have a document."""
        if settings.body is None:
            raise InvalidError(
                'give the document, such as {"text": "{{ headline }}"}', field="body"
            )
        return settings

    def method(self, settings: TemplateSettings) -> str:
        """The method that the owner chose."""
        return settings.method.value

    def signs(self, settings: TemplateSettings) -> bool:
        """Whether the owner lets it sign."""
        return settings.signed

    def compose(self, message: Message, telling: Telling, settings: TemplateSettings) -> Rendered:
        """The document, filled in."""
        assert settings.body is not None
        return Rendered(
            body=settings.body.render(template_facts(message, telling)),
            headers={"Content-Type": settings.content_type},
        )


def template_facts(message: Message, telling: Telling) -> dict[str, object]:
    """What can stand in a document; the same names whatever the message is about."""
    job, run = message.job, message.run
    trigger = run.trigger if run else None
    duration = (
        message.finished_at - message.started_at
        if message.finished_at and message.started_at
        else None
    )
    return {
        "headline": message.headline,
        "reason": message.reason,
        "text": "\n".join([message.headline, "", *lines_of(message)]).strip(),
        "status": message.status.value,
        "severity": message.severity.value,
        "is_failure": message.severity is Severity.BAD,
        "is_success": message.is_over,
        "key": message.correlation_key,
        "event": {
            "id": telling.delivery_id,
            "type": message.event_type.value,
            "at": second_text(message.occurred_at),
        },
        "account": {"id": message.account_id},
        "webhook": {"id": telling.webhook_id, "name": short_text(telling.webhook_name)},
        "project": {"id": job.project_id if job else None, "name": job.project_name if job else ""},
        "environment": {
            "id": job.environment_id if job else None,
            "name": job.environment_name if job else "",
        },
        "job": {"id": job.id if job else None, "name": job.name if job else ""},
        "run": {
            "id": message.run_id,
            "url": message.run_link.url if message.run_link else None,
            "reason": short_text(run.run_reason) if run else "",
            "dbt_version": short_text(run.dbt_version) if run else "",
            "started_at": time_text(message.started_at),
            "finished_at": time_text(message.finished_at),
            "seconds": None if duration is None else max(0, round(duration.total_seconds())),
        },
        "trigger": {
            "url": message.trigger_link.url if message.trigger_link else None,
            "system": short_text(trigger.system) if trigger else "",
            "commit": short_text(trigger.commit) if trigger else "",
            "pull_request": trigger.pull_request if trigger else None,
        },
        "facts": [{"name": one.name, "value": one.value} for one in message.facts[:MOST_FACTS]],
        "links": [{"title": one.title, "url": one.url} for one in message.links[:MOST_LINKS]],
        "nodes": [node_facts(one) for one in message.nodes[:SHOWN_NODES]],
        "more_nodes": message.more_nodes,
        "total_nodes": len(message.nodes) + message.more_nodes,
    }


def node_facts(node: Node) -> dict[str, object]:
    """Facts of a node."""
    return {
        "name": node.name,
        "unique_id": node.unique_id,
        "type": node.resource_type,
        "status": node.status,
        "message": node.message,
        "path": node.path,
        "package": node.package,
        "owners": list(node.owners[:MOST_NAMES]),
        "groups": list(node.groups[:MOST_NAMES]),
        "tags": list(node.tags[:MOST_NAMES]),
        "exposures": list(node.exposures[:MOST_NAMES]),
    }


def short_text(text: str) -> str:
    """Put a text in one line."""
    return fit(one_line(clean(text)), NAME_CHARACTERS)


def time_text(time: datetime | None) -> str | None:
    return second_text(time) if time else None


def widest() -> Mapping[str, object]:
    """Facts in which each list is as long as it can be."""
    names = ("",) * MOST_NAMES
    node = Node(
        unique_id="",
        resource_type="",
        status="",
        name="",
        message="",
        owners=names,
        groups=names,
        tags=names,
        exposures=names,
    )
    link = Link(title="", url="https://runhook.example.com")
    message = Message(
        event_type=EventType.COMPLETED,
        status=Status.FAILED,
        headline="",
        facts=(Fact(name="", value=""),) * MOST_FACTS,
        nodes=(node,) * SHOWN_NODES,
        run_link=link,
        trigger_link=link,
        correlation_key="",
        account_id=AccountId(1),
        occurred_at=datetime(2000, 1, 1, tzinfo=UTC),
    )
    telling = Telling(delivery_id=DeliveryId(""), webhook_id=WebhookId(""), webhook_name="")
    return template_facts(message, telling)


SAMPLE = widest()
