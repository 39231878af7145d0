"""What two people do in the same moment ends as if one had come first."""

import asyncio

import httpx
import pytest

from runhook.domain.people.permissions import Role
from runhook.storage.engine.tables import members, users
from tests.support.accounts import rows_of
from tests.support.api import ORIGIN, Api, data_of

ACCEPT = f"{ORIGIN}/api/v3/invitations/accept"
SESSION = f"{ORIGIN}/api/v3/session"
TYPED = {"name": "Grace", "password": "nanoseconds are this long"}


@pytest.fixture
async def owner(api: Api) -> httpx.AsyncClient:
    return await api.client_of(Role.OWNER)


async def secret_of(owner: httpx.AsyncClient) -> str:
    made = data_of(await owner.post("/invitations", json={"role": "member"}), 201)
    return made["link"].rpartition("/")[2]


async def codes_of(*requests) -> list[int]:
    return sorted(answer.status_code for answer in await asyncio.gather(*requests))


async def test_two_owners_who_remove_each_other_leave_one(api: Api, owner: httpx.AsyncClient):
    other = await api.client_of(Role.OWNER, email="other@example.com")
    ids = [data_of(await one.get(SESSION))["user"]["id"] for one in (owner, other)]

    codes = await codes_of(owner.delete(f"/members/{ids[1]}"), other.delete(f"/members/{ids[0]}"))

    assert codes[0] == 200
    assert codes[1] in (404, 409)
    assert [row.role for row in await rows_of(api.store, members)] == [Role.OWNER]


async def test_a_link_that_many_open_at_once_lets_one_in(api: Api, owner: httpx.AsyncClient):
    secret = await secret_of(owner)

    codes = await codes_of(
        *(
            api.client().post(
                ACCEPT, json={"secret": secret, "email": f"{number}@example.com", **TYPED}
            )
            for number in range(5)
        )
    )

    assert codes == [201, 404, 404, 404, 404]
    assert len(await rows_of(api.store, users)) == 2


async def test_one_e_mail_address_becomes_one_user(api: Api, owner: httpx.AsyncClient):
    secrets = [await secret_of(owner) for _ in range(3)]

    codes = await codes_of(
        *(
            api.client().post(
                ACCEPT, json={"secret": secret, "email": "grace@example.com", **TYPED}
            )
            for secret in secrets
        )
    )

    assert codes == [201, 409, 409]
    assert [row.email for row in await rows_of(api.store, users)] == [
        "owner-1@example.com",
        "grace@example.com",
    ]
