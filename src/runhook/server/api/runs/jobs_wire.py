"""Jobs that are named in advance, and what is expected of jobs, as JSON."""

from datetime import datetime

from msgspec import Struct

from runhook.domain.runs.expectations import DEFAULT_GRACE, Expectation
from runhook.domain.runs.run import AccountId
from runhook.domain.spans import span_text
from runhook.server.api.wire import Name
from runhook.storage.runs.expectations import ExpectedJob
from runhook.storage.runs.jobs import JobName


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
