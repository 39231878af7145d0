"""What a process counts of runs: reports, how runs ended, and how late spooled reports came."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from datetime import datetime

from runhook.domain.runs.run import Run, RunOutcome, RunStatus
from runhook.operations.runs.reports import Finish, Report, Start

LATE_BUCKETS = (60, 600, 3_600, 6 * 3_600, 24 * 3_600, 7 * 24 * 3_600)
"""Ages in seconds."""
CANCELED = "canceled"
LOST = "lost"
RUN_ENDS = (*(outcome.value for outcome in RunOutcome), CANCELED, LOST)


class RunTally:
    """Counts from the start of the process."""

    def __init__(self) -> None:
        self.accepted = 0
        """Reports that were committed, repeated ones too."""
        self.ended: Counter[str] = Counter()
        """Runs that have ended, by one of ``RUN_ENDS``."""
        self.late = [0] * (len(LATE_BUCKETS) + 1)
        """Reports that came from a spool, by how old they were; the last bucket has no end."""
        self.late_seconds = 0.0

    def note_report(self, report: Report, now: datetime) -> None:
        """Count a report that was committed."""
        self.accepted += 1
        if isinstance(report, Start) and report.report.is_late:
            self._note_late(report.report.started_at, now)
        elif isinstance(report, Finish) and report.report.is_late:
            self._note_late(report.report.finished_at, now)

    def note_ended(self, runs: Iterable[Run]) -> None:
        """Count runs that have just ended."""
        self.ended.update(run_end_of(run) for run in runs)

    def _note_late(self, happened_at: datetime | None, now: datetime) -> None:
        age = 0.0 if happened_at is None else max((now - happened_at).total_seconds(), 0.0)
        self.late[bisect_left(LATE_BUCKETS, age)] += 1
        self.late_seconds += age


def run_end_of(run: Run) -> str:
    """How a run ended."""
    if run.is_lost:
        return LOST
    if run.status is RunStatus.CANCELLED or run.outcome is None:
        return CANCELED
    return run.outcome.value
