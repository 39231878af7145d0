"""What is over is not told of late: no incident begins anew, and no failure follows a recovery."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from runhook.dispatcher.redeliverer import INTERVAL, Redeliverer
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import Obstacle, Redelivery, Selection
from runhook.domain.deliveries.retries import RetrySchedule
from runhook.domain.runs.run import Run, RunStatus
from runhook.domain.webhooks.incidents import OUTDATED_INCIDENT, OUTDATED_NEWS, SUPERSEDED_REASON
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.context import Context
from runhook.operations.deliveries.redeliver import redeliver
from runhook.operations.deliveries.redeliver_many import begin_redelivery
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.storage.deliveries.redeliveries import find_redelivery
from tests.support.accounts import SOMEBODY
from tests.support.misbehaving import once
from tests.support.patience import work_off
from tests.support.receiver import Answer, Receiver, status
from tests.support.scene import LEASE, Scene, deliver_due

FAILED, SUCCEEDED = RunStatus.ERROR, RunStatus.SUCCESS
SUPERSEDED, PENDING = DeliveryState.SUPERSEDED, DeliveryState.PENDING
TAKEN = status(202, body=b'{"status":"success"}')
BUSY = status(500)
ROUTING_KEY = "0123456789abcdef0123456789abcdef"


class Pager:
    """A service that opens and resolves incidents, and a job whose events it gets."""

    def __init__(self, scene: Scene, receiver: Receiver, webhook: Webhook) -> None:
        self.scene = scene
        self.receiver = receiver
        self.webhook = webhook
        self.runs = 0

    async def start(self) -> Run:
        self.runs += 1
        return await self.scene.tenant.start(f"run-{self.runs}")

    async def ends(self, status: RunStatus, run: Run | None = None) -> None:
        run = run or await self.start()
        self.scene.clock.advance(timedelta(seconds=1))
        await self.scene.tenant.finish(run, status)

    @property
    def actions(self) -> list[str]:
        """What it was told, in its order."""
        return [json.loads(one.body)["event_action"] for one in self.receiver.received]

    async def states(self) -> list[str]:
        return [one.value for one in await self.scene.tenant.states(self.webhook)]


async def a_pager(
    scene: Scene, *answers: Answer, notify: str | None = None, hold: float = 0
) -> Pager:
    receiver = await scene.receiver(*answers or (TAKEN,))
    options = {} if notify is None else {"notify": notify}
    webhook = await scene.tenant.webhook(
        receiver.url,
        format="pagerduty",
        format_settings={"routing_key": ROUTING_KEY},
        hold=hold,
        **options,
    )
    return Pager(scene, receiver, webhook)


async def test_an_incident_is_opened_once_and_ended_once(scene: Scene):
    pager = await a_pager(scene)
    worker = await scene.dispatcher()
    for ending in (FAILED, FAILED, SUCCEEDED, SUCCEEDED, FAILED):
        await pager.ends(ending)
        await deliver_due(worker)

    assert pager.webhook.options.notify == "changes"
    assert pager.actions == ["trigger", "resolve", "trigger"]
    keys = {json.loads(one.body)["dedup_key"] for one in pager.receiver.received}
    assert len(keys) == 1


@pytest.mark.parametrize("notify", ["every", "failures"])
async def test_an_incident_is_ended_whatever_the_setting(scene: Scene, notify: str):
    pager = await a_pager(scene, notify=notify)
    for ending in (SUCCEEDED, FAILED, FAILED, RunStatus.CANCELLED, SUCCEEDED, SUCCEEDED):
        await pager.ends(ending)
    await deliver_due(await scene.dispatcher())

    assert pager.actions == ["trigger", "trigger", "resolve"]


async def test_a_failure_that_waits_for_a_retry_is_superseded_by_the_recovery(scene: Scene):
    pager = await a_pager(scene, BUSY, TAKEN)
    worker = await scene.dispatcher()
    await pager.ends(FAILED)
    await deliver_due(worker)
    await pager.ends(SUCCEEDED)
    scene.clock.advance(timedelta(hours=1))
    await deliver_due(worker)

    assert pager.actions == ["trigger", "resolve"]
    late, recovery = await scene.tenant.deliveries(pager.webhook)
    assert (late.state, late.cancel_reason) == (SUPERSEDED, SUPERSEDED_REASON)
    assert recovery.state is DeliveryState.SUCCEEDED


async def a_channel_of_news(scene: Scene, *answers: Answer) -> Pager:
    return await a_channel(scene, "changes", *answers)


async def a_channel_of_everything(scene: Scene, *answers: Answer) -> Pager:
    return await a_channel(scene, "every", *answers)


async def a_channel(scene: Scene, notify: str, *answers: Answer) -> Pager:
    receiver = await scene.receiver(*answers)
    webhook = await scene.tenant.webhook(
        receiver.url, format="slack", notify=notify, rate_limit=None
    )
    return Pager(scene, receiver, webhook)


async def states_of_retries(channel: Pager, *endings: RunStatus) -> list[str]:
    """Let runs end while the channel is away, and work off what is owed then."""
    worker = await channel.scene.dispatcher()
    for ending in endings:
        await channel.ends(ending)
        await deliver_due(worker)
    channel.scene.clock.advance(timedelta(hours=1))
    await deliver_due(worker)
    return await channel.states()


@pytest.mark.parametrize(
    ("notify", "endings"),
    [("changes", (FAILED, SUCCEEDED)), ("failures", (FAILED, FAILED))],
)
async def test_people_are_not_told_of_a_failure_behind_what_is_newer(
    scene: Scene, notify: str, endings: tuple[RunStatus, ...]
):
    channel = await a_channel(scene, notify, BUSY, TAKEN)

    assert await states_of_retries(channel, *endings) == ["superseded", "succeeded"]
    assert len(channel.receiver.received) == 2


async def test_who_wants_every_event_gets_the_late_ones_too(scene: Scene):
    channel = await a_channel(scene, "every", BUSY, TAKEN)

    states = await states_of_retries(channel, FAILED, SUCCEEDED)

    assert set(states) == {"succeeded"}


async def test_a_failure_that_has_not_been_attempted_goes_before_the_recovery(scene: Scene):
    pager = await a_pager(scene)
    await pager.ends(FAILED)
    await pager.ends(SUCCEEDED)
    await deliver_due(await scene.dispatcher())

    assert pager.actions == ["trigger", "resolve"]


async def test_a_failure_that_fails_to_arrive_while_the_job_recovers_is_not_retried(scene: Scene):
    gate = asyncio.Event()
    pager = await a_pager(scene, once(gate, BUSY), TAKEN)
    worker = await scene.dispatcher()
    await pager.ends(FAILED)
    await worker.tick()
    await pager.receiver.wait_for(1)

    await pager.ends(SUCCEEDED)
    await worker.tick()
    assert pager.actions == ["trigger"]
    gate.set()
    await worker.settle()
    scene.clock.advance(timedelta(hours=1))
    await deliver_due(worker)

    assert pager.actions == ["trigger", "resolve"]
    assert await pager.states() == ["superseded", "succeeded"]


async def test_a_failure_whose_worker_died_goes_before_the_recovery(scene: Scene):
    gate = asyncio.Event()
    pager = await a_pager(scene, once(gate, BUSY), TAKEN)
    dead = await scene.dispatcher(owner="dead")
    await pager.ends(FAILED)
    await dead.tick()
    await pager.receiver.wait_for(1)
    await pager.ends(SUCCEEDED)
    worker = await scene.dispatcher(owner="alive")
    await deliver_due(worker)
    assert pager.actions == ["trigger"]

    scene.clock.advance(LEASE)
    await scene.rescue()
    await deliver_due(worker)

    assert pager.actions == ["trigger", "trigger", "resolve"]
    gate.set()
    await dead.settle()
    assert await pager.states() == ["succeeded", "succeeded"]


async def test_what_waits_for_a_paused_endpoint_is_superseded(scene: Scene):
    pager = await a_pager(scene)
    await scene.has_failed(pager.webhook, times=10)
    for ending in (FAILED, SUCCEEDED, FAILED, SUCCEEDED):
        await pager.ends(ending)

    assert await pager.states() == ["superseded"] * 3 + ["pending"]


async def test_jobs_do_not_supersede_each_other(scene: Scene):
    pager = await a_pager(scene, BUSY, TAKEN)
    await pager.ends(FAILED)
    worker = await scene.dispatcher()
    await deliver_due(worker)
    other = await scene.tenant.start("other-1", job_name="other")
    await pager.ends(FAILED, other)
    scene.clock.advance(timedelta(hours=1))
    await deliver_due(worker)

    assert pager.actions == ["trigger"] * 3
    assert await pager.states() == ["succeeded"] * 2


@pytest.mark.parametrize(
    ("make", "warning"),
    [
        (a_pager, OUTDATED_INCIDENT),
        (a_channel_of_news, OUTDATED_NEWS),
        (a_channel_of_everything, ""),
    ],
)
async def test_what_is_redelivered_by_hand_is_sent_though_it_is_outdated(
    scene: Scene, make: Callable[..., Awaitable[Pager]], warning: str
):
    pager = await make(scene, BUSY, TAKEN)
    worker = await scene.dispatcher()
    await pager.ends(FAILED)
    await deliver_due(worker)
    await pager.ends(SUCCEEDED)
    await deliver_due(worker)
    late, *newer = await scene.tenant.deliveries(pager.webhook)
    before = len(pager.receiver.received)
    context = Context(scene.store, scene.clock, SOMEBODY)
    redelivered = await redeliver(context, late.account_id, pager.webhook.id, late.id)
    await deliver_due(worker)
    newest = await redeliver(context, late.account_id, pager.webhook.id, newer[-1].id)

    assert (redelivered.warning, newest.warning) == (warning, "")
    assert len(pager.receiver.received) == before + 1


async def test_a_failure_that_heals_within_the_hold_opens_nothing(scene: Scene):
    pager = await a_pager(scene, hold=10)
    worker = await scene.dispatcher()
    await pager.ends(FAILED)
    scene.clock.advance(timedelta(minutes=9))
    await deliver_due(worker)
    await pager.ends(SUCCEEDED)
    scene.clock.advance(timedelta(hours=1))
    await deliver_due(worker)

    assert pager.actions == []
    assert await pager.states() == ["superseded"]


async def test_a_failure_that_heals_after_the_hold_is_resolved(scene: Scene):
    pager = await a_pager(scene, hold=10)
    worker = await scene.dispatcher()
    await pager.ends(FAILED)
    scene.clock.advance(timedelta(minutes=10))
    await deliver_due(worker)
    await pager.ends(SUCCEEDED)
    await deliver_due(worker)

    assert pager.actions == ["trigger", "resolve"]


async def test_a_failure_whose_hold_has_just_ended_is_resolved(scene: Scene):
    gate = asyncio.Event()
    pager = await a_pager(scene, once(gate, TAKEN), TAKEN, hold=10)
    worker = await scene.dispatcher()
    await pager.ends(FAILED)
    scene.clock.advance(timedelta(minutes=10))
    await worker.tick()
    await pager.receiver.wait_for(1)
    await pager.ends(SUCCEEDED)
    gate.set()
    await worker.settle()
    await deliver_due(worker)

    assert pager.actions == ["trigger", "resolve"]


async def test_with_another_key_nothing_is_known_of_what_the_one_before_was_told(scene: Scene):
    pager = await a_pager(scene)
    worker = await scene.dispatcher()
    await pager.ends(FAILED)
    await scene.tenant.change(
        pager.webhook,
        WebhookChange(options={"format_settings": {"routing_key": ROUTING_KEY[::-1]}}),
    )
    await pager.ends(FAILED)
    await deliver_due(worker)

    assert pager.actions == ["trigger", "trigger"]


async def redelivered_in_bulk(scene: Scene) -> Redelivery:
    """Redeliver all that did not arrive; return how that went."""
    scene.clock.advance(timedelta(seconds=1))
    begun = await begin_redelivery(
        Context(scene.store, scene.clock, SOMEBODY),
        scene.tenant.account_id,
        Selection(since=scene.clock.now() - timedelta(hours=1)),
        retention=timedelta(days=30),
    )
    await work_off(Redeliverer(scene.store, scene.clock).tick, idle=INTERVAL)
    async with scene.store.read() as tx:
        ended = await find_redelivery(tx, begun.account_id, begun.id)
    assert ended is not None
    return ended


@pytest.mark.parametrize(
    ("make", "queued", "outdated"),
    [(a_pager, 0, 1), (a_channel_of_news, 0, 1), (a_channel_of_everything, 1, 0)],
)
async def test_what_is_outdated_is_not_redelivered_in_bulk(
    scene: Scene, make: Callable[..., Awaitable[Pager]], queued: int, outdated: int
):
    pager = await make(scene, BUSY, TAKEN)
    await pager.ends(FAILED)
    worker = await scene.dispatcher(schedule=RetrySchedule(()))
    await deliver_due(worker)
    await pager.ends(FAILED)
    await pager.ends(SUCCEEDED)
    await deliver_due(worker)

    ended = await redelivered_in_bulk(scene)

    assert (ended.queued, ended.passed_over[Obstacle.OUTDATED]) == (queued, outdated)


async def test_what_was_skipped_is_redelivered_if_it_is_the_news(scene: Scene):
    pager = await a_pager(scene)
    worker = await scene.dispatcher()
    for ending in (FAILED, SUCCEEDED):
        await pager.ends(ending)
        await deliver_due(worker)
    await scene.tenant.change(pager.webhook, WebhookChange(active=False))
    await pager.ends(FAILED)
    await scene.tenant.change(pager.webhook, WebhookChange(active=True))

    ended = await redelivered_in_bulk(scene)
    await deliver_due(worker)

    assert (ended.queued, ended.passed_over[Obstacle.OUTDATED]) == (1, 0)
    assert pager.actions == ["trigger", "resolve", "trigger"]
