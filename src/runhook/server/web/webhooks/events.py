"""The event catalogue: what each event means, and how its payload looks in each version."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from litestar import get
from litestar.params import FromPath, FromQuery
from litestar.response import Template

from runhook.domain.errors import NotFoundError
from runhook.domain.messages.telling import PAYLOAD_VERSIONS, PayloadVersion
from runhook.domain.payload import payload_of
from runhook.domain.payload.schema import schema_of, snake_name
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.events import RESULT_EVENTS, EventType
from runhook.domain.runs.run import AccountId
from runhook.domain.webhooks.catalogue import MEANINGS
from runhook.domain.webhooks.options import Options
from runhook.domain.webhooks.samples import sample_event
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.ids import new_delivery_id, new_webhook_id
from runhook.server.access.authentication import needs
from runhook.server.services import Serving
from runhook.server.web.page.showing import EVENT_NAMES
from runhook.server.web.page.visits import Visiting

SECTION = "webhooks"


@dataclass(frozen=True, slots=True, kw_only=True)
class Described:
    """A payload in one version."""

    title: str
    lines: Sequence[tuple[str, bool]]
    """Of an example, each with whether its key has no counterpart in the other version."""
    keys: Sequence[tuple[str, str, str]]
    """Each with what it holds, and what it means."""
    schema: str
    """As JSON."""


@get("/events", **needs(Permission.READ_WEBHOOKS))
async def show_events(visit: Visiting) -> Template:
    """List what webhooks can be sent."""
    return visit.page("webhooks/events", section=SECTION, names=EVENT_NAMES, about=MEANINGS)


@get("/events/{event_type:str}", **needs(Permission.READ_WEBHOOKS))
async def show_event(
    services: Serving,
    visit: Visiting,
    event_type: FromPath[str],
    *,
    results: FromQuery[bool] = False,
) -> Template:
    """Show an event's payload in each version, with node results or without."""
    if event_type not in set(EventType):
        raise NotFoundError
    type_ = EventType(event_type)
    has_results = type_ in RESULT_EVENTS
    payloads = {
        version: sample_payload(
            visit.account_id,
            type_,
            version,
            include_results=results and has_results,
            now=services.clock.now(),
            public_url=services.public_url,
        )
        for version in PayloadVersion
    }
    return visit.page(
        "webhooks/event",
        section=SECTION,
        type=type_,
        title=EVENT_NAMES[type_],
        about=MEANINGS[type_],
        has_results=has_results,
        is_with_results=results and has_results,
        versions=described(type_, payloads),
    )


def sample_payload(
    account_id: AccountId,
    type_: EventType,
    version: PayloadVersion,
    *,
    include_results: bool,
    now: datetime,
    public_url: str | None,
) -> Mapping[str, object]:
    """Payload of a made-up event."""
    webhook = Webhook(
        id=new_webhook_id(now),
        account_id=account_id,
        name="My webhook",
        client_url="",
        event_types=(type_,),
        options=Options(payload_version=version, include_results=include_results),
        created_at=now,
        updated_at=now,
    )
    telling = webhook.telling(new_delivery_id(now, 0), public_url=public_url, is_sample=True)
    return payload_of(sample_event(webhook, now=now), telling)


def described(
    type_: EventType, payloads: Mapping[PayloadVersion, Mapping[str, object]]
) -> Sequence[Described]:
    """Describe a payload in each version, to be compared."""
    lines = {
        version: json.dumps(payload, indent=2, ensure_ascii=False).splitlines()
        for version, payload in payloads.items()
    }
    known = {version: {key_on(line) for line in some} for version, some in lines.items()}
    schemas = {version: schema_of(one, type_, version) for version, one in payloads.items()}
    return [
        Described(
            title=PAYLOAD_VERSIONS[version],
            lines=[
                (line, any(key_on(line) not in other for other in known.values())) for line in some
            ],
            keys=list(keys_in(schemas[version])),
            schema=json.dumps(schemas[version], indent=2),
        )
        for version, some in lines.items()
    ]


def key_on(line: str) -> str:
    """Key of a line of indented JSON, in snake case; empty if it has none."""
    return snake_name(line.partition(":")[0].strip()) if ":" in line else ""


def keys_in(schema: Mapping[str, Any], within: str = "") -> Iterator[tuple[str, str, str]]:
    """Yield the keys that a schema has, with what they hold and mean."""
    for name, one in schema.get("properties", {}).items():
        path = f"{within}{name}"
        if "description" in one:
            yield path, type_words(one), one["description"]
        yield from keys_in(one, f"{path}.")
        yield from keys_in(one.get("items", {}), f"{path}[].")


def type_words(schema: Mapping[str, Any]) -> str:
    """What a key holds, in words for a table."""
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return " or ".join(f"`{one}`" for one in schema["enum"])
    if "anyOf" in schema:
        return "time, or empty"
    if schema.get("format") == "date-time" or schema.get("pattern", "").startswith(r"^\d"):
        return "time"
    kinds = schema["type"]
    return " or ".join([kinds] if isinstance(kinds, str) else kinds)


handlers = [show_events, show_event]
