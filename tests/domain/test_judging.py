from datetime import UTC, datetime, timedelta
from typing import assert_never

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.deliveries.judging import (
    EndpointGone,
    FailureReason,
    GivenUp,
    Outcome,
    Retry,
    Succeeded,
    Verdict,
    judge,
)
from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE, RetrySchedule

NOW = datetime(2024, 2, 29, 12, 0, 0, tzinfo=UTC)
TOOK = timedelta(milliseconds=40)


def answered(status_code: int, **headers: str) -> Outcome:
    ok = 200 <= status_code < 300
    return Outcome(
        duration=TOOK,
        status_code=status_code,
        failure=None if ok else FailureReason.HTTP_STATUS,
        response_headers={name.replace("_", "-"): text for name, text in headers.items()},
    )


def judged(
    outcome: Outcome,
    *,
    attempt: int = 1,
    schedule: RetrySchedule = DEFAULT_SCHEDULE,
    jitter: float = 0.0,
) -> Verdict:
    return judge(outcome, attempt=attempt, schedule=schedule, now=NOW, jitter=jitter)


def test_failure_reasons_are_these_words():
    assert [reason.value for reason in FailureReason] == [
        "http_status",
        "timed_out",
        "dns_failed",
        "connection_failed",
        "tls_failed",
        "address_refused",
        "proxy_failed",
        "response_too_large",
        "smtp_status",
        "not_set_up",
        "refused",
    ]


@pytest.mark.parametrize("status_code", [200, 201, 202, 204, 299])
@pytest.mark.parametrize("attempt", [1, 6])
def test_any_2xx_succeeds_on_any_attempt(status_code, attempt):
    assert judged(answered(status_code), attempt=attempt) == Succeeded()


def test_a_2xx_succeeds_whatever_retry_after_it_carries():
    assert judged(answered(200, retry_after="60")) == Succeeded()


@pytest.mark.parametrize("status_code", [301, 302, 304, 400, 401, 404, 409, 429, 500, 503, 599])
def test_any_other_status_is_retried(status_code):
    assert judged(answered(status_code)) == Retry(timedelta(seconds=10))


@pytest.mark.parametrize(
    "reason", [reason for reason in FailureReason if reason is not FailureReason.HTTP_STATUS]
)
def test_a_request_without_an_answer_is_retried_whatever_the_reason(reason):
    assert judged(Outcome(duration=TOOK, failure=reason)) == Retry(timedelta(seconds=10))


def test_a_2xx_whose_body_came_too_late_is_retried():
    late = Outcome(duration=TOOK, status_code=200, failure=FailureReason.TIMED_OUT)

    assert judged(late) == Retry(timedelta(seconds=10))


def test_gives_up_after_the_last_scheduled_attempt():
    verdicts = [judged(answered(500), attempt=attempt) for attempt in range(1, 8)]

    assert verdicts == [
        Retry(timedelta(seconds=10)),
        Retry(timedelta(minutes=1)),
        Retry(timedelta(minutes=5)),
        Retry(timedelta(minutes=30)),
        Retry(timedelta(hours=2)),
        GivenUp(),
        GivenUp(),
    ]


def test_without_a_schedule_the_first_failure_is_the_last():
    assert judged(answered(500), schedule=RetrySchedule(())) == GivenUp()


@pytest.mark.parametrize("attempt", [1, 6])
def test_410_gone_ends_it_on_any_attempt(attempt):
    assert judged(answered(410, retry_after="60"), attempt=attempt) == EndpointGone()


@pytest.mark.parametrize(
    ("retry_after", "delay"),
    [
        ("90", timedelta(seconds=90)),
        ("Thu, 29 Feb 2024 12:01:30 GMT", timedelta(seconds=90)),
        ("5", timedelta(seconds=10)),
        ("999999", timedelta(hours=4)),
        ("soon", timedelta(seconds=10)),
        ("nan", timedelta(seconds=10)),
    ],
)
@pytest.mark.parametrize("status_code", [429, 503, 302])
def test_retry_after_lengthens_the_wait_and_never_shortens_it(retry_after, delay, status_code):
    assert judged(answered(status_code, retry_after=retry_after)) == Retry(delay)


def test_retry_after_does_not_buy_another_attempt():
    assert judged(answered(503, retry_after="1"), attempt=6) == GivenUp()


def test_jitter_lengthens_the_wait():
    assert judged(answered(500), jitter=1.0) == Retry(timedelta(seconds=12))


@given(
    attempt=st.integers(1, 30),
    jitter=st.floats(0, 1),
    status_code=st.none() | st.integers(100, 599),
    retry_after=st.text(max_size=40) | st.floats().map(str),
    reason=st.sampled_from(FailureReason),
)
def test_a_failed_attempt_is_never_taken_for_a_success_nor_retried_at_once(
    attempt, jitter, status_code, retry_after, reason
):
    outcome = Outcome(
        duration=TOOK,
        status_code=status_code,
        failure=reason,
        response_headers={"retry-after": retry_after},
    )
    verdict = judged(outcome, attempt=attempt, jitter=jitter)

    match verdict:
        case Retry(delay):
            assert DEFAULT_SCHEDULE.delays[attempt - 1] <= delay <= timedelta(hours=4)
        case GivenUp():
            assert attempt > 5
        case EndpointGone():
            assert status_code == 410
        case Succeeded():
            pytest.fail("a failed attempt succeeded")
        case _:
            assert_never(verdict)
