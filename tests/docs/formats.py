"""What the pages of formats show that comes from the code."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from runhook.domain.formats import FORMATS
from runhook.domain.formats.template import SAMPLE
from runhook.domain.options.declaring import Option, changed, masked, options_in
from runhook.domain.runs.events import Event
from runhook.domain.webhooks.options import NO_OPTIONS, changed_options
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import Endpoint
from runhook.operations.deliveries.prepare import prepare
from tests.formats import stories
from tests.formats.services import service_of

HOSTS = {"slack": "hooks.slack.com"}
"""Where a format has a dialect for its own service."""
SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
DOCUMENT = '{"text": "{{ headline }}", "why": "{{ reason }}", "nodes": "{{ total_nodes }}"}'


def settings_table(name: str) -> str:
    options = options_in(FORMATS[name].settings)
    if not options:
        return "It has no settings.\n"
    rows = [f"| `{one.name}` | {default_of(one)} | {one.help} |" for one in options]
    head = ["| Key of `format_settings` | Default | What it is |", "| --- | --- | --- |"]
    return "\n".join([*head, *rows]) + "\n"


def default_of(option: Option) -> str:
    return f"`{json.dumps(option.write(option.default))}`"


def what_it_sends(name: str) -> str:
    """A failure, and the success after it, which is the first again."""
    failure = shown(name, stories.failed())
    recovery = shown(name, stories.succeeded(run_id=813), has_recovered=True)
    return f"A run that failed:\n\n{failure}\nThe next one, which succeeded:\n\n{recovery}"


def shown(name: str, event: Event, *, has_recovered: bool = False) -> str:
    format_ = FORMATS[name]
    settings = masked(format_.check(changed(format_.settings(), settings_of(name))))
    telling = replace(stories.telling(has_recovered=has_recovered), host=HOSTS.get(name, ""))
    kept = format_.render(event, telling, settings)
    if format_.content_type == "message/rfc822":
        return f"```text\n{kept.body.decode()}```\n".replace("\r\n", "\n")
    headers = [f"{one}: {value}" for one, value in kept.headers.items() if one != "Content-Type"]
    before = "```http\n{}\n```\n\n".format("\n".join(headers)) if headers else ""
    body = json.dumps(json.loads(kept.body), indent=2, ensure_ascii=False)
    return f"{before}```json\n{body}\n```\n"


def request_text(name: str) -> str:
    """The whole request of a failure, as a receiver gets it."""
    telling, event = stories.telling(), stories.failed()
    options = changed_options(NO_OPTIONS, {"format": name, "format_settings": settings_of(name)})
    endpoint = Endpoint(
        webhook_id=telling.webhook_id,
        client_url="https://hooks.example.com/dbt",
        secrets=(SECRET,),
        options=options,
    )
    rendered = FORMATS[name].render(event, telling, options.settings)
    request = prepare(endpoint, rendered, delivery_id=telling.delivery_id, now=event.occurred_at)
    headers = [f"{one}: {value}" for one, value in request.headers.items()]
    body = json.dumps(json.loads(request.body), indent=2, ensure_ascii=False)
    return "\n".join([f"{request.method} /dbt", "Host: hooks.example.com", *headers, "", body])


def settings_of(name: str) -> Mapping[str, object]:
    """Settings that are whole."""
    return {"body": DOCUMENT} if name == "template" else service_of(name).SETTINGS


def template_names() -> str:
    """The names that can stand in a document."""
    return "\n".join(["| Name | |", "| --- | --- |", *rows_of(SAMPLE)]) + "\n"


def rows_of(values: Mapping[str, object], before: str = "") -> Iterator[str]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from rows_of(value, f"{before}{key}.")
            continue
        yield f"| `{before}{key}` | {MEANINGS.get(before + key, '')} |"
        if isinstance(value, Sequence) and not isinstance(value, str):
            yield from parts_of(f"{before}{key}", value[0])


def parts_of(name: str, part: object) -> Iterator[str]:
    if not isinstance(part, Mapping):
        return
    names = [f"`{one}`" for one in names_within(part)]
    yield f"| within `{name}` | {', '.join(names)} |"


def names_within(part: Mapping[str, object], before: str = "") -> Iterator[str]:
    for key, value in part.items():
        if isinstance(value, Mapping):
            yield from names_within(value, f"{before}{key}.")
        else:
            yield f"{before}{key}"


MEANINGS = {
    "headline": "what happened, in one line",
    "reason": "why, in a sentence or some lines",
    "text": "all that there is to say, as plain text",
    "status": "`started`, `succeeded`, `succeeded with warnings`, `failed`, `errored`, `canceled`, "
    "`missed`, `recovered` or `deactivated`",
    "severity": "`neutral`, `good`, `warning` or `bad`",
    "is_failure": "whether something failed, or was missed",
    "is_success": "whether a run succeeded",
    "key": "equal for all messages about a job in an environment",
    "event.id": "equal on every attempt",
    "event.type": "such as `job.run.completed`",
    "event.at": "when it happened, as `2026-03-01T04:04:14Z`; so are the other times",
    "run.url": "the run's page, where `RUNHOOK_PUBLIC_URL` is set",
    "run.reason": "why it was started",
    "run.seconds": "how long it took",
    "trigger.url": "what started it, such as a CI system's page",
    "trigger.system": "the scheduler or CI system",
    "facts": "a list: what messages to people have beside the headline",
    "links": "a list: where to go on reading",
    "nodes": "a list: the nodes that failed, or warned in a run that succeeded; at most ten",
    "more_nodes": "how many there are beside these",
    "total_nodes": "how many there are",
}
