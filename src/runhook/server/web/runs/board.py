"""The status board: each job with its newest runs, those that need attention first."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import get
from litestar.response import Template

from runhook.domain.numbers import number_in
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.job_states import STRIP, JobState, RunMark, Streak, streak_of
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Services, Serving
from runhook.server.web.page.addresses import Sent, address_of, value_in
from runhook.server.web.page.forms import Form
from runhook.server.web.page.visits import Visit, Visiting
from runhook.server.web.page.watching import Watched
from runhook.server.web.runs.charts import MARKS, DurationLine, Strip, duration_line, strip_of
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.board import (
    BoardFilter,
    BoardJob,
    BoardOrder,
    count_board,
    list_board,
    list_marks,
)

SHOWN = 30
LARGEST_PAGE = 1_000
STATE_NAMES = {
    JobState.FAILING: "Failing",
    JobState.MISSED: "Missed",
    JobState.LATE: "Late",
    JobState.OK: "OK",
    JobState.NEW: "No runs",
}
ORDER_NAMES = {
    BoardOrder.ATTENTION: "Needs attention first",
    BoardOrder.NAME: "Name",
    BoardOrder.LATEST: "Last run",
}


@dataclass(frozen=True, slots=True)
class BoardRow:
    """A job on the board, with the pictures of its newest runs."""

    found: BoardJob
    newest: RunMark | None
    streak: Streak | None
    strip: Strip
    spark: DurationLine | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardQuery:
    """Which part of the board an address asks for."""

    part: str = ""
    state: JobState | None = None
    order: BoardOrder = BoardOrder.ATTENTION
    number: int = 1

    @classmethod
    def of(cls, sent: Sent) -> "BoardQuery":
        """Read an address; what it says that is unknown does not count."""
        state, sort = value_in(sent, "state"), value_in(sent, "sort")
        return cls(
            part=value_in(sent, "q"),
            state=JobState(state) if state in list(JobState) else None,
            order=BoardOrder(sort) if sort in list(BoardOrder) else BoardOrder.ATTENTION,
            number=number_in(value_in(sent, "number"), most=LARGEST_PAGE) or 1,
        )

    @property
    def is_narrowed(self) -> bool:
        """Whether jobs may be hidden."""
        return bool(self.part or self.state)

    def address(self, state: JobState | None, number: int = 1) -> str:
        """Address of the jobs in a state, or in any, of the same search."""
        query = {
            "q": self.part,
            "state": state or "",
            "sort": "" if self.order is BoardOrder.ATTENTION else self.order,
            "number": "" if number == 1 else str(number),
        }
        return address_of("jobs", {name: [value] for name, value in query.items()})


@get("/jobs", **needs(Permission.READ_RUNS))
async def show_jobs(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Show the board."""
    return await jobs_page(services, visit, Form(), BoardQuery.of(request.query_params))


async def jobs_page(
    services: Services, visit: Visit, form: Form, asked: BoardQuery | None = None
) -> Template:
    """Page of jobs, with the form of one that has not run yet."""
    asked = asked or BoardQuery()
    watched = Watched()
    wanted = BoardFilter(part=asked.part, states=[asked.state] if asked.state else None)
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        counts = await count_board(tx, visit.account_id, wanted)
        jobs = await list_board(
            tx,
            visit.account_id,
            wanted,
            asked.order,
            limit=SHOWN,
            offset=(asked.number - 1) * SHOWN,
        )
        rows = await rows_of(tx, jobs)
    matching = counts[asked.state] if asked.state else sum(counts.values())
    return visit.page(
        "runs/jobs",
        section="jobs",
        status_code=400 if form.errors else 200,
        live=watched.address(visit.root, sight),
        form=form,
        asked=asked,
        rows=rows,
        counts=[(one, STATE_NAMES[one], counts[one]) for one in JobState if counts[one]],
        total=sum(counts.values()),
        orders=ORDER_NAMES,
        marks=MARKS,
        pages=-(-matching // SHOWN),
    )


async def rows_of(tx: Transaction, jobs: Sequence[BoardJob]) -> Sequence[BoardRow]:
    """Draw the newest runs of jobs."""
    marks = await list_marks(tx, [one.job.id for one in jobs], limit=STRIP)
    return [row_of(one, marks.get(one.job.id, ())) for one in jobs]


def row_of(found: BoardJob, marks: Sequence[RunMark]) -> BoardRow:
    """Draw the newest runs of a job."""
    missed = found.punctuality.missed if found.punctuality else 0
    return BoardRow(
        found=found,
        newest=marks[-1] if marks else None,
        streak=streak_of(marks),
        strip=strip_of(marks, missed=missed),
        spark=duration_line(marks),
    )


handlers = [show_jobs]
