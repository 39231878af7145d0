"""What is expected of jobs; the jobs themselves are read as dbt Cloud's, in ``reading``."""

from litestar import Router, get, put
from litestar.params import FromPath, JSONBody

from runhook.domain.errors import NotFoundError
from runhook.domain.permissions import Permission
from runhook.domain.runs import JobId
from runhook.operations.expect import expect_job
from runhook.server.api.jobs_wire import ExpectationIn, ExpectationOut, shown_expectation
from runhook.server.api.parameters import existing_id
from runhook.server.api.wire import Envelope
from runhook.server.authentication import needs
from runhook.server.services import Calling, Serving
from runhook.storage.expectations import find_expected
from runhook.storage.jobs import unknown_jobs


@get("/{job_id:int}/expectation", **needs(Permission.READ_RUNS))
async def show_job_expectation(
    services: Serving, caller: Calling, job_id: FromPath[int]
) -> Envelope[ExpectationOut]:
    """Show how often a job is expected to run."""
    known_id = JobId(existing_id(job_id))
    async with services.store.read() as tx:
        if await unknown_jobs(tx, caller.account_id, [known_id]):
            raise NotFoundError
        expected = await find_expected(tx, caller.account_id, known_id)
    return Envelope(data=shown_expectation(known_id, expected))


@put("/{job_id:int}/expectation", status_code=200, **needs(Permission.CHANGE_JOBS))
async def change_job_expectation(
    services: Serving, caller: Calling, job_id: FromPath[int], data: JSONBody[ExpectationIn]
) -> Envelope[ExpectationOut]:
    """Say how often a job is expected to run, counted from now, or that it is not."""
    known_id = JobId(existing_id(job_id))
    expected = await expect_job(
        services.store,
        caller.account_id,
        known_id,
        data.to_expectation(),
        actor=caller.actor,
        clock=services.clock,
    )
    return Envelope(data=shown_expectation(known_id, expected))


router = Router("/jobs", route_handlers=[show_job_expectation, change_job_expectation])
