"""Tokens by the API: made, shown once, listed, used, expired and revoked."""

from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.permissions import PermissionSet
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.server.access.throttle import LIMITS, Rationed
from runhook.storage.engine.tables import tokens
from runhook.storage.people.tokens import revoke_token
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, told

LIST = "/webhooks/subscriptions"
ALLOWED = LIMITS[Rationed.TOKEN_FROM].most


async def new_token(admin: httpx.AsyncClient, **fields: object) -> dict:
    body = {"name": "airflow", "permission_set": "read_only", **fields}
    return data_of(await admin.post("/tokens", json=body), 201)


async def test_a_new_token_is_shown_this_once_and_works(api: Api, admin: httpx.AsyncClient):
    made = await new_token(admin)

    text = made.pop("token")
    assert data_of(await admin.get("/tokens"))[0] == made
    assert data_of(await api.client(f"Token {text}").get(LIST)) == []
    assert made == {
        "id": made["id"],
        "account_id": 1,
        "name": "airflow",
        "permission_set": "read_only",
        "created_by": "a test's",
        "created_at": "2026-03-01T12:00:00Z",
        "last_used_at": None,
        "expires_at": None,
        "revoked_at": None,
    }


async def test_tokens_are_listed_in_pages_the_newest_first(admin: httpx.AsyncClient):
    for name in ("first", "second", "third"):
        await new_token(admin, name=name)

    answer = (await admin.get("/tokens?limit=2&offset=1")).json()

    assert [token["name"] for token in answer["data"]] == ["second", "first"]
    assert answer["extra"] == {
        "filters": {"limit": 2, "offset": 1},
        "pagination": {"count": 2, "total_count": 4},
    }


async def test_a_token_expires_after_its_days(api: Api, admin: httpx.AsyncClient):
    made = await new_token(admin, expires_in_days=1)
    client = api.client(f"Token {made['token']}")
    assert made["expires_at"] == "2026-03-02T12:00:00Z"

    api.clock.advance(timedelta(days=1, microseconds=-1))
    assert data_of(await client.get(LIST)) == []

    api.clock.advance(timedelta(microseconds=1))
    assert told(await client.get(LIST), 401) == "This token expired at 2026-03-02 12:00 UTC."


async def test_a_revoked_token_is_refused_and_told_since_when(api: Api, admin: httpx.AsyncClient):
    made = await new_token(admin)
    client = api.client(f"Token {made['token']}")
    assert data_of(await client.get(LIST)) == []

    revoked = data_of(await admin.delete(f"/tokens/{made['id']}"))

    assert revoked == {"id": made["id"]}
    assert told(await client.get(LIST), 401) == "This token was revoked at 2026-03-01 12:00 UTC."
    assert data_of(await admin.get("/tokens"))[0]["revoked_at"] == "2026-03-01T12:00:00Z"


async def test_a_revoked_token_reads_nothing_from_the_next_request_on(
    api: Api, admin: httpx.AsyncClient
):
    """Also where it has just been used, and where another process revoked it."""
    made = await new_token(admin, permission_set="job_runner")
    client = api.client(f"Token {made['token']}")
    for _ in range(3):
        data_of(await client.post("/runs", json={"job_name": "nightly"}), 201)
    async with api.store.write() as tx:
        await revoke_token(tx, FIRST_ACCOUNT, made["id"], now=api.clock.now())

    told(await client.get("/runs"), 401)


async def test_a_revoked_token_is_told_since_when_as_soon_as_a_report_was_refused(
    api: Api, admin: httpx.AsyncClient
):
    made = await new_token(admin, permission_set="job_runner")
    client = api.client(f"Token {made['token']}")
    for _ in range(3):
        data_of(await client.post("/runs", json={"job_name": "nightly"}), 201)
    await admin.delete(f"/tokens/{made['id']}")
    told(await client.post("/runs", json={"job_name": "nightly"}), 401)

    again = await client.post("/runs", json={"job_name": "nightly"})

    assert told(again, 401) == "This token was revoked at 2026-03-01 12:00 UTC."


async def test_revoking_again_changes_nothing(api: Api, admin: httpx.AsyncClient):
    made = await new_token(admin)
    await admin.delete(f"/tokens/{made['id']}")
    before = data_of(await admin.get("/tokens"))
    api.clock.advance(timedelta(seconds=1))

    assert data_of(await admin.delete(f"/tokens/{made['id']}")) == {"id": made["id"]}

    assert data_of(await admin.get("/tokens")) == before
    assert [one["action"] for one in data_of(await admin.get("/audit-log"))] == [
        "token.revoked",
        "token.created",
        "token.created",
    ]


@pytest.mark.parametrize("token_id", [404, 0, 10**30])
async def test_a_token_that_is_not_there_cannot_be_revoked(admin: httpx.AsyncClient, token_id: int):
    told(await admin.delete(f"/tokens/{token_id}"), 404)


NOT_VALID = [
    ({"name": ""}, "name"),
    ({"name": "  "}, "name: say what the token is for"),
    ({"name": "x" * 256}, "name"),
    ({"permission_set": "everything"}, "permission_set"),
    ({"expires_in_days": 0}, "expires_in_days"),
    ({"expires_in_days": 3_651}, "expires_in_days"),
    ({"expires_in_days": 10**30}, "expires_in_days"),
    ({"expires_in_days": "soon"}, "expires_in_days"),
]


async def test_what_is_not_valid_is_named_and_makes_no_token(
    api: Api, admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for fields, words in NOT_VALID:
        with subtests.test(fields=str(fields)):
            answer = await admin.post(
                "/tokens", json={"name": "x", "permission_set": "read_only", **fields}
            )

            assert words in told(answer, 400)
            assert len(await rows_of(api.store, tokens)) == 1


async def test_the_last_use_is_written_at_most_once_a_minute(api: Api, admin: httpx.AsyncClient):
    made = await new_token(admin)
    client = api.client(f"Token {made['token']}")

    async def last_use() -> str:
        await client.get(LIST)
        return data_of(await admin.get("/tokens"))[0]["last_used_at"]

    assert await last_use() == "2026-03-01T12:00:00Z"
    api.clock.advance(timedelta(seconds=59))
    assert await last_use() == "2026-03-01T12:00:00Z"
    api.clock.advance(timedelta(seconds=1))
    assert await last_use() == "2026-03-01T12:01:00Z"


async def guess(api: Api, times: int) -> None:
    client = api.client("Token rh_guess")
    for _ in range(times):
        told(await client.get(LIST), 401)


async def test_who_guesses_too_often_is_told_when_to_come_back(api: Api):
    await guess(api, ALLOWED)

    answer = await api.client("Token rh_guess").get(LIST)

    assert "try again in" in told(answer, 429)
    assert 1 <= int(answer.headers["retry-after"]) <= 60


async def test_a_token_that_worked_here_before_works_while_a_neighbour_guesses(
    api: Api, admin: httpx.AsyncClient
):
    data_of(await admin.get(LIST))
    await guess(api, ALLOWED)

    assert data_of(await admin.get(LIST)) == []


async def test_a_token_never_used_here_works_while_a_neighbour_guesses(
    api: Api, admin: httpx.AsyncClient
):
    await guess(api, ALLOWED)
    for _ in range(5):
        told(await api.client("Token rh_guess").get(LIST), 429)

    assert data_of(await admin.get(LIST)) == []


async def test_the_same_bad_token_from_many_addresses_is_counted_too(api: Api):
    for number in range(ALLOWED):
        told(await api.client("Token rh_guess", address=f"192.0.2.{number}").get(LIST), 401)

    told(await api.client("Token rh_guess", address="198.51.100.1").get(LIST), 429)


async def test_a_revoked_token_is_counted_like_a_guess(api: Api, admin: httpx.AsyncClient):
    made = await new_token(admin)
    client = api.client(f"Token {made['token']}")
    data_of(await client.get(LIST))
    await admin.delete(f"/tokens/{made['id']}")

    for _ in range(ALLOWED):
        told(await client.get(LIST), 401)

    told(await client.get(LIST), 429)


async def test_requests_without_any_token_are_not_counted(api: Api, admin: httpx.AsyncClient):
    for _ in range(ALLOWED):
        told(await api.client().get(LIST), 401)

    assert data_of(await admin.get(LIST)) == []


async def test_refused_and_mistaken_requests_with_a_good_token_are_not_counted(api: Api):
    client = await api.client_with(PermissionSet.READ_ONLY)

    for _ in range(ALLOWED + 1):
        told(await client.post(LIST, json={}), 403)
