"""The form that a webhook is created and changed with."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from runhook.domain.declaring import Use, written
from runhook.domain.destinations import AddressPolicy, check_url
from runhook.domain.errors import InvalidError
from runhook.domain.events import EventType
from runhook.domain.numbers import NO_ID, id_in
from runhook.domain.options import NO_OPTIONS, OPTIONS, Options, changed_options
from runhook.domain.runs import EnvironmentId, JobId, ProjectId
from runhook.domain.samples import sample_event
from runhook.domain.webhooks import (
    Webhook,
    check_description,
    check_event_types,
    check_webhook_name,
)
from runhook.operations.ids import new_delivery_id, new_webhook_id
from runhook.operations.subscribe import WebhookChange
from runhook.outbound.sender import Sender
from runhook.server.request import AnyRequest
from runhook.server.services import Services
from runhook.server.web.forms import Form
from runhook.server.web.option_fields import (
    field_value,
    fields_of,
    fill_form,
    leaves,
    ticked_names,
    typed_names,
)
from runhook.storage.accounts import Account
from runhook.storage.jobs import Choice, NameOrder, list_environments, list_jobs, list_projects
from runhook.storage.pages import Slice
from runhook.storage.store import Transaction

OPTION_FIELDS = fields_of(one for one in OPTIONS if one.name not in {"format", "format_settings"})
FIELDS = ("name", "description", "client_url", "do", *typed_names(OPTION_FIELDS))
CHOICES = ("event_types", "job_ids", "project_ids", "environment_ids", *ticked_names(OPTION_FIELDS))
OFFERED = 500
"""So many jobs, projects and environments stand in the form; more are set by the API."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a webhook can be narrowed to: ids with names, and where that is."""

    jobs: list[tuple[int, str, str]]
    projects: list[tuple[int, str, str]]
    environments: list[tuple[int, str, str]]


async def load_scopes(tx: Transaction, account: Account) -> Scopes:
    """Jobs, projects and environments of an account, by name."""
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
    """Form of a new webhook."""
    form = Form(dict.fromkeys(FIELDS, ""), {name: [] for name in CHOICES})
    options = Options(payload_version=account.default_payload_version)
    fill_form(form, OPTION_FIELDS, written(options))
    return form


def webhook_form(webhook: Webhook) -> Form:
    """Form of a webhook as it is, its secrets masked."""
    form = Form(
        {
            "name": webhook.name,
            "description": webhook.description,
            "client_url": webhook.client_url,
            "do": "",
        },
        {
            "event_types": [one.value for one in webhook.event_types],
            "job_ids": [str(one) for one in webhook.job_ids],
            "project_ids": [str(one) for one in webhook.project_ids],
            "environment_ids": [str(one) for one in webhook.environment_ids],
        },
    )
    fill_form(form, OPTION_FIELDS, written(webhook.options))
    return form


async def sent_form(request: AnyRequest) -> Form:
    """The form as it was sent."""
    return await Form.sent_with(request, *FIELDS, many=CHOICES)


def checked_change(form: Form, policy: AddressPolicy) -> WebhookChange | None:
    """The requested change; None if the form has errors, which are noted in it."""
    form.check("name", check_webhook_name)
    form.check("description", check_description)
    form.check("client_url", lambda text: check_url(text, policy))
    try:
        check_event_types(form.chosen["event_types"])
    except InvalidError:
        form.refuse("event_types", "Choose at least one event.")
    options = typed_options(form)
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
        options=options,
    )


def typed_options(form: Form) -> dict[str, object]:
    """Options in the form as JSON; errors are noted in the form."""
    given = {}
    for field in OPTION_FIELDS:
        try:
            given[field.name] = field_value(form, field)
            field.option.read(given[field.name])
        except InvalidError as error:
            form.refuse_invalid(error)
    return given


def numbers(texts: Collection[str]) -> list[int]:
    """Parse ids; malformed ones become an id that nothing has, so that it is refused as unknown."""
    return [id_in(one) or NO_ID for one in texts]


def is_advanced(form: Form) -> bool:
    """Whether something is filled in, or wrong, among what few webhooks need."""
    advanced = [one for one in OPTION_FIELDS if one.option.is_advanced]
    usual = Form({}, {})
    fill_form(usual, advanced, written(NO_OPTIONS))
    return any(
        one.name in form.errors
        or form.values.get(one.name) != usual.values.get(one.name)
        or form.chosen.get(one.name) != usual.chosen.get(one.name)
        for one in [*advanced, *leaves(advanced)]
    )


async def check_endpoint(form: Form, sender: Sender) -> None:
    """Note what is wrong with the endpoint's host as name servers know it now; nothing is sent."""
    if "client_url" in form.errors:
        return
    obstacle = await sender.look_up(form["client_url"].strip())
    if obstacle is not None:
        form.refuse("client_url", obstacle)


def samples_of(form: Form, services: Services, account: Account) -> Mapping[str, bytes]:
    """Sample payloads for the webhook in the form, by event type."""
    now = services.clock.now()
    known = [one for one in EventType if one.value in form.chosen["event_types"]]
    known = known or [EventType.COMPLETED]
    webhook = Webhook(
        id=new_webhook_id(now),
        account_id=account.id,
        name=form["name"].strip() or "My webhook",
        client_url="",
        event_types=tuple(known),
        options=changed_options(
            Options(payload_version=account.default_payload_version), published_options(form)
        ),
        created_at=now,
        updated_at=now,
    )
    samples = {one: replace(webhook, event_types=(one,)) for one in known}
    return {
        one.value: like.rendered(
            sample_event(like, now=now),
            new_delivery_id(now, 0),
            public_url=services.public_url,
        ).body
        for one, like in samples.items()
    }


def published_options(form: Form) -> Mapping[str, object]:
    """Readable options in the form that a payload depends on."""
    return {
        field.name: field_value(form, field)
        for field in OPTION_FIELDS
        if field.option.use is Use.PUBLISHING and field.name not in form.errors
    }
