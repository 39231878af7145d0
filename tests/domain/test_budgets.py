from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.deliveries.budgets import QUICK, SLOW, Budget

MOST = 16
FAST = timedelta(milliseconds=5)
answers = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([FAST, QUICK, QUICK * 2, SLOW, SLOW * 2]),
        st.integers(0, MOST),
    )
)


def after(
    budget: Budget, count: int, *, failed: bool = False, duration: timedelta = FAST
) -> Budget:
    """The budget after so many answers, one at a time."""
    for _ in range(count):
        budget = budget.after(failed=failed, duration=duration, under_way=0)
    return budget


@given(steps=answers)
def test_a_budget_is_never_under_one_nor_over_the_most(steps):
    budget = Budget.full(MOST)
    for failed, duration, under_way in steps:
        budget = budget.after(failed=failed, duration=duration, under_way=under_way)

        assert 1 <= budget.requests <= MOST


def test_trouble_halves_it():
    assert [after(Budget.full(MOST), count, failed=True).requests for count in range(6)] == [
        16,
        8,
        4,
        2,
        1,
        1,
    ]


def test_it_never_grows_beyond_the_most():
    assert after(Budget.full(MOST), 2 * MOST).requests == MOST


def test_trouble_begins_another_round_of_quick_answers():
    almost_grown = after(after(Budget.full(MOST), 1, failed=True), MOST // 2 - 1)

    cut = after(almost_grown, 1, failed=True)

    assert [after(cut, count).requests for count in (3, 4)] == [4, 5]


def test_a_slow_answer_is_trouble_though_it_is_a_success():
    assert after(Budget.full(MOST), 1, duration=SLOW).requests == MOST // 2


def test_what_was_under_way_at_a_cut_cuts_no_further():
    """All of a lane's requests time out together: that is one trouble, not sixteen."""
    budget = Budget.full(MOST)
    for left in reversed(range(MOST)):
        budget = budget.after(failed=True, duration=SLOW, under_way=left)

    assert budget.requests == MOST // 2
    assert budget.after(failed=True, duration=SLOW, under_way=7).requests == MOST // 4


@given(steps=answers)
def test_a_round_of_quick_answers_adds_one(steps):
    budget = Budget.full(MOST)
    for failed, duration, under_way in steps:
        budget = budget.after(failed=failed, duration=duration, under_way=under_way)
    settled = after(budget, budget.outstanding)
    fresh = Budget(most=MOST, requests=settled.requests)

    assert after(fresh, fresh.requests).requests == min(MOST, fresh.requests + 1)
    assert after(fresh, fresh.requests - 1).requests == fresh.requests


def test_it_grows_back_to_the_most_and_not_at_once():
    least = Budget(most=MOST, requests=1)
    rounds = sum(range(1, MOST))

    assert after(least, rounds - 1).requests == MOST - 1
    assert after(least, rounds).requests == MOST


def test_an_answer_counts_as_quick_up_to_the_bound():
    budget = Budget(most=MOST, requests=4)

    assert after(budget, 1, duration=QUICK) == after(budget, 1)
    assert after(budget, 1, duration=QUICK + timedelta.resolution) == budget


def test_an_answer_that_is_neither_quick_nor_slow_changes_nothing():
    budget = Budget(most=MOST, requests=4, quick_answers=3)

    assert after(budget, 10, duration=QUICK * 2) == budget
