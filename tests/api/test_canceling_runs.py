"""Heartbeats, and how a reporter learns that its run should end."""

import httpx
import pytest

from tests.support.api import ORIGIN, SUCCESS, data_of, new_run, new_webhook, told


async def test_a_heartbeat_answers_whether_the_run_should_end(admin: httpx.AsyncClient):
    run = await new_run(admin, cancelable=True)

    before = await admin.post(f"/runs/{run['id']}/heartbeat")
    await admin.post(f"/runs/{run['id']}/cancel")
    after = await admin.post(f"/runs/{run['id']}/heartbeat")

    assert before.json() == {"data": {"cancel_requested": False}, "status": SUCCESS, "extra": {}}
    assert after.json() == {"data": {"cancel_requested": True}, "status": SUCCESS, "extra": {}}


async def test_a_reporter_that_would_not_end_its_run_is_neither_asked_nor_told(
    admin: httpx.AsyncClient,
):
    run = await new_run(admin, heartbeats=True)

    refused = [
        told(await admin.post(f"/runs/{run['id']}/cancel"), 409),
        told(await admin.post(f"{ORIGIN}/api/v2/accounts/1/runs/{run['id']}/cancel/"), 409),
    ]

    assert all("`runhook run --allow-cancel`" in message for message in refused)
    heartbeat = await admin.post(f"/runs/{run['id']}/heartbeat")
    assert heartbeat.json() == {"data": {}, "status": SUCCESS, "extra": {}}


async def test_a_reporter_says_that_its_run_is_being_canceled(admin: httpx.AsyncClient):
    run = await new_run(admin)

    announced = data_of(await admin.post(f"/runs/{run['id']}/canceling"))

    assert announced == {**run, "cancel_requested": True}
    assert data_of(await admin.post(f"/runs/{run['id']}/heartbeat")) == {}


@pytest.mark.parametrize("body", [b"", b"{}", b"not JSON", b"\xff"])
async def test_calls_that_need_no_body_do_not_care_about_one(admin: httpx.AsyncClient, body: bytes):
    run = await new_run(admin, cancelable=True)

    for path in ("heartbeat", "cancel", "canceling"):
        assert (await admin.post(f"/runs/{run['id']}/{path}", content=body)).status_code == 200


async def test_asking_for_the_end_is_no_end(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.canceled"])
    run = await new_run(admin, cancelable=True)

    first = data_of(await admin.post(f"/runs/{run['id']}/cancel"))
    again = data_of(await admin.post(f"/runs/{run['id']}/cancel"))

    assert first == again == {**run, "cancel_requested": True}
    events = await admin.get(f"/webhooks/subscription/{webhook['id']}/events")
    assert data_of(events) == []


async def test_a_run_that_was_asked_to_end_may_still_succeed(admin: httpx.AsyncClient):
    run = await new_run(admin, cancelable=True)
    await admin.post(f"/runs/{run['id']}/cancel")

    finished = data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": "success"}))

    assert (finished["status"], finished["cancel_requested"]) == (10, True)


async def test_a_run_that_is_over_is_not_asked_to_end(admin: httpx.AsyncClient):
    run = await new_run(admin, cancelable=True)
    await admin.post(f"/runs/{run['id']}/finish", json={"status": "success"})

    canceled = data_of(await admin.post(f"/runs/{run['id']}/cancel"))
    heartbeat = data_of(await admin.post(f"/runs/{run['id']}/heartbeat"))

    assert (canceled["status"], canceled["cancel_requested"]) == (10, False)
    assert heartbeat == {"cancel_requested": False}
