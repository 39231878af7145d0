import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.webhooks.failing import (
    FIRST_PAUSE,
    HOPELESS_AFTER,
    HOPELESS_SINCE,
    LONGEST_PAUSE,
    PAUSE_AFTER,
    WELL,
    Health,
    hopeless_reason,
    pause_after,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
attempts = st.lists(st.tuples(st.booleans(), st.booleans(), st.timedeltas(SECOND * 0, SECOND * 9)))


def failed(health: Health, times: int = 1, *, was_probe: bool = False) -> Health:
    """The health after so many failures at one moment."""
    for _ in range(times):
        health = health.after_attempt(failed=True, was_probe=was_probe, now=NOW)
    return health


def history(steps: list[tuple[bool, bool, timedelta]]) -> tuple[Health, datetime]:
    """The health after attempts that failed or not, were probes or not, some time apart."""
    health, now = WELL, NOW
    for has_failed, was_probe, later in steps:
        now += later
        health = health.after_attempt(failed=has_failed, was_probe=was_probe, now=now)
    return health, now


def test_nine_failures_in_a_row_pause_nothing_and_the_tenth_does_for_a_minute():
    nine = failed(WELL, PAUSE_AFTER - 1)

    assert not nine.is_paused
    assert failed(nine).paused_until == NOW + FIRST_PAUSE == NOW + timedelta(minutes=1)


def test_what_was_under_way_when_the_pause_began_makes_it_no_longer():
    paused = failed(WELL, PAUSE_AFTER)
    after = failed(paused, 15)

    assert after.paused_until == paused.paused_until
    assert after.consecutive_failures == PAUSE_AFTER + 15


def test_each_failed_probe_doubles_the_pause_up_to_an_hour():
    health, pauses = failed(WELL, PAUSE_AFTER), []
    for _ in range(9):
        pauses.append(health.paused_until - NOW)
        health = failed(health, was_probe=True)

    assert [pause // timedelta(minutes=1) for pause in pauses] == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@given(failed_probes=st.integers(0, 10**9))
def test_a_pause_is_never_shorter_than_a_minute_nor_longer_than_an_hour(failed_probes):
    assert FIRST_PAUSE <= pause_after(failed_probes) <= LONGEST_PAUSE
    assert pause_after(failed_probes) <= pause_after(failed_probes + 1)


@given(steps=attempts, was_probe=st.booleans())
def test_one_success_heals_whatever_was_before(steps, was_probe):
    health, now = history(steps)

    assert health.after_attempt(failed=False, was_probe=was_probe, now=now) == WELL


@given(steps=attempts)
def test_the_failures_counted_are_those_since_the_last_success(steps):
    health, _ = history(steps)
    outcomes = [has_failed for has_failed, _, _ in steps]
    in_a_row = next(
        (number for number, one in enumerate(reversed(outcomes)) if not one), len(outcomes)
    )

    assert health.consecutive_failures == in_a_row
    assert (health.failing_since is None) == (in_a_row == 0)
    assert health.is_paused == (in_a_row >= PAUSE_AFTER)


@given(steps=attempts)
def test_an_endpoint_has_been_failing_since_the_first_failure_after_the_last_success(steps):
    health, now = history([*steps, (False, False, SECOND)])
    first = now + SECOND
    later = first + SECOND

    health = health.after_attempt(failed=True, was_probe=False, now=first)
    health = health.after_attempt(failed=True, was_probe=False, now=later)

    assert health.failing_since == first


def test_a_thousand_failures_in_a_row_are_hopeless_and_one_less_is_not():
    health = failed(WELL, HOPELESS_AFTER - 1)

    assert not health.is_hopeless(NOW)
    assert failed(health).is_hopeless(NOW)


def test_a_paused_endpoint_is_hopeless_after_seven_days_of_nothing_but_failures():
    health = failed(WELL, PAUSE_AFTER)

    assert not health.is_hopeless(NOW + HOPELESS_SINCE - timedelta(microseconds=1))
    assert health.is_hopeless(NOW + HOPELESS_SINCE)


def test_a_few_failures_with_a_long_gap_between_them_are_not_hopeless():
    """Of a weekly job, one bad night and the first attempt of the next one are no verdict."""
    assert not failed(WELL, PAUSE_AFTER - 1).is_hopeless(NOW + 2 * HOPELESS_SINCE)


@given(days=st.integers(0, 10_000))
def test_an_endpoint_that_is_well_is_never_hopeless(days):
    assert not WELL.is_hopeless(NOW + timedelta(days=days))


def test_the_reason_says_since_when_how_often_the_last_error_and_what_to_do():
    health = failed(WELL, HOPELESS_AFTER)

    assert hopeless_reason(health, "The endpoint answered 500.") == (
        "The endpoint has been failing since 2026-03-01 12:00:00 UTC, 1,000 attempts in a row. "
        "The last error: The endpoint answered 500. "
        "Fix the endpoint, then set the webhook active again or change the URL."
    )


def test_the_reason_is_in_utc_wherever_the_machine_is(monkeypatch):
    health = failed(WELL, HOPELESS_AFTER)
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        reason = hopeless_reason(health, "The endpoint answered 500.")
    time.tzset()

    assert "since 2026-03-01 12:00:00 UTC" in reason


@pytest.mark.parametrize("times", [0, 1, PAUSE_AFTER, HOPELESS_AFTER])
def test_whether_it_is_paused_follows_from_the_failures_alone(times):
    assert failed(WELL, times).is_paused is (times >= PAUSE_AFTER)
