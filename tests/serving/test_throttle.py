"""Failures are counted in a window of time, by name, and only those who fail see it."""

from datetime import timedelta

import pytest

from runhook.domain.errors import LimitedError, UnauthorizedError
from runhook.server.access.throttle import REMEMBERED, Limit, Rationed, Throttle

LIMITS = dict.fromkeys(Rationed, Limit(3, timedelta(hours=1)))
ADDRESS = "192.0.2.7"


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def hand() -> Hand:
    return Hand()


@pytest.fixture
def throttle(hand: Hand) -> Throttle:
    return Throttle(LIMITS, now=hand)


def fail(throttle: Throttle, failure: Rationed, name: str) -> Exception:
    return throttle.refusal(UnauthorizedError("Wrong."), {failure: name})


def fail_often(throttle: Throttle, failure: Rationed, name: str) -> None:
    for _ in range(3):
        assert isinstance(fail(throttle, failure, name), UnauthorizedError)


def test_who_fails_too_often_is_told_so_and_when_to_come_back(throttle: Throttle, hand: Hand):
    fail_often(throttle, Rationed.TOKEN_FROM, ADDRESS)
    hand.seconds += 600

    error = fail(throttle, Rationed.TOKEN_FROM, ADDRESS)

    assert isinstance(error, LimitedError)
    assert error.retry_after == timedelta(minutes=50)
    assert error.message == ("Wrong. Too many attempts have failed; try again in 3000 seconds.")


def test_a_window_ends_whether_or_not_somebody_goes_on_failing(throttle: Throttle, hand: Hand):
    for _ in range(6):
        fail(throttle, Rationed.TOKEN_FROM, ADDRESS)
        hand.seconds += 599
    hand.seconds = 3_600

    assert not throttle.is_over(Rationed.TOKEN_FROM, ADDRESS)
    fail_often(throttle, Rationed.TOKEN_FROM, ADDRESS)


@pytest.mark.parametrize(
    ("failed", "tries", "is_over"),
    [
        ("ada@example.com", " ADA@example.com", True),
        ("ada@example.com", "grace@example.com", False),
        ("2001:db8:1:2::3", "2001:db8:1:2:ffff::", True),
        ("2001:db8:1:2::3", "2001:db8:1:3::3", False),
        ("::ffff:192.0.2.7", ADDRESS, True),
        (ADDRESS, "192.0.2.8", False),
    ],
)
def test_failures_are_counted_by_mailbox_or_by_site(
    throttle: Throttle, failed: str, tries: str, *, is_over: bool
):
    fail_often(throttle, Rationed.SIGN_IN_AS, failed)

    assert throttle.is_over(Rationed.SIGN_IN_AS, tries) == is_over


def test_counts_each_kind_of_failure_by_itself(throttle: Throttle):
    fail_often(throttle, Rationed.TOKEN_FROM, ADDRESS)

    assert not throttle.is_over(Rationed.SIGN_IN_FROM, ADDRESS)


def test_too_many_under_one_of_several_names_are_too_many(throttle: Throttle):
    fail_often(throttle, Rationed.SIGN_IN_AS, "ada@example.com")

    error = throttle.refusal(
        UnauthorizedError(),
        {Rationed.SIGN_IN_FROM: ADDRESS, Rationed.SIGN_IN_AS: "ada@example.com"},
    )

    assert isinstance(error, LimitedError)


def test_a_bounded_number_of_names_is_remembered_those_that_failed_last(throttle: Throttle):
    fail_often(throttle, Rationed.TOKEN, "first")
    fail_often(throttle, Rationed.TOKEN, "second")
    for number in range(REMEMBERED - 2):
        fail(throttle, Rationed.TOKEN, str(number))
    fail(throttle, Rationed.TOKEN, "first")
    fail(throttle, Rationed.TOKEN, "new")

    assert throttle.is_over(Rationed.TOKEN, "first")
    assert not throttle.is_over(Rationed.TOKEN, "second")
