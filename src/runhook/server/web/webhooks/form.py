"""The form that a webhook is created and changed with."""

from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, TypeVar, cast

from runhook.domain.errors import InvalidError
from runhook.domain.formats import DEFAULT, FORMATS
from runhook.domain.formats.format import Format, MessageFormat
from runhook.domain.network.destinations import AddressPolicy, check_own_address, check_url
from runhook.domain.numbers import NO_ID, id_in
from runhook.domain.options.declaring import Use, masked, options_in, written
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import EnvironmentId, JobId, ProjectId, Run
from runhook.domain.webhooks.consumers import check_consumer_url
from runhook.domain.webhooks.format_settings import settings_in
from runhook.domain.webhooks.incidents import usual_notify
from runhook.domain.webhooks.options import OPTIONS, Notify, Options, changed_options
from runhook.domain.webhooks.samples import SAMPLE_SETTINGS
from runhook.domain.webhooks.webhook import (
    CONSUME,
    Webhook,
    check_description,
    check_event_types,
    check_webhook_name,
)
from runhook.operations.ids import new_webhook_id
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.outbound.sender import Sender
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services
from runhook.server.web.page.forms import Form
from runhook.server.web.page.showing import EVENT_NAMES, how_many
from runhook.server.web.webhooks.option_fields import (
    Field,
    field_value,
    fill_form,
    form_fields,
    leaves,
    ticked_names,
    typed_names,
)
from runhook.server.web.webhooks.previews import Preview, previews_of
from runhook.storage.engine.pages import Page, Slice
from runhook.storage.engine.store import Transaction
from runhook.storage.people.accounts import Account
from runhook.storage.runs.jobs import (
    Environment,
    NameOrder,
    Project,
    ScopeFilter,
    list_environments,
    list_named_jobs,
    list_projects,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Scope = TypeVar("Scope", bound=Project | Environment)

OPTION_FIELDS = form_fields(one for one in OPTIONS if one.name not in {"format", "format_settings"})
SETTING_FIELDS = {
    name: form_fields(options_in(cast("type[DataclassInstance]", one.settings)), "format_settings.")
    for name, one in FORMATS.items()
}
PAYLOAD_OPTIONS = frozenset({"payload_version", "include_results"})
"""What formats do without that are made from the neutral message."""
FIELDS = (
    *("name", "description", "client_url", "format", "do", "seen", "once"),
    *("job_search", "job_searched"),
)
SCOPES = {"job_ids": "job", "project_ids": "project", "environment_ids": "environment"}
"""What a webhook can be narrowed to: the fields, with what they count."""
CHOICES = ("event_types", *SCOPES)
LABELS = {
    "name": "Name",
    "client_url": "Endpoint",
    "description": "Description",
    "event_types": "Events",
    "job_ids": "Jobs",
    "project_ids": "Projects",
    "environment_ids": "Environments",
}
"""What the form calls the fields that no option declares."""
OFFERED = 200
"""So many jobs, projects and environments are listed; a search finds others."""
SEARCHED_FROM = 8
"""So many of a kind need no search."""


@dataclass(frozen=True, slots=True)
class Offered:
    """Jobs, projects or environments to choose from.

    Chosen ones come first, then those that match the search.
    """

    options: Sequence[tuple[int, str, str]]
    """Ids with names, and where that is."""
    has_more: bool
    """Whether others match."""
    is_all: bool = False
    """Whether these few are all there are, whatever is searched for."""


@dataclass(frozen=True, slots=True)
class Scopes:
    """What a webhook can be narrowed to."""

    jobs: Offered
    projects: Offered
    environments: Offered

    def is_searched(self, form: Form) -> bool:
        """Whether the form offers a search."""
        longest = max(len(one.options) for one in (self.jobs, self.projects, self.environments))
        return longest > SEARCHED_FROM or bool(form["job_search"])


async def load_scopes(tx: Transaction, account: Account, form: Form) -> Scopes:
    """Jobs, projects and environments that match a form's search, by name."""
    search = form["job_search"].strip()
    chosen = {name: numbers(form.chosen[name]) for name in SCOPES}
    limit = OFFERED + len(chosen["job_ids"])
    first = [JobId(one) for one in chosen["job_ids"]]
    jobs = await list_named_jobs(tx, account.id, search, always=first, limit=limit + 1)
    projects = await offer(
        partial(list_projects, tx, account.id),
        lambda one: (one.id, one.name, ""),
        search=search,
        chosen=chosen["project_ids"],
    )
    environments = await offer(
        partial(list_environments, tx, account.id),
        lambda one: (one.id, one.name, one.project.name),
        search=search,
        chosen=chosen["environment_ids"],
    )
    return Scopes(
        Offered(
            [
                (one.id, one.name, f"{one.project_name} / {one.environment_name}")
                for one in jobs[:limit]
            ],
            len(jobs) > limit,
        ),
        projects,
        environments,
    )


async def offer(
    list_them: Callable[[ScopeFilter, Slice[NameOrder]], Awaitable[Page[Scope]]],
    option_of: Callable[[Scope], tuple[int, str, str]],
    *,
    search: str,
    chosen: Collection[int],
) -> Offered:
    """Offer projects or environments: those of a search, or all of a few."""
    part = Slice(order=NameOrder.NAME, limit=OFFERED)
    every = await list_them(ScopeFilter(), part)
    if every.total <= SEARCHED_FROM:
        return Offered([option_of(one) for one in every.items], has_more=False, is_all=True)
    found = await list_them(ScopeFilter(named_part=search), part) if search else every
    first = (await list_them(ScopeFilter(ids=chosen), part)).items if chosen else []
    options = dict.fromkeys(option_of(one) for one in [*first, *found.items])
    return Offered(list(options), has_more=found.total > len(found.items))


@dataclass(frozen=True, slots=True)
class Fold:
    """A part of the form that can be folded away."""

    fields: Sequence[Field]
    """Those of options."""
    is_open: bool
    words: str
    """What it holds, in a line."""


def payload_fields(form: Form) -> Sequence[Field]:
    """Fields of the options that say what a payload has."""
    return [one for one in option_fields(format_of(form)) if one.name in PAYLOAD_OPTIONS]


def runs_fold(form: Form, account: Account) -> Fold:
    """Which events of which jobs a webhook gets; open unless it is as usual for the format."""
    fields = [
        one
        for one in option_fields(format_of(form))
        if one.option.use is Use.PUBLISHING
        and not one.option.is_advanced
        and one.name not in PAYLOAD_OPTIONS
    ]
    fields.sort(key=lambda one: one.name != "notify")
    names = [*CHOICES, *(one.name for one in [*fields, *leaves(fields)])]
    is_chosen = bool(form.chosen["event_types"])
    is_open = not is_chosen or bool(form["job_search"]) or bool(unusual(form, account, names))
    return Fold(fields, is_open, runs_words(form))


def advanced_fold(form: Form, account: Account) -> Fold:
    """How a webhook is sent, which few change; open if one has."""
    fields = [
        one
        for one in option_fields(format_of(form))
        if one.option.is_advanced or one.option.use is Use.SENDING
    ]
    changed = [
        one.option.label
        for one in fields
        if unusual(form, account, [one.name, *(part.name for part in leaves([one]))])
    ]
    named = changed or [one.option.label for one in fields]
    return Fold(fields, bool(changed), ", ".join([named[0], *map(uncapitalized, named[1:])]))


def unusual(form: Form, account: Account, names: Iterable[str]) -> list[str]:
    """Those of some fields that are wrong, or not as a new webhook of the format has them."""
    usual = blank_form(account, format_of(form))
    return [
        one
        for one in names
        if one in form.errors
        or form.values.get(one) != usual.values.get(one)
        or sorted(form.chosen.get(one, ())) != sorted(usual.chosen.get(one, ()))
    ]


def runs_words(form: Form) -> str:
    """Say which events of which jobs a webhook gets; empty if no event is chosen."""
    told = [EVENT_NAMES[one] for one in EventType if one.value in form.chosen["event_types"]]
    if not told:
        return ""
    if form["notify"] not in ("", Notify.EVERY):
        (notify,) = (one for one in OPTION_FIELDS if one.name == "notify")
        told = [title for word, title in notify.choices if word == form["notify"]]
    chosen = {word: len(set(form.chosen[name])) for name, word in SCOPES.items()}
    where = [how_many(count, word) for word, count in chosen.items() if count]
    return f"{', '.join(where) or 'Every job'}: {', '.join(map(uncapitalized, told))}"


def uncapitalized(words: str) -> str:
    """Words as they stand within a sentence; an abbreviation keeps its capitals."""
    return words if words[1:2].isupper() else words[0].lower() + words[1:]


def form_labels(form: Form) -> Mapping[str, str]:
    """What the form calls its fields, in their order."""
    name = format_of(form)
    fields = [*SETTING_FIELDS[name], *option_fields(name)]
    options = [
        (one.name, one.option.label) for field in fields for one in [field, *leaves(field.parts)]
    ]
    return {**LABELS, **dict(options)}


def is_search(form: Form) -> bool:
    """Whether a form was sent to find jobs: what is searched for is not what was shown."""
    return form["do"] == "find" or form["job_search"].strip() != form["job_searched"].strip()


def option_fields(name: str) -> Sequence[Field]:
    """List the fields of the options that webhooks of a format have, without its settings."""
    format_ = FORMATS[name]
    unused = format_.unused_options
    if isinstance(format_, MessageFormat):
        unused |= PAYLOAD_OPTIONS
    if format_.mentionable is None:
        unused |= {"mention"}
    return [one for one in OPTION_FIELDS if one.name not in unused]


def has_own_address(name: str) -> bool:
    """Whether webhooks of a format need no URL."""
    format_ = FORMATS[name]
    return not format_.takes_url or format_.address(format_.settings()) is not None


def format_of(form: Form) -> str:
    """The name of the format that a form is for."""
    return form["format"] if form["format"] in FORMATS else DEFAULT


def blank_form(account: Account, name: str) -> Form:
    """Form of a new webhook of a format, with what the format has by default."""
    format_ = FORMATS[name]
    form = Form(dict.fromkeys(FIELDS, ""), {one: [] for one in CHOICES})
    form.values["format"] = name
    options = Options(
        payload_version=account.default_payload_version,
        rate_limit=format_.rate_limit,
        notify=usual_notify(name),
    )
    fill_form(form, option_fields(name), written(options))
    fill_form(form, SETTING_FIELDS[name], settings_json(format_.settings()))
    if name != DEFAULT:
        form.values["name"] = format_.title
        form.chosen["event_types"] = [one.value for one in format_.event_types]
    return form


def webhook_form(webhook: Webhook) -> Form:
    """Form of a webhook as it is, its secrets masked."""
    format_ = FORMATS[webhook.options.format]
    form = Form(
        {
            "name": webhook.name,
            "description": webhook.description,
            "client_url": webhook.client_url if format_.takes_url else "",
            "format": webhook.options.format,
            "do": "",
            "seen": webhook.updated_at.isoformat(),
            "once": "",
            "job_search": "",
            "job_searched": "",
        },
        {
            "event_types": [one.value for one in webhook.event_types],
            "job_ids": [str(one) for one in webhook.job_ids],
            "project_ids": [str(one) for one in webhook.project_ids],
            "environment_ids": [str(one) for one in webhook.environment_ids],
        },
    )
    name = webhook.options.format
    fill_form(form, option_fields(name), written(webhook.options))
    fill_form(form, SETTING_FIELDS[name], settings_json(webhook.options.settings))
    return form


def seen_in(form: Form) -> datetime | None:
    """When the webhook had been changed last as the form was opened; None if it does not say."""
    try:
        return datetime.fromisoformat(form["seen"])
    except ValueError:
        return None


def settings_json(settings: object) -> dict[str, object]:
    """Settings of a format as JSON by name."""
    return written(cast("DataclassInstance", settings))


async def sent_form(request: AnyRequest, name: str = "") -> Form:
    """The form as it was sent, for a webhook of a format; for a new one, of the format sent."""
    name = name or format_of(await Form.sent_with(request, "format"))
    fields = [*option_fields(name), *SETTING_FIELDS[name]]
    form = await Form.sent_with(
        request, *FIELDS, *typed_names(fields), many=[*CHOICES, *ticked_names(fields)]
    )
    form.values["format"] = name
    return form


def asked_change(form: Form) -> WebhookChange | None:
    """The requested change, for its operation to check; None if a field cannot be read.

    What cannot be read is noted in the form.
    """
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


def note_faults(form: Form, policy: AddressPolicy) -> None:
    """Note what is wrong with each field: an operation names only the first fault."""
    form.check("name", check_webhook_name)
    form.check("description", check_description)
    note_faulty_options(form)
    check_client_url(form, policy)
    try:
        check_event_types(form.chosen["event_types"])
    except InvalidError:
        form.refuse("event_types", "Choose at least one event.")


def note_faulty_options(form: Form) -> None:
    """Note what is wrong with options and with the settings of the format."""
    name = format_of(form)
    for field in option_fields(name):
        try:
            field.option.read(field_value(form, field))
        except InvalidError as error:
            form.refuse_invalid(error)
    try:
        settings_in(FORMATS[name], typed_settings_json(form) or {})
    except InvalidError as error:
        form.refuse_invalid(error)


def check_client_url(form: Form, policy: AddressPolicy) -> None:
    """Note what is wrong with the endpoint; a format may have an address of its own."""
    if is_consumed(form):
        form.check("client_url", lambda text: check_consumer_url(text.strip(), format_of(form)))
        return
    format_ = FORMATS[format_of(form)]
    settings = typed_settings(form)
    own = None if settings is None else format_.address(settings)
    if form["client_url"].strip() or (own is None and format_.takes_url):
        form.check("client_url", lambda text: format_.check_url(check_url(text, policy)))
    elif own is not None:
        try:
            check_own_address(own, policy)
        except InvalidError as error:
            form.refuse_invalid(error)


def is_consumed(form: Form) -> bool:
    """Whether what is typed where an endpoint stands is the address of a consumer."""
    return form["client_url"].strip().startswith(CONSUME)


def typed_options(form: Form) -> dict[str, object]:
    """Options in the form as JSON, unchecked; what cannot be read is noted in the form."""
    name = format_of(form)
    given: dict[str, object] = {"format": name}
    for field in option_fields(name):
        try:
            given[field.name] = field_value(form, field)
        except InvalidError as error:
            form.refuse_invalid(error)
    try:
        given["format_settings"] = typed_settings_json(form)
    except InvalidError as error:
        form.refuse_invalid(error)
    return given


def typed_settings_json(form: Form) -> dict[str, object] | None:
    """Settings of the format in the form as JSON; None if it has none.

    Raises:
        InvalidError: a value cannot be one.
    """
    fields = SETTING_FIELDS[format_of(form)]
    if not fields:
        return None
    try:
        values = {one.option.name: field_value(form, one) for one in fields}
    except InvalidError as error:
        raise error.within("format_settings") from None
    return {name: value for name, value in values.items() if value is not None}


def shown_settings_json(form: Form) -> dict[str, object]:
    """Settings of the format in the form as JSON, with made-up ones for those that are missing.

    Raises:
        InvalidError: a value cannot be one.
    """
    typed = typed_settings_json(form) or {}
    given = {name: one for name, one in typed.items() if one not in ("", [], {})}
    return {**SAMPLE_SETTINGS.get(format_of(form), {}), **given}


def typed_settings(form: Form) -> object | None:
    """Settings of the format in the form; None if they are not right yet."""
    format_ = FORMATS[format_of(form)]
    try:
        found = settings_in(format_, typed_settings_json(form) or {})
    except InvalidError:
        return None
    return format_.settings() if found is None else found


def numbers(texts: Collection[str]) -> list[int]:
    """Parse ids; malformed ones become an id that nothing has, so that it is refused as unknown."""
    return [id_in(one) or NO_ID for one in texts]


async def check_endpoint(form: Form, sender: Sender) -> None:
    """Note what is wrong with the endpoint's host as name servers know it now; nothing is sent."""
    url = form["client_url"].strip()
    if "client_url" in form.errors or not url or is_consumed(form):
        return
    obstacle = await sender.look_up(url)
    if obstacle is not None:
        form.refuse("client_url", obstacle)


def previews_in(
    form: Form, services: Services, account: Account, run: Run | None
) -> Sequence[Preview]:
    """What the webhook in the form would send; nothing as long as its settings are not right."""
    webhook = unsaved_webhook(form, services, account)
    if webhook is None:
        return ()
    now = services.clock.now()
    return previews_of(webhook, run, now=now, public_url=services.public_url)


def unsaved_webhook(form: Form, services: Services, account: Account) -> Webhook | None:
    """The webhook in the form; None if a setting of its format that is given is not right.

    Options that are not right count as not given. Settings that the format needs and that are not
    given yet have made-up values, so that its messages are seen before.
    """
    now = services.clock.now()
    judged = Form(form.values, form.chosen)
    note_faulty_options(judged)
    format_ = FORMATS[format_of(form)]
    try:
        settings = settings_in(format_, shown_settings_json(form)) or format_.settings()
    except InvalidError:
        return None
    known = [one for one in EventType if one.value in form.chosen["event_types"]]
    url = form["client_url"].strip() or format_.address(settings)
    return Webhook(
        id=new_webhook_id(now),
        account_id=account.id,
        name=form["name"].strip() or "My webhook",
        client_url=url or f"https://{format_.usual_host}",
        event_types=tuple(known or [EventType.COMPLETED]),
        options=changed_options(
            Options(payload_version=account.default_payload_version), published_options(judged)
        ),
        created_at=now,
        updated_at=now,
    )


def published_options(form: Form) -> Mapping[str, object]:
    """Options in the form that a payload depends on, without those that are noted as wrong."""
    name = format_of(form)
    return {
        "format": name,
        "format_settings": masked_settings(FORMATS[name], shown_settings_json(form)),
        **{
            field.name: field_value(form, field)
            for field in option_fields(name)
            if field.option.use is Use.PUBLISHING
            and not form.errors.keys() & {field.name, *(one.name for one in leaves([field]))}
        },
    }


def masked_settings(format_: Format[object], given: Mapping[str, object]) -> dict[str, object]:
    """Mask the secrets in settings, as publishing knows them."""
    settings = settings_in(format_, given)
    return {} if settings is None else settings_json(masked(cast("DataclassInstance", settings)))
