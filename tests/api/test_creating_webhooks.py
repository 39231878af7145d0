"""POST /webhooks/subscriptions: what the answer holds, and how sloppy a client may be."""

import re

import httpx
import pytest

from runhook.domain.webhooks.options import OPTIONS
from runhook.storage.people.accounts import find_account
from tests.support.api import A_WEBHOOK, CREATED, Api, data_of, new_run, new_webhook, told

PATH = "/webhooks/subscriptions"
ALL_EVENT_TYPES = ["job.run.errored", "job.run.started", "job.run.completed", "job.run.canceled"]

REFUSED = {
    "name": ["", " \t\n", None, 5, "x" * 256, "half\0way"],
    "description": ["x" * 2_001, "half\0way", ["x"]],
    "event_types": [
        [],
        None,
        "job.run.completed",
        ["job.run.exploded"],
        ["job.run.completed", "JOB.RUN.STARTED"],
        [5],
    ],
    "client_url": [
        "",
        None,
        "receiver.example.com/dbt",
        "ftp://receiver.example.com/dbt",
        "https://user:word@receiver.example.com/dbt",
        "https://receiver.example.com/half\0way",
        "https://receiver.example.com/" + "x" * 2_048,
        "http://[::1",
        "http://10.1.2.3/dbt",
        "http://169.254.169.254/latest/meta-data",
        "http://[::ffff:10.1.2.3]/dbt",
        "http://0x0a010203/dbt",
    ],
    "job_ids": [
        [404],
        ["mine"],
        [True],
        [1.5],
        [-1],
        0,
        "",
        2**63,
        10**30,
        ["9" * 5_000],
        ["0" * 30 + "9" * 50],
        ["0" * 5_000],
        {"1": "1"},
    ],
    "active": ["perhaps", []],
    "payload_version": ["2021-01"],
    "rate_limit": ["", "10", "fast", "0/second", "10/hour", "10/second\0", 10, ["10/second"]],
}


async def count(client: httpx.AsyncClient) -> int:
    answer = await client.get(PATH)
    return answer.json()["extra"]["pagination"]["total_count"]


async def test_the_answer_has_every_key_of_the_contract_in_its_type(
    api: Api, admin: httpx.AsyncClient
):
    run = await new_run(admin)
    async with api.store.read() as tx:
        account = await find_account(tx, 1)

    answer = await admin.post(
        PATH,
        json={**A_WEBHOOK, "description": "For all", "job_ids": [run["job_id"]], "active": True},
    )

    assert answer.status_code == 201
    shown = answer.json()
    assert set(shown) == {"data", "status", "extra"}
    assert shown["status"] == CREATED
    webhook = shown["data"]
    assert re.fullmatch(r"wsu_[0-9A-Za-z]{27}", webhook.pop("id"))
    assert re.fullmatch(r"whsec_[0-9A-Za-z+/]{43}=", webhook.pop("hmac_secret"))
    assert webhook == {
        "account_identifier": account.identifier,
        "account_id": "1",
        "name": "Tell the team",
        "description": "For all",
        "job_ids": [str(run["job_id"])],
        "event_types": ["job.run.completed"],
        "client_url": "https://receiver.example.com/dbt",
        "active": True,
        "created_at": "1772366400000000",
        "updated_at": "1772366400000000",
        "http_status_code": "0",
        "deactivate_reason": None,
        "project_ids": [],
        "environment_ids": [],
        **{one.name: one.write(one.default) for one in OPTIONS},
        "previous_secret_until": None,
        "failing_since": None,
        "consecutive_failures": 0,
        "paused_until": None,
        "held_up_since": None,
        "held_up_by": None,
    }
    assert account.identifier.startswith("act_")


async def test_every_secret_is_another_one(admin: httpx.AsyncClient):
    secrets = {(await new_webhook(admin))["hmac_secret"] for _ in range(3)}

    assert len(secrets) == 3


async def test_missing_optional_keys_mean_active_every_job_and_no_description(
    admin: httpx.AsyncClient,
):
    webhook = await new_webhook(admin)

    assert (webhook["active"], webhook["job_ids"], webhook["description"]) == (True, [], "")


async def test_nulls_in_optional_keys_are_as_good_as_missing_ones(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, active=None, job_ids=None, description=None)

    assert (webhook["active"], webhook["job_ids"], webhook["description"]) == (True, [], "")


async def test_read_only_keys_are_passed_over(admin: httpx.AsyncClient):
    webhook = await new_webhook(
        admin,
        id="",
        account_id=77,
        account_identifier="act_somebody",
        created_at="1",
        updated_at="2",
        dispatched_at="3",
        http_status_code="500",
        deactivate_reason="tired",
        hmac_secret="whsec_mine",
    )

    assert webhook["id"].startswith("wsu_")
    assert webhook["account_id"] == "1"
    assert webhook["created_at"] == "1772366400000000"
    assert "dispatched_at" not in webhook
    assert webhook["http_status_code"] == "0"
    assert webhook["deactivate_reason"] is None
    assert webhook["hmac_secret"] != "whsec_mine"


async def test_event_types_keep_the_order_given(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, event_types=ALL_EVENT_TYPES)

    assert webhook["event_types"] == ALL_EVENT_TYPES


async def test_job_ids_may_be_numbers_or_digits_and_come_back_as_strings_in_their_order(
    admin: httpx.AsyncClient,
):
    first, second, third = [
        (await new_run(admin, job_name=name))["job_id"] for name in ("a", "b", "c")
    ]

    webhook = await new_webhook(admin, job_ids=[third, str(first), f"00{second}"])

    assert webhook["job_ids"] == [str(third), str(first), str(second)]


async def test_one_bare_job_id_counts_as_a_list_of_one(admin: httpx.AsyncClient):
    job_id = (await new_run(admin))["job_id"]

    as_number = await new_webhook(admin, job_ids=job_id)
    as_text = await new_webhook(admin, job_ids=str(job_id))

    assert as_number["job_ids"] == as_text["job_ids"] == [str(job_id)]


async def test_the_payload_version_is_the_one_asked_for(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, payload_version="2023-02")

    assert webhook["payload_version"] == "2023-02"


async def test_an_inactive_webhook_says_who_made_it_so(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, active=False)

    assert (webhook["active"], webhook["deactivate_reason"]) == (False, "Set inactive by a user.")


async def test_the_name_is_kept_without_the_spaces_around_it(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, name="  Équipe 🚀 \n")

    assert webhook["name"] == "Équipe 🚀"


async def test_a_value_that_is_not_valid_is_refused_by_its_name(admin: httpx.AsyncClient):
    for field, values in REFUSED.items():
        for value in values:
            answer = await admin.post(PATH, json={**A_WEBHOOK, field: value})
            assert told(answer, 400).startswith(field)

    assert await count(admin) == 0


@pytest.mark.parametrize("field", A_WEBHOOK)
async def test_a_missing_required_key_is_named(admin: httpx.AsyncClient, field: str):
    rest = {name: value for name, value in A_WEBHOOK.items() if name != field}

    answer = await admin.post(PATH, json=rest)

    assert field in told(answer, 400)
    assert await count(admin) == 0


async def test_the_message_names_the_unknown_event_type_and_the_known_ones(
    admin: httpx.AsyncClient,
):
    answer = await admin.post(PATH, json={**A_WEBHOOK, "event_types": ["job.run.exploded"]})

    message = told(answer, 400)
    assert "`job.run.exploded`" in message
    assert all(f"`{name}`" in message for name in ALL_EVENT_TYPES)


async def test_a_refused_address_names_the_setting_that_would_allow_it(admin: httpx.AsyncClient):
    answer = await admin.post(PATH, json={**A_WEBHOOK, "client_url": "http://10.1.2.3/dbt"})

    message = told(answer, 400)
    assert message.startswith("client_url: address_refused: 10.1.2.3 is a private address")
    assert "RUNHOOK_ALLOW_NETWORKS" in message


async def test_a_job_of_another_account_is_as_unknown_as_one_that_is_not_there(
    api: Api, admin: httpx.AsyncClient
):
    theirs = (await new_run(await api.add_other_account()))["job_id"]

    answer = await admin.post(PATH, json={**A_WEBHOOK, "job_ids": [theirs]})

    assert told(answer, 400) == f"job_ids: this account has no job {theirs}"


async def test_a_new_webhook_does_not_hear_of_what_happened_before(admin: httpx.AsyncClient):
    await new_run(admin)
    webhook = await new_webhook(admin, event_types=["job.run.started"])

    events = await admin.get(f"/webhooks/subscription/{webhook['id']}/events")

    assert data_of(events) == []
