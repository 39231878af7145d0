"""Tables and diagrams between marks come from the code.

After an intended change, write them anew with

    RUNHOOK_WRITE_SNAPSHOTS=1 pytest tests/docs/test_generated_parts.py
"""

import json
import os
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from functools import partial

import pytest

from runhook.domain.deliveries.delivery import INITIAL_STATES, MOVES, DeliveryState
from runhook.domain.formats import FORMATS
from runhook.domain.messages.telling import DeliveryId, PayloadVersion
from runhook.domain.options.declaring import Option
from runhook.domain.options.kinds import Parts
from runhook.domain.runs.run import AccountId, RunId, RunOutcome, RunStatus, Trigger
from runhook.domain.webhooks.failing import Health, hopeless_reason
from runhook.domain.webhooks.options import OPTIONS
from runhook.domain.webhooks.samples import SAMPLE_RESULTS
from runhook.settings import SETTINGS, Setting
from runhook.telemetry.events import every_event
from tests.docs import contents, formats, payloads
from tests.docs.admin_api import clients_table, compatibility_table
from tests.docs.documents import DOCUMENTS, REPOSITORY, name_of
from tests.support.builders import a_deactivation, a_job, a_missed_run, a_run, a_webhook, an_event
from tests.support.rendering import render

WRITE = "RUNHOOK_WRITE_SNAPSHOTS"
MARKED = re.compile(r"(<!-- generated: ([\w-]+) -->\n)(.*?)(<!-- end -->)", re.DOTALL)


def settings_table() -> str:
    rows = [
        f"| {variables_of(setting)} | {flag_of(setting)} | `{setting.name}` "
        f"| {default_of(setting)} | {setting.help} |"
        for setting in SETTINGS
    ]
    head = (
        "| Variable | Flag | In the file | Default | What it is |\n| --- | --- | --- | --- | --- |"
    )
    return "\n".join([head, *rows]) + "\n"


def variables_of(setting: Setting) -> str:
    return " or ".join(f"`{name}`" for name in setting.variables)


def flag_of(setting: Setting) -> str:
    return f"`{setting.flag}`" if setting.has_flag else "none"


def default_of(setting: Setting) -> str:
    if setting.default is None:
        return "unset"
    return f"`{setting.default}`" if setting.default else "none"


def options_table() -> str:
    rows = [f"| `{name}` | {default} | {help_} |" for name, default, help_ in rows_of(OPTIONS)]
    return "\n".join(["| Key | Default | What it is |", "| --- | --- | --- |", *rows]) + "\n"


def rows_of(options: Sequence[Option], within: str = "") -> Iterator[tuple[str, str, str]]:
    for option in options:
        default = json.dumps(option.write(option.default))
        yield f"{within}{option.name}", f"`{default}`" if not within else "", option.help
        if isinstance(option.kind, Parts):
            yield from rows_of(option.kind.options, f"{within}{option.name}.")


def delivery_states() -> str:
    lines = ["stateDiagram-v2"]
    lines += [f"    [*] --> {state}" for state in INITIAL_STATES]
    # A semicolon would end the statement.
    lines += [
        f"    {before} --> {after}: {cause.replace('; ', ' / ')}"
        for (before, after), cause in MOVES.items()
    ]
    lines += [f"    {state} --> [*]" for state in DeliveryState if state.is_over]
    return "\n".join(["```mermaid", *lines, "```"]) + "\n"


def payload(version: PayloadVersion) -> str:
    run = a_run(
        id=RunId(812),
        account_id=AccountId(1),
        job=a_job(name="nightly", project_name="shop", environment_name="prod"),
        run_reason="scheduled",
        dbt_version="1.11.16",
        status=RunStatus.SUCCESS,
        started_at=datetime(2026, 3, 1, 4, 0, 2, tzinfo=UTC),
        finished_at=datetime(2026, 3, 1, 4, 7, 31, tzinfo=UTC),
    )
    event = an_event(run=run, occurred_at=datetime(2026, 3, 1, 4, 7, 31, 640_270, tzinfo=UTC))
    webhook = a_webhook(name="mine", account_id=AccountId(1), payload_version=version)
    body = render(event, webhook, DeliveryId("wev_3AKOxVSmqKvJ04VSSA8Z9R1u1pQ"))
    return f"```json\n{json.dumps(json.loads(body), indent=2)}\n```\n"


def results() -> str:
    run = a_run(
        id=RunId(812),
        account_id=AccountId(1),
        status=RunStatus.ERROR,
        outcome=RunOutcome.FAILED,
        results=SAMPLE_RESULTS,
        trigger=Trigger(link="https://ci.example.com/runs/41"),
    )
    webhook = a_webhook(include_results=True)
    body = render(
        an_event(run=run), webhook, DeliveryId("wev_1"), public_url="https://runhook.example.com"
    )
    without = render(an_event(run=run), a_webhook(), DeliveryId("wev_1"))
    known = json.loads(without)["data"]
    added = {key: one for key, one in json.loads(body)["data"].items() if key not in known}
    return f"```json\n{json.dumps(added, indent=2)}\n```\n"


def notice(version: PayloadVersion) -> str:
    deactivation = a_deactivation(
        account_id=AccountId(1),
        webhook_name="to the old chat",
        reason=hopeless_reason(
            Health(
                failing_since=datetime(2026, 2, 22, 4, 0, 2, tzinfo=UTC),
                consecutive_failures=180,
            ),
            "The endpoint answered 503.",
        ),
        failing_since=datetime(2026, 2, 22, 4, 0, 2, tzinfo=UTC),
        consecutive_failures=180,
        occurred_at=datetime(2026, 3, 1, 4, 7, 31, 640_270, tzinfo=UTC),
    )
    webhook = a_webhook(name="mine", account_id=AccountId(1), payload_version=version)
    body = render(deactivation, webhook, DeliveryId("wev_3AKOxVSmqKvJ04VSSA8Z9R1u1pQ"))
    return f"```json\n{json.dumps(json.loads(body), indent=2)}\n```\n"


def missed(version: PayloadVersion) -> str:
    notice = a_missed_run(
        account_id=AccountId(1),
        job=a_job(name="nightly", project_name="shop", environment_name="prod"),
        expected_at=datetime(2026, 3, 2, 4, 0, 2, tzinfo=UTC),
        last_run_id=RunId(812),
        last_started_at=datetime(2026, 3, 1, 4, 0, 2, tzinfo=UTC),
        occurred_at=datetime(2026, 3, 2, 4, 15, 9, 640_270, tzinfo=UTC),
    )
    webhook = a_webhook(name="mine", account_id=AccountId(1), payload_version=version)
    body = render(notice, webhook, DeliveryId("wev_3AKOxVSmqKvJ04VSSA8Z9R1u1pQ"))
    return f"```json\n{json.dumps(json.loads(body), indent=2)}\n```\n"


def log_events() -> str:
    rows = [
        f"| `{one.name}` | {one.level} | {', '.join(f'`{name}`' for name in one.fields)} "
        f"| {one.meaning} |"
        for one in every_event()
    ]
    head = "| Event | Level | Fields | What it says |\n| --- | --- | --- | --- |"
    return "\n".join([head, *rows]) + "\n"


PARTS = {
    "log-events": log_events,
    "settings": settings_table,
    "options": options_table,
    "delivery-states": delivery_states,
    "payload-2022-05": lambda: payload(PayloadVersion.V2022_05),
    "payload-2023-02": lambda: payload(PayloadVersion.V2023_02),
    "results-2022-05": results,
    "notice-2022-05": lambda: notice(PayloadVersion.V2022_05),
    "notice-2023-02": lambda: notice(PayloadVersion.V2023_02),
    "missed-2022-05": lambda: missed(PayloadVersion.V2022_05),
    "missed-2023-02": lambda: missed(PayloadVersion.V2023_02),
    "schemas": payloads.schemas_table,
    "payload-keys": payloads.keys_table,
    "template-names": formats.template_names,
    "admin-api": compatibility_table,
    "clients": clients_table,
    **{f"format-{name}": partial(formats.what_it_sends, name) for name in FORMATS},
    **{f"format-{name}-settings": partial(formats.settings_table, name) for name in FORMATS},
    **{f"contents-{path.stem}": partial(contents.of_page, path) for path in contents.LONG},
}
PLACES = {
    "log-events": "docs/operations.md",
    "settings": "docs/settings.md",
    "options": "docs/api.md",
    "delivery-states": "docs/deliveries.md",
    "payload-2022-05": "docs/receiving.md",
    "payload-2023-02": "docs/receiving.md",
    "results-2022-05": "docs/api.md",
    "notice-2022-05": "docs/api.md",
    "notice-2023-02": "docs/api.md",
    "missed-2022-05": "docs/api.md",
    "missed-2023-02": "docs/api.md",
    "schemas": "docs/payloads.md",
    "payload-keys": "docs/payloads.md",
    "template-names": "docs/formats/template.md",
    "admin-api": "docs/compatibility.md",
    "clients": "docs/compatibility.md",
    **{f"format-{name}": f"docs/formats/{name}.md" for name in FORMATS},
    **{f"format-{name}-settings": f"docs/formats/{name}.md" for name in FORMATS},
    **{f"contents-{path.stem}": name_of(path) for path in contents.LONG},
}


@pytest.mark.parametrize("part", PARTS)
def test_a_generated_part_is_what_the_code_says_now(part):
    document = REPOSITORY / PLACES[part]
    written = PARTS[part]()

    if os.environ.get(WRITE):
        rewrite(document, part, written)

    found = {name: content for _, name, content, _ in MARKED.findall(document.read_text())}
    assert found[part] == written


def test_every_mark_has_its_generator():
    marks = [
        (name, str(document.relative_to(REPOSITORY)))
        for document in DOCUMENTS
        for _, name, _, _ in MARKED.findall(document.read_text())
    ]

    assert sorted(marks) == sorted(PLACES.items())


def rewrite(document, part, written):
    text = MARKED.sub(
        lambda found: found[1] + written + found[4] if found[2] == part else found[0],
        document.read_text(),
    )
    document.write_text(text)
