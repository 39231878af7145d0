"""An endpoint that keeps failing is paused, tried with one delivery at a time, and soon heals."""

import asyncio
from datetime import timedelta

from structlog.testing import capture_logs

from runhook.dispatcher.limits import LIMITS
from runhook.domain.deliveries.delivery import DeliveryState, Lease
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import RUNHOOK
from runhook.domain.webhooks.failing import FIRST_PAUSE, HOPELESS_SINCE, PAUSE_AFTER, WELL
from runhook.operations.context import Context
from runhook.operations.deliveries.attempt import claim_deliveries, look, release
from runhook.operations.webhooks.send_test import send_test
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.storage.engine.tables import deliveries
from runhook.storage.people.audit_log import AuditFilter, list_audit_entries
from tests.support.accounts import claims_of, rows_of
from tests.support.databases import open_store
from tests.support.misbehaving import once, together
from tests.support.patience import until
from tests.support.receiver import status
from tests.support.scene import LEASE, LONG, Scene, deliver_due

ALWAYS = timedelta(days=1)


async def test_ten_failures_in_a_row_pause_it_for_a_minute(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.start_many(PAUSE_AFTER)

    await deliver_due(await scene.dispatcher())

    health = (await scene.shown(webhook)).health
    assert health.consecutive_failures == PAUSE_AFTER
    assert health.failing_since == scene.clock.now()
    assert health.paused_until == scene.clock.now() + FIRST_PAUSE


async def test_the_audit_log_has_each_pause_once_and_its_end(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(*[status(500)] * 12, status(200)))
    await scene.start_many(PAUSE_AFTER)
    dispatcher = await scene.dispatcher()
    await deliver_due(dispatcher)
    for _ in range(3):
        await scene.skip_pause(webhook)
        await deliver_due(dispatcher)

    chosen = AuditFilter(subject_id=webhook.id)
    async with scene.store.read() as tx:
        found = await list_audit_entries(tx, webhook.account_id, chosen, limit=10, offset=0)

    told = [one.entry for one in reversed(found) if one.entry.actor == RUNHOOK]
    assert [(one.action, one.after) for one in told] == [
        (AuditAction.WEBHOOK_PAUSED, {"paused": True}),
        (AuditAction.WEBHOOK_RESUMED, {"paused": False}),
    ]


async def test_the_log_has_each_pause_each_probe_and_the_end_and_no_line_for_a_delivery(
    scene: Scene,
):
    webhook = await scene.webhook_at(await scene.receiver(*[status(500)] * 12, status(200)))
    await scene.start_many(PAUSE_AFTER)
    dispatcher = await scene.dispatcher()

    with capture_logs() as logged:
        await deliver_due(dispatcher)
        for _ in range(3):
            await scene.skip_pause(webhook)
            await deliver_due(dispatcher)

    told = [one for one in logged if one["log_level"] != "debug"]
    assert [(one["event"], one["failures"]) for one in told] == [
        ("endpoint.paused", 10),
        ("endpoint.probed", 11),
        ("endpoint.probed", 12),
        ("endpoint.healed", 12),
    ]
    assert {(one["webhook"], one["host"]) for one in told} == {(webhook.id, "127.0.0.1")}
    assert "500" in told[0]["reason"]
    each = [one for one in logged if one["event"] == "delivery.attempted"]
    assert [one["status"] for one in each] == [500] * 12 + [200] * 10


async def test_nothing_is_sent_while_it_is_paused_and_then_one_delivery_alone(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(5)
    dispatcher = await scene.dispatcher()

    scene.clock.advance(FIRST_PAUSE - timedelta(milliseconds=1))
    await deliver_due(dispatcher)
    assert receiver.received == []
    scene.clock.advance(timedelta(milliseconds=1))
    await deliver_due(dispatcher)

    assert len(receiver.received) == 1
    assert await scene.skip_pause(webhook) == 2 * FIRST_PAUSE


async def test_waiting_for_it_costs_no_retry(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(3)
    dispatcher = await scene.dispatcher()
    probes = 4

    for _ in range(probes):
        await scene.skip_pause(webhook)
        await deliver_due(dispatcher)

    deliveries = await scene.tenant.deliveries(webhook)
    assert sum(one.attempt_count for one in deliveries) == len(receiver.received) == probes
    assert {one.state for one in deliveries} == {DeliveryState.PENDING}


async def test_a_probe_that_succeeds_heals_it_and_all_that_waits_is_sent(scene: Scene):
    receiver = await scene.receiver(status(200))
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, 3 * PAUSE_AFTER)
    await scene.start_many(5)

    await scene.skip_pause(webhook)
    await deliver_due(await scene.dispatcher())

    assert (await scene.shown(webhook)).health == WELL
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED] * 5


async def test_a_success_among_failures_begins_the_count_anew(scene: Scene):
    answers = [status(500)] * (PAUSE_AFTER - 1) + [status(200)] + [status(500)]
    webhook = await scene.webhook_at(await scene.receiver(*answers))
    dispatcher = await scene.dispatcher()

    for number in range(2 * PAUSE_AFTER - 1):
        await scene.tenant.start(f"run-{number}")
        await deliver_due(dispatcher)

    health = (await scene.shown(webhook)).health
    assert health.consecutive_failures == PAUSE_AFTER - 1
    assert not health.is_paused


async def test_what_was_claimed_and_not_sent_when_it_was_paused_is_given_back(scene: Scene):
    gate = asyncio.Event()
    first = [together(LIMITS.requests_per_lane, status(500))] * LIMITS.requests_per_lane
    receiver = await scene.receiver(*first, once(gate, status(500)))
    webhook = await scene.webhook_at(receiver)
    await scene.start_many(30)
    # With that margin nothing is given back for its lease's sake.
    dispatcher = await scene.dispatcher(send_margin=-LONG)

    await dispatcher.tick()
    # What was sent after the first sixteen hangs, and all else comes back.

    async def is_given_back() -> bool:
        unsent = await unsent_in_queue(scene)
        return 0 < unsent == 30 - len(receiver.received)

    await until(is_given_back)

    # The budget was halved by the first failure.
    assert len(receiver.received) <= LIMITS.requests_per_lane + LIMITS.requests_per_lane // 2
    gate.set()
    await dispatcher.settle()
    unsent = [one for one in await scene.tenant.deliveries(webhook) if one.attempt_count == 0]
    assert len(unsent) == 30 - len(receiver.received)
    assert {one.state for one in unsent} == {DeliveryState.PENDING}


async def unsent_in_queue(scene: Scene) -> int:
    """Number of deliveries that have had no attempt and are held by no worker."""
    rows = await rows_of(scene.store, deliveries)
    return sum(row.claimed_by is None and row.attempt_count == 0 for row in rows)


async def test_several_workers_send_one_probe(scene: Scene, database_url: str):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(500)))
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(8)
    await scene.skip_pause(webhook)
    workers = [await scene.dispatcher(owner=f"worker {number}") for number in range(4)]

    await asyncio.gather(*(worker.tick() for worker in workers))
    await asyncio.gather(*(worker.tick() for worker in workers))
    await receiver.wait_for(1)

    held = [owner for _, owner in await claims_of(scene.store) if owner is not None]
    assert len(held) == 1
    gate.set()
    await asyncio.gather(*(worker.settle() for worker in workers))
    assert len(receiver.received) == 1


async def test_of_workers_that_claim_at_the_same_time_one_gets_the_probe(
    scene: Scene, database_url: str
):
    """All of them have seen that the pause is over before any of them claims."""
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(8)
    await scene.skip_pause(webhook)
    seen = await look(scene.store)

    async def claim_as(owner: str) -> int:
        store = open_store(database_url, clock=scene.clock.as_sql())
        lease = Lease(owner=owner, duration=LEASE)
        claimed = await claim_deliveries(store, {webhook.id: 1}, lease, gated=seen)
        await store.close()
        assert all(one.is_probe for one in claimed)
        return len(claimed)

    counts = await asyncio.gather(*(claim_as(f"worker {number}") for number in range(8)))

    assert sum(counts) == 1
    assert (await scene.shown(webhook)).health.paused_until == scene.clock.now() + LEASE


async def test_a_prober_that_dies_holds_the_probe_no_longer_than_its_lease(scene: Scene):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(2)
    await scene.skip_pause(webhook)
    dead = Lease(owner="dead", duration=LEASE)
    waiting = await look(scene.store)
    await claim_deliveries(scene.store, {webhook.id: 1}, dead, gated=waiting)
    worker = await scene.dispatcher()

    await deliver_due(worker)
    assert receiver.received == []
    scene.clock.advance(LEASE)
    await deliver_due(worker)
    await scene.rescue()
    await deliver_due(worker)

    assert len(receiver.received) == 2


async def test_a_probe_with_a_longer_limit_of_its_own_stays_the_only_one_until_its_end(
    scene: Scene,
):
    limit = 2 * LEASE
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(500)))
    webhook = await scene.tenant.webhook(
        receiver.url, event_types=["job.run.started"], attempt_timeout=limit.total_seconds()
    )
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(3)
    await scene.skip_pause(webhook)
    worker = await scene.dispatcher()
    await worker.tick()
    await receiver.wait_for(1)

    scene.clock.advance(limit)
    await scene.rescue()
    await deliver_due(await scene.dispatcher(owner="another worker"))
    await worker.tick()
    assert len(receiver.received) == 1
    gate.set()
    await worker.settle()

    assert (await scene.shown(webhook)).health.failed_probes == 1


async def test_a_probe_whose_lease_is_renewed_stays_the_only_one(scene: Scene):
    gate = asyncio.Event()
    receiver = await scene.receiver(once(gate, status(500)))
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(3)
    await scene.skip_pause(webhook)
    worker = await scene.dispatcher()
    await worker.tick()
    await receiver.wait_for(1)

    for _ in range(6):
        scene.clock.advance(LEASE / 4)
        await worker.renew()
    await deliver_due(await scene.dispatcher(owner="another worker"))
    assert len(receiver.received) == 1
    gate.set()
    await worker.settle()

    assert (await scene.shown(webhook)).health.failed_probes == 1


async def test_a_probe_that_is_given_back_as_its_worker_stops_is_made_by_the_next_one_at_once(
    scene: Scene,
):
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(2)
    await scene.skip_pause(webhook)
    stopped = await scene.dispatcher(owner="stopped")
    await asyncio.gather(stopped.tick(), stopped.stop())
    await stopped.settle()
    assert receiver.received == []

    await deliver_due(await scene.dispatcher(owner="next"))

    assert len(receiver.received) == 2
    assert (await scene.shown(webhook)).health == WELL


async def test_a_probe_that_is_given_back_too_late_leaves_the_one_that_took_over_alone(
    scene: Scene,
):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.start_many(2)
    await scene.skip_pause(webhook)
    seen = await look(scene.store)
    late, prompt = (Lease(owner=owner, duration=LEASE) for owner in ("late", "prompt"))
    given_back = await claim_deliveries(scene.store, {webhook.id: 1}, late, gated=seen)
    scene.clock.advance(LEASE)
    await claim_deliveries(scene.store, {webhook.id: 1}, prompt, gated=seen)

    await release(scene.store, given_back)

    assert (await scene.shown(webhook)).health.paused_until == scene.clock.now() + LEASE


async def test_a_probe_that_found_nothing_to_send_is_free_again(scene: Scene):
    """Another worker has the only delivery that is due."""
    receiver = await scene.receiver()
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()
    other = Lease(owner="another worker", duration=ALWAYS)
    await claim_deliveries(scene.store, {webhook.id: 1}, other)
    await scene.has_failed(webhook, PAUSE_AFTER)
    await scene.tenant.start("run-2")
    await scene.skip_pause(webhook)
    seen = await look(scene.store)
    lease = Lease(owner="a worker", duration=LEASE)
    assert len(await claim_deliveries(scene.store, {webhook.id: 1}, lease, gated=seen)) == 1
    scene.clock.advance(LEASE)

    assert await claim_deliveries(scene.store, {webhook.id: 1}, lease, gated=seen) == []

    assert (await scene.shown(webhook)).health.paused_until == scene.clock.now()


async def test_what_is_claimed_while_it_is_being_paused_is_given_back_unsent(scene: Scene):
    """The worker had looked before the pause began, and knows of no gate."""
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.start_many(3)
    await scene.has_failed(webhook, PAUSE_AFTER)
    lease = Lease(owner="a worker", duration=LEASE)

    claimed = await claim_deliveries(scene.store, {webhook.id: 10}, lease)

    assert claimed == []
    assert await claims_of(scene.store) == [(DeliveryState.PENDING, None)] * 3


async def test_tests_count_for_nothing(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    sender = await scene.sender()
    for _ in range(PAUSE_AFTER + 1):
        await send_test(
            Context(scene.store, scene.clock, RUNHOOK),
            sender,
            webhook.account_id,
            webhook.id,
            lease=Lease(owner="a worker", duration=LEASE),
        )

    assert (await scene.shown(webhook)).health == WELL


async def test_a_test_that_succeeds_heals_nothing(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(200)))
    await scene.has_failed(webhook, PAUSE_AFTER)
    before = (await scene.shown(webhook)).health

    await send_test(
        Context(scene.store, scene.clock, RUNHOOK),
        await scene.sender(),
        webhook.account_id,
        webhook.id,
        lease=Lease(owner="a worker", duration=LEASE),
    )

    assert (await scene.shown(webhook)).health == before


async def test_failures_at_an_url_that_the_webhook_has_left_count_for_nothing(scene: Scene):
    gate = asyncio.Event()
    old, new = await scene.receiver(once(gate, status(500))), await scene.receiver()
    webhook = await scene.webhook_at(old)
    await scene.start_many(PAUSE_AFTER)
    dispatcher = await scene.dispatcher()
    await dispatcher.tick()
    await old.wait_for(PAUSE_AFTER)

    await scene.tenant.change(webhook, WebhookChange(client_url=new.url))
    gate.set()
    await dispatcher.settle()

    assert (await scene.shown(webhook)).health == WELL


async def test_what_a_worker_gives_back_as_it_stops_counts_for_nothing(scene: Scene):
    receiver = await scene.receiver(status(500))
    webhook = await scene.webhook_at(receiver)
    await scene.start_many(PAUSE_AFTER)
    dispatcher = await scene.dispatcher()

    await asyncio.gather(dispatcher.tick(), dispatcher.stop())
    await dispatcher.settle()

    assert receiver.received == []
    assert (await scene.shown(webhook)).health == WELL


async def test_what_a_dead_worker_held_counts_for_nothing(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.start_many(PAUSE_AFTER)
    lease = Lease(owner="dead", duration=LEASE)
    await claim_deliveries(scene.store, {webhook.id: PAUSE_AFTER}, lease)

    scene.clock.advance(LEASE)
    await scene.rescue()

    assert (await scene.shown(webhook)).health == WELL


async def test_setting_the_webhook_active_or_moving_it_forgets_the_failures(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    for change in (
        WebhookChange(active=True),
        WebhookChange(client_url=(await scene.receiver()).url),
    ):
        await scene.has_failed(webhook, PAUSE_AFTER)

        assert (await scene.tenant.change(webhook, change)).health == WELL
        assert (await scene.shown(webhook)).health == WELL


async def test_any_other_change_forgets_nothing(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.has_failed(webhook, PAUSE_AFTER)
    before = (await scene.shown(webhook)).health

    await scene.tenant.change(
        webhook, WebhookChange(name="Another name", client_url=webhook.client_url)
    )

    assert (await scene.shown(webhook)).health == before


async def test_an_endpoint_that_is_paused_changes_nothing_for_another(scene: Scene):
    failing = await scene.webhook_at(await scene.receiver(status(500)))
    healthy = await scene.webhook_at(await scene.receiver())
    await scene.has_failed(failing, PAUSE_AFTER)
    await scene.start_many(20)

    await deliver_due(await scene.dispatcher())

    assert await scene.tenant.states(failing) == [DeliveryState.PENDING] * 20
    assert await scene.tenant.states(healthy) == [DeliveryState.SUCCEEDED] * 20
    assert (await scene.shown(healthy)).health == WELL


async def test_a_few_failures_long_ago_do_not_give_it_up(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver(status(500)))
    await scene.has_failed(webhook, 3)
    scene.clock.advance(2 * HOPELESS_SINCE)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    shown = await scene.shown(webhook)
    assert shown.active
    assert shown.health.consecutive_failures == 4
