"""A webhook whose secret was encrypted with a master key that is not there."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import DeliveryState, Lease
from runhook.domain.errors import ConflictError
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.webhooks.failing import FIRST_PAUSE
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.context import Context
from runhook.operations.webhooks.send_test import send_test
from runhook.storage.engine.tables import webhooks
from tests.support.databases import VAULT
from tests.support.scene import LEASE, Scene, deliver_due


async def replace_ciphertext(scene: Scene, webhook: Webhook, ciphertext: bytes) -> bytes:
    """Put another ciphertext in the place of a webhook's secret, and return what was there."""
    its = webhooks.c.id == webhook.id
    async with scene.store.write() as tx:
        before = await tx.execute(sa.select(webhooks.c.secret_ciphertext).where(its))
        await tx.execute(sa.update(webhooks).where(its).values(secret_ciphertext=ciphertext))
    return bytes(before.scalar_one())


async def test_a_webhook_that_is_sealed_stops_no_other_one(scene: Scene):
    sealed = await scene.webhook_at(await scene.receiver())
    other = await scene.webhook_at(await scene.receiver())
    await replace_ciphertext(scene, sealed, b"of another key")
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(other) == [DeliveryState.SUCCEEDED]
    assert await scene.tenant.states(sealed) == [DeliveryState.PENDING]


async def test_what_waits_arrives_once_the_key_is_back(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    ciphertext = await replace_ciphertext(scene, webhook, b"of another key")
    await scene.tenant.start()
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)

    await replace_ciphertext(scene, webhook, ciphertext)
    scene.clock.advance(FIRST_PAUSE + timedelta(seconds=1))
    await deliver_due(dispatcher)

    assert VAULT.opens(ciphertext)
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    assert len(receiver.received) == 1


async def test_a_test_of_it_says_what_to_do(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await replace_ciphertext(scene, webhook, b"of another key")

    with pytest.raises(ConflictError, match="Bring that key back, or rotate the secret"):
        await send_test(
            Context(scene.store, scene.clock, RUNHOOK),
            await scene.sender(),
            webhook.account_id,
            webhook.id,
            lease=Lease(owner="a tester", duration=LEASE),
        )
