from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from runhook.domain.deliveries.retries import (
    DEFAULT_SCHEDULE,
    DELAY_LIMIT,
    RETRIES_LIMIT,
    RETRY_AFTER_LIMIT,
    RetrySchedule,
    parse_delay,
    parse_retry_after,
)
from runhook.domain.errors import InvalidError

NOW = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)
TICK = timedelta(microseconds=1)
NOTHING = timedelta()

delays = st.timedeltas(NOTHING, DELAY_LIMIT)
schedules = st.lists(delays, min_size=1, max_size=RETRIES_LIMIT).map(
    lambda pauses: RetrySchedule(tuple(pauses))
)
jitters = st.floats(0, 1)


def seconds(number: float) -> timedelta:
    return timedelta(seconds=number)


def test_the_usual_schedule_retries_five_times_over_two_and_a_half_hours():
    assert [delay.total_seconds() for delay in DEFAULT_SCHEDULE.delays] == [10, 60, 300, 1800, 7200]


@given(schedule=schedules, jitter=jitters, data=st.data())
@example(schedule=RetrySchedule((DELAY_LIMIT,)), jitter=1.0, data=None)
def test_jitter_never_shortens_a_delay_and_adds_at_most_a_fifth(schedule, jitter, data):
    attempts = st.integers(1, len(schedule.delays))
    attempt = data.draw(attempts) if data else 1
    delay = schedule.delays[attempt - 1]
    waited = schedule.delay_after(attempt, retry_after=None, jitter=jitter)

    assert delay <= waited <= delay * 1.2 + TICK


@given(schedule=schedules)
def test_without_jitter_a_delay_is_exactly_the_schedules(schedule):
    waited = [
        schedule.delay_after(attempt, retry_after=None, jitter=0.0)
        for attempt in range(1, len(schedule.delays) + 1)
    ]

    assert waited == list(schedule.delays)


def test_jitter_spreads_deliveries_that_failed_together():
    waits = {
        DEFAULT_SCHEDULE.delay_after(1, retry_after=None, jitter=share / 10) for share in range(11)
    }

    assert len(waits) == 11
    assert (min(waits), max(waits)) == (seconds(10), seconds(12))


@given(pauses=st.lists(delays, max_size=RETRIES_LIMIT), jitter=jitters)
def test_n_delays_make_n_plus_one_attempts(pauses, jitter):
    schedule = RetrySchedule(tuple(pauses))
    attempts = 1
    while schedule.delay_after(attempts, retry_after=None, jitter=jitter) is not None:
        attempts += 1

    assert attempts == len(pauses) + 1


@given(asked=st.timedeltas(NOTHING, timedelta(days=30)), jitter=jitters, schedule=schedules)
def test_no_attempt_comes_before_what_the_endpoint_asked_for_up_to_four_hours(
    asked, jitter, schedule
):
    usual = schedule.delay_after(1, retry_after=None, jitter=jitter)
    waited = schedule.delay_after(1, retry_after=asked, jitter=jitter)

    assert waited == max(usual, min(asked, timedelta(hours=4)))


def test_an_endpoint_cannot_ask_for_another_attempt_after_the_last():
    assert DEFAULT_SCHEDULE.delay_after(6, retry_after=seconds(1), jitter=0.5) is None


def test_a_schedule_is_read_from_seconds_with_commas_between_them():
    assert RetrySchedule.parse("10, 60,300 , 0.5") == RetrySchedule(
        (seconds(10), seconds(60), seconds(300), seconds(0.5))
    )


@pytest.mark.parametrize("text", ["", "  "])
def test_an_empty_schedule_means_one_attempt_only(text):
    schedule = RetrySchedule.parse(text)

    assert schedule == RetrySchedule(())
    assert schedule.delay_after(1, retry_after=None, jitter=0.0) is None


@given(pauses=st.lists(st.integers(0, 604_800), max_size=RETRIES_LIMIT))
def test_a_schedule_that_was_written_down_is_read_back(pauses):
    text = ",".join(str(pause) for pause in pauses)

    assert RetrySchedule.parse(text).delays == tuple(seconds(pause) for pause in pauses)


def test_a_schedule_has_at_most_twenty_retries():
    assert len(RetrySchedule.parse(",".join(["1"] * 20)).delays) == 20
    with pytest.raises(InvalidError, match=r"^21 retries are too many; 20 at most$"):
        RetrySchedule.parse(",".join(["1"] * 21))


@pytest.mark.parametrize("text", ["-1", "-0.001", "nan", "inf", "-inf", "soon", "10s", "604800.1"])
def test_a_pause_out_of_bounds_or_not_a_number_is_named(text):
    with pytest.raises(InvalidError, match=r"in seconds from 0 to 604800$") as caught:
        RetrySchedule.parse(f"10,{text}")

    assert caught.value.message.startswith(f"`{text}` ")


@pytest.mark.parametrize("text", ["10,", ",10", "10,,60", ","])
def test_a_gap_in_a_schedule_is_refused_and_not_taken_for_zero(text):
    with pytest.raises(InvalidError, match=r"^`` is not a pause"):
        RetrySchedule.parse(text)


def test_a_message_repeats_only_the_beginning_of_a_long_pause():
    with pytest.raises(InvalidError) as caught:
        parse_delay("x" * 10_000)

    assert len(caught.value.message) < 120


@pytest.mark.parametrize(("text", "pause"), [("0", 0), ("604800", 604_800), ("1e2", 100)])
def test_a_pause_is_from_nothing_to_seven_days(text, pause):
    assert parse_delay(text) == seconds(pause)


@pytest.mark.parametrize(
    ("text", "asked"),
    [("1", 1), ("120", 120), ("0.25", 0.25), ("1.5", 1.5), (" 30 ", 30), ("14400", 14_400)],
)
def test_retry_after_is_read_in_seconds_and_fractions_of_them(text, asked):
    assert parse_retry_after(text, now=NOW) == seconds(asked)


@pytest.mark.parametrize(
    "text",
    [
        "Thu, 29 Feb 2024 12:01:30 GMT",
        "Thursday, 29-Feb-24 12:01:30 GMT",
        "Thu Feb 29 12:01:30 2024",
        "Thu, 29 Feb 2024 12:01:30 -0000",
        "Thu, 29 Feb 2024 17:31:30 +0530",
        "29 Feb 2024 12:01:30 GMT",
    ],
)
def test_retry_after_is_read_as_a_date_in_each_form_of_http(text):
    assert parse_retry_after(text, now=NOW) == seconds(90)


def test_retry_after_as_a_date_counts_from_now_in_whatever_zone_now_is():
    elsewhere = NOW.astimezone(timezone(timedelta(hours=-8)))

    assert parse_retry_after("Thu, 29 Feb 2024 12:01:30 GMT", now=elsewhere) == seconds(90)


@pytest.mark.parametrize(
    "text",
    ["14401", "99999999999", "1e300", "Thu, 29 Feb 2024 16:00:01 GMT", "Fri, 31 Dec 9999 23:59:59"],
)
def test_a_huge_retry_after_counts_as_four_hours(text):
    assert parse_retry_after(text, now=NOW) == RETRY_AFTER_LIMIT == timedelta(hours=4)


@pytest.mark.parametrize(
    "text",
    ["0", "-0", "-1", "-1e300", "Thu, 29 Feb 2024 12:00:00 GMT", "Wed, 21 Oct 2015 07:28:00 GMT"],
)
def test_a_retry_after_in_the_past_asks_for_nothing(text):
    assert parse_retry_after(text, now=NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        " ",
        "nan",
        "inf",
        "-inf",
        "soon",
        "10 seconds",
        "1,5",
        "0x10",
        "2024-02-29T12:01:30Z",
        "Thu, 99 Feb 2024 12:01:30 GMT",
        "Thu, 29 Feb 99999 12:01:30 GMT",
        "Thu, 29 Feb 2024 12:01:30 +9999",
        "Thu, 29 Feb 2024 12:01:30 +99999999999999999999",
        "Fri, 30 Feb 2024 12:01:30 GMT",
        "\x00",
    ],
)
def test_a_retry_after_that_is_missing_or_unreadable_asks_for_nothing(text):
    assert parse_retry_after(text, now=NOW) is None


@given(ahead=st.integers(1, 14_400))
def test_a_date_means_the_same_as_its_seconds(ahead):
    date = format_datetime(NOW + seconds(ahead), usegmt=True)

    assert parse_retry_after(date, now=NOW) == parse_retry_after(str(ahead), now=NOW)


@given(
    text=st.text()
    | st.floats().map(str)
    | st.integers().map(str)
    | st.lists(
        st.sampled_from(
            ["Thu,", "29", "Feb", "2024", "12:01:30", "12:", "GMT", "+0530", "-9999", "-", "+", ":"]
        ),
        max_size=8,
    ).map(" ".join)
)
def test_whatever_an_endpoint_sends_retry_after_is_none_or_a_wait_up_to_four_hours(text):
    asked = parse_retry_after(text, now=NOW)

    assert asked is None or NOTHING <= asked <= RETRY_AFTER_LIMIT
