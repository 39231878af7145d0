"""An attempt tells what its time was spent on, and that is all of its duration."""

import asyncio
from datetime import timedelta
from pathlib import Path

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.outbound.pool import Bounds
from runhook.outbound.trip import Trip, TripStage
from runhook.storage.deliveries.rows import list_attempts
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import rows_of
from tests.support.certificates import Authority
from tests.support.misbehaving import drip, once
from tests.support.receiver import Receiver, hang, status
from tests.support.scene import LONG, Scene, deliver_due
from tests.support.sending import a_request, a_sender, send_in_vain

BRIEF = timedelta(milliseconds=300)


def test_a_stage_that_is_entered_twice_has_both_its_times():
    moments = iter([0.0, 1.0, 3.0, 6.0, 10.0, 15.0])
    trip = Trip(deadline=LONG, clock=lambda: next(moments))

    trip.enter(TripStage.CONNECTING)
    trip.enter(TripStage.WAITING)
    trip.enter(TripStage.CONNECTING)
    trip.enter(TripStage.READING)

    assert trip.times()["phases"] == {
        AttemptPhase.QUEUE: timedelta(seconds=1),
        AttemptPhase.CONNECT: timedelta(seconds=2 + 4),
        AttemptPhase.WAIT: timedelta(seconds=3),
        AttemptPhase.READ: timedelta(seconds=5),
    }


async def test_a_first_request_connects_and_the_next_one_need_not(tmp_path: Path):
    authority = Authority(tmp_path)
    async with (
        Receiver(tls=authority.server()) as receiver,
        a_sender(tls=authority.trusted()) as sender,
    ):
        first, second = [await sender.send(a_request(receiver.url)) for _ in range(2)]

    assert [*first.phases] == [*AttemptPhase]
    assert [*second.phases] == [AttemptPhase.QUEUE, AttemptPhase.WAIT, AttemptPhase.READ]


async def test_an_address_needs_no_look_up():
    async with Receiver() as receiver, a_sender() as sender:
        outcome = await sender.send(a_request(receiver.url))

    assert [*outcome.phases] == [
        AttemptPhase.QUEUE,
        AttemptPhase.CONNECT,
        AttemptPhase.WAIT,
        AttemptPhase.READ,
    ]


async def test_what_never_answers_is_waited_for():
    async with Receiver(hang) as receiver:
        outcome, _ = await send_in_vain(receiver.url, AttemptPhase.WAIT)

    assert outcome.failure is FailureReason.TIMED_OUT
    assert [*outcome.phases][-1] is AttemptPhase.WAIT
    assert sum(outcome.phases.values(), timedelta()) == outcome.duration


async def test_a_body_that_never_ends_is_read():
    async with Receiver(drip) as receiver:
        outcome, _ = await send_in_vain(receiver.url, AttemptPhase.READ)

    assert [*outcome.phases][-1] is AttemptPhase.READ


async def test_waiting_for_a_free_connection_is_told_apart():
    gate = asyncio.Event()
    async with (
        Receiver(once(gate, status(200))) as receiver,
        a_sender(bounds=Bounds(in_all=1, to_one_host=1), deadline=BRIEF) as sender,
    ):
        holding = asyncio.create_task(sender.send(a_request(receiver.url, timeout=LONG)))
        await receiver.wait_for(1)
        outcome = await sender.send(a_request(receiver.url))
        gate.set()
        await holding

    assert [*outcome.phases] == [AttemptPhase.QUEUE]
    # An event loop's clock may tell a millisecond less than has passed.
    assert outcome.phases[AttemptPhase.QUEUE] == outcome.duration > BRIEF / 2


async def test_what_cannot_be_sent_has_spent_nothing_on_the_way():
    async with a_sender() as sender:
        outcome = await sender.send(a_request("https://no url"))

    assert [*outcome.phases] == [AttemptPhase.QUEUE]


async def test_phases_are_kept_with_the_attempt(scene: Scene):
    await scene.webhook_at(await scene.receiver())
    await scene.tenant.start()
    await deliver_due(await scene.dispatcher())

    (delivery_id,) = [row.id for row in await rows_of(scene.store, deliveries)]
    async with scene.store.read() as tx:
        (attempt,) = await list_attempts(tx, delivery_id)

    assert [*attempt.phases] == [
        AttemptPhase.QUEUE,
        AttemptPhase.CONNECT,
        AttemptPhase.WAIT,
        AttemptPhase.READ,
    ]
    spent = sum(attempt.phases.values(), timedelta())
    assert attempt.duration - spent < timedelta(microseconds=len(AttemptPhase))
