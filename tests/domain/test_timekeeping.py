"""A clock that has jumped is not believed before it has told that time for hours."""

from datetime import timedelta

import pytest

from runhook.domain.service.timekeeping import (
    JUMP,
    LASTING,
    LONGEST_GAP,
    SET_BACK,
    Timekeeping,
    first_look,
)
from tests.support.clock import START

A_MINUTE = timedelta(minutes=1)
HALF_AN_HOUR = timedelta(minutes=30)
FAR = timedelta(days=40)


def looked_at(kept: Timekeeping, *pauses: timedelta) -> Timekeeping:
    """What is known after more looks, each so long after the one before."""
    for pause in pauses:
        kept = kept.after_look(kept.seen_at + pause)
    return kept


def test_a_clock_that_goes_on_is_trusted():
    kept = looked_at(first_look(START), *[A_MINUTE] * 100)

    assert kept.trusts(kept.seen_at)
    assert kept.is_settled


def test_a_clock_that_jumped_forward_is_not_trusted_at_the_moment_nor_soon_after():
    before = looked_at(first_look(START), A_MINUTE)
    kept = looked_at(before, FAR, *[HALF_AN_HOUR] * 11)

    assert not before.trusts(before.seen_at + FAR)
    assert not kept.trusts(kept.seen_at)


def test_a_clock_that_tells_the_time_it_jumped_to_for_hours_is_trusted():
    kept = looked_at(first_look(START), FAR, *[HALF_AN_HOUR] * 12)

    assert LASTING == 12 * HALF_AN_HOUR
    assert kept.trusts(kept.seen_at)


def test_a_clock_that_has_lasted_stays_trusted():
    kept = looked_at(first_look(START), FAR, *[LONGEST_GAP] * 6, A_MINUTE)

    assert kept.trusts(kept.seen_at)
    assert (kept.trusted_at, kept.doubted_since) == (kept.seen_at, None)


def test_a_clock_that_is_set_back_while_it_is_doubted_has_to_last_anew():
    a_little_back = timedelta(hours=-2)

    kept = looked_at(first_look(START), FAR, *[HALF_AN_HOUR] * 11, a_little_back)
    soon_after = looked_at(kept, *[HALF_AN_HOUR] * 11)

    assert not soon_after.trusts(soon_after.seen_at)
    assert looked_at(soon_after, HALF_AN_HOUR).doubted_since is None


def test_a_day_is_no_jump_and_a_minute_back_is_no_setting_back():
    kept = looked_at(first_look(START), JUMP, -SET_BACK)

    assert looked_at(first_look(START), JUMP).doubted_since is None
    assert first_look(START).trusts(START + JUMP)
    assert kept.trusts(kept.seen_at)
    assert kept.is_settled


@pytest.mark.parametrize("again", [FAR, timedelta(hours=2), -FAR - timedelta(days=5)])
def test_a_clock_that_jumps_again_has_to_last_anew(again: timedelta):
    kept = looked_at(first_look(START), FAR, *[HALF_AN_HOUR] * 11, again, HALF_AN_HOUR)

    assert kept.trusts(kept.seen_at) == (again < timedelta())


def test_a_jump_that_is_taken_back_is_forgotten_and_what_waited_for_it_goes_on():
    kept = looked_at(first_look(START), FAR, HALF_AN_HOUR, -FAR)

    assert kept.trusts(kept.seen_at)
    assert not kept.is_settled


def test_a_clock_that_is_set_back_is_trusted_because_it_makes_nothing_old():
    kept = looked_at(first_look(START), -FAR)

    assert kept.trusts(kept.seen_at)
    assert not kept.is_settled


def test_a_few_seconds_back_are_nothing():
    assert looked_at(first_look(START), timedelta(seconds=-5)).is_settled


def test_a_service_that_was_stopped_for_days_begins_to_trust_its_clock_as_after_a_jump():
    kept = looked_at(first_look(START), JUMP + A_MINUTE)

    assert not kept.trusts(kept.seen_at)
