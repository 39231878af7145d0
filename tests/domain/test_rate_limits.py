from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.rate_limits import LARGEST, LATE, PERIODS, RateLimit

MICROSECOND = timedelta(microseconds=1)

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


@pytest.mark.parametrize(
    ("text", "together", "milliseconds"),
    [
        ("10/second", 1, 105),
        ("500/minute", 1, 120.1),
        ("1/minute", 1, 60_050),
        ("1/second", 1, 1050),
    ],
)
def test_a_modest_rate_lets_one_through_at_a_time_evenly_spread(text, together, milliseconds):
    limit = RateLimit.parse(text)

    assert limit.together == together
    assert limit.pause_after(1) == timedelta(milliseconds=milliseconds)


@given(limit=limits)
def test_a_high_rate_keeps_nine_tenths_of_itself(limit):
    rate_kept = PERIODS[limit.period] / limit.pause_after(limit.together) * limit.together

    assert rate_kept >= 0.9 * limit.requests


@given(limit=limits, data=st.data())
def test_no_period_ever_sees_more_than_the_limit(limit, data):
    """Whatever is taken at a time, as soon as it may be or late: no other period is fuller than one
    that begins with a turn."""
    turns = st.tuples(st.integers(1, limit.together), st.integers(0, 3 * LATE // MICROSECOND))
    drawn = data.draw(st.lists(turns, min_size=1, max_size=60))
    gate, sent = timedelta(), []
    for size, late in [*drawn, *[(limit.together, 0)] * 30]:
        moment = gate + late * MICROSECOND
        sent.append((moment, size))
        gate = max(gate, moment - LATE) + limit.pause_after(size)

    for begin, _ in sent:
        end = begin + PERIODS[limit.period]
        assert sum(size for moment, size in sent if begin <= moment < end) <= limit.requests
