"""A job named in advance, and the page of one: how its runs went, and how often it should run."""

from datetime import timedelta

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect, Template

from runhook.domain.errors import ConflictError, InvalidError, NotFoundError
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.expectations import DEFAULT_GRACE, Expectation
from runhook.domain.runs.job_states import STRIP, RunLook
from runhook.domain.runs.run import JobId
from runhook.domain.spans import span_text
from runhook.operations.people.seen import shown_state
from runhook.operations.runs.expect import expect_job, expectation_facts
from runhook.operations.runs.name_job import name_job
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.page.forms import Form
from runhook.server.web.page.once import done
from runhook.server.web.page.rendering import see
from runhook.server.web.page.said import Done
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.page.watching import Watched
from runhook.server.web.runs.board import jobs_page, row_of
from runhook.server.web.runs.charts import MARKS
from runhook.server.web.runs.job_charts import DAYS, POINTS, calendar_of, durations_of
from runhook.storage.engine.pages import Slice
from runhook.storage.runs.board import count_runs_by_day, find_on_board, list_marks
from runhook.storage.runs.expectations import ExpectedJob, find_expected
from runhook.storage.runs.jobs import JobName
from runhook.storage.runs.rows import RunFilter, RunOrder, list_uncounted_runs

RUNS_DRAWN = 200
RUNS_LISTED = 20


@post("/jobs", status_code=200, **needs(Permission.CHANGE_JOBS))
async def name(request: AnyRequest, services: Serving, visit: Visiting) -> Template | Redirect:
    """Name a job that has not run yet, and lead to its page."""
    form = await Form.sent_with(request, "job_name", "project_name", "environment_name")
    project, environment = (
        form[one].strip() or "default" for one in ("project_name", "environment_name")
    )
    job_name = JobName(visit.account_id, project, environment, form["job_name"].strip())
    try:
        job, _ = await name_job(services.context(visit.caller.actor), job_name)
    except InvalidError as error:
        form.refuse_invalid(error)
        return await jobs_page(services, visit, form)
    return see(f"{visit.root}/jobs/{job.id}")


@get("/jobs/{job_id:int}", **needs(Permission.READ_RUNS))
async def show_job(services: Serving, visit: Visiting, job_id: FromPath[int]) -> Template:
    """Show a job."""
    known_id = JobId(job_id)
    async with services.store.read() as tx:
        expected = await find_expected(tx, visit.account_id, known_id)
    return await job_page(services, visit, known_id, expectation_form(expected))


@post("/jobs/{job_id:int}", status_code=200, **needs(Permission.CHANGE_JOBS))
async def expect(
    request: AnyRequest, services: Serving, visit: Visiting, job_id: FromPath[int]
) -> Template | Redirect:
    """Say how often a job is expected to run; an empty field is not at all."""
    known_id = JobId(job_id)
    form = await Form.sent_with(request, "every", "grace", "seen")
    try:
        every, grace = form["every"].strip(), form["grace"].strip() or DEFAULT_GRACE
        expectation = Expectation.of(every, grace) if every else None
    except InvalidError as error:
        form.refuse_invalid(error)
        return await job_page(services, visit, known_id, form)
    try:
        await expect_job(
            services.context(visit.caller.actor),
            visit.account_id,
            known_id,
            expectation,
            seen=form["seen"] or None,
        )
    except ConflictError as error:
        async with services.store.read() as tx:
            present = await find_expected(tx, visit.account_id, known_id)
        form.refuse_stale(error, expectation_form(present)["seen"])
        return await job_page(services, visit, known_id, form)
    return done(request, services, f"{visit.root}/jobs/{known_id}", Done.SAVED)


def expectation_form(expected: ExpectedJob | None) -> Form:
    """Form of a job's expectation."""
    expectation = expected.expectation if expected else None
    return Form(
        {
            "every": span_text(expectation.every) if expectation else "",
            "grace": span_text(expectation.grace) if expectation else DEFAULT_GRACE,
            "seen": shown_state(expectation_facts(expectation)),
        }
    )


async def job_page(services: Services, visit: Visit, job_id: JobId, form: Form) -> Template:
    """Page of a job.

    Raises:
        NotFoundError: the account has no such job.
    """
    watched = Watched()
    now = services.clock.now()
    first = (now - timedelta(days=DAYS - 1)).replace(hour=0, minute=0, second=0, microsecond=0)
    newest = Slice(order=RunOrder.ID, is_descending=True, limit=RUNS_LISTED)
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        found = await find_on_board(tx, visit.account_id, job_id)
        if found is None:
            raise NotFoundError
        marks = (await list_marks(tx, [job_id], limit=RUNS_DRAWN)).get(job_id, ())
        counted = await count_runs_by_day(tx, job_id, since=first)
        runs = await list_uncounted_runs(tx, visit.account_id, RunFilter(job_ids=[job_id]), newest)
    return visit.page(
        "runs/job",
        section="jobs",
        status_code=400 if form.errors else 200,
        live=watched.address(visit.root, sight),
        job=found.job,
        row=row_of(found, marks[-STRIP:]),
        durations=durations_of(marks, now=now),
        weeks=calendar_of(counted, first=first.date()),
        runs=[one.run for one in runs],
        marks=MARKS,
        failed_shape=POINTS[RunLook.FAILED],
        form=form,
        now=now,
    )


handlers = [name, show_job, expect]
