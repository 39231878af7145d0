"""HEAD: what GET would tell, without the body."""

import asyncio

import httpx
import pytest

from runhook.domain.people.permissions import PermissionSet, Role
from runhook.server.connections.listening import Server, listen, url_of_socket
from tests.api.routes import ROUTES
from tests.support.api import ORIGIN, Api, new_webhook
from tests.support.databases import ON_ONE_DATABASE
from tests.support.raw import connected, request
from tests.support.world import SESSION, TOKEN, a_world

OTHERS = {"/static/runhook.css": None, "/static/nothing": None, "/nothing": None, "/api/x": None}


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


@ON_ONE_DATABASE
async def test_every_head_is_well_formed_and_the_connection_goes_on(api: Api):
    """The real server answers: clients are stricter than the application's own interface."""
    world = await a_world(api)
    program = {"token": TOKEN.format(account_id=1, permission_set=PermissionSet.ACCOUNT_ADMIN)}
    person = {"cookie": f"runhook_session={SESSION.format(account_id=1, role=Role.OWNER)}"}
    routes = [route for route in ROUTES if route.method == "GET"]
    targets = {route.url(1, world.ids).removeprefix(ORIGIN): route.handler for route in routes}
    with listen("127.0.0.1", 0) as listening:
        server = Server(api.app, listening)
        serving = asyncio.create_task(server.run_until_stopped())
        async with connected(url_of_socket(listening)) as client:
            for target, handler in [*targets.items(), *OTHERS.items()]:
                known = program if target.startswith("/api/") else person
                for sender in (known, {}):
                    await client.send(request(target, method="HEAD", **sender))
                    head = await client.answer("HEAD")
                    assert head.body == b""
                    if handler is not None and handler.opt.get("acts"):
                        assert head.status in (401, 403, 405)
                        continue
                    await client.send(request(target, **sender))
                    got = await client.answer()
                    assert head.status == got.status, target
                    assert head.headers.get("content-type") == got.headers.get("content-type")
        server.stop()
        await serving
