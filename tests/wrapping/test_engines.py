"""A real dbt behind the wrapper: a telling part of what `python -m tests.soak.engines` tries.

The test of `make demo` checks the events of a success, of a failing test and of SIGTERM.
"""

from pathlib import Path

import pytest

from tests.soak.engines import CASES, Case, a_stage, play
from tests.support.engines import CORE

IN_EVERY_TEST = (
    "compile error",
    "usage error into a file",
    "Ctrl-C once",
    "SIGTERM behind timeout",
    "SIGTERM behind timeout in a shell",
)
"""dbt Core exits with 2 for all but the last, and one of them leaves older results behind."""


@pytest.mark.parametrize(
    "case", [case for case in CASES if case.name in IN_EVERY_TEST], ids=lambda case: case.name
)
def test_a_real_run_becomes_what_it_was(tmp_path: Path, case: Case):
    with a_stage(case, CORE, tmp_path) as stage:
        outcome = play(stage)

    assert case.is_met(CORE, outcome), outcome


def test_each_case_is_named_once():
    names = [case.name for case in CASES]

    assert len(names) == len(set(names))
    assert set(IN_EVERY_TEST) <= set(names)
