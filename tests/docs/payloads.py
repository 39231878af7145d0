"""What docs/payloads.md and the files in docs/schemas say, from the code."""

import json
from collections.abc import Iterator
from pathlib import Path

from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.payload.schema import snake_name
from runhook.domain.runs.events import RESULT_EVENTS, EventType
from runhook.domain.webhooks.catalogue import MEANINGS, schema_of_event
from runhook.server.web.webhooks.events import keys_in
from tests.docs.documents import REPOSITORY

FOLDER = REPOSITORY / "docs" / "schemas"
OLD, NEW = PayloadVersion.V2022_05, PayloadVersion.V2023_02
NOT_OF_RUNS = {EventType.MISSED, EventType.DEACTIVATED}


def schema_files() -> Iterator[tuple[Path, str]]:
    """Yield each schema's file, and what it holds."""
    for type_ in EventType:
        for version in PayloadVersion:
            for include_results in (False, True) if type_ in RESULT_EVENTS else (False,):
                schema = schema_of_event(type_, version, include_results=include_results)
                name = f"{type_.value}{'.results' if include_results else ''}.json"
                yield FOLDER / version.value / name, json.dumps(schema, indent=2) + "\n"


def schemas_table() -> str:
    """The events with their meanings, and links to their schemas."""
    rows = ["| Event | What it means | Schemas | With results |", "| --- | --- | --- | --- |"]
    for type_ in EventType:
        about = MEANINGS[type_]
        plain, results = ("", ".results") if type_ in RESULT_EVENTS else ("", None)
        rows.append(
            f"| `{type_.value}` | {about.meaning} {about.when} | {links_to(type_, plain)} "
            f"| {links_to(type_, results) if results else 'none'} |"
        )
    return "\n".join(rows) + "\n"


def links_to(type_: EventType, kind: str) -> str:
    """Links to an event's schemas in both versions."""
    return ", ".join(
        f"[{version.value}](schemas/{version.value}/{type_.value}{kind}.json)"
        for version in PayloadVersion
    )


def keys_table() -> str:
    """Each key in both spellings, with what it means and which events have it."""
    spelled: dict[str, dict[PayloadVersion, str]] = {}
    meanings: dict[str, str] = {}
    events: dict[str, set[EventType]] = {}
    for version in (NEW, OLD):
        for type_ in EventType:
            schema = schema_of_event(type_, version, include_results=type_ in RESULT_EVENTS)
            for path, _, meaning in keys_in(schema):
                key = ".".join(map(snake_name, path.split(".")))
                spelled.setdefault(key, {})[version] = path
                meanings[key] = meaning
                events.setdefault(key, set()).add(type_)
    head = "| `2022-05` | `2023-02` | What it holds | Events |\n| --- | --- | --- | --- |"
    rows = [
        f"| {code(names.get(OLD))} | {code(names.get(NEW))} | {meanings[key]} "
        f"| {events_in_words(events[key])} |"
        for key, names in spelled.items()
    ]
    return "\n".join([head, *rows]) + "\n"


def code(name: str | None) -> str:
    """A key, or that there is none."""
    return "none" if name is None else f"`{name}`"


def events_in_words(types: set[EventType]) -> str:
    """Which events these are, as briefly as can be."""
    if types == set(EventType):
        return "all"
    if types == set(EventType) - NOT_OF_RUNS:
        return "all of runs"
    return ", ".join(one.value.rpartition(".")[2] for one in EventType if one in types)
