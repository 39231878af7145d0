"""What refers to a job, an environment or a project is named with numbers."""

import pytest

from runhook.domain.errors import ConflictError
from runhook.domain.runs.scopes import MOST_COUNTED, References, ScopeKind, check_unused


@pytest.mark.parametrize(
    ("references", "words"),
    [
        (References(runs=1), "1 run"),
        (References(runs=2, webhooks=1), "2 runs and 1 webhook narrowed to it"),
        (
            References(runs=MOST_COUNTED, webhooks=2, expectations=1),
            "1,000 runs, 2 webhooks narrowed to it and 1 expectation",
        ),
        (References(jobs=MOST_COUNTED + 1), "more than 1,000 jobs"),
        (References(environments=3), "3 environments"),
    ],
)
def test_a_scope_that_is_referred_to_is_not_deleted_and_it_is_said_by_what(
    references: References, words: str
):
    with pytest.raises(ConflictError) as refused:
        check_unused(ScopeKind.JOB, "nightly", references)

    assert refused.value.message == (
        f"The job `nightly` is still referred to by {words}. Runs go when their retention is over; "
        "delete or change the others first."
    )


def test_what_nothing_refers_to_can_be_deleted():
    assert not References()
    check_unused(ScopeKind.PROJECT, "shop", References())
