"""What the API tells of an endpoint that fails, and of a webhook that was given up for it."""

import json

import httpx
import pytest

from runhook.domain.webhooks.failing import FIRST_PAUSE, PAUSE_AFTER
from tests.support.api import Api, data_of, new_run, new_webhook
from tests.support.clock import ManualClock
from tests.support.receiver import Receiver, status

NOTICE = "webhook.deactivated"
NOW = "1772366400000000"
IN_A_MINUTE = "1772366460000000"


def path_of(webhook: dict[str, object]) -> str:
    return f"/webhooks/subscription/{webhook['id']}"


async def fail(api: Api, admin: httpx.AsyncClient, times: int) -> None:
    """Let so many runs start, whose deliveries are attempted."""
    for number in range(times):
        await new_run(admin, run_key=f"run-{number}")
        await api.deliver()


async def test_a_webhook_shows_that_its_endpoint_is_paused_and_since_when_it_fails(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(500)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await fail(api, admin, PAUSE_AFTER)

    shown = data_of(await admin.get(path_of(webhook)))
    health = {key: shown[key] for key in ("failing_since", "consecutive_failures", "paused_until")}
    assert health == {
        "failing_since": NOW,
        "consecutive_failures": PAUSE_AFTER,
        "paused_until": IN_A_MINUTE,
    }
    assert shown["active"] is True


async def test_setting_it_active_shows_a_clean_slate(api: Api, admin: httpx.AsyncClient):
    async with Receiver(status(500)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await fail(api, admin, PAUSE_AFTER)

    shown = data_of(await admin.put(path_of(webhook), json={"active": True}))

    assert shown["failing_since"] is None
    assert shown["consecutive_failures"] == 0
    assert shown["paused_until"] is None


async def test_health_is_no_key_that_a_client_can_set(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, consecutive_failures=7, paused_until=NOW)

    assert webhook["consecutive_failures"] == 0
    assert webhook["paused_until"] is None


async def test_a_canceled_delivery_says_why(api: Api, admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    await new_run(admin)
    path = f"{path_of(webhook)}/events"
    (waiting,) = data_of(await admin.get(path))

    await admin.put(path_of(webhook), json={"active": False})

    (canceled,) = data_of(await admin.get(path))
    assert (waiting["state"], waiting["cancel_reason"]) == ("pending", None)
    assert (canceled["state"], canceled["cancel_reason"]) == ("canceled", "Set inactive by a user.")


async def test_what_is_redelivered_is_canceled_no_more(api: Api, admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    await new_run(admin)
    await admin.put(path_of(webhook), json={"active": False})
    await admin.put(path_of(webhook), json={"active": True})
    (canceled,) = data_of(await admin.get(f"{path_of(webhook)}/events"))

    answer = await admin.post(f"{path_of(webhook)}/event/{canceled['id']}/redeliver")

    assert data_of(answer)["cancel_reason"] is None


@pytest.mark.parametrize("version", ["2022-05", "2023-02"])
async def test_a_notice_is_in_the_log_as_any_delivery_is(
    api: Api, admin: httpx.AsyncClient, version: str
):
    async with Receiver() as told, Receiver(status(410)) as gone:
        watcher = await new_webhook(
            admin, client_url=told.url, event_types=[NOTICE], payload_version=version
        )
        await new_webhook(admin, client_url=gone.url, event_types=["job.run.started"])
        await fail(api, admin, 1)
        await api.deliver()

    path = f"{path_of(watcher)}/events"
    (event,) = data_of(await admin.get(path, params={"event_type": NOTICE}))
    assert (event["trigger_event_type"], event["state"]) == (NOTICE, "succeeded")
    assert (event["job_id"], event["run_id"], event["is_test"]) == ("0", "0", False)
    assert event["payload"].encode() == told.received[0].body
    assert data_of(await admin.get(path, params={"event_type": "job.run.started"})) == []


async def test_the_audit_log_names_the_service_as_who_deactivated(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(410)) as gone:
        webhook = await new_webhook(admin, client_url=gone.url, event_types=["job.run.started"])
        await fail(api, admin, 1)

    (entry,) = data_of(await admin.get("/audit-log", params={"action": NOTICE}))

    assert entry["actor"] == {"kind": "runhook", "id": None, "name": "runhook", "address": None}
    assert entry["subject_id"] == webhook["id"]
    assert entry["after"]["active"] is False


async def test_a_webhook_for_notices_only_can_be_tested(api: Api, admin: httpx.AsyncClient):
    async with api.sender, Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=[NOTICE])

        data_of(await admin.get(f"{path_of(webhook)}/test"))

        (received,) = receiver.received
        assert json.loads(received.body)["event_type"] == NOTICE


async def test_the_pause_ends_a_minute_later(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    async with Receiver(*[status(500)] * PAUSE_AFTER, status(200)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await fail(api, admin, PAUSE_AFTER)

        clock.advance(FIRST_PAUSE)
        await api.deliver()

    shown = data_of(await admin.get(path_of(webhook)))
    assert shown["consecutive_failures"] == 0
    assert shown["http_status_code"] == "200"
