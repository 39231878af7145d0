"""How often a job is to run, in words, and what is missed when it does not."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.errors import InvalidError
from runhook.domain.messages.notices import MissedRun
from runhook.domain.runs.expectations import DEFAULT_GRACE, Expectation
from runhook.domain.runs.run import AccountId, EnvironmentId, JobId
from runhook.domain.spans import span_in, span_text
from tests.support.builders import RUN_EVENTS, a_missed_run, a_webhook

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "span", "again"),
    [
        ("1 day", timedelta(days=1), "1 day"),
        (" 24 Hours ", timedelta(days=1), "1 day"),
        ("6hours", timedelta(hours=6), "6 hours"),
        ("90 minutes", timedelta(minutes=90), "90 minutes"),
        ("2 weeks", timedelta(weeks=2), "2 weeks"),
    ],
)
def test_an_interval_is_a_number_and_a_unit(text, span, again):
    expectation = Expectation.of(text, DEFAULT_GRACE)

    assert (expectation.every, expectation.grace) == (span, timedelta(minutes=15))
    assert span_text(expectation.every) == again


@given(st.integers(5, 366 * 24 * 60))
def test_what_is_written_is_read_as_the_same(minutes):
    span = timedelta(minutes=minutes)

    assert Expectation.of(span_text(span), "0 minutes") == Expectation(
        every=span, grace=timedelta()
    )


@pytest.mark.parametrize(
    ("every", "grace", "message"),
    [
        ("daily", "1 hour", "every: `daily` is not a span of time such as"),
        ("", "1 hour", "every: `` is not a span"),
        ("-1 day", "1 hour", "every: `-1 day` is not a span"),
        ("1.5 days", "1 hour", "every: `1.5 days` is not a span"),
        ("4 minutes", "1 hour", "every: `4 minutes` is not from 5 minutes to 366 days"),
        ("999999 weeks", "1 hour", "every: `999999 weeks` is not from"),
        ("1 day", "8 days", "grace: `8 days` is not from 0 minutes to 1 week"),
        ("1 day", "soon", "grace: `soon` is not a span"),
    ],
)
def test_what_is_no_interval_is_refused_by_its_field(every, grace, message):
    with pytest.raises(InvalidError) as refused:
        Expectation.of(every, grace)

    assert refused.value.message.startswith(message)


@pytest.mark.parametrize(("late_by", "missed"), [(0, 1), (23, 1), (24, 2), (47, 2), (24 * 30, 31)])
def test_one_run_is_missed_for_each_interval_that_has_gone_by(late_by, missed):
    expectation = Expectation.of("1 day", "1 hour")

    assert expectation.missed(NOON, NOON + timedelta(hours=late_by)) == missed


@pytest.mark.parametrize(
    ("fields", "is_for"),
    [
        ({}, True),
        ({"event_types": RUN_EVENTS}, False),
        ({"account_id": AccountId(7)}, False),
        ({"job_ids": (JobId(2),)}, True),
        ({"job_ids": (JobId(3),)}, False),
        ({"environment_ids": (EnvironmentId(1),)}, False),
    ],
)
def test_a_missed_run_is_for_webhooks_that_chose_it_and_its_job(fields, is_for):
    missed: MissedRun = a_missed_run()

    assert a_webhook(**fields).wants_notice(missed) is is_for


def test_a_span_is_taken_from_the_shortest_to_the_longest():
    bounds = (timedelta(minutes=1), timedelta(days=7))

    assert [span_in("grace", one, *bounds) for one in ("1 minute", "1 week")] == list(bounds)
    for text in ("0 minutes", "169 hours"):
        with pytest.raises(InvalidError) as refused:
            span_in("grace", text, *bounds)
        assert refused.value.message == f"grace: `{text}` is not from 1 minute to 1 week"
