"""Guesses by the dozen: what verifies is let in all the same, and addresses cannot be made up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from runhook.server.access.throttle import LIMITS, Rationed
from tests.support.patience import PATIENCE
from tests.support.program import Service
from tests.support.running import TOKEN

PASSWORD = "correct horse battery"
ADA = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
WRONG = {"email": "ada@example.com", "password": "wrong horse battery"}
LIST = "/api/v3/accounts/1/webhooks/subscriptions"
AUDIT_LOG = "/api/v3/accounts/1/audit-log"
SESSION = "/api/v3/session"
AMID = 3
"""How many others there are of each kind."""
GOOD = {"Authorization": f"Token {TOKEN}"}


@asynccontextmanager
async def at(service: Service) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    limits = httpx.Limits(max_connections=50)
    async with httpx.AsyncClient(base_url=service.url, limits=limits, timeout=PATIENCE) as client:
        yield client


async def join(service: Service, client: httpx.AsyncClient) -> None:
    """Make Ada a user, in a browser that is then forgotten."""
    link = httpx.URL((await service.says("/invitations/")).strip())
    joined = await client.post(link.path, data=ADA)
    assert joined.status_code == 303
    client.cookies.clear()


async def test_a_token_that_was_never_used_here_works_amid_a_flood_of_bad_ones(service: Service):
    async with at(service) as client:
        flood = [
            client.get(LIST, headers={"Authorization": f"Token rh_{number:043}"})
            for number in range(300)
        ]
        good = [client.get(LIST, headers=GOOD) for _ in range(3)]

        bad = await asyncio.gather(*flood[:150], *good, *flood[150:])

    by_status = [answer.status_code for answer in bad]
    assert by_status[150:153] == [200] * 3
    assert by_status.count(401) == LIMITS[Rationed.TOKEN_FROM].most
    assert by_status.count(429) == 300 - LIMITS[Rationed.TOKEN_FROM].most


async def test_a_right_password_signs_in_amid_wrong_ones_from_the_same_address(service: Service):
    async with at(service) as client:
        await join(service, client)
        for _ in range(LIMITS[Rationed.SIGN_IN_AS].most):
            assert (await client.post(SESSION, json=WRONG)).status_code == 401

        # Each is verified half a second after the one before.
        wrong = [client.post(SESSION, json=WRONG) for _ in range(AMID)]
        others = [client.post(SESSION, json={**WRONG, "email": f"x{n}@x"}) for n in range(AMID)]
        right = client.post(SESSION, json={**WRONG, "password": PASSWORD})
        *failed, signed_in = await asyncio.gather(*wrong, *others, right)

    assert {answer.status_code for answer in failed[:AMID]} == {429}
    assert {answer.status_code for answer in failed[AMID:]} <= {401, 429}
    assert signed_in.status_code == 201


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP"])
async def test_who_is_no_trusted_proxy_cannot_make_up_its_address(service: Service, name: str):
    async with at(service) as client:
        for number in range(LIMITS[Rationed.TOKEN_FROM].most):
            headers = {"Authorization": f"Token rh_{number}", name: f"198.51.100.{number}"}
            assert (await client.get(LIST, headers=headers)).status_code == 401
        last = {"Authorization": "Token rh_last", name: "192.0.2.1"}

        assert (await client.get(LIST, headers=last)).status_code == 429

        tokens = {**GOOD, name: "x" * 3_000, "X-Forwarded-Proto": "https"}
        made = {"name": "made", "permission_set": "read_only"}
        assert (await client.post(f"{AUDIT_LOG[:-9]}tokens", json=made, headers=tokens)).is_success
        (entry, *_) = (await client.get(AUDIT_LOG, headers=GOOD)).json()["data"]
        assert entry["actor"]["address"] == "127.0.0.1"


class TestBehindAProxy:
    """The service believes proxies on this machine."""

    @pytest.fixture
    def settings(self) -> dict[str, str]:
        return {"RUNHOOK_TRUSTED_PROXIES": "127.0.0.0/8"}

    async def test_clients_are_told_apart_by_what_the_proxy_says(self, service: Service):
        async with at(service) as client:
            for number in range(LIMITS[Rationed.TOKEN_FROM].most + 5):
                headers = {
                    "Authorization": f"Token rh_{number}",
                    "X-Forwarded-For": f"198.51.100.{number}, 203.0.113.9",
                }
                answer = await client.get(LIST, headers=headers)
            assert answer.status_code == 429

            headers = {"Authorization": "Token rh_0", "X-Forwarded-For": "203.0.113.10"}
            assert (await client.get(LIST, headers=headers)).status_code == 401

    async def test_the_audit_log_and_sessions_hold_addresses_and_nothing_longer(
        self, service: Service
    ):
        async with at(service) as client:
            await join(service, client)
            browser = {
                "X-Forwarded-For": b"unknown" * 400 + b", 2001:db8::1%" + b"z" * 3_000,
                "User-Agent": b"a\tb\x85" + b"y" * 3_000,
                "X-Forwarded-Proto": b"https",
            }
            right = {**WRONG, "password": PASSWORD}
            signed_in = await client.post(SESSION, json=right, headers=browser)
            assert signed_in.status_code == 201
            assert all("; Secure" in one for one in signed_in.headers.get_list("set-cookie"))
            cookie = signed_in.headers["set-cookie"].partition(";")[0]
            own = {"Cookie": cookie, "X-Forwarded-Proto": "https"}
            (session, *_) = (await client.get("/api/v3/sessions", headers=own)).json()["data"]

            assert session["address"] == "2001:db8::1"
            assert session["user_agent"] == "ab" + "y" * 298
