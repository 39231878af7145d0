"""Accounts by the API: those that a caller may see, at dbt Cloud's paths, and what can change."""

import httpx
import pytest

from runhook.domain.people.permissions import PermissionSet, Role
from tests.support.api import ORIGIN, Api, data_of, new_webhook, told

ACCOUNTS = [f"{ORIGIN}/api/v{version}/accounts{end}" for version in (2, 3) for end in ("", "/")]


@pytest.mark.parametrize("path", ACCOUNTS)
@pytest.mark.parametrize("permission_set", PermissionSet)
async def test_a_token_sees_its_own_account_alone(
    api: Api, path: str, permission_set: PermissionSet
):
    await api.add_other_account()
    client = await api.client_with(permission_set)

    (account,) = data_of(await client.get(path))

    assert account == data_of(await client.get(f"{path.rstrip('/')}/1"))
    assert account == data_of(await client.get(f"{path.rstrip('/')}/1/"))
    told(await client.get(f"{path.rstrip('/')}/2"), 404)
    assert account == {
        "id": 1,
        "name": "Default",
        "identifier": account["identifier"],
        "state": 1,
        "plan": None,
        "pending_cancel": False,
        "locked": False,
        "lock_reason": None,
        "unlocked_at": None,
        "run_slots": None,
        "developer_seats": None,
        "read_only_seats": None,
        "created_at": "2026-03-01T12:00:00Z",
        "updated_at": "2026-03-01T12:00:00Z",
        "default_payload_version": "2022-05",
    }


async def test_a_user_sees_the_accounts_that_they_are_in(api: Api):
    await api.add_other_account()
    owner = await api.client_of(Role.OWNER, account_id=2)

    answer = (await owner.get(ACCOUNTS[0])).json()

    assert [account["name"] for account in answer["data"]] == ["Somebody else"]
    assert answer["extra"] == {
        "filters": {"limit": 100, "offset": 0},
        "pagination": {"count": 1, "total_count": 1},
    }
    assert data_of(await owner.get(f"{ACCOUNTS[0]}?offset=1")) == []


@pytest.mark.parametrize("path", ACCOUNTS)
async def test_without_credentials_there_are_no_accounts(api: Api, path: str):
    told(await api.client().get(path), 401)


async def test_a_new_default_payload_version_is_for_new_webhooks(admin: httpx.AsyncClient):
    before = await new_webhook(admin)

    body = {"name": " Shop ", "default_payload_version": "2023-02"}
    changed = data_of(await admin.put(f"{ORIGIN}/api/v3/accounts/1", json=body))

    assert (changed["name"], changed["default_payload_version"]) == ("Shop", "2023-02")
    assert before["payload_version"] == "2022-05"
    assert (await new_webhook(admin))["payload_version"] == "2023-02"
    (entry,) = data_of(await admin.get("/audit-log?action=account.changed"))
    assert entry["before"] == {"name": "Default", "default_payload_version": "2022-05"}
    assert entry["after"] == {"name": "Shop", "default_payload_version": "2023-02"}


async def test_what_is_left_out_of_a_change_stays(admin: httpx.AsyncClient):
    path = f"{ORIGIN}/api/v3/accounts/1"
    before = data_of(await admin.get(path))

    assert data_of(await admin.put(path, json={})) == before
    assert data_of(await admin.get("/audit-log?action=account.changed")) == []


WILL_NOT_DO = [
    ({"name": ""}, "name: give a name"),
    ({"name": "x" * 256}, "name: 255 characters at most"),
    ({"name": "\x00"}, "name: some of its characters cannot be shown"),
    ({"name": None}, "name"),
    ({"default_payload_version": "1999"}, "default_payload_version"),
    ({"nmae": "x"}, "nmae"),
]


async def test_what_will_not_do_of_an_account_is_named(admin, subtests: pytest.Subtests):
    path = f"{ORIGIN}/api/v3/accounts/1"
    before = data_of(await admin.get(path))
    for body, words in WILL_NOT_DO:
        with subtests.test(body=str(body)):
            assert words in told(await admin.put(path, json=body), 400)

            assert data_of(await admin.get(path)) == before


async def test_only_administrators_and_owners_change_an_account(api: Api):
    for role in Role:
        client = await api.client_of(role)
        answer = await client.put(f"{ORIGIN}/api/v3/accounts/1", json={"name": "Shop"})
        assert answer.status_code == (200 if role in (Role.OWNER, Role.ADMIN) else 403)
