"""What failed in a run, and whether that is news: whether it had not failed in the job's last run.

The last run is the one of this job that was last told of as completed. A canceled run is none: it
says nothing of the nodes that it did not come to. Before a job's first completed run nothing has
failed, so that whatever fails in it is news.
"""

from dataclasses import dataclass

from runhook.domain.results import mapping, number, sequence, text
from runhook.domain.runs import Run, RunStatus

WHOLE_RUN = "run"
"""Stands for a run that failed without a node that did: it could not be compiled, was killed or was
lost. No node has this unique_id."""
KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Failures:
    """The nodes that failed in a run, by their unique_id."""

    ids: frozenset[str] = frozenset()
    is_whole: bool = True
    """Whether these are all. A reporter names some, and no more than ``KEPT`` are kept."""

    def are_news_to(self, last: "Failures") -> bool:
        """Whether anything failed that had not failed in the last run.

        Where some failures have no name they may be new ones: better told once too often.
        """
        return not self.is_whole or not self.ids <= last.ids


NOTHING = Failures()


def failures_of(run: Run) -> Failures:
    """Return what failed in a run that is over."""
    results = run.results or {}
    named = {one for one in sequence(results, "failed_ids") if isinstance(one, str) and one} or {
        text(node, "unique_id") for node in sequence(results, "failed") if isinstance(node, dict)
    }
    ids = sorted(named - {""})
    total = max(number(results, "failed_total"), len(ids))
    if not total:
        return Failures(frozenset({WHOLE_RUN})) if run.status is RunStatus.ERROR else NOTHING
    return Failures(frozenset(ids[:KEPT]), is_whole=total <= len(ids) <= KEPT)


def has_warnings(run: Run) -> bool:
    """Whether a node of the run ended with a warning."""
    return number(mapping(run.results or {}, "counts"), "warn") > 0
