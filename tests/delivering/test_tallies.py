"""What a sender counts of its requests."""

import asyncio
from datetime import timedelta
from functools import partial

import pytest

from runhook.domain.deliveries.attempt_counts import BUCKETS
from runhook.domain.deliveries.judging import FailureReason, Outcome, read_outcome
from runhook.domain.formats import FORMATS
from runhook.outbound.tally import LATELY, Tally
from tests.support.misbehaving import once
from tests.support.receiver import Receiver, status
from tests.support.sending import a_request, a_sender


def took(seconds: float, failure: FailureReason | None = None) -> Outcome:
    return Outcome(duration=timedelta(seconds=seconds), failure=failure)


def test_outcomes_and_durations_are_counted():
    tally = Tally(lambda: 0.0)

    for outcome in (
        took(0.001),
        took(0.01, FailureReason.HTTP_STATUS),
        took(61, FailureReason.TIMED_OUT),
        took(0.01),
    ):
        tally.note(outcome)

    assert tally.outcomes == {
        None: 2,
        FailureReason.HTTP_STATUS: 1,
        FailureReason.TIMED_OUT: 1,
    }
    assert tally.durations == [1, 2, *[0] * (len(BUCKETS) - 2), 1]
    assert tally.seconds == pytest.approx(61.021)


def test_what_happened_lately_is_what_the_last_minute_had():
    now = 100.5
    tally = Tally(lambda: now)
    tally.note(took(1))
    now += 30
    tally.note(took(1))

    counts = []
    for later in (100.5 + 30, 100.5 + LATELY + 1, 100.5 + 31 + LATELY):
        now = later
        counts.append(tally.lately())

    assert counts == [2, 1, 0]


async def test_a_sender_counts_what_is_under_way_and_what_came_of_it():
    gate = asyncio.Event()
    async with Receiver(once(gate, status(500))) as receiver, a_sender() as sender:
        sending = asyncio.create_task(sender.send(a_request(receiver.url)))
        await receiver.wait_for(1)
        during = sender.tally.under_way
        gate.set()
        await sending

    assert (during, sender.tally.under_way) == (1, 0)
    assert sender.tally.outcomes == {FailureReason.HTTP_STATUS: 1}


async def test_what_a_service_refuses_with_a_success_is_no_success():
    slack = partial(read_outcome, format_=FORMATS["slack"], host="hooks.slack.com")
    async with Receiver(status(200, body=b"no_service_id")) as receiver, a_sender() as sender:
        outcome = await sender.send(a_request(receiver.url, read=slack))

    assert outcome.failure is FailureReason.REFUSED
    assert sender.tally.outcomes == {FailureReason.REFUSED: 1}
