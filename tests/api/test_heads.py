"""HEAD: what GET would tell, without the body."""

import httpx
import pytest

from tests.support.api import ORIGIN, Api, new_webhook


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/sign-in", "/not-there", "/"])
async def test_a_head_tells_what_a_get_would_and_has_no_body(api: Api, path: str):
    client = api.client()
    got = await client.get(ORIGIN + path)

    head = await client.head(ORIGIN + path)

    assert head.status_code == got.status_code
    assert head.content == b""
    for name in ("content-type", "content-length", "location"):
        assert head.headers.get(name) == got.headers.get(name)


async def test_a_head_needs_what_a_get_needs(api: Api, admin: httpx.AsyncClient):
    assert (await admin.head("/webhooks/subscriptions")).status_code == 200
    assert (await api.client().head("/webhooks/subscriptions")).status_code == 401


async def test_a_head_does_nothing_where_a_get_does_something(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)
    path = f"/webhooks/subscription/{webhook['id']}"

    head = await admin.head(f"{path}/test")

    assert head.status_code == 405
    assert (await admin.get(f"{path}/events")).json()["data"] == []
