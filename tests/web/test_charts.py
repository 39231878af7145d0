"""What the pictures of a webhook show, from what was counted."""

from datetime import UTC, datetime, timedelta

import pytest

from runhook.domain.deliveries.attempt_counts import HOUR, AttemptCounts
from runhook.server.web.webhooks.charts import BARS, HEIGHT, SPARK_HEIGHT, overview_of, sparkline
from runhook.storage.webhooks.statistics import HourlyCount

NOW = datetime(2026, 3, 1, 12, 34, tzinfo=UTC)
THIS_HOUR = NOW.replace(minute=0)
DAY = timedelta(days=1)


def counts(succeeded: int, failed: int = 0) -> AttemptCounts:
    """Attempts of up to 5 ms each."""
    total = succeeded + failed
    return AttemptCounts(
        succeeded=succeeded,
        failed=failed,
        durations=[total, *AttemptCounts().durations[1:]],
        longest=timedelta(milliseconds=4),
    )


@pytest.mark.parametrize("days", [1, 7, 30])
def test_an_overview_ends_with_this_hour_and_has_every_hour_of_its_period_once(days: int):
    hours = [THIS_HOUR - number * HOUR for number in range(24 * days)]

    overview = overview_of(
        {hour: counts(2, 1) for hour in hours}, since=hours[-1], until=THIS_HOUR + HOUR
    )

    assert (overview.succeeded, overview.failed) == (48 * days, 24 * days)
    assert [(bar.succeeded, bar.failed) for bar in overview.bars] == [(2 * days, days)] * BARS
    assert overview.most == 3 * days
    assert [bar.begins_at for bar in overview.bars] == hours[::-days]
    assert overview.p50 == timedelta(milliseconds=2)
    assert {bar.p95_height for bar in overview.bars} == {HEIGHT}


def test_an_hour_that_another_machine_s_clock_has_already_is_in_the_last_step():
    overview = overview_of(
        {THIS_HOUR + HOUR: counts(1)}, since=THIS_HOUR + HOUR - DAY, until=THIS_HOUR + HOUR
    )

    assert [bar.succeeded for bar in overview.bars] == [0] * (BARS - 1) + [1]


def test_nothing_attempted_is_an_overview_of_nothing():
    overview = overview_of({}, since=THIS_HOUR + HOUR - DAY, until=THIS_HOUR + HOUR)

    assert (overview.succeeded, overview.failed, overview.p95) == (0, 0, None)


def test_a_sparkline_has_the_last_24_hours_and_tells_what_share_of_attempts_succeeded():
    spark = sparkline(
        [
            HourlyCount(THIS_HOUR, 3, 1),
            HourlyCount(THIS_HOUR - 23 * HOUR, 4, 0),
            HourlyCount(THIS_HOUR - 24 * HOUR, 9, 9),
        ],
        now=NOW,
    )

    assert (spark.succeeded, spark.failed, spark.share) == (7, 1, "87.5 %")
    assert [place for place, good, bad in spark.bars if good or bad] == [0, 23]


def test_sparklines_of_a_list_have_one_scale():
    quiet = sparkline([HourlyCount(THIS_HOUR, 1, 0)], now=NOW, most=10)

    assert quiet.bars[-1] == (BARS - 1, SPARK_HEIGHT / 10, 0)


def test_lines_of_response_times_join_neighbouring_steps_that_have_some():
    hours = [THIS_HOUR - number * HOUR for number in (0, 1, 3)]

    overview = overview_of(
        {hour: counts(2) for hour in hours}, since=THIS_HOUR - 23 * HOUR, until=THIS_HOUR + HOUR
    )

    # A dot for the hour that stands alone, and a line from one hour to the next.
    p50 = 120 - overview.bars[-1].p50_height
    assert overview.trends == {
        "p50": f"M85.4 {p50:g}h0M93.8 {p50:g}h0L97.9 {p50:g}",
        "p95": "M85.4 0h0M93.8 0h0L97.9 0",
    }
    assert [tick.label for tick in overview.ticks] == ["now", "6 h", "12 h", "18 h", "24 h"]


def test_a_step_says_its_numbers():
    overview = overview_of(
        {THIS_HOUR: counts(2, 1)}, since=THIS_HOUR - 23 * HOUR, until=THIS_HOUR + HOUR
    )

    assert overview.bars[-1].counted == "1 Mar 12:00 UTC: 2 succeeded, 1 failed"
    assert overview.bars[-1].times == "1 Mar 12:00 UTC: p50 2 ms, p95 4 ms"
    assert overview.bars[0].counted == "28 Feb 13:00 UTC: 0 succeeded"
