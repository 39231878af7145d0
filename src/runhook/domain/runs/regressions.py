"""Failures of a run that are news: of nodes that had succeeded before.

For each job, the failed nodes of its last completed run with node results are kept; every other
node counts as having succeeded. A run without node results (canceled, killed, lost, not compiled)
changes nothing of that. Before a job's first completed run no failure is news.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from runhook.domain.dbt.results import mapping, number, sequence, text
from runhook.domain.runs.run import Run, RunStatus

WHOLE_RUN = "run"
"""Stands for a run that failed without a node that did: it could not be compiled, was killed or was
lost. No node has this unique_id."""
KEPT = 1_000


@dataclass(frozen=True, slots=True)
class Failures:
    """Failed nodes of a run, or of a job as last reported: unique_ids."""

    ids: frozenset[str] = frozenset()
    is_whole: bool = True
    """Whether these are all. A reporter names some, and no more than ``KEPT`` are kept."""

    def are_news_to(self, last: "Failures | None") -> bool:
        """Whether anything failed that had succeeded before.

        Failures without a name may be new ones: better sent once too often.

        Args:
            last: the job's known failures; None before its first completed run.
        """
        return last is not None and (not self.is_whole or not self.ids <= last.ids)


NOTHING = Failures()


def failed_nodes_of(run: Run) -> Failures:
    """Nodes that failed in a finished run."""
    results = run.results or {}
    named = ids_in(results, "failed_ids") or {
        text(node, "unique_id") for node in sequence(results, "failed") if isinstance(node, dict)
    }
    ids = sorted(named - {""})
    total = max(number(results, "failed_total"), len(ids))
    if not total:
        return Failures(frozenset({WHOLE_RUN})) if run.status is RunStatus.ERROR else NOTHING
    return Failures(frozenset(ids[:KEPT]), is_whole=total <= len(ids) <= KEPT)


def known_after(run: Run, last: Failures | None) -> Failures | None:
    """Known failures of a job's nodes once a run of it has completed.

    A node that had failed and was skipped this time has not succeeded since.

    Args:
        run: the run; a success without node results counts as having no failed node.
        last: the failures known before it; None if there were none known.
    """
    now = failed_nodes_of(run)
    if has_node_results(run):
        skipped = ids_in(run.results or {}, "skipped_ids")
        unmended = frozenset() if last is None else last.ids & skipped
        return Failures(frozenset(sorted(now.ids | unmended)[:KEPT]), now.is_whole)
    if last is None:
        return None if now.ids else NOTHING
    return Failures((last.ids - {WHOLE_RUN}) | now.ids, last.is_whole)


def has_node_results(run: Run) -> bool:
    """Whether a run reports results of nodes."""
    results = run.results or {}
    counted = mapping(results, "counts")
    named = (number(results, "failed_total"), len(sequence(results, "failed")))
    return any((*named, *(number(counted, status) for status in counted)))


def ids_in(results: Mapping[str, object], key: str) -> set[str]:
    """The unique_ids in a list."""
    return {one for one in sequence(results, key) if isinstance(one, str) and one}
