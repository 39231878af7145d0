"""The pages of webhooks: listed, created, changed, tried out, switched off and on, deleted."""

from datetime import datetime, timedelta

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.deliveries.attempt_counts import HOUR, hour_of
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.messages.telling import WebhookId
from runhook.domain.numbers import number_in
from runhook.domain.people.permissions import Permission
from runhook.domain.webhooks.incidents import idle_warning, left_open_warning
from runhook.domain.webhooks.signature import SIGNATURE_HEADER, Secret
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.webhooks.send_test import send_test
from runhook.operations.webhooks.subscribe import (
    ChangedWebhook,
    WebhookChange,
    change_webhook,
    count_idle,
    count_left_open,
    remove_webhook,
    renew_secret,
)
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.deliveries.logs import log_page
from runhook.server.web.page.forms import Form
from runhook.server.web.page.once import done, show_once, shown_once
from runhook.server.web.page.rendering import see
from runhook.server.web.page.said import Done
from runhook.server.web.page.showing import how_many
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.webhooks.charts import overview_of, sparkline
from runhook.server.web.webhooks.chips import option_chips
from runhook.server.web.webhooks.marks import marks_of
from runhook.server.web.webhooks.snippets import snippets
from runhook.storage.deliveries.consuming import progress_of
from runhook.storage.deliveries.mail_pauses import find_held_up
from runhook.storage.deliveries.rows import find_last_failure
from runhook.storage.deliveries.unsent import count_pending
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import count_webhooks, find_webhook, list_webhooks
from runhook.storage.webhooks.statistics import count_by_hour, list_attempt_counts

A_PAGE = 100
SECTION = "webhooks"
MOST_JOBS = 10_000_000
MOST_PENDING = 10_000
"""So many pending deliveries are counted."""
DAY = timedelta(hours=24)
PERIODS = {"24h": DAY, "7d": timedelta(days=7), "30d": timedelta(days=30)}
"""What the overview can be about."""


@get("/webhooks", **needs(Permission.READ_WEBHOOKS))
async def show_webhooks(services: Serving, visit: Visiting, number: FromQuery[int] = 1) -> Template:
    """List the account's webhooks and how each did in the last 24 hours."""
    number = min(max(number, 1), 10_000)
    now = services.clock.now()
    async with services.store.read() as tx:
        webhooks = await list_webhooks(
            tx, visit.account_id, limit=A_PAGE, offset=(number - 1) * A_PAGE
        )
        total = await count_webhooks(tx, visit.account_id)
        counted = await count_by_hour(
            tx, visit.account_id, [one.id for one in webhooks], since=since(DAY, now)
        )
        consumed = [one.id for one in webhooks if one.is_consumed]
        progresses = await progress_of(tx, visit.account_id, consumed) if consumed else {}
    # One scale for all: a busy webhook is seen to be one.
    most = max((one.succeeded + one.failed for ones in counted.values() for one in ones), default=0)
    return visit.page(
        "webhooks/list",
        section=SECTION,
        webhooks=webhooks,
        progresses=progresses,
        sparklines={
            one.id: sparkline(counted.get(one.id, ()), now=now, most=most) for one in webhooks
        },
        number=number,
        pages=-(-total // A_PAGE),
    )


@get("/webhooks/{webhook_id:str}", **needs(Permission.READ_WEBHOOKS))
async def show_webhook(
    request: AnyRequest,
    services: Serving,
    visit: Visiting,
    webhook_id: FromPath[str],
    *,
    period: FromQuery[str] = "24h",
    left_open: FromQuery[int] = 0,
) -> Template:
    """Show a webhook: how it does, and its Recent Deliveries."""
    now = services.clock.now()
    async with services.store.read() as tx:
        webhook = await known_webhook(tx, visit, webhook_id)
        log = await log_page(request.query_params, tx, services, visit, webhook=webhook)
        progress = (await progress_of(tx, visit.account_id, [webhook.id])).get(webhook.id)
        idle = await count_idle(tx, webhook)
        held_up = (await find_held_up(tx, [webhook])).get(webhook.id)
        is_failing = webhook.health.failing_since is not None
        failure = await find_last_failure(tx, visit.account_id, webhook.id) if is_failing else None
        begin = since(PERIODS.get(period, DAY), now)
        counted = await list_attempt_counts(tx, visit.account_id, webhook.id, since=begin)
        end = hour_of(now) + HOUR
        marks = await marks_of(tx, visit.account_id, webhook, since=begin, until=end)
    overview = overview_of(counted, since=begin, until=end)
    return visit.page(
        "webhooks/show",
        section=SECTION,
        webhook=webhook,
        chips=option_chips(webhook.options),
        log=log,
        progress=progress,
        overview=overview,
        marks=marks,
        failure=failure,
        held_up=held_up,
        idle_warning=idle_warning(webhook.format_title, idle),
        warning=left_open_warning(webhook.format_title, min(max(left_open, 0), MOST_JOBS)),
        period=period if period in PERIODS else "24h",
        periods=list(PERIODS),
    )


@get("/webhooks/{webhook_id:str}/settings", **needs(Permission.WRITE_WEBHOOKS))
async def show_settings(services: Serving, visit: Visiting, webhook_id: FromPath[str]) -> Template:
    """Show what is done to a webhook as a whole: rotate its secret, switch it, delete it."""
    async with services.store.read() as tx:
        webhook = await known_webhook(tx, visit, webhook_id)
    return await settings_page(services, visit, webhook, Form({"name": "", "grace_days": "1"}))


@post("/webhooks/{webhook_id:str}/secret", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def rotate(
    request: AnyRequest, services: Serving, visit: Visiting, webhook_id: FromPath[str]
) -> Template | Redirect:
    """Give a webhook a new secret, and show it this once."""
    form = await Form.sent_with(request, "grace_days", "name")
    days = number_in(form["grace_days"])
    try:
        webhook, secret = await renew_secret(
            services.context(visit.caller.actor),
            visit.account_id,
            WebhookId(webhook_id),
            grace_days=-1 if days is None else days,
        )
    except InvalidError:
        form.refuse("grace_days", "Give 0 to 7 days.")
        async with services.store.read() as tx:
            webhook = await known_webhook(tx, visit, webhook_id)
        return await settings_page(services, visit, webhook, form)
    return secret_once(request, services, visit, webhook, secret, is_new=False)


@get("/webhooks/{webhook_id:str}/secret", **needs(Permission.WRITE_WEBHOOKS))
async def show_secret(
    request: AnyRequest, services: Serving, visit: Visiting, webhook_id: FromPath[str]
) -> Template | Redirect:
    """Show a secret that was just made, this once."""
    async with services.store.read() as tx:
        webhook = await known_webhook(tx, visit, webhook_id)
    shown = shown_once(request, services)
    if not shown:
        return see(f"{visit.root}/webhooks/{webhook.id}")
    return secret_page(visit, webhook, shown["secret"], is_new=shown["is_new"] == "yes")


@post("/webhooks/{webhook_id:str}/test", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def test_endpoint(services: Serving, visit: Visiting, webhook_id: FromPath[str]) -> Redirect:
    """Send a test, and show the whole exchange."""
    tried = await send_test(
        services.context(visit.caller.actor),
        services.sender,
        visit.account_id,
        WebhookId(webhook_id),
        lease=services.lease,
        public_url=services.public_url,
    )
    return see(f"{visit.root}/deliveries/{tried.delivery_id}")


@post("/webhooks/{webhook_id:str}/activate", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def activate(
    request: AnyRequest, services: Serving, visit: Visiting, webhook_id: FromPath[str]
) -> Redirect:
    """Switch a webhook on."""
    await change_with(services, visit, webhook_id, WebhookChange(active=True))
    return done(request, services, f"{visit.root}/webhooks/{webhook_id}", Done.ACTIVATED)


@post("/webhooks/{webhook_id:str}/deactivate", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def deactivate(
    request: AnyRequest, services: Serving, visit: Visiting, webhook_id: FromPath[str]
) -> Redirect:
    """Deactivate a webhook; its pending deliveries are canceled."""
    await change_with(services, visit, webhook_id, WebhookChange(active=False))
    return done(request, services, f"{visit.root}/webhooks/{webhook_id}", Done.DEACTIVATED)


@post("/webhooks/{webhook_id:str}/delete", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def delete(
    request: AnyRequest, services: Serving, visit: Visiting, webhook_id: FromPath[str]
) -> Template | Redirect:
    """Delete a webhook whose name was typed."""
    form = await Form.sent_with(request, "name", "grace_days")
    async with services.store.read() as tx:
        webhook = await known_webhook(tx, visit, webhook_id)
    if form["name"].strip() != webhook.name:
        form.refuse("name", "Type the webhook's name as it is written above.")
        form.values["grace_days"] = "1"
        return await settings_page(services, visit, webhook, form)
    await remove_webhook(
        services.context(visit.caller.actor), visit.account_id, WebhookId(webhook_id)
    )
    return done(request, services, f"{visit.root}/webhooks", Done.WEBHOOK_DELETED)


def since(period: timedelta, now: datetime) -> datetime:
    """Start of a period of whole hours, including the present one."""
    return hour_of(now) + HOUR - period


async def change_with(
    services: Serving, visit: Visit, webhook_id: str, change: WebhookChange
) -> ChangedWebhook:
    """Change a webhook of the account."""
    return await change_webhook(
        services.context(visit.caller.actor), visit.account_id, WebhookId(webhook_id), change
    )


async def known_webhook(tx: Transaction, visit: Visit, webhook_id: str) -> Webhook:
    """Find a webhook of the account.

    Raises:
        NotFoundError: there is none.
    """
    webhook = await find_webhook(tx, visit.account_id, WebhookId(webhook_id))
    if webhook is None:
        raise NotFoundError
    return webhook


async def settings_page(services: Serving, visit: Visit, webhook: Webhook, form: Form) -> Template:
    """Page of actions on a webhook as a whole."""
    async with services.store.read() as tx:
        left_open = await count_left_open(tx, webhook, None)
        pending = await count_pending(tx, webhook.id, limit=MOST_PENDING + 1)
    return visit.page(
        "webhooks/settings",
        section=SECTION,
        status_code=400 if form.errors else 200,
        webhook=webhook,
        loss_while_inactive=loss_of(webhook, pending, left_open, "until it is active again"),
        loss=loss_of(webhook, pending, left_open, "until someone closes them there"),
        form=form,
    )


def loss_of(webhook: Webhook, pending: int, left_open: int, how_long: str) -> str:
    """Say what is lost, or stays open elsewhere, once a webhook sends nothing; empty for nothing.

    Args:
        webhook: that which is deactivated or deleted.
        pending: how many deliveries it has pending, counted up to one more than ``MOST_PENDING``.
        left_open: how many alerts it has opened and not closed.
        how_long: they stay open.
    """
    losses = []
    if pending:
        are = "is" if pending == 1 else "are"
        many = f"More than {MOST_PENDING:,} pending deliveries"
        named = many if pending > MOST_PENDING else pending_words(pending)
        losses.append(f"{named} {are} canceled.")
    if left_open:
        stay = "stays" if left_open == 1 else "stay"
        alerts = how_many(left_open, "alert")
        losses.append(f"{alerts} {stay} open in {webhook.format_title} {how_long}.")
    return " ".join(losses)


def pending_words(count: int) -> str:
    """A number of pending deliveries."""
    return "1 pending delivery" if count == 1 else f"{count:,} pending deliveries"


def secret_once(
    request: AnyRequest,
    services: Services,
    visit: Visit,
    webhook: Webhook,
    secret: Secret,
    *,
    is_new: bool,
) -> Redirect:
    """Send a browser on to the page that shows a secret, this once."""
    path = f"{visit.root}/webhooks/{webhook.id}/secret"
    texts = {"secret": secret.reveal(), "is_new": "yes" if is_new else "no"}
    return show_once(request, services, path, texts)


def secret_page(visit: Visit, webhook: Webhook, secret: str, *, is_new: bool) -> Template:
    """Page that shows a secret, this once."""
    header = SIGNATURE_HEADER if webhook.options.authorization else "Authorization"
    return visit.page(
        "webhooks/secret",
        section=SECTION,
        webhook=webhook,
        secret=secret,
        header=header,
        snippets=snippets(secret),
        is_new=is_new,
    )


handlers = [
    show_webhooks,
    show_webhook,
    show_settings,
    rotate,
    show_secret,
    test_endpoint,
    activate,
    deactivate,
    delete,
]
