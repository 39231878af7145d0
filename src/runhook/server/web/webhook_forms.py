"""The form that a webhook is created and changed with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from runhook.domain.custom_headers import MASK
from runhook.domain.destinations import AddressPolicy, check_url
from runhook.domain.errors import InvalidError
from runhook.domain.events import EventType
from runhook.domain.numbers import NO_ID, id_in
from runhook.domain.payload import render
from runhook.domain.rate_limits import RateLimit
from runhook.domain.retries import RetrySchedule
from runhook.domain.runs import EnvironmentId, JobId, ProjectId
from runhook.domain.samples import sample_event
from runhook.domain.webhooks import (
    PayloadVersion,
    Webhook,
    check_description,
    check_event_types,
    check_name,
)
from runhook.operations.ids import new_delivery_id, new_webhook_id
from runhook.operations.subscribe import WebhookChange
from runhook.outbound.sender import Sender
from runhook.server.request import AnyRequest
from runhook.server.services import Services
from runhook.server.web.forms import Form
from runhook.storage.accounts import Account
from runhook.storage.jobs import Choice, NameOrder, list_environments, list_jobs, list_projects
from runhook.storage.pages import Slice
from runhook.storage.store import Transaction

FIELDS = (
    "name",
    "description",
    "client_url",
    "payload_version",
    "custom_headers",
    "retry_schedule",
    "rate_limit",
    "do",
)
CHOICES = (
    "event_types",
    "result_filter",
    "include_results",
    "job_ids",
    "project_ids",
    "environment_ids",
)
TICKED = "yes"
"""The value of a box that stands alone."""
OFFERED = 500
"""So many jobs, projects and environments stand in the form; more are set by the API."""
NO_RETRY = "none"


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a webhook can be narrowed to: ids with names, and where that is."""

    jobs: list[tuple[int, str, str]]
    projects: list[tuple[int, str, str]]
    environments: list[tuple[int, str, str]]


async def scopes_of(tx: Transaction, account: Account) -> Scopes:
    """Return an account's jobs, projects and environments, by name."""
    part = Slice(order=NameOrder.NAME, limit=OFFERED)
    jobs = await list_jobs(tx, account.id, Choice(), part)
    projects = await list_projects(tx, account.id, Choice(), part)
    environments = await list_environments(tx, account.id, Choice(), part)
    return Scopes(
        [
            (one.job.id, one.job.name, f"{one.job.project_name} / {one.job.environment_name}")
            for one in jobs.items
        ],
        [(one.id, one.name, "") for one in projects.items],
        [(one.id, one.name, one.project.name) for one in environments.items],
    )


def blank_form(account: Account) -> Form:
    """Return the form of a webhook to be."""
    values = dict.fromkeys(FIELDS, "")
    values["payload_version"] = account.default_payload_version.value
    return Form(values, {name: [] for name in CHOICES})


def form_of(webhook: Webhook) -> Form:
    """Return the form of a webhook as it is; its headers' values are masked."""
    schedule = webhook.retry_schedule
    return Form(
        {
            "name": webhook.name,
            "description": webhook.description,
            "client_url": webhook.client_url,
            "payload_version": webhook.payload_version.value,
            "custom_headers": "\n".join(f"{name}: {MASK}" for name in webhook.header_names),
            "retry_schedule": "" if schedule is None else written(schedule),
            "rate_limit": str(webhook.rate_limit or ""),
            "do": "",
        },
        {
            "event_types": [one.value for one in webhook.event_types],
            "result_filter": [one.value for one in webhook.result_filter],
            "include_results": [TICKED] if webhook.include_results else [],
            "job_ids": [str(one) for one in webhook.job_ids],
            "project_ids": [str(one) for one in webhook.project_ids],
            "environment_ids": [str(one) for one in webhook.environment_ids],
        },
    )


def written(schedule: RetrySchedule) -> str:
    """Return a schedule as the form has it."""
    return ", ".join(f"{pause:g}" for pause in schedule.seconds) or NO_RETRY


async def sent_form(request: AnyRequest) -> Form:
    """Return the form as it was sent."""
    return await Form.sent_with(request, *FIELDS, many=CHOICES)


def checked_change(form: Form, policy: AddressPolicy) -> WebhookChange | None:
    """Return what the form asks for; None if something is wrong, which the form then has."""
    form.check("name", check_name)
    form.check("description", check_description)
    form.check("client_url", lambda text: check_url(text, policy))
    try:
        check_event_types(form.chosen["event_types"])
    except InvalidError:
        form.refuse("event_types", "Choose at least one event.")
    headers = read_headers(form)
    schedule = read_schedule(form)
    rate_limit = read_rate_limit(form)
    if form["payload_version"] not in set(PayloadVersion):
        form.refuse("payload_version", "Choose one of the versions.")
    if form.errors:
        return None
    return WebhookChange(
        name=form["name"],
        description=form["description"],
        client_url=form["client_url"],
        event_types=form.chosen["event_types"],
        job_ids=[JobId(one) for one in numbers(form.chosen["job_ids"])],
        project_ids=[ProjectId(one) for one in numbers(form.chosen["project_ids"])],
        environment_ids=[EnvironmentId(one) for one in numbers(form.chosen["environment_ids"])],
        payload_version=PayloadVersion(form["payload_version"]),
        result_filter=form.chosen["result_filter"],
        include_results=TICKED in form.chosen["include_results"],
        retry_schedule=schedule,
        rate_limit=rate_limit,
        custom_headers=headers,
    )


def numbers(texts: Collection[str]) -> list[int]:
    """Return ids; what is none is one that nothing has, so that it is refused as unknown."""
    return [id_in(one) or NO_ID for one in texts]


def read_headers(form: Form) -> dict[str, str]:
    """Return the headers in the form, one a line."""
    headers: dict[str, str] = {}
    for line in form["custom_headers"].splitlines():
        name, colon, value = line.partition(":")
        if not line.strip():
            continue
        if not colon:
            form.refuse("custom_headers", f"`{line[:40]}` is not of the form `Name: value`.")
        elif name.strip().lower() in {one.lower() for one in headers}:
            form.refuse("custom_headers", f"`{name.strip()[:40]}` is named twice.")
        headers[name.strip()] = value.strip()
    return headers


def read_schedule(form: Form) -> RetrySchedule | None:
    """Return the schedule in the form, None for the service's own."""
    text = form["retry_schedule"].strip()
    if not text:
        return None
    try:
        return RetrySchedule.parse("" if text.lower() == NO_RETRY else text)
    except InvalidError as error:
        form.refuse("retry_schedule", error.sentence)
        return None


def read_rate_limit(form: Form) -> RateLimit | None:
    """Return the rate limit in the form, None for none."""
    text = form["rate_limit"].strip()
    if not text:
        return None
    try:
        return RateLimit.parse(text)
    except InvalidError as error:
        form.refuse("rate_limit", error.sentence)
        return None


async def check_endpoint(form: Form, sender: Sender) -> None:
    """Note what is wrong with the endpoint's host as name servers know it now; nothing is sent."""
    if "client_url" in form.errors:
        return
    obstacle = await sender.look_up(form["client_url"].strip())
    if obstacle is not None:
        form.refuse("client_url", obstacle)


def samples_of(form: Form, services: Services, account: Account) -> Mapping[str, bytes]:
    """Return what deliveries to the webhook that the form describes would hold, by event type."""
    now = services.clock.now()
    known = [one for one in EventType if one.value in form.chosen["event_types"]]
    known = known or [EventType.COMPLETED]
    is_known = form["payload_version"] in set(PayloadVersion)
    webhook = Webhook(
        id=new_webhook_id(now),
        account_id=account.id,
        name=form["name"].strip() or "My webhook",
        client_url="",
        event_types=tuple(known),
        payload_version=PayloadVersion(form["payload_version"])
        if is_known
        else account.default_payload_version,
        include_results=TICKED in form.chosen["include_results"],
        created_at=now,
        updated_at=now,
    )
    samples = {one: replace(webhook, event_types=(one,)) for one in known}
    return {
        one.value: render(
            sample_event(like, now=now),
            like,
            new_delivery_id(now, 0),
            public_url=services.public_url,
        )
        for one, like in samples.items()
    }
