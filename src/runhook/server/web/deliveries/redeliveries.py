"""The pages of redeliveries: counted or picked first, begun, followed, and canceled if need be."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.deliveries.redeliveries import (
    Picked,
    Redelivery,
    RedeliveryId,
    RedeliveryState,
    Selection,
)
from runhook.domain.errors import ConflictError, InvalidError, NotFoundError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.people.permissions import Permission
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.deliveries.redeliver_many import (
    RedeliveryPreview,
    begin_redelivery,
    cancel_redelivery,
    preview_redelivery,
)
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.deliveries.logs import filters_in, log_filter, unsent_states
from runhook.server.web.deliveries.opened import why_not_redeliverable
from runhook.server.web.page.addresses import Sent, value_in, values_in
from runhook.server.web.page.axes import BarPart, bar_parts
from runhook.server.web.page.forms import read_form
from runhook.server.web.page.once import done
from runhook.server.web.page.rendering import see
from runhook.server.web.page.said import Done
from runhook.server.web.page.showing import job_title
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.page.watching import Watched
from runhook.storage.deliveries.redeliveries import find_redelivery, list_redeliveries
from runhook.storage.deliveries.rows import LoggedDelivery, find_deliveries
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.board import find_on_board
from runhook.storage.webhooks.rows import list_webhooks_with_deleted

SECTION = "deliveries"
LISTED = 50
MARGIN = timedelta(minutes=1)
"""Time between the retention limit and a count's start, so that none is pruned meanwhile."""


@dataclass(frozen=True, slots=True)
class RedeliveryRequest:
    """What a page asks to be redelivered, and what of it cannot be answered."""

    selection: Selection | Picked
    problems: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PickedDelivery:
    """A delivery among those that were ticked."""

    delivery: LoggedDelivery
    webhook_name: str
    refusal: str
    """Why it cannot be redelivered now; empty if it can."""


@get("/redeliveries", **needs(Permission.READ_WEBHOOKS))
async def show_redeliveries(
    services: Serving, visit: Visiting, number: FromQuery[int] = 1
) -> Template:
    """List the account's redeliveries, the newest first."""
    number = min(max(number, 1), 10_000)
    async with services.store.read() as tx:
        found = await list_redeliveries(
            tx, visit.account_id, limit=LISTED + 1, offset=(number - 1) * LISTED
        )
    return visit.page(
        "redeliveries/list",
        section=SECTION,
        redeliveries=found[:LISTED],
        number=number,
        has_more=len(found) > LISTED,
    )


@get("/redeliveries/new", **needs(Permission.WRITE_WEBHOOKS))
async def show_count(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Count what a redelivery would be about, and ask whether to begin it."""
    asked = requested_redelivery(request.query_params, services)
    problems = list(asked.problems)
    preview = None
    if not problems:
        try:
            preview = await preview_redelivery(
                services.store,
                visit.account_id,
                asked.selection,
                retention=services.retention,
                clock=services.clock,
            )
        except InvalidError as error:
            problems.append(error.sentence)
    async with services.store.read() as tx:
        job = await job_in(tx, visit, asked.selection)
    return count_page(visit, asked.selection, preview, problems, job=job)


@get("/redeliveries/picked", **needs(Permission.WRITE_WEBHOOKS))
async def show_picked(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Show the deliveries that were ticked, and ask whether to redeliver those that can be."""
    async with services.store.read() as tx:
        picked = await picked_of(tx, visit, ticked_in(request.query_params))
    return visit.page("redeliveries/picked", section=SECTION, picked=picked)


@post("/redeliveries", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def begin(request: AnyRequest, services: Serving, visit: Visiting) -> Template | Redirect:
    """Begin a redelivery; it goes on by itself."""
    asked = requested_redelivery(await read_form(request), services)
    problems = list(asked.problems)
    if not problems:
        try:
            redelivery = await begin_redelivery(
                services.context(visit.caller.actor),
                visit.account_id,
                asked.selection,
                retention=services.retention,
            )
        except InvalidError as error:
            problems.append(error.sentence)
        else:
            return see(f"{visit.root}/redeliveries/{redelivery.id}")
    return count_page(visit, asked.selection, None, problems)


@get("/redeliveries/{redelivery_id:str}", **needs(Permission.READ_WEBHOOKS))
async def show_redelivery(
    services: Serving, visit: Visiting, redelivery_id: FromPath[str]
) -> Template:
    """Show how far a redelivery has come."""
    async with services.store.read() as tx:
        begun = await find_redelivery(tx, visit.account_id, RedeliveryId(redelivery_id))
        if begun is None:
            raise NotFoundError
        ids = picked_ids(begun)[:LISTED]
        watched = Watched(redelivery_id=begun.id, delivery_ids=ids)
        sight = await watched.look(tx, visit.account_id)
        found = await find_redelivery(tx, visit.account_id, begun.id) or begun
        webhooks = await webhooks_in(tx, visit, found)
        picked = await picked_of(tx, visit, ids)
        job = await job_in(tx, visit, found.selection)
    live = watched.address(visit.root, sight)
    return redelivery_page(visit, found, webhooks, picked, job=job, live=live)


@post(
    "/redeliveries/{redelivery_id:str}/cancel",
    status_code=200,
    **needs(Permission.WRITE_WEBHOOKS),
)
async def cancel(
    request: AnyRequest, services: Serving, visit: Visiting, redelivery_id: FromPath[str]
) -> Redirect:
    """End a redelivery before its time."""
    # It may have finished while the page was read; the page says so now.
    with suppress(ConflictError):
        await cancel_redelivery(
            services.context(visit.caller.actor), visit.account_id, RedeliveryId(redelivery_id)
        )
        return done(request, services, f"{visit.root}/redeliveries/{redelivery_id}", Done.CANCELED)
    return see(f"{visit.root}/redeliveries/{redelivery_id}")


def requested_redelivery(sent: Sent, services: Services) -> RedeliveryRequest:
    """Selection: ticked deliveries, or undelivered ones that match a log's filters."""
    ticked = ticked_in(sent)
    if ticked:
        return RedeliveryRequest(Picked(tuple(ticked)), [])
    now = services.clock.now()
    problems: list[str] = []
    query = filters_in(sent)
    chosen = log_filter(query, now, problems)
    states = unsent_states(list(chosen.states))
    if not states:
        problems.append("Deliveries that arrived or wait are not redelivered in bulk.")
    return RedeliveryRequest(
        Selection(
            since=since_of(chosen.since, now, services.retention),
            until=chosen.until,
            states=states,
            webhook_id=WebhookId(value_in(sent, "webhook")) or None,
            event_types=tuple(chosen.event_types),
            job_id=chosen.job_id,
            run_id=chosen.run_id,
            code_class=chosen.code_class,
        ),
        problems,
    )


def ticked_in(sent: Sent) -> Sequence[DeliveryId]:
    """Deliveries that were ticked."""
    return [DeliveryId(one) for one in values_in(sent, "delivery")]


def since_of(asked: datetime | None, now: datetime, retention: timedelta) -> datetime:
    """Start of a selection; if not given, or a preset, where the log begins."""
    earliest = now - retention
    if asked is None or earliest <= asked < earliest + MARGIN:
        return earliest + MARGIN
    return asked


def count_page(
    visit: Visit,
    selection: Selection | Picked,
    preview: RedeliveryPreview | None,
    problems: Sequence[str],
    *,
    job: str = "",
) -> Template:
    """Page that asks whether to begin."""
    counts = preview.counts if preview else []
    return visit.page(
        "redeliveries/new",
        section=SECTION,
        status_code=400 if problems else 200,
        selection=preview.selection if preview else selection,
        preview=preview,
        job=job,
        sendable=sum(count for webhook, count in counts if webhook.active),
        total=sum(count for _, count in counts),
        problem=" ".join(problems),
    )


def redelivery_page(
    visit: Visit,
    redelivery: Redelivery,
    webhooks: Sequence[Webhook],
    picked: Sequence[PickedDelivery],
    *,
    job: str,
    live: str,
) -> Template:
    """Page of a redelivery that has begun."""
    passed_over = sum(redelivery.passed_over.values())
    return visit.page(
        "redeliveries/show",
        section=SECTION,
        redelivery=redelivery,
        job=job,
        live=live,
        picked=picked,
        picked_count=len(picked_ids(redelivery)),
        webhooks={one.id: one for one in webhooks},
        passed_over=passed_over,
        to_come=max(redelivery.total - redelivery.queued - passed_over, 0)
        if redelivery.state is RedeliveryState.RUNNING
        else 0,
        parts=progress_parts(redelivery),
    )


@dataclass(frozen=True, slots=True)
class ProgressPart:
    """So many deliveries of a redelivery, as a piece of the bar of all."""

    name: str
    look: str
    count: int
    share: BarPart


def progress_parts(redelivery: Redelivery) -> Sequence[ProgressPart]:
    """States of a redelivery's deliveries, side by side."""
    progress, passed_over = redelivery.progress, sum(redelivery.passed_over.values())
    to_come = redelivery.total - redelivery.queued - passed_over
    counted = [
        ("arrived", "succeeded", progress.arrived),
        ("failed", "failed", progress.failed),
        ("waiting", "running", progress.waiting),
        ("canceled or superseded", "canceled", progress.dropped),
        ("counted elsewhere", "none", progress.elsewhere),
        ("skipped", "canceled", passed_over),
        ("not queued yet", "none", to_come if redelivery.state is RedeliveryState.RUNNING else 0),
    ]
    shown = [one for one in counted if one[2] > 0]
    shares = bar_parts([count for _, _, count in shown])
    return [
        ProgressPart(name, look, count, share)
        for (name, look, count), share in zip(shown, shares, strict=True)
    ]


def picked_ids(redelivery: Redelivery) -> Sequence[DeliveryId]:
    """Deliveries that were picked one by one; empty for a selection by filter."""
    selection = redelivery.selection
    return selection.delivery_ids if isinstance(selection, Picked) else ()


async def job_in(tx: Transaction, visit: Visit, selection: Selection | Picked) -> str:
    """What the job is called that a selection is narrowed to; empty if it is to none."""
    if isinstance(selection, Picked) or selection.job_id is None:
        return ""
    found = await find_on_board(tx, visit.account_id, selection.job_id)
    return job_title(found.job) if found else ""


async def webhooks_in(tx: Transaction, visit: Visit, redelivery: Redelivery) -> Sequence[Webhook]:
    """Webhooks of a redelivery, including those deleted meanwhile."""
    ids = [share.webhook_id for share in redelivery.shares]
    return await list_webhooks_with_deleted(tx, visit.account_id, ids)


async def picked_of(
    tx: Transaction, visit: Visit, ids: Sequence[DeliveryId]
) -> Sequence[PickedDelivery]:
    """The account's deliveries among those that were ticked, the newest first."""
    found = await find_deliveries(tx, visit.account_id, ids)
    webhook_ids = {one.webhook_id for one in found}
    named = await list_webhooks_with_deleted(tx, visit.account_id, webhook_ids)
    webhooks = {one.id: one for one in named}
    return [
        PickedDelivery(
            delivery=one,
            webhook_name=webhooks[one.webhook_id].name,
            refusal=why_not_redeliverable(one, webhooks[one.webhook_id]),
        )
        for one in found
    ]


handlers = [show_redeliveries, show_count, show_picked, begin, show_redelivery, cancel]
