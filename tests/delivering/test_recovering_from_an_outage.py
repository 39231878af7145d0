"""What failed together comes back spread out, and never more at once than the endpoint can take."""

from collections.abc import Iterator
from datetime import timedelta

from runhook.dispatcher.limits import LIMITS
from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.retries import JITTER_SHARE, RetrySchedule
from runhook.domain.webhooks.failing import PAUSE_AFTER, WELL
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due

MANY = 100
DELAY = timedelta(seconds=10)
BAND = DELAY * JITTER_SHARE


def evenly() -> Iterator[float]:
    """Yield the numbers that chance yields in the long run, each band of them as often."""
    number = 0.0
    while True:
        number = (number + 0.618034) % 1
        yield number


async def test_what_failed_at_one_moment_is_tried_again_all_over_the_band_of_the_jitter(
    scene: Scene,
):
    """Each fails as its webhook's only delivery, so that no endpoint is paused."""
    receiver = await scene.receiver(status(500))
    webhooks = [await scene.webhook_at(receiver) for _ in range(MANY)]
    await scene.tenant.start()
    chance = evenly()

    await deliver_due(await scene.dispatcher(jitter=lambda: next(chance)))

    pauses = [
        (await scene.tenant.delivery(webhook)).next_attempt_at - scene.clock.now()
        for webhook in webhooks
    ]
    assert min(pauses) >= DELAY
    assert max(pauses) <= DELAY + BAND
    tenths = [sum((pause - DELAY) // (BAND / 10) == one for pause in pauses) for one in range(10)]
    assert max(tenths) <= 2 * MANY // 10
    assert min(tenths) >= MANY // 20


async def test_after_an_outage_what_waits_comes_in_no_burst_beyond_the_budget(scene: Scene):
    """All of it is due as the endpoint heals; one probe goes first, and few follow."""
    outage, healing = PAUSE_AFTER, MANY
    receiver = await scene.receiver(*[status(500)] * outage, status(200))
    webhook = await scene.webhook_at(receiver)
    dispatcher = await scene.dispatcher(schedule=RetrySchedule.parse("10,10,10"))
    for number in range(outage):
        await scene.tenant.start(f"outage-{number}")
        await deliver_due(dispatcher)
    await scene.start_many(healing)
    receiver.most_at_once = 0

    await scene.skip_pause(webhook)
    await dispatcher.tick()
    await dispatcher.settle()
    assert len(receiver.received) == outage + 1
    await deliver_due(dispatcher)

    assert (await scene.shown(webhook)).health == WELL
    assert set(await scene.tenant.states(webhook)) == {DeliveryState.SUCCEEDED}
    assert receiver.most_at_once <= LIMITS.requests_per_lane


async def test_an_endpoint_that_healed_gets_few_requests_at_a_time_at_first(scene: Scene):
    receiver = await scene.receiver(*[status(500)] * PAUSE_AFTER, status(200))
    webhook = await scene.webhook_at(receiver)
    dispatcher = await scene.dispatcher()
    for number in range(PAUSE_AFTER):
        await scene.tenant.start(f"outage-{number}")
        await deliver_due(dispatcher)
    await scene.skip_pause(webhook)
    await dispatcher.tick()
    await dispatcher.settle()
    receiver.most_at_once = 0

    # Two more answers make it three at a time; that is what claiming goes by.
    await dispatcher.tick()
    await dispatcher.settle()

    assert receiver.most_at_once < LIMITS.requests_per_lane // 2
