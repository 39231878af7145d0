"""What consumers read back after a webhook arrived, at the paths of dbt Cloud's Admin API.

Its v2 has runs, jobs and artifacts, its v3 projects and environments; clients mix them, so both
have all. Lists are long by default, as they are there.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, TypeVar

from litestar import Request, get, post
from litestar.di import Provide
from litestar.params import FromPath, QueryParameter

from runhook.domain.errors import NotFoundError
from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.run import RunId
from runhook.operations.runs.reports import Cancel
from runhook.server.access.authentication import needs
from runhook.server.api.runs.choosing import related_in
from runhook.server.api.runs.filters import (
    Part,
    PartOfRuns,
    Wanted,
    WantedRuns,
    choice,
    name_slice,
    project_choice,
    run_filter,
    run_slice,
)
from runhook.server.api.runs.reading_wire import (
    commands_of,
    listed,
    place_of_step,
    shown_environment,
    shown_project,
    shown_run,
    shown_steps,
    view_of_job,
)
from runhook.server.api.runs.views import EnvironmentView, JobView, ProjectView, RunView, StepView
from runhook.server.api.wire import Envelope, Paged, long_page, page_envelope
from runhook.server.services import Calling, Services, Serving
from runhook.storage.engine.pages import Page, Slice
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.jobs import (
    LoggedJob,
    NameOrder,
    ScopeFilter,
    list_environments,
    list_jobs,
    list_projects,
)
from runhook.storage.runs.rows import LoggedRun, RunFilter, RunOrder, find_run, list_runs

Related = Annotated[list[str] | None, QueryParameter(description="such as run_steps,trigger")]
AnyRequest = Request[Any, Any, Any]
Item = TypeVar("Item")
ONE = Slice(order=NameOrder.ID, limit=1)


@get(
    "/runs",
    dependencies={"wanted": Provide(run_filter), "part": Provide(run_slice)},
    **needs(Permission.READ_RUNS),
)
async def show_runs(
    request: AnyRequest,
    services: Serving,
    caller: Calling,
    wanted: WantedRuns,
    part: PartOfRuns,
    *,
    include_related: Related = None,
) -> Envelope[list[RunView]]:
    """List the account's runs."""
    async with services.store.read() as tx:
        page = await list_runs(tx, caller.account_id, wanted, part)
    shown = [view_of(run, request, services, include_related) for run in page.items]
    return listed(shown, page, part, caller.account_id)


@get("/runs/{run_id:int}", **needs(Permission.READ_RUNS))
async def show_run(
    request: AnyRequest,
    services: Serving,
    caller: Calling,
    run_id: FromPath[int],
    include_related: Related = None,
) -> Envelope[RunView]:
    """Show a run."""
    return await answer_with_run(request, services, caller, run_id, include_related)


@get("/steps/{step_id:int}", **needs(Permission.READ_RUNS))
async def show_step(
    services: Serving, caller: Calling, step_id: FromPath[int]
) -> Envelope[StepView]:
    """Show a step of a run."""
    run_id, index = place_of_step(step_id)
    async with services.store.read() as tx:
        logged = await find_run(tx, caller.account_id, RunId(run_id))
    steps = shown_steps(logged.run, services.clock.now()) if logged else []
    return Envelope(data=only(steps[index - 1 : index]))


@post("/runs/{run_id:int}/cancel", status_code=200, **needs(Permission.CANCEL_RUNS))
async def cancel_run(
    request: AnyRequest, services: Serving, caller: Calling, run_id: FromPath[int]
) -> Envelope[RunView]:
    """Ask for a cancelable run to be canceled; its reporter does it."""
    await services.publisher.publish(Cancel(caller.account_id, RunId(run_id), caller.actor))
    return await answer_with_run(request, services, caller, run_id)


@get(
    "/jobs",
    dependencies={"wanted": Provide(choice), "part": Provide(name_slice)},
    **needs(Permission.READ_RUNS),
)
async def show_jobs(
    request: AnyRequest,
    services: Serving,
    caller: Calling,
    wanted: Wanted,
    part: Part,
    *,
    include_related: Related = None,
) -> Envelope[list[JobView]]:
    """List the account's jobs."""
    async with services.store.read() as tx:
        page = await list_jobs(tx, caller.account_id, wanted, part)
        shown = await jobs_with_runs(tx, page, request, services, include_related)
    return listed(shown, page, part, caller.account_id)


@get("/jobs/{job_id:int}", **needs(Permission.READ_RUNS))
async def show_job(
    request: AnyRequest,
    services: Serving,
    caller: Calling,
    job_id: FromPath[int],
    include_related: Related = None,
) -> Envelope[JobView]:
    """Show a job."""
    async with services.store.read() as tx:
        page = await list_jobs(tx, caller.account_id, ScopeFilter(ids=[job_id]), ONE)
        shown = await jobs_with_runs(tx, page, request, services, include_related)
    return Envelope(data=only(shown))


@get(
    "/projects",
    dependencies={"wanted": Provide(project_choice), "part": Provide(name_slice)},
    **needs(Permission.READ_RUNS),
)
async def show_projects(
    services: Serving, caller: Calling, wanted: Wanted, part: Part
) -> Envelope[list[ProjectView]]:
    """List the account's projects."""
    async with services.store.read() as tx:
        page = await list_projects(tx, caller.account_id, wanted, part)
    shown = [shown_project(project) for project in page.items]
    return listed(shown, page, part, caller.account_id)


@get("/projects/{project_id:int}", **needs(Permission.READ_RUNS))
async def show_project(
    services: Serving, caller: Calling, project_id: FromPath[int]
) -> Envelope[ProjectView]:
    """Show a project."""
    wanted = ScopeFilter(ids=[project_id])
    async with services.store.read() as tx:
        page = await list_projects(tx, caller.account_id, wanted, ONE)
    return Envelope(data=shown_project(only(page.items)))


@get(
    "/environments",
    dependencies={"wanted": Provide(choice), "part": Provide(name_slice)},
    **needs(Permission.READ_RUNS),
)
async def show_environments(
    services: Serving, caller: Calling, wanted: Wanted, part: Part
) -> Envelope[list[EnvironmentView]]:
    """List the account's environments."""
    return await answer_with_environments(services, caller, wanted, part)


@get("/environments/{environment_id:int}", **needs(Permission.READ_RUNS))
async def show_environment(
    services: Serving, caller: Calling, environment_id: FromPath[int]
) -> Envelope[EnvironmentView]:
    """Show an environment."""
    wanted = ScopeFilter(ids=[environment_id])
    return await answer_with_environment(services, caller, wanted)


@get(
    "/projects/{project_id:int}/environments",
    # The path says which project, so the query has no say in it.
    dependencies={"wanted": Provide(project_choice), "part": Provide(name_slice)},
    **needs(Permission.READ_RUNS),
)
async def show_environments_of_project(
    services: Serving, caller: Calling, project_id: FromPath[int], wanted: Wanted, part: Part
) -> Envelope[list[EnvironmentView]]:
    """List a project's environments."""
    async with services.store.read() as tx:
        only((await list_projects(tx, caller.account_id, ScopeFilter(ids=[project_id]), ONE)).items)
    of_project = replace(wanted, project_ids=[project_id])
    return await answer_with_environments(services, caller, of_project, part)


@get(
    "/projects/{project_id:int}/environments/{environment_id:int}",
    **needs(Permission.READ_RUNS),
)
async def show_environment_of_project(
    services: Serving, caller: Calling, project_id: FromPath[int], environment_id: FromPath[int]
) -> Envelope[EnvironmentView]:
    """Show an environment of a project."""
    wanted = ScopeFilter(ids=[environment_id], project_ids=[project_id])
    return await answer_with_environment(services, caller, wanted)


@get(
    [
        "/projects/{project_id:int}/connections",
        "/projects/{project_id:int}/repositories",
    ],
    dependencies={"page": Provide(long_page)},
    **needs(Permission.READ_RUNS),
)
async def list_none_of_project(
    services: Serving, caller: Calling, project_id: FromPath[int], page: Paged
) -> Envelope[list[None]]:
    """Show an empty list: no project has these; clients that copy a whole account ask for them."""
    async with services.store.read() as tx:
        only((await list_projects(tx, caller.account_id, ScopeFilter(ids=[project_id]), ONE)).items)
    return page_envelope([], page, total=0)


@get("/projects/{project_id:int}/environment-variables/job", **needs(Permission.READ_RUNS))
async def show_overridden_variables(
    services: Serving, caller: Calling, project_id: FromPath[int]
) -> Envelope[dict[str, None]]:
    """Show what a job overrides of its project's environment variables, by name: nothing here."""
    async with services.store.read() as tx:
        only((await list_projects(tx, caller.account_id, ScopeFilter(ids=[project_id]), ONE)).items)
    return Envelope(data={})


async def answer_with_run(
    request: AnyRequest,
    services: Services,
    caller: Caller,
    run_id: int,
    include_related: list[str] | None = None,
) -> Envelope[RunView]:
    """Respond with one run."""
    async with services.store.read() as tx:
        run = await find_run(tx, caller.account_id, RunId(run_id))
    if run is None:
        raise NotFoundError
    return Envelope(data=view_of(run, request, services, include_related))


async def answer_with_environments(
    services: Services, caller: Caller, wanted: ScopeFilter, part: Slice[NameOrder]
) -> Envelope[list[EnvironmentView]]:
    """Respond with a list of environments."""
    async with services.store.read() as tx:
        page = await list_environments(tx, caller.account_id, wanted, part)
    shown = [shown_environment(environment) for environment in page.items]
    return listed(shown, page, part, caller.account_id)


async def answer_with_environment(
    services: Services, caller: Caller, wanted: ScopeFilter
) -> Envelope[EnvironmentView]:
    """Respond with one environment."""
    async with services.store.read() as tx:
        page = await list_environments(tx, caller.account_id, wanted, ONE)
    return Envelope(data=shown_environment(only(page.items)))


async def jobs_with_runs(
    tx: Transaction,
    page: Page[LoggedJob],
    request: AnyRequest,
    services: Services,
    include_related: list[str] | None,
) -> list[JobView]:
    """Show jobs, with their newest runs if those are asked for.

    The newest run that is over tells which commands a job runs.
    """
    related = related_in(include_related or ())
    wanted_ids = {job.newest_ended_run_id for job in page.items if job.newest_ended_run_id}
    if "most_recent_run" in related:
        wanted_ids |= {job.newest_run_id for job in page.items if job.newest_run_id}
    runs: dict[RunId | None, LoggedRun] = {}
    if wanted_ids:
        found = await list_runs(
            tx,
            page.items[0].account_id,
            RunFilter(ids=wanted_ids),
            Slice(order=RunOrder.ID, limit=len(wanted_ids)),
        )
        runs = {run.run.id: run for run in found.items}

    def shown_if(name: str, run_id: RunId | None) -> RunView | None:
        run = runs.get(run_id) if name in related else None
        return None if run is None else view_of(run, request, services, None)

    return [
        view_of_job(
            job,
            commands=commands_of(ended.run) if (ended := runs.get(job.newest_ended_run_id)) else (),
            newest=shown_if("most_recent_run", job.newest_run_id),
            newest_ended=shown_if("most_recent_completed_run", job.newest_ended_run_id),
        )
        for job in page.items
    ]


def view_of(
    run: LoggedRun, request: AnyRequest, services: Services, include_related: list[str] | None
) -> RunView:
    """Show a run, with links for this request."""
    return shown_run(
        run,
        base_url=services.public_url or str(request.base_url).rstrip("/"),
        related=related_in(include_related or ()),
        now=services.clock.now(),
    )


def only(items: Sequence[Item]) -> Item:
    """The one item of a list that has at most one.

    Raises:
        NotFoundError: the list is empty.
    """
    if not items:
        raise NotFoundError
    return items[0]


READS = [
    show_runs,
    show_run,
    show_step,
    show_jobs,
    show_job,
    show_projects,
    show_project,
    show_environments,
    show_environment,
    show_environments_of_project,
    show_environment_of_project,
    list_none_of_project,
    show_overridden_variables,
]
