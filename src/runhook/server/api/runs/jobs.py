"""Jobs named in advance, and what is expected of jobs; ``reading`` shows them as dbt Cloud's."""

from datetime import datetime

from litestar import Response, Router, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, JSONBody
from msgspec import Struct

from runhook.domain.errors import NotFoundError
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.expectations import DEFAULT_GRACE, Expectation
from runhook.domain.runs.run import AccountId, JobId
from runhook.domain.runs.scopes import ScopeKind
from runhook.domain.spans import span_text
from runhook.operations.runs.expect import expect_job
from runhook.operations.runs.name_job import name_job
from runhook.server.access.authentication import needs
from runhook.server.api.runs.reading_wire import view_of_job
from runhook.server.api.runs.views import JobView
from runhook.server.api.wire import Envelope, Name, created
from runhook.server.services import Calling, Serving
from runhook.storage.engine.pages import Slice
from runhook.storage.runs.expectations import ExpectedJob, find_expected
from runhook.storage.runs.jobs import JobName, NameOrder, ScopeFilter, list_jobs
from runhook.storage.runs.scopes import find_scope


class JobIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """A job by the names that its runs will be reported with."""

    job_name: Name
    project_name: Name = "default"
    environment_name: Name = "default"

    def to_name(self, account_id: AccountId) -> JobName:
        """The job's name."""
        return JobName(account_id, self.project_name, self.environment_name, self.job_name)


class ExpectationIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """How often a job is to run; null is not at all."""

    every: Name | None
    grace: Name = DEFAULT_GRACE

    def to_expectation(self) -> Expectation | None:
        """The expectation; None to remove it.

        Raises:
            InvalidError: a span of time is malformed or out of bounds.
        """
        return None if self.every is None else Expectation.of(self.every, self.grace)


class ExpectationOut(Struct, kw_only=True):
    """How often a job is to run, when it is overdue, and how many runs it has missed in a row."""

    job_id: int
    every: str | None
    grace: str | None
    overdue_at: datetime | None
    missed_runs: int


def shown_expectation(job_id: int, expected: ExpectedJob | None) -> ExpectationOut:
    """Show what is expected of a job."""
    if expected is None:
        return ExpectationOut(job_id=job_id, every=None, grace=None, overdue_at=None, missed_runs=0)
    return ExpectationOut(
        job_id=job_id,
        every=span_text(expected.expectation.every),
        grace=span_text(expected.expectation.grace),
        overdue_at=expected.missed_at,
        missed_runs=expected.missed_count,
    )


@post(
    "/",
    responses={200: ResponseSpec(Envelope[JobView], generate_examples=False)},
    **needs(Permission.CHANGE_JOBS),
)
async def name_new_job(
    services: Serving, caller: Calling, data: JSONBody[JobIn]
) -> Response[Envelope[JobView]]:
    """Name a job that has not run yet; one that is known already is answered with 200."""
    name = data.to_name(caller.account_id)
    job, is_new = await name_job(services.context(caller.actor), name)
    one = Slice(order=NameOrder.ID, limit=1)
    async with services.store.read() as tx:
        (logged,) = (await list_jobs(tx, caller.account_id, ScopeFilter(ids=[job.id]), one)).items
    shown = view_of_job(logged)
    if is_new:
        return Response(created(shown), status_code=201)
    return Response(Envelope(data=shown), status_code=200)


@get("/{job_id:int}/expectation", **needs(Permission.READ_RUNS))
async def show_job_expectation(
    services: Serving, caller: Calling, job_id: FromPath[int]
) -> Envelope[ExpectationOut]:
    """Show how often a job is expected to run."""
    known_id = JobId(job_id)
    async with services.store.read() as tx:
        if await find_scope(tx, caller.account_id, ScopeKind.JOB, job_id) is None:
            raise NotFoundError
        expected = await find_expected(tx, caller.account_id, known_id)
    return Envelope(data=shown_expectation(known_id, expected))


@put("/{job_id:int}/expectation", status_code=200, **needs(Permission.CHANGE_JOBS))
async def change_job_expectation(
    services: Serving, caller: Calling, job_id: FromPath[int], data: JSONBody[ExpectationIn]
) -> Envelope[ExpectationOut]:
    """Say how often a job is expected to run, counted from now, or that it is not."""
    known_id = JobId(job_id)
    expected = await expect_job(
        services.context(caller.actor), caller.account_id, known_id, data.to_expectation()
    )
    return Envelope(data=shown_expectation(known_id, expected))


router = Router(
    "/jobs", route_handlers=[name_new_job, show_job_expectation, change_job_expectation]
)
