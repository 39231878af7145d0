"""Members of an account: listed, given other roles, and removed."""

import httpx
import pytest

from runhook.domain.people.permissions import Role
from tests.support.api import ORIGIN, Api, data_of, told

LIST = "/webhooks/subscriptions"
SESSION = f"{ORIGIN}/api/v3/session"


async def id_of(client: httpx.AsyncClient) -> int:
    return data_of(await client.get(SESSION))["user"]["id"]


@pytest.fixture
async def owner(api: Api) -> httpx.AsyncClient:
    return await api.client_of(Role.OWNER)


async def test_members_are_listed_in_pages_the_first_first(api: Api, owner: httpx.AsyncClient):
    for role in (Role.ADMIN, Role.VIEWER):
        await api.client_of(role)

    first = (await owner.get("/members?limit=1")).json()
    rest = data_of(await owner.get("/members?limit=2&offset=1"))

    assert first["data"] == [
        {
            "user_id": await id_of(owner),
            "email": "owner-1@example.com",
            "name": "Owner-1",
            "role": "owner",
            "joined_at": "2026-03-01T12:00:00Z",
        }
    ]
    assert first["extra"]["pagination"] == {"count": 1, "total_count": 3}
    assert [member["role"] for member in rest] == ["admin", "viewer"]


async def test_a_new_role_counts_from_the_next_request_on(api: Api, owner: httpx.AsyncClient):
    member = await api.client_of(Role.VIEWER)
    told(await member.post(LIST, json={}), 403)

    path = f"/members/{await id_of(member)}"
    changed = data_of(await owner.put(path, json={"role": "member"}))

    assert changed["role"] == "member"
    told(await member.post(LIST, json={}), 400)


async def test_who_is_removed_finds_no_account_any_more(api: Api, owner: httpx.AsyncClient):
    member = await api.client_of(Role.ADMIN)
    number = await id_of(member)

    assert data_of(await owner.delete(f"/members/{number}")) == {"user_id": number}

    told(await member.get(LIST), 404)
    assert data_of(await member.get(SESSION))["accounts"] == []
    told(await owner.delete(f"/members/{number}"), 404)


async def test_an_administrator_manages_all_but_owners(api: Api, owner: httpx.AsyncClient):
    administrator, viewer = await api.client_of(Role.ADMIN), await api.client_of(Role.VIEWER)
    the_owner, the_viewer = await id_of(owner), await id_of(viewer)

    told(await administrator.put(f"/members/{the_owner}", json={"role": "viewer"}), 403)
    told(await administrator.delete(f"/members/{the_owner}"), 403)
    told(await administrator.put(f"/members/{the_viewer}", json={"role": "owner"}), 403)
    told(await administrator.post("/invitations", json={"role": "owner"}), 403)
    data_of(await administrator.put(f"/members/{the_viewer}", json={"role": "admin"}))

    roles = [one["role"] for one in data_of(await owner.get("/members"))]
    assert roles == ["owner", "admin", "admin"]


async def test_no_token_makes_or_removes_an_owner(admin: httpx.AsyncClient, owner):
    told(await admin.delete(f"/members/{await id_of(owner)}"), 403)
    told(await admin.post("/invitations", json={"role": "owner"}), 403)
    data_of(await admin.post("/invitations", json={"role": "admin"}), 201)


async def test_the_last_owner_stays_one(api: Api, owner: httpx.AsyncClient):
    path = f"/members/{await id_of(owner)}"

    assert "last owner" in told(await owner.put(path, json={"role": "admin"}), 409)
    assert "last owner" in told(await owner.delete(path), 409)
    assert data_of(await owner.put(path, json={"role": "owner"}))["role"] == "owner"

    await api.client_of(Role.OWNER, email="second@example.com")
    data_of(await owner.delete(path))
    told(await owner.get(LIST), 404)


@pytest.mark.parametrize("user_id", [404, 0, 10**30])
async def test_who_is_no_member_can_be_neither_changed_nor_removed(owner, user_id: int):
    told(await owner.put(f"/members/{user_id}", json={"role": "viewer"}), 404)
    told(await owner.delete(f"/members/{user_id}"), 404)


async def test_a_member_of_another_account_is_none_of_this_one(api: Api, owner):
    await api.add_other_account()
    theirs = await api.client_of(Role.OWNER, account_id=2)

    told(await owner.delete(f"/members/{await id_of(theirs)}"), 404)

    assert [one["email"] for one in data_of(await theirs.get("/members"))] == [
        "owner-2@example.com"
    ]


@pytest.mark.parametrize("body", [{}, {"role": "king"}, {"role": None}, {"rolle": "admin"}])
async def test_a_role_that_is_none_is_400(api: Api, owner, body: dict):
    viewer = await api.client_of(Role.VIEWER)

    told(await owner.put(f"/members/{await id_of(viewer)}", json=body), 400)


async def test_what_changes_of_members_is_in_the_audit_log(api: Api, owner):
    viewer = await api.client_of(Role.VIEWER)
    number = await id_of(viewer)
    await owner.put(f"/members/{number}", json={"role": "member"})
    await owner.put(f"/members/{number}", json={"role": "member"})
    await owner.delete(f"/members/{number}")

    removed, changed, joined = data_of(await owner.get(f"/audit-log?subject={number}"))[:3]

    assert removed["action"] == "member.removed"
    assert removed["before"] == {"email": "viewer-1@example.com", "role": "member"}
    assert changed["action"] == "member.changed"
    assert (changed["before"], changed["after"]) == ({"role": "viewer"}, {"role": "member"})
    assert changed["actor"]["name"] == "owner-1@example.com"
    assert joined["action"] == "member.joined"
    assert joined["after"]["invited_by"] == "runhook"


@pytest.mark.parametrize(
    ("role", "codes"),
    [
        (Role.OWNER, [200, 400, 400, 200, 200]),
        (Role.ADMIN, [200, 400, 400, 200, 200]),
        (Role.MEMBER, [200, 400, 403, 200, 403]),
        (Role.VIEWER, [200, 403, 403, 200, 403]),
    ],
)
async def test_what_each_role_may_do(api: Api, role: Role, codes: list[int]):
    client = await api.client_of(role)

    answers = [
        await client.get(LIST),
        await client.post(LIST, json={}),
        await client.post("/tokens", json={}),
        await client.get("/members"),
        await client.get("/audit-log"),
    ]

    assert [answer.status_code for answer in answers] == codes
