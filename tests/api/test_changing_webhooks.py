"""PUT and DELETE of one webhook: subsets, reactivation, and deliveries that wait for it."""

from datetime import timedelta

import httpx
import pytest

from tests.support.api import SUCCESS, Api, data_of, new_run, new_webhook, told
from tests.support.clock import ManualClock
from tests.support.receiver import Receiver, status


def path_of(webhook: dict[str, object]) -> str:
    return f"/webhooks/subscription/{webhook['id']}"


async def test_an_update_is_answered_as_a_look_and_without_the_secret(
    admin: httpx.AsyncClient, clock: ManualClock
):
    webhook = await new_webhook(admin)
    clock.advance(timedelta(seconds=1))

    answer = await admin.put(path_of(webhook), json={"name": "Another name"})

    assert answer.json()["status"] == SUCCESS
    changed = data_of(answer)
    secret = webhook.pop("hmac_secret")
    assert changed == {**webhook, "name": "Another name", "updated_at": "1772366401000000"}
    assert secret not in answer.text
    assert data_of(await admin.get(path_of(webhook))) == changed


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", "Another name"),
        ("description", "Another description"),
        ("client_url", "https://elsewhere.example.com/"),
        ("event_types", ["job.run.canceled", "job.run.started"]),
        ("job_ids", []),
        ("payload_version", "2023-02"),
    ],
)
async def test_keys_left_out_keep_their_value(admin: httpx.AsyncClient, key: str, value: object):
    job_id = (await new_run(admin))["job_id"]
    webhook = await new_webhook(admin, description="A description", job_ids=[job_id])
    del webhook["hmac_secret"]

    changed = data_of(await admin.put(path_of(webhook), json={key: value}))

    assert changed == {**webhook, key: value}


async def test_an_update_of_nothing_changes_nothing_but_its_time(
    admin: httpx.AsyncClient, clock: ManualClock
):
    webhook = await new_webhook(admin)
    del webhook["hmac_secret"]
    clock.advance(timedelta(seconds=1))

    changed = data_of(await admin.put(path_of(webhook), json={}))

    assert changed == {**webhook, "updated_at": "1772366401000000"}


async def test_what_a_look_answered_can_be_sent_back_whole(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, job_ids=[(await new_run(admin))["job_id"]])
    seen = data_of(await admin.get(path_of(webhook)))

    assert data_of(await admin.put(path_of(webhook), json=seen)) == seen


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("name", " "),
        ("client_url", "http://192.168.1.1/"),
        ("event_types", []),
        ("event_types", ["job.run.exploded"]),
        ("job_ids", [404]),
    ],
)
async def test_a_refused_update_changes_nothing(
    admin: httpx.AsyncClient, clock: ManualClock, key: str, value: object
):
    webhook = await new_webhook(admin)
    before = data_of(await admin.get(path_of(webhook)))
    clock.advance(timedelta(seconds=1))

    answer = await admin.put(path_of(webhook), json={"description": "Changed?", key: value})

    assert told(answer, 400).startswith(key)
    assert data_of(await admin.get(path_of(webhook))) == before


async def test_setting_it_inactive_says_why(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)

    changed = data_of(await admin.put(path_of(webhook), json={"active": False}))

    assert (changed["active"], changed["deactivate_reason"]) == (False, "Set inactive by a user.")


async def test_active_true_reactivates(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, active=False)

    changed = data_of(await admin.put(path_of(webhook), json={"active": True}))

    assert (changed["active"], changed["deactivate_reason"]) == (True, None)


async def test_a_new_url_reactivates_even_if_the_same_update_says_inactive(
    admin: httpx.AsyncClient,
):
    webhook = await new_webhook(admin, active=False)

    changed = data_of(
        await admin.put(
            path_of(webhook),
            json={"active": False, "client_url": "https://elsewhere.example.com/"},
        )
    )

    assert (changed["active"], changed["deactivate_reason"]) == (True, None)


async def test_the_same_url_does_not_reactivate(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, active=False)

    changed = data_of(await admin.put(path_of(webhook), json={"client_url": webhook["client_url"]}))

    assert changed["active"] is False


async def test_a_webhook_that_is_active_can_move_and_be_set_inactive_at_once(
    admin: httpx.AsyncClient,
):
    webhook = await new_webhook(admin)

    changed = data_of(
        await admin.put(
            path_of(webhook),
            json={"active": False, "client_url": "https://elsewhere.example.com/"},
        )
    )

    assert changed["active"] is False


async def test_an_endpoint_that_is_gone_is_reactivated_and_keeps_its_reason_until_then(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(410)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(admin)
        await api.deliver()
    renamed = data_of(await admin.put(path_of(webhook), json={"active": False, "name": "Gone"}))
    reactivated = data_of(await admin.put(path_of(webhook), json={"active": True}))

    assert "410 Gone" in renamed["deactivate_reason"]
    assert renamed["http_status_code"] == "410"
    assert reactivated["deactivate_reason"] is None


async def test_setting_it_inactive_cancels_what_waits(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    await new_run(admin)

    await admin.put(path_of(webhook), json={"active": False})

    (event,) = data_of(await admin.get(path_of(webhook) + "/events"))
    assert (event["state"], event["next_attempt_at"]) == ("canceled", None)


async def test_a_deleted_webhook_answers_with_its_id_and_is_gone(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)

    answer = await admin.delete(path_of(webhook))

    assert answer.status_code == 200
    assert answer.json() == {"data": {"id": webhook["id"]}, "status": SUCCESS, "extra": {}}
    for again in (
        await admin.get(path_of(webhook)),
        await admin.put(path_of(webhook), json={"name": "Back?"}),
        await admin.delete(path_of(webhook)),
        await admin.get(path_of(webhook) + "/events"),
    ):
        told(again, 404)
    listed = await admin.get("/webhooks/subscriptions")
    assert listed.json()["data"] == []
    assert listed.json()["extra"]["pagination"] == {"count": 0, "total_count": 0}


async def test_a_deleted_webhook_gets_no_more_deliveries(api: Api, admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(admin)
        await admin.delete(path_of(webhook))
        await new_run(admin)
        await api.deliver()

    assert receiver.received == []


async def test_another_accounts_webhook_can_not_be_changed(api: Api, admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)
    theirs = await api.add_other_account()

    for answer in (
        await theirs.get(path_of(webhook)),
        await theirs.put(path_of(webhook), json={"name": "Mine now"}),
        await theirs.delete(path_of(webhook)),
        await theirs.get(path_of(webhook) + "/events"),
    ):
        told(answer, 404)
    del webhook["hmac_secret"]
    assert data_of(await admin.get(path_of(webhook))) == webhook
