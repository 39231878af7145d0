"""An endpoint that answers 410 Gone is asked no more."""

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import GONE_REASON
from runhook.storage.webhooks.rows import find_webhook
from tests.support.receiver import status
from tests.support.scene import Scene, deliver_due


async def test_gone_ends_the_delivery_and_deactivates_the_webhook_with_that_reason(scene: Scene):
    receiver = await scene.receiver(status(410))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    async with scene.store.read() as tx:
        shown = await find_webhook(tx, webhook.account_id, webhook.id)
    assert (shown.active, shown.deactivate_reason) == (False, GONE_REASON)
    assert shown.http_status_code == 410
    assert await scene.tenant.states(webhook) == [DeliveryState.FAILED]
    assert len(receiver.received) == 1


async def test_gone_cancels_what_else_waits_for_the_endpoint_and_nothing_of_others(scene: Scene):
    leaving = await scene.webhook_at(await scene.receiver(status(500), status(410)))
    staying = await scene.webhook_at(await scene.receiver(status(500)))
    dispatcher = await scene.dispatcher()

    first = await scene.tenant.start("run-1")
    await deliver_due(dispatcher)
    await scene.tenant.start("run-2")
    await deliver_due(dispatcher)

    states = {one.run_id == first.id: one.state for one in await scene.tenant.deliveries(leaving)}
    assert states == {True: DeliveryState.CANCELED, False: DeliveryState.FAILED}
    assert await scene.tenant.states(staying) == [DeliveryState.PENDING] * 2


async def test_setting_the_webhook_active_again_begins_anew(scene: Scene):
    receiver = await scene.receiver(status(410), status(200))
    webhook = await scene.webhook_at(receiver)
    dispatcher = await scene.dispatcher()
    await scene.tenant.start("run-1")
    await deliver_due(dispatcher)
    await scene.tenant.start("run-2")

    shown = await scene.tenant.activate(webhook)
    await scene.tenant.start("run-3")
    await deliver_due(dispatcher)

    assert shown.deactivate_reason is None
    assert sorted(await scene.tenant.states(webhook)) == [
        DeliveryState.FAILED,
        DeliveryState.SKIPPED,
        DeliveryState.SUCCEEDED,
    ]
