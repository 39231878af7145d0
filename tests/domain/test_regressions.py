"""What failed in a run, and when that is news."""

import pytest

from runhook.domain.runs.regressions import (
    KEPT,
    NOTHING,
    WHOLE_RUN,
    Failures,
    failed_nodes_of,
    known_after,
)
from runhook.domain.runs.run import RunStatus
from tests.support.builders import a_run

A, B = "model.shop.a", "test.shop.b.1a2b"
SUCCESS, ERROR = RunStatus.SUCCESS, RunStatus.ERROR


def failures(*ids: str, is_whole: bool = True) -> Failures:
    return Failures(frozenset(ids), is_whole)


def told(*ids: str, total: int | None = None, **more) -> Failures:
    """What failed in a run whose reporter named these nodes."""
    failed = [{"unique_id": one} for one in ids]
    results = {"failed": failed, "failed_total": len(ids) if total is None else total, **more}
    return failed_nodes_of(a_run(status=RunStatus.ERROR, results=results))


@pytest.mark.parametrize(
    ("now", "last", "is_news"),
    [
        (NOTHING, NOTHING, False),
        (NOTHING, failures(A), False),
        (failures(A), NOTHING, True),
        (failures(A), None, False),
        (failures(WHOLE_RUN), None, False),
        (failures(A, is_whole=False), None, False),
        (failures(A), failures(A), False),
        (failures(A), failures(A, B), False),
        (failures(A, B), failures(A), True),
        (failures(WHOLE_RUN), failures(A), True),
        (failures(WHOLE_RUN), failures(WHOLE_RUN), False),
        (failures(A), failures(WHOLE_RUN), True),
        # Where some have no name, they may be new; a named one that is not in the list may be, too.
        (failures(A, is_whole=False), failures(A, is_whole=False), True),
        (failures(B), failures(A, is_whole=False), True),
    ],
)
def test_a_failure_is_news_if_it_had_succeeded_before(now, last, is_news):
    assert now.are_news_to(last) is is_news


def test_the_nodes_that_failed_are_those_that_the_reporter_names():
    assert told(A, B) == failures(A, B)
    assert told(A, total=25) == failures(A, is_whole=False)
    assert told(A, total=2, failed_ids=[A, B]) == failures(A, B)
    assert told(failed_ids=[A, 3, None, ""], total=1) == failures(A)
    assert told(A, "", total=2) == failures(A, is_whole=False)


@pytest.mark.parametrize("results", [None, {}, {"counts": {"success": 3}, "failed": "garbage"}])
def test_a_run_that_failed_without_a_node_that_did_failed_as_a_whole(results):
    assert failed_nodes_of(a_run(status=RunStatus.ERROR, results=results)) == failures(WHOLE_RUN)
    assert failed_nodes_of(a_run(status=RunStatus.SUCCESS, results=results)) == NOTHING


@pytest.mark.parametrize(
    ("status", "results", "last", "known"),
    [
        (ERROR, {"failed": [{"unique_id": A}]}, None, failures(A)),
        (ERROR, {"failed": [{"unique_id": A}]}, failures(B), failures(A)),
        (SUCCESS, {"counts": {"success": 2}}, failures(A, WHOLE_RUN), NOTHING),
        (ERROR, {"counts": {"success": 2}}, failures(A), failures(WHOLE_RUN)),
        (ERROR, None, failures(A), failures(A, WHOLE_RUN)),
        (ERROR, None, None, None),
        (ERROR, None, failures(A, is_whole=False), failures(A, WHOLE_RUN, is_whole=False)),
        (ERROR, {"failed_total": 2}, failures(A), failures(is_whole=False)),
        (SUCCESS, None, failures(A, WHOLE_RUN), failures(A)),
        (SUCCESS, {"counts": {}}, failures(A), failures(A)),
        (SUCCESS, None, None, NOTHING),
        (
            ERROR,
            {"failed": [{"unique_id": A}], "skipped_ids": [B, "model.shop.c"]},
            failures(B, "model.shop.d"),
            failures(A, B),
        ),
    ],
    ids=[
        "a first run with results",
        "another node has failed",
        "all has been mended",
        "no node has failed, but the run",
        "the run has failed before any node",
        "the run has failed before any node, and not all are known",
        "the run names none of the nodes that failed",
        "no run has ever come to a node",
        "a success without results",
        "nothing was selected",
        "a first success without results",
        "what had failed was skipped",
    ],
)
def test_what_is_known_of_a_jobs_nodes_after_a_run(status, results, last, known):
    assert known_after(a_run(status=status, results=results), last) == known


def test_of_very_many_failures_some_are_kept():
    found = told(*(f"model.shop.m{number}" for number in range(KEPT + 1)))

    assert (len(found.ids), found.is_whole) == (KEPT, False)
    assert told(*(f"model.shop.m{number}" for number in range(KEPT))).is_whole
