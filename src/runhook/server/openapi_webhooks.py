"""What the API's description says of the requests that webhooks send, in dbt Cloud's form."""

from collections.abc import Iterator, Mapping
from typing import Any

from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.runs.events import RESULT_EVENTS, EventType
from runhook.domain.webhooks.catalogue import MEANINGS, schema_of_event
from runhook.domain.webhooks.signature import SIGNATURE_HEADER

Json = dict[str, Any]

SIGNATURE: Json = {
    "type": "apiKey",
    "in": "header",
    "name": "Authorization",
    "description": "Of what a webhook sends: the hex HMAC-SHA256 of the body, with the webhook's "
    "whole secret as the key.",
}
HEADERS: Mapping[str, tuple[str, Json]] = {
    "webhook-id": (
        "The delivery, the same on every attempt.",
        {"type": "string", "pattern": "^wev_"},
    ),
    "webhook-timestamp": (
        "When this attempt was signed, in seconds since 1970.",
        {"type": "string", "pattern": "^[0-9]+$"},
    ),
    "webhook-signature": (
        "`v1,` and base64, as Standard Webhooks has it; two while a secret is being replaced.",
        {"type": "string", "pattern": "^v1,"},
    ),
    SIGNATURE_HEADER: (
        "The signature that is in Authorization unless the webhook has a credential for there.",
        {"type": "string"},
    ),
}
ANSWERS: Json = {
    "2XX": {"description": "Accepted."},
    "410": {"description": "Gone: the webhook is deactivated, and nothing more is sent."},
    "default": {"description": "Not accepted: tried again on the schedule of retries."},
}


def webhooks_and_schemas() -> tuple[Json, Json]:
    """Each event's request by the event's name, and the schemas that these refer to."""
    schemas: Json = {}
    webhooks: Json = {}
    for type_ in EventType:
        own = dict(schemas_of(type_))
        schemas |= own
        webhooks[type_.value] = {"post": request_of(type_, [*own])}
    return webhooks, schemas


def schemas_of(type_: EventType) -> Iterator[tuple[str, Json]]:
    """Yield what an event's payload may be, each with its name."""
    for version in PayloadVersion:
        for include_results in (False, True) if type_ in RESULT_EVENTS else (False,):
            schema = dict(schema_of_event(type_, version, include_results=include_results))
            del schema["$schema"]  # the document's own
            beside = "_results" if include_results else ""
            yield f"Payload_{type_.value}_{version.value}{beside}", schema


def request_of(type_: EventType, schemas: list[str]) -> Json:
    """Describe the request of an event."""
    about = MEANINGS[type_]
    versions = ", ".join(f"`{one.value}`" for one in PayloadVersion)
    return {
        "summary": about.meaning.split(". ")[0].removesuffix("."),
        "description": f"{about.meaning} {about.when} The webhook's `payload_version` ({versions}) "
        "and `include_results` say which of the schemas holds.",
        "operationId": type_.value,
        "security": [{"signature": []}],
        "parameters": [
            {
                "name": name,
                "in": "header",
                "required": name != SIGNATURE_HEADER,
                "description": description,
                "schema": schema,
            }
            for name, (description, schema) in HEADERS.items()
        ],
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "oneOf": [{"$ref": f"#/components/schemas/{one}"} for one in schemas]
                    }
                }
            },
        },
        "responses": ANSWERS,
    }
