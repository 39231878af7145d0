"""Which runs, jobs, projects and environments a query asks for, as dbt Cloud's Admin API has it."""

from typing import Annotated

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation

from runhook.server.api.runs.choosing import (
    ids_chosen,
    is_about_the_deleted,
    order_in,
    period_in,
    statuses_in,
)
from runhook.server.api.wire import LARGEST_LIMIT, NO_NUL, Limit, Offset
from runhook.storage.engine.pages import Slice
from runhook.storage.runs.jobs import NameOrder, ScopeFilter
from runhook.storage.runs.rows import RunFilter, RunOrder

Words = Annotated[str | None, QueryParameter(max_length=5_000, pattern=NO_NUL)]
# The web framework takes a parameter called state for its own.
State = Annotated[str | None, QueryParameter(name="state", max_length=100, pattern=NO_NUL)]

RUN_ORDERS = {
    "id": RunOrder.ID,
    # Runs get their ids as they become known.
    "created_at": RunOrder.ID,
    "started_at": RunOrder.STARTED_AT,
    "dequeued_at": RunOrder.STARTED_AT,
    "finished_at": RunOrder.FINISHED_AT,
}
NAME_ORDERS = {
    "id": NameOrder.ID,
    "created_at": NameOrder.ID,
    "updated_at": NameOrder.ID,
    "name": NameOrder.NAME,
}


async def run_filter(
    *,
    job_definition_id: Words = None,
    job_definition_id__in: Words = None,
    project_id: Words = None,
    project_id__in: Words = None,
    environment_id: Words = None,
    environment_id__in: Words = None,
    status: Words = None,
    status__in: Words = None,
    status_in: Words = None,
    created_at__range: Words = None,
    started_at__range: Words = None,
    finished_at__range: Words = None,
) -> RunFilter:
    """Filter of runs in a query."""
    return RunFilter(
        job_ids=ids_chosen("job_definition_id", job_definition_id, job_definition_id__in),
        project_ids=ids_chosen("project_id", project_id, project_id__in),
        environment_ids=ids_chosen("environment_id", environment_id, environment_id__in),
        statuses=statuses_in("status", status, status__in, status_in),
        created=period_in("created_at__range", created_at__range),
        started=period_in("started_at__range", started_at__range),
        finished=period_in("finished_at__range", finished_at__range),
    )


async def run_slice(
    *, order_by: Words = None, limit: Limit = LARGEST_LIMIT, offset: Offset = 0
) -> Slice[RunOrder]:
    """Requested page of runs; an unknown order is ignored."""
    name, is_descending = order_in(order_by)
    order = RUN_ORDERS.get(name, RunOrder.ID)
    return Slice(
        order=order, is_descending=is_descending, limit=min(limit, LARGEST_LIMIT), offset=offset
    )


async def project_choice(
    *,
    pk__in: Words = None,
    id__in: Words = None,
    name: Words = None,
    name__icontains: Words = None,
    of_state: State = None,
) -> ScopeFilter:
    """Filter of projects, or of one project's environments, in a query."""
    return ScopeFilter(
        ids=[] if is_about_the_deleted(of_state) else ids_chosen("id", pk__in, id__in),
        name=name or None,
        name_part=name__icontains or None,
    )


async def choice(
    *,
    project_id: Words = None,
    project_id__in: Words = None,
    environment_id: Words = None,
    environment_id__in: Words = None,
    name: Words = None,
    name__icontains: Words = None,
    of_state: State = None,
) -> ScopeFilter:
    """Filter of environments or jobs in a query."""
    return ScopeFilter(
        ids=[] if is_about_the_deleted(of_state) else None,
        project_ids=ids_chosen("project_id", project_id, project_id__in),
        environment_ids=ids_chosen("environment_id", environment_id, environment_id__in),
        name=name or None,
        name_part=name__icontains or None,
    )


async def name_slice(
    *, order_by: Words = None, limit: Limit = LARGEST_LIMIT, offset: Offset = 0
) -> Slice[NameOrder]:
    """Requested page of a list; an unknown order is ignored."""
    name, is_descending = order_in(order_by)
    order = NAME_ORDERS.get(name, NameOrder.ID)
    return Slice(
        order=order, is_descending=is_descending, limit=min(limit, LARGEST_LIMIT), offset=offset
    )


# Litestar would otherwise take these apart to check them.
WantedRuns = NamedDependency[SkipValidation[RunFilter]]
PartOfRuns = NamedDependency[SkipValidation[Slice[RunOrder]]]
Wanted = NamedDependency[SkipValidation[ScopeFilter]]
Part = NamedDependency[SkipValidation[Slice[NameOrder]]]
