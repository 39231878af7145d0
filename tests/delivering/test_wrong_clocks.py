"""What a wrong clock must not do: delete history, or hold anything up for good."""

from datetime import timedelta

import pytest

from runhook.clock import DatabaseClock
from runhook.dispatcher import redeliverer, timekeeper
from runhook.dispatcher.pruner import Pruner
from runhook.dispatcher.redeliverer import Redeliverer
from runhook.dispatcher.timekeeper import Listener, Timekeeper
from runhook.dispatcher.watcher import run_watcher
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import Picked, Selection
from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.errors import InvalidError
from runhook.domain.runs.expectations import Expectation
from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.domain.service.timekeeping import FIRST_MOMENT, LASTING
from runhook.domain.webhooks.failing import PAUSE_AFTER
from runhook.operations.context import Context
from runhook.operations.deliveries.redeliver_many import begin_redelivery
from runhook.operations.runs.expect import expect_job
from runhook.operations.runs.watch_jobs import tell_of_missed_runs
from runhook.operations.runs.watch_runs import give_up_silent_runs
from runhook.operations.service.keep_time import STEP, database_clock
from runhook.operations.service.presence import show_life
from runhook.storage.deliveries.mail_pauses import MailGate, pass_mail_gate, pause_mail
from runhook.storage.engine.tables import audit_entries, deliveries, runs
from tests.support.accounts import SOMEBODY, rows_of
from tests.support.clock import START, ManualClock, trust_the_clock
from tests.support.copies import copy_delivery
from tests.support.databases import open_store
from tests.support.patience import work_off
from tests.support.receiver import hang, status
from tests.support.scene import Scene, deliver_due

FAR = timedelta(days=40)
RETENTION = timedelta(days=30)
HALF_AN_HOUR = timedelta(minutes=30)


async def live_on(scene: Scene, *pauses: timedelta) -> None:
    """Let time pass; after each pause all that goes by the clock looks at it."""
    pruner = Pruner(scene.store, retention=RETENTION, steady=scene.clock.steady)
    keeper = Timekeeper(scene.store)
    for pause in pauses:
        scene.clock.advance(pause)
        await work_off(keeper.tick, idle=timekeeper.INTERVAL)
        await pruner.tick()
        await scene.rescue()


async def an_old_run(scene: Scene) -> None:
    """Let a run have come and gone, with a delivery."""
    await scene.webhook_at(await scene.receiver())
    await scene.tenant.finish(await scene.tenant.start())
    await deliver_due(await scene.dispatcher())


def a_replica(name: str) -> Replica:
    """A process that delivers."""
    return Replica(
        name=name, host="a-host", roles=(ReplicaRole.DISPATCHER,), version="1.0", started_at=START
    )


async def history(scene: Scene) -> int:
    """How many rows of history there are."""
    return sum([len(await rows_of(scene.store, one)) for one in (runs, deliveries, audit_entries)])


async def test_a_process_goes_by_the_databases_clock_whatever_its_machines_says(scene: Scene):
    for wrong in (FAR, -FAR):
        clock = await database_clock(scene.store, machine=ManualClock(scene.clock.now() + wrong))

        assert abs(clock.now() - scene.clock.now()) < timedelta(minutes=1)
        assert clock.difference == wrong
        assert not clock.is_right


async def test_a_process_hears_that_the_databases_clock_was_set(scene: Scene):
    clock = await database_clock(scene.store, machine=scene.clock)
    listener = Listener(scene.store, clock)

    for jump in (FAR, -2 * FAR):
        scene.clock.advance(jump)
        await listener.tick()
        assert abs(clock.now() - scene.clock.now()) < timedelta(minutes=1)
        assert clock.is_right


def test_between_two_looks_the_time_goes_on_steadily():
    machine, seconds = ManualClock(), iter([0.0, 5.0])
    clock = DatabaseClock(machine.now(), machine=machine, steady=lambda: next(seconds))

    assert clock.now() == machine.now() + timedelta(seconds=5)


async def test_a_process_whose_machine_has_a_wrong_clock_deletes_nothing(scene: Scene):
    await an_old_run(scene)
    scene.clock.advance(FAR)
    await trust_the_clock(scene.store)
    before = await history(scene)
    machine = ManualClock(scene.clock.now() + timedelta(minutes=2))
    clock = await database_clock(scene.store, machine=machine)
    pruner = Pruner(scene.store, retention=RETENTION, is_clock_right=lambda: clock.is_right)

    await pruner.tick()
    assert await history(scene) == before
    machine.advance(-timedelta(minutes=2))
    await Listener(scene.store, clock).tick()
    await pruner.tick()

    assert await history(scene) < before


async def test_a_database_whose_clock_jumps_forward_deletes_nothing_before_it_has_lasted_for_hours(
    scene: Scene,
):
    await an_old_run(scene)
    await live_on(scene, timedelta())
    before = await history(scene)

    await live_on(scene, FAR, *[HALF_AN_HOUR] * 11)
    assert await history(scene) == before
    await live_on(scene, *[HALF_AN_HOUR] * 2)

    assert await history(scene) < before


async def test_a_service_that_is_started_again_with_a_clock_ahead_deletes_nothing(
    scene: Scene, database_url: str
):
    await an_old_run(scene)
    await live_on(scene, timedelta())
    before = await history(scene)

    scene.clock.advance(FAR)
    for _ in range(3):
        again = open_store(database_url, clock=scene.clock.as_sql())
        for _ in range(3):
            await Pruner(again, retention=RETENTION).tick()
            await Timekeeper(again).tick()
        await again.close()
        scene.clock.advance(timedelta(minutes=10))

    assert await history(scene) == before


async def test_a_clock_that_jumps_and_jumps_back_deletes_nothing(scene: Scene):
    await an_old_run(scene)
    await live_on(scene, timedelta())
    before = await history(scene)

    for _ in range(3):
        await live_on(scene, FAR, HALF_AN_HOUR, -FAR, HALF_AN_HOUR, -FAR, HALF_AN_HOUR, FAR)

    assert await history(scene) == before


async def test_nothing_is_deleted_before_anybody_has_looked_at_the_clock(scene: Scene):
    await an_old_run(scene)
    before = await history(scene)
    scene.clock.advance(FAR)

    await Pruner(scene.store, retention=RETENTION).tick()

    assert await history(scene) == before


async def test_after_a_jump_is_taken_back_retries_pauses_and_rate_limits_go_on(scene: Scene):
    receiver = await scene.receiver(status(500), status(200))
    webhook = await scene.webhook_at(receiver)
    paused = await scene.receiver()
    other = await scene.tenant.webhook(paused.url, event_types=["job.run.started"])
    limited = await scene.receiver()
    await scene.tenant.webhook(limited.url, event_types=["job.run.started"], rate_limit="1/minute")
    await live_on(scene, timedelta(), FAR)
    await scene.tenant.start("during the jump")
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)
    await scene.has_failed(other, 10)
    await scene.tenant.start("still")

    await live_on(scene, -FAR)
    for _ in range(5):
        await deliver_due(dispatcher)
        scene.clock.advance(timedelta(minutes=1))

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * 2
    assert len(paused.received) == 2
    assert len(limited.received) == 2


async def test_after_a_jump_is_taken_back_what_a_dead_worker_held_is_sent(scene: Scene):
    receiver = await scene.receiver(hang, status(200))
    webhook = await scene.webhook_at(receiver)
    await live_on(scene, timedelta(), FAR)
    await scene.tenant.start()
    await (await scene.dispatcher(owner="dies")).tick()

    await live_on(scene, -FAR, timedelta(seconds=1))
    await deliver_due(await scene.dispatcher(owner="lives"))

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]


async def test_a_long_pause_that_its_webhook_asks_for_is_kept_when_a_clock_is_set_back(
    scene: Scene,
):
    receiver = await scene.receiver(status(500))
    webhook = await scene.tenant.webhook(
        receiver.url, event_types=["job.run.started"], retry_schedule=[432_000]
    )
    await scene.tenant.start()
    await deliver_due(await scene.dispatcher())
    planned = (await scene.tenant.delivery(webhook)).next_attempt_at

    await live_on(scene, timedelta(), -timedelta(minutes=10))

    assert (await scene.tenant.delivery(webhook)).next_attempt_at == planned


async def test_after_a_jump_is_taken_back_more_deliveries_than_a_step_takes_go_on(scene: Scene):
    await scene.webhook_at(await scene.receiver())
    await live_on(scene, timedelta(), FAR)
    await scene.tenant.start()
    await copy_delivery(scene.store, STEP + 10)

    await live_on(scene, -FAR)

    late = [
        one
        for one in await rows_of(scene.store, deliveries)
        if one.next_attempt_at > scene.clock.now()
    ]
    assert late == []


async def test_after_a_jump_is_taken_back_letters_wait_for_the_mail_server_no_longer(scene: Scene):
    await live_on(scene, timedelta(), FAR)
    async with scene.store.write() as tx:
        await pause_mail(tx, "It was down.", timedelta(seconds=30))

    await live_on(scene, -FAR)

    async with scene.store.write() as tx:
        assert await pass_mail_gate(tx, timedelta(seconds=30)) is MailGate.PROBE


async def test_after_a_jump_is_taken_back_the_duties_of_a_dead_process_are_taken(scene: Scene):
    duration = timedelta(seconds=15)
    scene.clock.advance(FAR)
    await show_life(scene.store, a_replica("dies"), ["pruner"], duration)

    scene.clock.advance(-FAR)

    assert await show_life(scene.store, a_replica("lives"), ["pruner"], duration) == {"pruner"}


async def test_after_a_jump_is_taken_back_a_run_that_falls_silent_is_given_up(scene: Scene):
    await live_on(scene, timedelta(), FAR)
    await scene.tenant.start(heartbeats=True)
    await live_on(scene, -FAR)
    watcher = run_watcher(scene.store, scene.clock)

    for _ in range(12):
        scene.clock.advance(timedelta(minutes=1))
        await watcher.tick()

    (run,) = await rows_of(scene.store, runs)
    assert run.lost_at is not None


@pytest.mark.parametrize("years", [2, 56])
async def test_a_clock_of_a_time_before_any_id_is_refused_in_words(
    scene: Scene, clock: ManualClock, years: int
):
    clock.moment = FIRST_MOMENT - timedelta(days=365 * years)

    with pytest.raises(InvalidError, match=r"clock says .* Set the clock"):
        await database_clock(scene.store)


async def test_a_clock_that_is_set_to_a_time_before_any_id_stops_no_pruning_for_good(scene: Scene):
    await an_old_run(scene)
    scene.clock.moment, now = FIRST_MOMENT + timedelta(days=1), scene.clock.moment
    await live_on(scene, timedelta())

    scene.clock.moment = now + FAR
    await live_on(scene, *[HALF_AN_HOUR] * (2 + LASTING // HALF_AN_HOUR))

    assert await rows_of(scene.store, runs) == []


async def test_while_a_clock_that_jumped_is_doubted_no_run_is_given_up_or_missed(scene: Scene):
    run = await scene.tenant.start(longest_silence=timedelta(days=1))
    await expect_job(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        run.job.id,
        Expectation.of("1 day", "1 hour"),
    )
    await live_on(scene, timedelta())

    scene.clock.advance(FAR)
    assert await given_up(scene) == 0
    await live_on(scene, *[HALF_AN_HOUR] * 11)
    assert await given_up(scene) == 0
    await live_on(scene, -FAR)
    assert await given_up(scene) == 0

    await live_on(scene, *[timedelta(hours=12)] * 4)
    assert await given_up(scene) == 2


async def given_up(scene: Scene) -> int:
    """How many runs are given up or missed by now."""
    lost = await give_up_silent_runs(scene.store, scene.clock)
    missed = await tell_of_missed_runs(scene.store, scene.clock)
    return len(lost) + len(missed)


async def test_while_a_clock_that_jumped_is_doubted_no_endpoint_is_given_up(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.tenant.start()
    await live_on(scene, timedelta(), FAR)
    dispatcher = await scene.dispatcher()

    await deliver_due(dispatcher)
    assert (await scene.shown(webhook)).active
    await live_on(scene, *[HALF_AN_HOUR] * 13)
    await deliver_due(dispatcher)

    assert not (await scene.shown(webhook)).active


@pytest.mark.parametrize("is_picked", [False, True])
async def test_after_a_jump_is_taken_back_what_failed_in_it_is_redelivered(
    scene: Scene, *, is_picked: bool
):
    webhook = await scene.webhook_at(await scene.receiver(status(500), status(200)))
    await live_on(scene, timedelta(), FAR)
    await scene.tenant.start()
    await deliver_due(await scene.dispatcher(schedule=RetrySchedule.parse("")))
    await live_on(scene, -FAR)
    delivery = await scene.tenant.delivery(webhook)

    await begin_redelivery(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        Picked((delivery.id,)) if is_picked else Selection(since=scene.clock.now()),
        retention=RETENTION,
    )
    await work_off(Redeliverer(scene.store, scene.clock).tick, idle=redeliverer.INTERVAL)
    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
