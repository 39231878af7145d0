"""The pages on which a webhook is created and changed, with a sample of what it would send."""

from dataclasses import replace

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.errors import ConflictError, InvalidError
from runhook.domain.formats import DEFAULT, FORMATS
from runhook.domain.messages.telling import WebhookId
from runhook.domain.people.permissions import Permission
from runhook.domain.webhooks.samples import SAMPLE_SETTINGS
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.ids import new_webhook_id
from runhook.operations.webhooks.subscribe import change_webhook, count_left_open, create_webhook
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.page.forms import WHOLE, Form
from runhook.server.web.page.once import done, seal_once, sent_once
from runhook.server.web.page.said import Done
from runhook.server.web.page.showing import EVENT_NAMES
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.webhooks import form as webhook_forms
from runhook.server.web.webhooks.pages import SECTION, known_webhook, secret_once
from runhook.server.web.webhooks.previews import latest_run

NOT_SAVED = (
    "Nothing is saved yet. The audit log says what was changed; save again to replace it with what "
    "is below."
)
ONLY_SHOWN = frozenset({"check", "sample", "find"})
"""What the buttons that save nothing send as `do`."""


@get("/webhooks/new", **needs(Permission.WRITE_WEBHOOKS))
async def show_new_webhook(
    services: Serving,
    visit: Visiting,
    format: FromQuery[str] = "",  # noqa: A002 - the parameter's name in addresses
) -> Template:
    """Ask what a new webhook shall be: in which format first."""
    form = webhook_forms.blank_form(visit.account, format if format in FORMATS else DEFAULT)
    form.values["once"] = seal_once(services, f"{visit.root}/webhooks/new")
    return await webhook_form_page(services, visit, form, None, is_choosing=not format)


@post("/webhooks/new", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def create(request: AnyRequest, services: Serving, visit: Visiting) -> Template | Redirect:
    """Create a webhook, and show its secret this once; or only show what was typed.

    One whose requests are not signed has no use for a secret.
    """
    form = await webhook_forms.sent_form(request)
    if is_only_shown(form):
        return await shown_again(services, visit, form, None)
    change = webhook_forms.asked_change(form)
    if change is not None:
        try:
            webhook, secret = await create_webhook(
                services.context(visit.caller.actor),
                visit.account_id,
                change,
                webhook_id=kept_id(services, visit, form),
            )
        except InvalidError as error:
            form.refuse_invalid(error)
        except ConflictError as error:
            form.refuse(WHOLE, error.message)
        else:
            if not webhook.is_signed:
                path = f"{visit.root}/webhooks/{webhook.id}"
                return done(request, services, path, Done.WEBHOOK_CREATED)
            return secret_once(request, services, visit, webhook, secret, is_new=True)
    webhook_forms.note_faults(form, services.policy)
    return await webhook_form_page(services, visit, form, None)


def kept_id(services: Services, visit: Visit, form: Form) -> WebhookId | None:
    """The id that was kept for the webhook of a form; None if it is too old."""
    once = sent_once(services, f"{visit.root}/webhooks/new", form)
    if once is None:
        return None
    opened_at, chance = once
    return new_webhook_id(opened_at, chance[:16])


@get("/webhooks/{webhook_id:str}/edit", **needs(Permission.WRITE_WEBHOOKS))
async def show_edit(services: Serving, visit: Visiting, webhook_id: FromPath[str]) -> Template:
    """Show everything that can be changed of a webhook."""
    async with services.store.read() as tx:
        webhook = await known_webhook(tx, visit, webhook_id)
    return await webhook_form_page(services, visit, webhook_forms.webhook_form(webhook), webhook)


@post("/webhooks/{webhook_id:str}/edit", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def edit(
    request: AnyRequest, services: Serving, visit: Visiting, webhook_id: FromPath[str]
) -> Template | Redirect:
    """Change a webhook, or only show what was typed."""
    async with services.store.read() as tx:
        webhook = await known_webhook(tx, visit, webhook_id)
    form = await webhook_forms.sent_form(request, webhook.options.format)
    if is_only_shown(form):
        return await shown_again(services, visit, form, webhook)
    change = webhook_forms.asked_change(form)
    if change is not None:
        try:
            changed = await change_webhook(
                services.context(visit.caller.actor),
                visit.account_id,
                WebhookId(webhook_id),
                replace(change, seen=webhook_forms.seen_in(form)),
            )
        except InvalidError as error:
            form.refuse_invalid(error)
        except ConflictError as error:
            form.refuse(WHOLE, f"{error.message} {NOT_SAVED}")
            async with services.store.read() as tx:
                webhook = await known_webhook(tx, visit, webhook_id)
            form.values["seen"] = webhook.updated_at.isoformat()
        else:
            left_open = f"?left_open={changed.left_open}" if changed.left_open else ""
            path = f"{visit.root}/webhooks/{webhook_id}{left_open}"
            return done(request, services, path, Done.WEBHOOK_SAVED)
    webhook_forms.note_faults(form, services.policy)
    return await webhook_form_page(services, visit, form, webhook)


def is_only_shown(form: Form) -> bool:
    """Whether a form was sent to see something, and not to save it."""
    return form["do"] in ONLY_SHOWN or webhook_forms.is_search(form)


async def shown_again(
    services: Services, visit: Visit, form: Form, webhook: Webhook | None
) -> Template:
    """The form as it was sent, with its sample and the jobs that were searched for.

    What is wrong with it is said only if that was asked.
    """
    is_checked = form["do"] == "check"
    if is_checked:
        webhook_forms.typed_options(form)
        webhook_forms.note_faults(form, services.policy)
        await webhook_forms.check_endpoint(form, services.sender)
    return await webhook_form_page(services, visit, form, webhook, is_checked=is_checked)


async def webhook_form_page(
    services: Services,
    visit: Visit,
    form: Form,
    webhook: Webhook | None,
    *,
    is_checked: bool = False,
    is_choosing: bool = False,
) -> Template:
    """Page on which a webhook is created or changed.

    Args:
        services: where the account's jobs come from.
        visit: whose.
        form: as it was typed.
        webhook: what is changed, None for a new one.
        is_checked: whether the page says that the form was only checked.
        is_choosing: whether the format is still to be chosen.
    """
    form.values["job_searched"] = form["job_search"]
    async with services.store.read() as tx:
        scopes = await webhook_forms.load_scopes(tx, visit.account, form)
        run = await latest_run(tx, visit.account_id)
        left_open = 0 if webhook is None else await count_left_open(tx, webhook, None)
    name = webhook_forms.format_of(form)
    return visit.page(
        "webhooks/edit",
        section=SECTION,
        status_code=400 if form.errors and not is_checked else 200,
        form=form,
        labels=webhook_forms.form_labels(form),
        webhook=webhook,
        left_open=left_open,
        scopes=scopes,
        events=[(one.value, name, one.value) for one, name in EVENT_NAMES.items()],
        payload_fields=webhook_forms.payload_fields(form),
        runs=webhook_forms.runs_fold(form, visit.account),
        advanced=webhook_forms.advanced_fold(form, visit.account),
        is_checked=is_checked,
        is_choosing=is_choosing,
        previews=webhook_forms.previews_in(form, services, visit.account, run),
        has_made_up=webhook is None and name in SAMPLE_SETTINGS,
        formats=FORMATS.values(),
        format=FORMATS[name],
        has_mail=services.policy.has_mail,
        setting_fields=webhook_forms.SETTING_FIELDS[name],
        has_own_address=webhook_forms.has_own_address(name),
    )


handlers = [show_new_webhook, create, show_edit, edit]
