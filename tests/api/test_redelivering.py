"""POST .../redeliver: the same id and bytes once more, whatever became of them before."""

from datetime import timedelta

import httpx
import pytest

from runhook.domain.deliveries.delivery import Lease
from runhook.domain.messages.telling import WebhookId
from runhook.operations.deliveries.attempt import claim_deliveries
from tests.support.api import LEASE, Api, data_of, new_run, new_webhook, told
from tests.support.clock import ManualClock
from tests.support.receiver import Receiver, status
from tests.support.waking import listening_to

HOUR = timedelta(hours=1)


def path_of(event: dict[str, object], end: str = "/redeliver") -> str:
    return f"/webhooks/subscription/{event['subscription_id']}/event/{event['id']}{end}"


async def webhook_at(
    client: httpx.AsyncClient, receiver: Receiver, **fields: object
) -> dict[str, object]:
    """Create a webhook that gets starts and retries once, after ten seconds."""
    webhook: dict[str, object] = await new_webhook(
        client,
        client_url=receiver.url,
        **{"event_types": ["job.run.started"], "retry_schedule": [10], **fields},
    )
    return webhook


async def the_event(client: httpx.AsyncClient, webhook: dict[str, object]) -> dict[str, object]:
    (event,) = data_of(await client.get(f"/webhooks/subscription/{webhook['id']}/events"))
    return event


async def triggers_of(client: httpx.AsyncClient, event: dict[str, object]) -> list[object]:
    """What made each attempt of a delivery."""
    return [one["trigger"] for one in data_of(await client.get(path_of(event, "/receipt")))]


async def test_what_succeeded_is_sent_again_with_the_same_id_and_bytes(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver() as receiver:
        webhook = await webhook_at(admin, receiver)
        await new_run(admin)
        await api.deliver()
        before = await the_event(admin, webhook)
        await admin.put(f"/webhooks/subscription/{webhook['id']}", json={"name": "Renamed"})
        clock.advance(HOUR)

        again = data_of(await admin.post(path_of(before)))
        await api.deliver()

    first, second = receiver.received
    after = await the_event(admin, webhook)
    receipts = data_of(await admin.get(path_of(before, "/receipt")))
    assert (again["id"], again["state"], again["attempt_count"]) == (before["id"], "pending", 1)
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"] == before["id"]
    assert (after["state"], after["attempt_count"]) == ("succeeded", 2)
    assert [receipt["attempt"] for receipt in receipts] == [1, 2]


async def test_the_dispatcher_is_woken(api: Api, admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await webhook_at(admin, receiver)
        await new_run(admin)
        await api.deliver()
        async with listening_to(api.store) as wakes:
            await admin.post(path_of(await the_event(admin, webhook)))

    assert wakes.count == 1


async def test_what_failed_gets_its_whole_retry_schedule_anew(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver(status(500)) as receiver:
        webhook = await webhook_at(admin, receiver)
        await new_run(admin)
        states = []
        for _ in range(2):
            await api.deliver()
            clock.advance(HOUR)
            states.append((await the_event(admin, webhook))["state"])
        await admin.post(path_of(await the_event(admin, webhook)))
        for _ in range(2):
            await api.deliver()
            clock.advance(HOUR)
            states.append((await the_event(admin, webhook))["state"])
        await api.deliver()

    assert states == ["pending", "failed", "pending", "failed"]
    assert (await the_event(admin, webhook))["attempt_count"] == len(receiver.received) == 4


async def test_what_was_skipped_or_canceled_is_sent_once_its_webhook_is_active(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver() as receiver:
        inactive = await webhook_at(admin, receiver, active=False)
        switched = await webhook_at(admin, receiver)
        await new_run(admin)
        await admin.put(f"/webhooks/subscription/{switched['id']}", json={"active": False})
        states = []
        for webhook in (inactive, switched):
            event = await the_event(admin, webhook)
            states.append(event["state"])
            assert "set it active" in told(await admin.post(path_of(event)), 409)
            await admin.put(f"/webhooks/subscription/{webhook['id']}", json={"active": True})
            data_of(await admin.post(path_of(event)))
        await api.deliver()

    assert states == ["skipped", "canceled"]
    assert len(receiver.received) == 2
    assert (await the_event(admin, inactive))["state"] == "succeeded"
    assert (await the_event(admin, switched))["state"] == "succeeded"
    assert await triggers_of(admin, event) == ["manual"]


async def test_what_waits_for_its_retry_is_sent_now_and_no_other_time_besides(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver(status(500), status(500), status(200)) as receiver:
        webhook = await webhook_at(admin, receiver, retry_schedule=[3600, 3600])
        await new_run(admin)
        await api.deliver()

        data_of(await admin.post(path_of(await the_event(admin, webhook))))
        await api.deliver()
        after = await the_event(admin, webhook)
        clock.advance(2 * HOUR)
        await api.deliver()
        await api.deliver()

    assert (after["state"], after["attempt_count"]) == ("pending", 2)
    assert len(receiver.received) == 3
    assert await triggers_of(admin, after) == ["scheduled", "manual", "scheduled"]


async def test_a_redelivery_that_succeeds_leaves_no_retry_behind(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver(status(500), status(200)) as receiver:
        webhook = await webhook_at(admin, receiver, retry_schedule=[3600, 3600])
        await new_run(admin)
        await api.deliver()

        data_of(await admin.post(path_of(await the_event(admin, webhook))))
        await api.deliver()
        clock.advance(3 * HOUR)
        await api.deliver()

    after = await the_event(admin, webhook)
    assert (after["state"], after["attempt_count"], after["next_attempt_at"]) == (
        "succeeded",
        2,
        None,
    )
    assert len(receiver.received) == 2


async def test_what_is_being_sent_is_not_redelivered(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver() as receiver:
        webhook = await webhook_at(admin, receiver)
        await new_run(admin)
        lease = Lease(owner="a worker", duration=LEASE.duration)
        await claim_deliveries(api.store, {WebhookId(str(webhook["id"])): 1}, lease)

        answer = await admin.post(path_of(await the_event(admin, webhook)))

    assert "being sent" in told(answer, 409)
    assert (await the_event(admin, webhook))["state"] == "sending"


async def test_switching_the_webhook_off_cancels_a_redelivery_that_waits(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver() as receiver:
        webhook = await webhook_at(admin, receiver)
        await new_run(admin)
        await api.deliver()
        await admin.post(path_of(await the_event(admin, webhook)))
        await admin.put(f"/webhooks/subscription/{webhook['id']}", json={"active": False})
        await api.deliver()

    assert len(receiver.received) == 1
    assert (await the_event(admin, webhook))["state"] == "canceled"


async def test_the_audit_log_tells_who_redelivered(api: Api, admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await webhook_at(admin, receiver)
        await new_run(admin)
        await api.deliver()
        event = await the_event(admin, webhook)
        await admin.post(path_of(event))

    (entry,) = data_of(await admin.get("/audit-log", params={"action": "delivery.redelivered"}))
    assert (entry["subject_id"], entry["before"]["state"]) == (event["id"], "succeeded")


async def test_a_delivery_is_only_redelivered_under_its_own_webhook_and_account(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver() as receiver:
        webhook = await webhook_at(admin, receiver)
        another = await webhook_at(admin, receiver, event_types=["job.run.completed"])
        theirs = await api.add_other_account()
        await new_run(admin)
        await api.deliver()
        event = await the_event(admin, webhook)

        told(await admin.post(path_of({**event, "subscription_id": another["id"]})), 404)
        told(await admin.post(path_of({**event, "id": "wev_2PK4VE772408oHuYxq9BYDN6ONi"})), 404)
        told(await theirs.post(path_of(event)), 404)
        await api.deliver()

    assert len(receiver.received) == 1


async def test_a_deleted_webhooks_deliveries_are_not_redelivered(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver() as receiver:
        webhook = await webhook_at(admin, receiver)
        await new_run(admin)
        await api.deliver()
        event = await the_event(admin, webhook)
        await admin.delete(f"/webhooks/subscription/{webhook['id']}")

        told(await admin.post(path_of(event)), 404)


@pytest.mark.parametrize("schedule", [[], [0.5, 2]])
async def test_a_webhooks_own_retry_schedule_decides_how_often_it_is_tried(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock, schedule: list[float]
):
    async with Receiver(status(500)) as receiver:
        webhook = await webhook_at(admin, receiver, retry_schedule=schedule)
        await new_run(admin)
        for _ in range(len(schedule) + 2):
            await api.deliver()
            clock.advance(timedelta(seconds=3))

    assert len(receiver.received) == len(schedule) + 1
    assert (await the_event(admin, webhook))["state"] == "failed"


async def test_without_a_schedule_of_its_own_the_services_counts(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver(status(500)) as receiver:
        webhook = await webhook_at(admin, receiver)
        await admin.put(f"/webhooks/subscription/{webhook['id']}", json={"retry_schedule": None})
        await new_run(admin)
        for _ in range(8):
            await api.deliver()
            clock.advance(timedelta(hours=3))

    assert len(receiver.received) == 6
