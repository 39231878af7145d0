"""A batch costs a handful of statements, however many deliveries are in it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from runhook.domain.deliveries.delivery import Lease
from runhook.domain.deliveries.judging import FailureReason, Outcome, Retry, Succeeded, Verdict
from runhook.domain.people.auditing import AuditAction
from runhook.domain.webhooks.failing import PAUSE_AFTER
from runhook.operations.deliveries.attempt import Claimed, Judged, claim_deliveries, look, record
from runhook.operations.deliveries.prepare import attempt_of, prepare
from runhook.storage.people.audit_log import AuditFilter, count_audit_entries
from tests.support.scene import LEASE, Scene
from tests.support.statements import all_statements

A_WORKER = Lease(owner="a worker", duration=LEASE)
SECOND = timedelta(seconds=1)
CLAIMING = 2
"""Statements of a claim: it, and the endpoints."""
OUTCOMES = {
    "succeeded": (Outcome(duration=SECOND, status_code=200), Succeeded()),
    "failed": (
        Outcome(duration=SECOND, status_code=500, failure=FailureReason.HTTP_STATUS),
        Retry(SECOND),
    ),
}


def judged(
    scene: Scene, claimed: Sequence[Claimed], outcome: Outcome, verdict: Verdict
) -> list[Judged]:
    """What workers would have to record, all with one outcome."""
    now = scene.clock.now()
    batch = []
    for one in claimed:
        request = prepare(one.endpoint, one.delivery.rendered, delivery_id=one.delivery.id, now=now)
        attempt = attempt_of(
            request,
            one.endpoint,
            outcome,
            delivery_id=one.delivery.id,
            number=1,
            trigger=one.delivery.next_trigger,
            sent_at=now,
        )
        batch.append(Judged(one, attempt, verdict))
    return batch


@pytest.mark.parametrize("what", OUTCOMES)
async def test_claiming_and_recording_a_hundred_take_no_more_statements_than_one(
    scene: Scene, what: str
):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.start_many(100)

    with all_statements() as statements:
        claimed = await claim_deliveries(scene.store, {webhook.id: 100}, A_WORKER)
        batch = judged(scene, claimed, *OUTCOMES[what])
        recorded = await record(scene.store, batch, scene.clock)

    assert sum(one.counted for one in recorded) == 100
    # What fails pauses its endpoint, and the audit log has it.
    assert len(statements) == CLAIMING + (6 if what == "failed" else 4)


async def test_many_webhooks_that_are_paused_at_once_take_one_statement_of_the_audit_log(
    scene: Scene,
):
    webhooks = [await scene.tenant.webhook(event_types=["job.run.started"]) for _ in range(10)]
    await scene.start_many(10)
    claimed = await claim_deliveries(scene.store, {one.id: 10 for one in webhooks}, A_WORKER)

    with all_statements() as statements:
        await record(scene.store, judged(scene, claimed, *OUTCOMES["failed"]), scene.clock)

    assert sum("INSERT INTO audit_entries" in one for one in statements) == 1
    async with scene.store.read() as tx:
        pauses = AuditFilter(action=AuditAction.WEBHOOK_PAUSED)
        assert await count_audit_entries(tx, webhooks[0].account_id, pauses) == len(webhooks)


async def test_the_gates_of_many_webhooks_take_one_statement_more(scene: Scene):
    limit = "10/second"
    webhooks = [
        await scene.tenant.webhook(event_types=["job.run.started"], rate_limit=limit)
        for _ in range(10)
    ]
    await scene.start_many(2)
    waiting = await look(scene.store)
    places = {webhook.id: 1 for webhook in webhooks}

    with all_statements() as statements:
        claimed = await claim_deliveries(scene.store, places, A_WORKER, gated=waiting)

    assert len(claimed) == 10
    assert len(statements) == CLAIMING + 1


async def test_a_webhooks_failures_are_counted_once_a_batch_in_their_order(scene: Scene):
    webhook = await scene.webhook_at(await scene.receiver())
    await scene.start_many(2 * PAUSE_AFTER)
    claimed = await claim_deliveries(scene.store, {webhook.id: 100}, A_WORKER)
    bad, good = (OUTCOMES[one] for one in ("failed", "succeeded"))
    batch = [
        *judged(scene, claimed[: PAUSE_AFTER + 1], *bad),
        *judged(scene, claimed[PAUSE_AFTER + 1 : PAUSE_AFTER + 2], *good),
        *judged(scene, claimed[PAUSE_AFTER + 2 :], *bad),
    ]

    recorded = await record(scene.store, batch, scene.clock)

    health = (await scene.shown(webhook)).health
    assert health.consecutive_failures == PAUSE_AFTER - 2
    assert not health.is_paused
    assert not any(one.is_closed for one in recorded)
