"""The pages of runs."""

from collections.abc import Mapping, Sequence

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.dbt.artifacts import WARNED_STATUS
from runhook.domain.dbt.results import read_node_results
from runhook.domain.errors import NotFoundError
from runhook.domain.numbers import id_in
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.events import Event
from runhook.domain.runs.run import RunId, RunStatus
from runhook.domain.runs.steps import steps_of
from runhook.domain.webhooks.unheard import Unheard, unheard_of
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.runs.reports import Cancel
from runhook.server.access.authentication import needs
from runhook.server.services import Serving
from runhook.server.web.page.rendering import see
from runhook.server.web.page.visits import Visiting
from runhook.server.web.page.watching import Watched
from runhook.storage.deliveries.rows import DeliveryFilter, LoggedDelivery, list_deliveries
from runhook.storage.engine.pages import Slice
from runhook.storage.runs.jobs import NameOrder, ScopeFilter, list_jobs
from runhook.storage.runs.rows import (
    RunFilter,
    RunOrder,
    find_run,
    list_events,
    list_uncounted_runs,
)
from runhook.storage.webhooks.rows import list_webhooks

SHOWN = 50
LARGEST_PAGE = 10_000
MOST_WEBHOOKS = 1_000
MOST_DELIVERIES = 200
"""Of one run, on its page."""
STATUSES = {
    "running": [RunStatus.QUEUED, RunStatus.STARTING, RunStatus.RUNNING],
    "succeeded": [RunStatus.SUCCESS],
    "failed": [RunStatus.ERROR],
    "canceled": [RunStatus.CANCELLED],
}


@get("/runs", **needs(Permission.READ_RUNS))
async def show_runs(
    services: Serving,
    visit: Visiting,
    *,
    status: FromQuery[str] = "",
    job: FromQuery[str] = "",
    number: FromQuery[int] = 1,
) -> Template:
    """List the account's runs, the newest first."""
    number = min(max(number, 1), LARGEST_PAGE)
    job_id = id_in(job)
    wanted = RunFilter(statuses=STATUSES.get(status), job_ids=None if job_id is None else [job_id])
    part = Slice(
        order=RunOrder.ID, is_descending=True, limit=SHOWN + 1, offset=(number - 1) * SHOWN
    )
    watched = Watched()
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        found = await list_uncounted_runs(tx, visit.account_id, wanted, part)
        jobs = await list_jobs(
            tx, visit.account_id, ScopeFilter(), Slice(order=NameOrder.NAME, limit=1_000)
        )
    return visit.page(
        "runs/list",
        section="runs",
        live=watched.address(visit.root, sight),
        runs=[one.run for one in found[:SHOWN]],
        jobs=[one.job for one in jobs.items],
        status=status if status in STATUSES else "",
        statuses=list(STATUSES),
        job=job_id,
        number=number,
        has_more=len(found) > SHOWN,
        now=services.clock.now(),
    )


@get("/runs/{run_id:int}", **needs(Permission.READ_RUNS))
async def show_run(services: Serving, visit: Visiting, run_id: FromPath[int]) -> Template:
    """Show a run: its steps, its failed nodes, and its deliveries."""
    watched = Watched(run_id=run_id)
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        found = await find_run(tx, visit.account_id, RunId(run_id))
        if found is None:
            raise NotFoundError
        told = []
        if visit.may(Permission.READ_WEBHOOKS):
            told = list(
                await list_deliveries(
                    tx,
                    visit.account_id,
                    None,
                    DeliveryFilter(run_id=found.run.id),
                    limit=MOST_DELIVERIES,
                    is_oldest_first=True,
                )
            )
        webhooks = await list_webhooks(tx, visit.account_id, limit=MOST_WEBHOOKS, offset=0)
        events = await list_events(tx, found.run)
    results = read_node_results(found.run.results)
    return visit.page(
        "runs/show",
        section="runs",
        live=watched.address(visit.root, sight),
        run=found.run,
        heartbeat_at=found.heartbeat_at,
        steps=steps_of(found.run),
        counts=list((results.counts or {}).items()),
        failed=results.failed,
        failed_total=results.failed_total,
        warned=results.warned,
        warned_total=max((results.counts or {}).get(WARNED_STATUS, 0), len(results.warned)),
        told=told,
        unheard=unheard_by_reason(events, webhooks, told) if len(told) < MOST_DELIVERIES else [],
        webhook_names={one.id: one.name for one in webhooks},
        now=services.clock.now(),
    )


def unheard_by_reason(
    events: Sequence[Event], webhooks: Sequence[Webhook], told: Sequence[LoggedDelivery]
) -> list[tuple[Event, int, Mapping[str, Sequence[Unheard]]]]:
    """Group the webhooks that did not hear of an event by the reasons, with their number."""
    grouped: list[tuple[Event, int, Mapping[str, Sequence[Unheard]]]] = []
    for event in events:
        heard = {one.webhook_id for one in told if one.event_type == event.type}
        reasons: dict[str, list[Unheard]] = {}
        for one in unheard_of(event, webhooks, heard):
            reasons.setdefault(one.why, []).append(one)
        if reasons:
            grouped.append((event, sum(map(len, reasons.values())), reasons))
    return grouped


@post("/runs/{run_id:int}/cancel", status_code=200, **needs(Permission.CANCEL_RUNS))
async def cancel(services: Serving, visit: Visiting, run_id: FromPath[int]) -> Redirect:
    """Ask for a cancelable run to be canceled; its reporter does it."""
    await services.publisher.publish(Cancel(visit.account_id, RunId(run_id), visit.caller.actor))
    return see(f"{visit.root}/runs/{run_id}")


handlers = [show_runs, show_run, cancel]
