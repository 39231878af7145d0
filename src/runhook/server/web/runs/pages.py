"""The pages of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from runhook.domain.dbt.artifacts import WARNED_STATUS
from runhook.domain.dbt.results import read_node_results, slowest_in
from runhook.domain.errors import NotFoundError
from runhook.domain.messages.links import links_of
from runhook.domain.numbers import id_in, number_in
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.events import Event, EventType
from runhook.domain.runs.run import JobId, Run, RunId, RunStatus
from runhook.domain.runs.steps import steps_of
from runhook.domain.webhooks.unheard import Unheard, unheard_of
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.runs.reports import Cancel
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.page.addresses import address_of, value_in
from runhook.server.web.page.rendering import see
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.page.watching import Watched
from runhook.server.web.runs.run_charts import gantt_of, parts_of, slow_bars
from runhook.storage.deliveries.rows import DeliveryFilter, LoggedDelivery, list_deliveries
from runhook.storage.engine.pages import Slice
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.artifacts import list_artifacts
from runhook.storage.runs.board import find_on_board
from runhook.storage.runs.rows import (
    RunFilter,
    RunOrder,
    find_run,
    list_events,
    list_uncounted_runs,
)
from runhook.storage.webhooks.rows import find_webhooks, list_webhooks

SHOWN = 50
LARGEST_PAGE = 10_000
MOST_WEBHOOKS = 1_000
MOST_DELIVERIES = 100
"""Of one run, on its page."""
STATUSES = {
    "running": [RunStatus.QUEUED, RunStatus.STARTING, RunStatus.RUNNING],
    "succeeded": [RunStatus.SUCCESS],
    "failed": [RunStatus.ERROR],
    "canceled": [RunStatus.CANCELLED],
}


@get("/runs", **needs(Permission.READ_RUNS))
async def show_runs(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """List the account's runs, the newest first."""
    sent = request.query_params
    status, part = value_in(sent, "status"), value_in(sent, "q")
    number = number_in(value_in(sent, "number"), most=LARGEST_PAGE) or 1
    job_id = id_in(value_in(sent, "job"))
    watched = Watched()
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        job = None if job_id is None else await find_on_board(tx, visit.account_id, JobId(job_id))
        found = await list_uncounted_runs(
            tx,
            visit.account_id,
            RunFilter(
                statuses=STATUSES.get(status),
                job_ids=None if job_id is None else [job_id],
                name_part=part or None,
            ),
            Slice(
                order=RunOrder.ID, is_descending=True, limit=SHOWN + 1, offset=(number - 1) * SHOWN
            ),
        )
    query = {
        "status": status if status in STATUSES else "",
        "q": part,
        "job": "" if job_id is None else str(job_id),
    }

    def address(**others: str) -> str:
        """Address of the same list, but for some of what it asks for."""
        return address_of("runs", {name: [one] for name, one in (query | others).items()})

    return visit.page(
        "runs/list",
        section="runs",
        live=watched.address(visit.root, sight),
        runs=[one.run for one in found[:SHOWN]],
        job=job and job.job,
        query=query,
        statuses=list(STATUSES),
        is_narrowed=any(query.values()),
        newer=address(number=str(number - 1)) if number > 1 else None,
        older=address(number=str(number + 1)) if len(found) > SHOWN else None,
        any_job=address(job=""),
        now=services.clock.now(),
    )


@get("/runs/{run_id:int}", **needs(Permission.READ_RUNS))
async def show_run(services: Serving, visit: Visiting, run_id: FromPath[int]) -> Template:
    """Show a run: its steps, its nodes, its events, and which webhooks were told of them."""
    watched = Watched(run_id=run_id)
    now = services.clock.now()
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        found = await find_run(tx, visit.account_id, RunId(run_id))
        if found is None:
            raise NotFoundError
        run = found.run
        names = await list_artifacts(tx, visit.account_id, run.id) if found.has_artifacts else ()
        events = await events_of(tx, visit, run) if visit.may(Permission.READ_WEBHOOKS) else ()
    results = read_node_results(run.results)
    warned_total = max((results.counts or {}).get(WARNED_STATUS, 0), len(results.warned))
    return visit.page(
        "runs/show",
        section="runs",
        live=watched.address(visit.root, sight),
        run=run,
        heartbeat_at=found.heartbeat_at,
        trigger_link=links_of(run, None).trigger,
        artifacts=names,
        gantt=gantt_of(
            steps_of(run), started_at=run.started_at, finished_at=run.finished_at, now=now
        ),
        parts=parts_of(results.counts or {}),
        slowest=slow_bars(slowest_in(run.results)),
        failed=results.failed,
        failed_total=results.failed_total,
        warned=results.warned,
        warned_total=warned_total,
        events=events,
        has_more_deliveries=sum(len(one.told) for one in events) >= MOST_DELIVERIES,
        now=now,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class EventSent:
    """An event of a run, with its deliveries and the webhooks that have none of it."""

    event: Event
    told: Sequence[tuple[LoggedDelivery, Webhook | None]]
    """None is a webhook that was deleted."""
    unheard: Mapping[str, Sequence[Unheard]]
    """By the reason."""

    @property
    def word(self) -> str:
        """What happened, such as `completed`."""
        return self.event.type.removeprefix("job.run.")

    @property
    def unheard_count(self) -> int:
        """How many webhooks have no delivery of it."""
        return sum(map(len, self.unheard.values()))


async def events_of(tx: Transaction, visit: Visit, run: Run) -> Sequence[EventSent]:
    """A run's events in their order. Deliveries of a type stand with its first event."""
    told = await list_deliveries(
        tx,
        visit.account_id,
        None,
        DeliveryFilter(run_id=run.id),
        limit=MOST_DELIVERIES,
        is_oldest_first=True,
    )
    ids = {one.webhook_id for one in told}
    known = {one.id: one for one in await find_webhooks(tx, visit.account_id, ids)}
    webhooks: Sequence[Webhook] = ()
    if len(told) < MOST_DELIVERIES:
        webhooks = await list_webhooks(tx, visit.account_id, limit=MOST_WEBHOOKS, offset=0)
    by_type: dict[EventType, list[LoggedDelivery]] = {}
    for one in told:
        by_type.setdefault(one.event_type, []).append(one)
    found = []
    for event in await list_events(tx, run):
        heard = {one.webhook_id for one in told if one.event_type == event.type}
        reasons: dict[str, list[Unheard]] = {}
        for unheard in unheard_of(event, webhooks, heard):
            reasons.setdefault(unheard.why, []).append(unheard)
        deliveries = by_type.pop(event.type, [])
        found.append(
            EventSent(
                event=event,
                told=[(one, known.get(one.webhook_id)) for one in deliveries],
                unheard=reasons,
            )
        )
    return found


@post("/runs/{run_id:int}/cancel", status_code=200, **needs(Permission.CANCEL_RUNS))
async def cancel(services: Serving, visit: Visiting, run_id: FromPath[int]) -> Redirect:
    """Ask for a cancelable run to be canceled; its reporter does it."""
    await services.publisher.publish(Cancel(visit.account_id, RunId(run_id), visit.caller.actor))
    return see(f"{visit.root}/runs/{run_id}")


handlers = [show_runs, show_run, cancel]
