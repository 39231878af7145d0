from datetime import timedelta
from itertools import count, takewhile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.options.rate_limits import CREDIT, LARGEST, PERIODS, RateLimit

limits = st.builds(RateLimit, st.integers(1, LARGEST), st.sampled_from(sorted(PERIODS)))


@given(limit=limits)
def test_a_rate_is_read_as_it_is_written(limit):
    assert RateLimit.parse(str(limit)) == limit


@pytest.mark.parametrize(
    "text",
    [
        "",
        "10",
        "/second",
        "10/",
        "0/second",
        "-1/second",
        "01/second",
        "1.5/second",
        "10 / second",
        "10/Second",
        "10/seconds",
        "10/hour",
        "100001/second",
        "\N{DEVANAGARI DIGIT ONE}/second",
        "10/second\n",
        "x" * 999,
    ],
)
def test_what_is_no_rate_is_refused_with_examples_of_one(text):
    with pytest.raises(InvalidError, match="`10/second` or `600/minute`") as caught:
        RateLimit.parse(text)

    assert len(caught.value.message) < 200


def test_the_largest_rate_is_one():
    assert RateLimit.parse(f"{LARGEST}/second").requests == LARGEST


def test_a_pause_is_rounded_up_to_whole_microseconds_so_that_a_rate_is_never_exceeded():
    assert RateLimit(3, "second").pause_after(1) == timedelta(microseconds=333_334)


@pytest.mark.parametrize(
    ("text", "together", "milliseconds", "burst"),
    [
        ("1/minute", 1, 60_000, 1),
        ("1/second", 1, 1_000, 1),
        ("10/second", 1, 100, 3),
        ("500/minute", 1, 120, 3),
        ("100/second", 5, 10, 29),
    ],
)
def test_a_rate_is_spread_evenly_with_a_small_burst(text, together, milliseconds, burst):
    limit = RateLimit.parse(text)

    assert (limit.together, limit.burst) == (together, burst)
    assert limit.pause_after(1) == timedelta(milliseconds=milliseconds)


@given(limit=limits, late=st.timedeltas(timedelta(), CREDIT))
def test_what_is_due_at_once_is_so_many_that_a_turn_is_late_enough_for_them(limit, late):
    due = limit.due_after(late)

    assert limit.lateness_of(due) <= late < limit.lateness_of(due + 1)


@given(limit=limits)
def test_a_burst_is_less_than_a_third_of_the_rate_or_one_request(limit):
    assert 1 <= limit.burst <= max(1, 0.3 * limit.requests + 1)


def passing(limit, turns):
    """Yield when requests go, and how many: gates open one after the other, workers come late."""
    gate = timedelta()
    for size, late in turns:
        moment = gate + late
        yield moment, size
        gate = max(gate, moment - CREDIT) + limit.pause_after(size)


@given(limit=limits, data=st.data())
def test_no_period_ever_sees_more_than_the_limit_and_the_burst(limit, data):
    """Whatever is taken at a time, as soon as it may be or late: no other period is fuller than one
    that begins with a turn."""
    turn = st.timedeltas(timedelta(), 3 * CREDIT).flatmap(
        lambda late: st.tuples(st.integers(1, limit.due_after(late)), st.just(late))
    )
    drawn = data.draw(st.lists(turn, min_size=1, max_size=60))

    sent = list(passing(limit, [*drawn, *[(limit.together, timedelta())] * 30]))

    for begin, _ in sent:
        end = begin + PERIODS[limit.period]
        within = sum(size for moment, size in sent if begin <= moment < end)
        assert within <= limit.requests + limit.burst


@given(limit=st.builds(RateLimit, st.integers(1, 500), st.just("second")), data=st.data())
def test_a_minute_sees_all_of_the_limit_though_each_turn_comes_late(limit, data):
    late = data.draw(st.lists(st.timedeltas(timedelta(), CREDIT), min_size=1, max_size=20))
    minute = 60 * PERIODS["second"]
    turns = ((limit.together, late[number % len(late)]) for number in count())

    sent = takewhile(lambda turn: turn[0] <= minute + CREDIT, passing(limit, turns))

    assert sum(size for _, size in sent) >= 60 * limit.requests
