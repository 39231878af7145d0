"""GET of one webhook and of all, a page at a time."""

import httpx
import pytest

from tests.support.api import SUCCESS, Api, data_of, new_run, new_webhook, told
from tests.support.receiver import Receiver, status

PATH = "/webhooks/subscriptions"
REFUSED = {
    "limit": ["0", "-1", "all", "", "1.5", "9" * 5_000],
    "offset": ["-1", "first", "9" * 5_000],
}


async def test_a_look_shows_what_was_created_without_the_secret(admin: httpx.AsyncClient):
    created = await new_webhook(admin)

    answer = await admin.get(f"/webhooks/subscription/{created['id']}")

    secret = created.pop("hmac_secret")
    assert answer.json() == {"data": created, "status": SUCCESS, "extra": {}}
    assert secret not in answer.text


async def test_an_attempt_shows_as_strings_when_it_was_and_what_it_answered(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver(status(202)) as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(admin)
        await api.deliver()

    seen = data_of(await admin.get(f"/webhooks/subscription/{webhook['id']}"))

    assert seen["dispatched_at"] == "1772366400000000"
    assert seen["http_status_code"] == "202"


async def test_an_endpoint_that_did_not_answer_was_dispatched_to_with_status_0(
    api: Api, admin: httpx.AsyncClient
):
    async with Receiver() as receiver:
        url = receiver.url
    webhook = await new_webhook(admin, client_url=url, event_types=["job.run.started"])
    await new_run(admin)
    await api.deliver()

    seen = data_of(await admin.get(f"/webhooks/subscription/{webhook['id']}"))

    assert seen["dispatched_at"] == "1772366400000000"
    assert seen["http_status_code"] == "0"


async def test_an_empty_list_is_a_whole_page(admin: httpx.AsyncClient):
    answer = await admin.get(PATH)

    assert answer.status_code == 200
    assert answer.json() == {
        "data": [],
        "status": SUCCESS,
        "extra": {
            "filters": {"limit": 10, "offset": 0},
            "pagination": {"count": 0, "total_count": 0},
        },
    }


async def test_a_page_has_ten_unless_another_limit_is_given(admin: httpx.AsyncClient):
    names = [f"number {number}" for number in range(12)]
    for name in names:
        await new_webhook(admin, name=name)

    first = await admin.get(PATH)
    rest = await admin.get(PATH, params={"offset": 10})
    all_of_them = await admin.get(PATH, params={"limit": 100})
    middle = await admin.get(PATH, params={"limit": 3, "offset": 4})

    listed = [one["name"] for one in data_of(first) + data_of(rest)]
    assert sorted(listed) == sorted(names)
    assert first.json()["extra"] == {
        "filters": {"limit": 10, "offset": 0},
        "pagination": {"count": 10, "total_count": 12},
    }
    assert rest.json()["extra"] == {
        "filters": {"limit": 10, "offset": 10},
        "pagination": {"count": 2, "total_count": 12},
    }
    assert [one["name"] for one in data_of(all_of_them)] == listed
    assert [one["name"] for one in data_of(middle)] == listed[4:7]
    assert not any("hmac_secret" in one for one in data_of(all_of_them))


async def test_a_page_behind_the_last_is_empty_and_tells_the_total(admin: httpx.AsyncClient):
    await new_webhook(admin)

    answer = await admin.get(PATH, params={"offset": 1_000_000})

    assert data_of(answer) == []
    assert answer.json()["extra"]["pagination"] == {"count": 0, "total_count": 1}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_page_that_cannot_be_is_refused_by_the_parameters_name(
    admin: httpx.AsyncClient, name: str
):
    for value in REFUSED[name]:
        assert told(await admin.get(PATH, params={name: value}), 400).startswith(f"{name}: ")


async def test_unknown_parameters_are_passed_over(admin: httpx.AsyncClient):
    answer = await admin.get(PATH, params={"order_by": "name", "limit": 5})

    assert answer.json()["extra"]["filters"] == {"limit": 5, "offset": 0}


async def test_another_accounts_webhooks_are_not_listed(api: Api, admin: httpx.AsyncClient):
    await new_webhook(admin)
    theirs = await api.add_other_account()

    answer = await theirs.get(PATH)

    assert data_of(answer) == []
    assert answer.json()["extra"]["pagination"] == {"count": 0, "total_count": 0}


async def test_a_webhook_that_is_not_there_is_404_whatever_its_id_looks_like(
    admin: httpx.AsyncClient,
):
    for webhook_id in ("wsu_2PK4VE772408oHuYxq9BYDN6ONi", "x", "%00", "%ff", "é", "1" * 5_000):
        path = f"/webhooks/subscription/{webhook_id}"
        told(await admin.get(path), 404)
        told(await admin.get(f"{path}/events"), 404)
        told(await admin.get(f"{path}/event/wev_1/receipt"), 404)
        told(await admin.put(path, json={"name": "x"}), 404)
        told(await admin.delete(path), 404)
