"""Whoever fails too often has to wait; whoever does not is never counted."""

import pytest
from limits import RateLimitItemPerHour, RateLimitItemPerSecond

from runhook.domain.errors import LimitedError, UnauthorizedError
from runhook.server.throttle import KNOWN_TOKENS, Failure, Throttle

HOURLY = dict.fromkeys(Failure, RateLimitItemPerHour(3))
ADDRESS = "192.0.2.7"


@pytest.fixture
def throttle() -> Throttle:
    return Throttle(HOURLY)


def fail(throttle: Throttle, failure: Failure, whose: str, times: int = 3) -> None:
    for _ in range(times):
        throttle.check(failure, whose)
        throttle.count(failure, whose)


def is_refused(throttle: Throttle, failure: Failure, whose: str) -> bool:
    try:
        throttle.check(failure, whose)
    except LimitedError:
        return True
    return False


def test_refuses_after_as_many_failures_as_are_allowed_and_says_when_to_come_back(
    throttle: Throttle,
):
    fail(throttle, Failure.BAD_TOKEN, ADDRESS)

    with pytest.raises(LimitedError, match="try again in") as refused:
        throttle.check(Failure.BAD_TOKEN, ADDRESS)

    # Less than an hour by what this test took.
    assert 3_000 <= refused.value.retry_after.total_seconds() <= 3_600


def test_checking_alone_counts_nothing(throttle: Throttle):
    for _ in range(10):
        throttle.check(Failure.BAD_TOKEN, ADDRESS)


def test_lets_in_again_when_the_time_is_over():
    throttle = Throttle(dict.fromkeys(Failure, RateLimitItemPerSecond(1)))
    throttle.count(Failure.BAD_TOKEN, ADDRESS)

    while is_refused(throttle, Failure.BAD_TOKEN, ADDRESS):
        pass


@pytest.mark.parametrize(
    ("failed", "tries", "outcome"),
    [
        ("192.0.2.7", "192.0.2.8", "let in"),
        ("192.0.2.7", "::ffff:192.0.2.7", "refused"),
        ("2001:db8::1", "2001:db8:0:0:ffff::2", "refused"),
        ("2001:db8::1", "2001:db8:0:1::1", "let in"),
        ("fe80::1%eth0", "fe80::2", "refused"),
        ("ada@example.com", " Ada@Example.com", "refused"),
        ("ada@example.com", "bob@example.com", "let in"),
    ],
)
def test_counts_by_address_by_ipv6_site_and_by_mailbox(
    throttle: Throttle, failed: str, tries: str, outcome: str
):
    fail(throttle, Failure.SIGN_IN_AS, failed)

    assert is_refused(throttle, Failure.SIGN_IN_AS, tries) == (outcome == "refused")


def test_counts_each_kind_of_failure_by_itself(throttle: Throttle):
    fail(throttle, Failure.BAD_TOKEN, ADDRESS)

    assert not is_refused(throttle, Failure.SIGN_IN_FROM, ADDRESS)


ATTEMPT = {Failure.SIGN_IN_FROM: ADDRESS, Failure.SIGN_IN_AS: "ada@example.com"}


def test_an_attempt_that_ends_well_is_not_counted(throttle: Throttle):
    for _ in range(10):
        with throttle.attempt(ATTEMPT):
            pass


def test_an_attempt_that_fails_for_another_reason_is_not_counted(throttle: Throttle):
    for _ in range(10):
        with pytest.raises(OSError, match="away"), throttle.attempt(ATTEMPT):
            raise OSError("away")


@pytest.mark.parametrize(
    "other",
    [
        {**ATTEMPT, Failure.SIGN_IN_FROM: "192.0.2.8"},
        {**ATTEMPT, Failure.SIGN_IN_AS: "bob@example.com"},
    ],
)
def test_failed_attempts_count_against_each_of_those_named(throttle: Throttle, other):
    for _ in range(3):
        with pytest.raises(UnauthorizedError), throttle.attempt(ATTEMPT):
            raise UnauthorizedError

    with pytest.raises(LimitedError), throttle.attempt(other):
        pytest.fail("was let through")


def test_attempts_under_way_count_so_that_a_crowd_gets_no_further_than_one(throttle: Throttle):
    with (
        throttle.attempt(ATTEMPT),
        throttle.attempt(ATTEMPT),
        throttle.attempt(ATTEMPT),
        pytest.raises(LimitedError),
        throttle.attempt(ATTEMPT),
    ):
        pytest.fail("was let through")


def test_knows_a_token_from_its_good_use_until_its_first_bad_one(throttle: Throttle):
    assert not throttle.knows_token("digest")
    throttle.note_token("digest", is_good=True)
    assert throttle.knows_token("digest")
    throttle.note_token("digest", is_good=False)
    assert not throttle.knows_token("digest")


def test_remembers_a_bounded_number_of_tokens_those_used_last(throttle: Throttle):
    throttle.note_token("first", is_good=True)
    for number in range(KNOWN_TOKENS - 1):
        throttle.note_token(str(number), is_good=True)
    throttle.note_token("first", is_good=True)
    throttle.note_token("new", is_good=True)

    assert throttle.knows_token("first")
    assert not throttle.knows_token("0")
