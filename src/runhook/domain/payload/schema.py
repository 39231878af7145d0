"""What the keys of payloads mean and hold, as JSON Schema.

Both versions have the same facts, spelled and written as each does; so does this.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import cast

from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.payload import SPELLINGS
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import RunOutcome, RunStatus

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, object]
TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
COUNT: Json = {"type": "integer", "minimum": 0}
LINK: Json = {"type": ["string", "null"], "format": "uri"}
TEXTS: Json = {"type": "array", "items": TEXT}
SECOND: Mapping[PayloadVersion, Json] = {
    PayloadVersion.V2022_05: {
        "type": "string",
        "pattern": r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$",
    },
    PayloadVersion.V2023_02: {"type": "string", "format": "date-time"},
}
TIME = "time"
"""Stands for how a version writes times."""
TIME_OR_NONE = "time or none"
"""The same, or an empty text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayloadKey:
    """A key, by its name in snake case: what it means, and the schema of what it holds."""

    meaning: str
    holds: Json | str = field(default_factory=lambda: TEXT)


KEYS: Mapping[str, PayloadKey] = {
    "account_id": PayloadKey(meaning="The account.", holds=NUMBER),
    "event_id": PayloadKey(
        meaning="The delivery. The same on every attempt, so that an endpoint can tell repeats.",
        holds={"type": "string", "pattern": "^wev_"},
    ),
    "timestamp": PayloadKey(meaning="When the event happened, in UTC.", holds=TIME),
    "event_type": PayloadKey(meaning="The event."),
    "webhook_id": PayloadKey(meaning="The webhook.", holds={"type": "string", "pattern": "^wsu_"}),
    "webhook_name": PayloadKey(meaning="The webhook's name."),
    "data": PayloadKey(meaning="What happened."),
    "run_reason": PayloadKey(meaning="Why the run was started."),
    "job_id": PayloadKey(meaning="The job."),
    "job_name": PayloadKey(meaning="The job's name."),
    "run_id": PayloadKey(meaning="The run."),
    "environment_id": PayloadKey(meaning="The job's environment."),
    "environment_name": PayloadKey(meaning="The environment's name."),
    "project_id": PayloadKey(meaning="The job's project."),
    "project_name": PayloadKey(meaning="The project's name."),
    "dbt_version": PayloadKey(meaning="The version of dbt."),
    "run_started_at": PayloadKey(meaning="When the run started, in UTC.", holds=TIME),
    "run_finished_at": PayloadKey(meaning="When the run ended, in UTC.", holds=TIME),
    "run_errored_at": PayloadKey(meaning="When the run failed, in UTC.", holds=TIME),
    "run_canceled_at": PayloadKey(meaning="When the run was canceled, in UTC.", holds=TIME),
    "run_status": PayloadKey(meaning="How the run went."),
    "run_status_code": PayloadKey(
        meaning="The status as dbt Cloud's API numbers it.",
        holds={"type": "integer", "enum": [one.value for one in RunStatus]},
    ),
    "run_status_message": PayloadKey(
        meaning="Why the run failed; `None` where nothing was reported."
    ),
    "run_url": PayloadKey(meaning="The run's page.", holds=LINK),
    "run_api_url": PayloadKey(meaning="The run in the API.", holds=LINK),
    "trigger_url": PayloadKey(
        meaning="What started the run, such as a CI system's page of it.", holds=LINK
    ),
    "node_counts": PayloadKey(
        meaning="How many nodes ended with each status; null if there are no results.",
        holds={"type": ["object", "null"], "additionalProperties": NUMBER},
    ),
    "failed_nodes_total": PayloadKey(meaning="How many nodes failed.", holds=COUNT),
    "failed_nodes": PayloadKey(meaning="The first 10 nodes that failed."),
    "warned_nodes": PayloadKey(meaning="The first 10 nodes that warned."),
    "unique_id": PayloadKey(meaning="The node, as dbt calls it."),
    "resource_type": PayloadKey(meaning="Such as `model` or `test`."),
    "status": PayloadKey(meaning="How it ended, as dbt calls it."),
    "message": PayloadKey(meaning="dbt's message; empty if the reporter leaves messages out."),
    "groups": PayloadKey(meaning="The groups that it is in.", holds=TEXTS),
    "owners": PayloadKey(
        meaning="Who owns it: owners of its groups, and those in `meta.owner`.",
        holds={
            "type": "array",
            "items": {
                "type": "object",
                "properties": {
                    "name": TEXT,
                    "email": TEXT,
                    "group": TEXT,
                    "more": {"type": "object", "additionalProperties": TEXT},
                },
                "required": ["name", "email", "group", "more"],
                "additionalProperties": False,
            },
        },
    ),
    "tags": PayloadKey(meaning="Its tags.", holds=TEXTS),
    "path": PayloadKey(meaning="Its file, within the project."),
    "package": PayloadKey(meaning="The package that it is in."),
    "attached_to": PayloadKey(meaning="What a test tests.", holds=TEXTS),
    "exposures": PayloadKey(meaning="The exposures that depend on it."),
    "name": PayloadKey(meaning="The exposure's name."),
    "owner_name": PayloadKey(meaning="The name of its owner."),
    "owner_email": PayloadKey(meaning="The e-mail address of its owner."),
    "run_expected_at": PayloadKey(meaning="When the run should have started, in UTC.", holds=TIME),
    "expected_every": PayloadKey(meaning="How often the job is expected, such as `6 hours`."),
    "missed_runs": PayloadKey(
        meaning="How many runs were missed since the last that started.", holds=COUNT
    ),
    "last_run_id": PayloadKey(meaning="The job's last run; empty if there is none."),
    "last_run_started_at": PayloadKey(
        meaning="When that started, in UTC; empty if there is none.", holds=TIME_OR_NONE
    ),
    "deactivated_webhook_id": PayloadKey(
        meaning="The webhook that was deactivated.", holds={"type": "string", "pattern": "^wsu_"}
    ),
    "deactivated_webhook_name": PayloadKey(meaning="Its name."),
    "deactivate_reason": PayloadKey(meaning="Why it was deactivated."),
    "failing_since": PayloadKey(meaning="Since when every attempt failed, in UTC.", holds=TIME),
    "consecutive_failures": PayloadKey(
        meaning="How many attempts failed in succession.", holds=COUNT
    ),
}
STATUSES: Mapping[PayloadVersion, Mapping[EventType, list[str]]] = {
    PayloadVersion.V2022_05: {
        EventType.COMPLETED: [
            one.value for one in (RunOutcome.COMPLETE, RunOutcome.FAILED, RunOutcome.ERRORED)
        ],
        EventType.ERRORED: [RunOutcome.FAILED.value, RunOutcome.ERRORED.value],
    },
    PayloadVersion.V2023_02: {
        EventType.STARTED: ["Running"],
        EventType.COMPLETED: ["Success", "Errored"],
        EventType.ERRORED: ["Errored"],
        EventType.CANCELED: ["Cancelled"],
    },
}
"""What `run_status` may be."""


def schema_of(
    payload: Mapping[str, object], type_: EventType, version: PayloadVersion
) -> Mapping[str, object]:
    """The schema of payloads of an event in a version, from one that has their keys."""
    return {
        "$schema": DIALECT,
        "title": f"{type_.value}, payload version {version.value}",
        **Describing(type_, version).object_of(payload),
    }


@dataclass(frozen=True, slots=True)
class Describing:
    """Describes what payloads of one event in one version hold."""

    type: EventType
    version: PayloadVersion

    def object_of(self, payload: Mapping[str, object]) -> Json:
        """Schema of an object with these keys, all of which are always there."""
        return {
            "type": "object",
            "properties": {name: self._value(name, value) for name, value in payload.items()},
            "required": list(payload),
            "additionalProperties": False,
        }

    def _value(self, name: str, value: object) -> Json:
        key = KEYS[snake_name(name)]
        return {"description": key.meaning, **self._holding(snake_name(name), key, value)}

    def _holding(self, name: str, key: PayloadKey, value: object) -> Json:
        match name:
            case "event_type":
                return {"const": self.type.value}
            case "run_status":
                return {"enum": STATUSES[self.version][self.type]}
            case "data":
                return self.object_of(cast(Mapping[str, object], value))
            case "failed_nodes" | "warned_nodes" | "exposures":
                return {"type": "array", "items": self.object_of(self._item(name))}
        if key.holds == TIME:
            return SECOND[self.version]
        if key.holds == TIME_OR_NONE:
            return {"anyOf": [SECOND[self.version], {"const": ""}]}
        return cast(Json, key.holds)

    def _item(self, name: str) -> Mapping[str, object]:
        """Something of a list, which may be empty in the payload."""
        spelled = SPELLINGS[self.version]
        names = EXPOSURE_KEYS if name == "exposures" else NODE_KEYS
        return {spelled(one): None for one in names}


NODE_KEYS = (
    *("unique_id", "resource_type", "status", "message", "groups", "owners", "tags", "path"),
    *("package", "attached_to", "exposures"),
)
EXPOSURE_KEYS = ("name", "owner_name", "owner_email")


def snake_name(name: str) -> str:
    """A key of either version in snake case."""
    return "".join(f"_{one.lower()}" if one.isupper() else one for one in name)
