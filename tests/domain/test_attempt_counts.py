from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.deliveries.attempt_counts import (
    BUCKETS,
    AttemptCounts,
    bucket_of,
    counts_by_hour,
    counts_of,
    sum_of,
)
from runhook.domain.deliveries.delivery import Attempt, AttemptTrigger
from runhook.domain.deliveries.judging import FailureReason, Outcome
from runhook.domain.errors import InvalidError
from runhook.domain.messages.telling import DeliveryId
from runhook.settings import read_timeout

NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
HOUR = timedelta(hours=1)
durations = st.lists(st.timedeltas(timedelta(), timedelta(seconds=70)), min_size=1, max_size=40)


def took(
    duration: timedelta, *, sent_at: datetime = NOON, failure: FailureReason | None = None
) -> Attempt:
    return Attempt(
        delivery_id=DeliveryId("wev_1"),
        number=1,
        trigger=AttemptTrigger.SCHEDULED,
        sent_at=sent_at,
        request_headers={},
        outcome=Outcome(duration=duration, failure=failure),
    )


def test_an_attempt_counts_in_the_hour_that_it_ended_in():
    counted = counts_by_hour(
        [
            took(SECOND, sent_at=NOON + HOUR - SECOND),
            took(SECOND, sent_at=NOON, failure=FailureReason.TIMED_OUT),
            took(SECOND, sent_at=NOON + SECOND),
        ]
    )

    assert [(hour, one.succeeded, one.failed) for hour, one in counted.items()] == [
        (NOON, 1, 1),
        (NOON + HOUR, 1, 0),
    ]


def test_an_hour_begins_with_its_first_microsecond():
    last = took(SECOND, sent_at=NOON + timedelta(minutes=59, seconds=58, microseconds=999_999))

    assert list(counts_by_hour([last])) == [NOON]


def test_hours_add_up():
    hours = [
        AttemptCounts(succeeded=1, failed=2, longest=SECOND),
        AttemptCounts(succeeded=3, failed=4, longest=2 * SECOND),
    ]

    total = sum_of(hours)

    assert (total.succeeded, total.failed, total.longest) == (4, 6, 2 * SECOND)


def test_a_percentile_lies_within_its_bucket_by_rank():
    four = counts_of([took(BUCKETS[0] * SECOND)] * 4)

    assert four.percentile(25) == BUCKETS[0] * SECOND / 4
    assert four.percentile(100) == BUCKETS[0] * SECOND


@given(durations, st.sampled_from([50, 95, 100]))
def test_a_percentile_is_in_the_bucket_of_the_exact_one_and_none_is_beyond_the_longest(
    durations: list[timedelta], share: int
):
    exact = sorted(durations)[-(-len(durations) * share // 100) - 1]

    told = counts_of([took(one) for one in durations]).percentile(share)

    assert told is not None
    # What an even spread gives may be a bucket's beginning but for less than a microsecond.
    assert bucket_of(told) <= bucket_of(exact) <= bucket_of(told + timedelta(microseconds=1))
    assert told <= max(durations)


@given(durations, durations)
def test_what_hours_had_together_is_what_one_that_had_all_of_it_would_tell(
    first: list[timedelta], second: list[timedelta]
):
    one, other = (counts_of([took(duration) for duration in some]) for some in (first, second))

    assert sum_of([one, other]) == counts_of([took(duration) for duration in (*first, *second)])


def test_attempts_that_all_timed_out_took_as_long_as_they_were_allowed():
    limit = timedelta(seconds=10, milliseconds=3)

    counts = counts_of([took(limit, failure=FailureReason.TIMED_OUT)] * 100)

    assert timedelta(seconds=10) < counts.percentile(50) < counts.percentile(95) <= limit


def test_nothing_has_no_percentile():
    assert AttemptCounts().percentile(50) is None
    assert sum_of([]) == AttemptCounts(durations=list(AttemptCounts().durations))


def test_the_last_bucket_ends_where_the_longest_attempt_does():
    assert read_timeout(f"{BUCKETS[-1]:.0f}").total_seconds() == BUCKETS[-1]
    with pytest.raises(InvalidError):
        read_timeout(f"{BUCKETS[-1] + 1:.0f}")
