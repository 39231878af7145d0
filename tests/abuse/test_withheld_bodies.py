"""A request whose body is withheld until its permission is gone does nothing."""

import json
from functools import partial

import httpx
import pytest

from tests.support.patience import PATIENCE, until
from tests.support.program import Service
from tests.support.raw import RawConnection, connected
from tests.support.running import TOKEN

ACCOUNT = "/api/v3/accounts/1"
ADMIN = {"Authorization": f"Token {TOKEN}"}
BODIES: dict[str, dict[str, object]] = {
    "/tokens": {"name": "for later", "permission_set": "account_admin"},
    "/invitations": {"role": "admin"},
    "/runs": {"job_name": "forged"},
    "/webhooks/subscriptions": {
        "name": "for later",
        "client_url": "https://receiver.example.com/",
        "event_types": ["job.run.completed"],
    },
}


async def withheld(connection: RawConnection, path: str, token: str, body: bytes) -> None:
    """Send a request but for its body, and wait until it is let in."""
    await connection.send(
        f"POST {ACCOUNT}{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Token {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    )


@pytest.mark.parametrize("path", BODIES)
async def test_a_token_that_was_revoked_meanwhile_leaves_nothing_behind(
    service: Service, path: str
):
    body = json.dumps(BODIES[path]).encode()
    async with (
        httpx.AsyncClient(
            base_url=f"{service.url}{ACCOUNT}", headers=ADMIN, timeout=PATIENCE
        ) as admin,
        connected(service.url) as connection,
    ):
        made = {"name": "stolen", "permission_set": "account_admin"}
        stolen = (await admin.post("/tokens", json=made)).json()["data"]
        await withheld(connection, path, stolen["token"], body)
        # Its use is noted when it is let in.
        await until(partial(has_been_used, admin, stolen["id"]))
        assert (await admin.delete(f"/tokens/{stolen['id']}")).status_code == 200

        await connection.send(body)

        assert (await connection.answer("POST")).status == 401
        audit_log = (await admin.get("/audit-log")).json()["data"]
        assert [entry["action"] for entry in audit_log[:2]] == ["token.revoked", "token.created"]
        assert (await admin.get("/runs")).json()["data"] == []


async def has_been_used(admin: httpx.AsyncClient, token_id: int) -> bool:
    """Whether a token has been used."""
    tokens = (await admin.get("/tokens")).json()["data"]
    return any(token["id"] == token_id and token["last_used_at"] for token in tokens)
