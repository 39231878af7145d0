"""Calls of dbt Cloud's APIs that Runhook does not answer: it starts no runs and keeps no metadata.

Each says what to do instead, so that a client's user reads a reason and not "not found".
"""

from typing import NoReturn

from litestar import Router, get, post
from litestar.di import Provide

from runhook.domain.errors import NotOfferedError
from runhook.domain.people.permissions import Permission
from runhook.server.access.authentication import Access, authorize, needs, open_to
from runhook.server.api.wire import Envelope, Paged, long_page, page_envelope

STARTS_NO_RUNS = (
    "Runhook does not start runs. Start them where dbt runs (a scheduler, CI, a terminal), "
    "with `runhook run --job NAME -- dbt build`."
)
CHANGES_NO_JOBS = (
    "Runhook does not schedule jobs: a job is there as soon as a run of it is reported. "
    "POST to /api/v3/accounts/{account_id}/jobs names one in advance."
)
KEEPS_NO_METADATA = (
    "Runhook has no Discovery API and no Semantic Layer. A run's files, manifest.json among them, "
    "are at /api/v2/accounts/{account_id}/runs/{run_id}/artifacts/."
)


@post(
    ["/jobs/{job_id:int}/run", "/jobs/{job_id:int}/rerun", "/runs/{run_id:int}/retry"],
    status_code=501,
    **needs(Permission.READ_RUNS),
)
async def start_run() -> NoReturn:
    """Refuse to start a run."""
    raise NotOfferedError(STARTS_NO_RUNS)


@post(["/jobs", "/jobs/{job_id:int}"], status_code=501, **needs(Permission.READ_RUNS))
async def change_job() -> NoReturn:
    """Refuse to create or change a scheduled job."""
    raise NotOfferedError(CHANGES_NO_JOBS)


@get(
    ["/groups", "/connections", "/repositories"],
    dependencies={"page": Provide(long_page)},
    **needs(Permission.READ_RUNS),
)
async def list_none(page: Paged) -> Envelope[list[None]]:
    """Show an empty list: Runhook has none of these, and clients that copy an account ask."""
    return page_envelope([], page, total=0)


@post(["/graphql", "/beta/graphql", "/api/graphql"], status_code=501, **open_to(Access.ANYONE))
async def answer_query() -> NoReturn:
    """Refuse a query of the Discovery API or the Semantic Layer."""
    raise NotOfferedError(KEEPS_NO_METADATA)


router = Router("/", route_handlers=[answer_query], guards=[authorize])
HANDLERS_V2 = [start_run, change_job, list_none]
HANDLERS_V3 = [start_run, list_none]
