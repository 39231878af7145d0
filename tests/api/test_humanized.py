"""Durations and times in dbt Cloud's words, as captured from its answers."""

from datetime import UTC, datetime, timedelta

import pytest

from runhook.server.api.runs.humanized import ago, clock_time, in_words

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DURATIONS = [
    (timedelta(), "00:00:00", "0 minutes"),
    (timedelta(seconds=1), "00:00:01", "1 second"),
    (timedelta(seconds=51, microseconds=999_999), "00:00:51", "51 seconds"),
    (timedelta(minutes=1), "00:01:00", "1 minute"),
    (timedelta(minutes=56, seconds=48), "00:56:48", "56 minutes, 48 seconds"),
    (timedelta(hours=2, seconds=48), "02:00:48", "2 hours"),
    (timedelta(days=1, seconds=36), "24:00:36", "1 day"),
    (timedelta(days=17, hours=5), "413:00:00", "2 weeks, 3 days"),
    (timedelta(days=31), "744:00:00", "1 month"),
    (timedelta(days=400), "9600:00:00", "1 year, 1 month"),
    (timedelta(seconds=-5), "00:00:00", "0 minutes"),
]


@pytest.mark.parametrize(("duration", "clock", "words"), DURATIONS)
def test_a_duration_is_told_by_the_clock_and_in_two_units_at_most(
    duration: timedelta, clock: str, words: str
):
    assert clock_time(duration) == clock
    assert in_words(duration) == words


def test_a_time_is_told_by_how_long_ago_it_was():
    assert ago(NOW - timedelta(minutes=1), NOW) == "1 minute ago"
    assert ago(NOW - timedelta(days=16), NOW) == "2 weeks, 2 days ago"
    assert ago(None, NOW) == "0 minutes from now"
