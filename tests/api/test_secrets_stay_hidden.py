"""Secrets are planted everywhere, used, and then looked for wherever somebody could read."""

import base64
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from runhook.domain.formats import FORMATS
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.server.access.cookies import SESSION_COOKIE
from runhook.server.http.requests import RequestWatch
from runhook.storage.engine.tables import metadata
from runhook.telemetry.choices import RequestLog
from runhook.telemetry.logs import configure_logging
from tests.api.routes import ROUTES
from tests.formats.services import service_of
from tests.support.api import ORIGIN, Api, data_of, new_run, new_webhook, told
from tests.support.certificates import a_certificate
from tests.support.people import PASSWORD, SAME_ORIGIN
from tests.support.receiver import Receiver, echo
from tests.support.world import World, a_world

HEADER_VALUE = "Bearer planted-header-credential"
AUTHORIZATION = "planted-password-of-the-endpoint"
CERTIFICATE, KEY = a_certificate()
KEY_TEXT = "".join(KEY.splitlines()[1:-1])[40:]
WRONG_PASSWORD = "planted wrong password"
WRONG_TOKEN = "rh_planted_wrong_token"


@pytest.fixture
async def world(api: Api) -> World:
    return await a_world(api)


async def planted_in(world: World, receiver: Receiver) -> Mapping[str, str]:
    """Make, show and use one of each kind of secret."""
    admin = world.session_client(Role.OWNER)
    webhook = await new_webhook(
        admin,
        client_url=receiver.url,
        event_types=["job.run.started"],
        custom_headers={"X-Api-Key": HEADER_VALUE},
        authorization={"scheme": "basic", "user": "ada", "secret": AUTHORIZATION},
        client_certificate={"certificate": CERTIFICATE, "key": KEY},
        verify_tls=False,
    )
    in_formats = await planted_in_formats(world, receiver)
    path = f"/webhooks/subscription/{webhook['id']}"
    renewed = data_of(await admin.post(f"{path}/secret", json={"grace_days": 7}))
    await new_run(admin, job_name="weekly")
    await world.api.deliver()
    data_of(await admin.get(f"{path}/test"))
    to_webhook = [one for one in receiver.received if one.path == "/hook"]
    assert all(one.headers["x-api-key"] == HEADER_VALUE for one in to_webhook)

    body = {"name": "planted", "permission_set": "account_admin"}
    token = data_of(await admin.post("/tokens", json=body), 201)["token"]
    data_of(await world.api.client(f"Token {token}").get("/tokens"))

    open_link = data_of(await admin.post("/invitations", json={"role": "viewer"}), 201)["link"]
    used_link = data_of(await admin.post("/invitations", json={"role": "member"}), 201)["link"]
    new_user = world.api.client()
    new_user.headers.update(SAME_ORIGIN)
    answer = {
        "secret": used_link.rpartition("/")[2],
        "email": "planted@example.com",
        "name": "Planted",
        "password": PASSWORD,
    }
    data_of(await new_user.post(f"{ORIGIN}/api/v3/invitations/accept", json=answer), 201)
    who = {"email": "planted@example.com", "password": PASSWORD}
    data_of(await new_user.post(f"{ORIGIN}/api/v3/session", json=who), 201)

    wrong = {"email": "planted@example.com", "password": WRONG_PASSWORD}
    told(await new_user.post(f"{ORIGIN}/api/v3/session", json=wrong), 401)
    refused = {"client_url": "http://127.0.0.1:9/", "authorization": {"secret": AUTHORIZATION}}
    assert AUTHORIZATION not in told(await admin.put(path, json=refused), 400)
    mismatched = {"certificate": a_certificate()[0], "key": KEY}
    assert KEY_TEXT not in told(await admin.put(path, json={"client_certificate": mismatched}), 400)
    told(await world.api.client(f"Token {WRONG_TOKEN}").get("/tokens"), 401)
    return {
        **in_formats,
        "first webhook secret": webhook["hmac_secret"],
        "second webhook secret": renewed["hmac_secret"],
        "header value": HEADER_VALUE,
        "password in Authorization": AUTHORIZATION,
        "value of Authorization": to_webhook[-1].headers["authorization"],
        "signature": to_webhook[-1].headers["x-runhook-signature"],
        "standard signature": to_webhook[-1].headers["webhook-signature"],
        "key of a certificate": KEY_TEXT,
        "token": token,
        "open invitation": open_link.rpartition("/")[2],
        "used invitation": answer["secret"],
        "session": new_user.cookies[SESSION_COOKIE],
        "password": PASSWORD,
        "wrong password": WRONG_PASSWORD,
        "wrong token": WRONG_TOKEN,
    }


async def planted_in_formats(world: World, receiver: Receiver) -> Mapping[str, str]:
    """Make and use a webhook of each format, its URL and its settings planted."""
    admin = world.session_client(Role.OWNER)
    planted = {}
    by_url = {name: one for name, one in FORMATS.items() if one.takes_url}
    for name, format_ in by_url.items():
        service = service_of(name)
        url = receiver.url_of(f"/planted/url-of-{name}?token=planted-token-of-{name}")
        webhook = await new_webhook(
            admin,
            name=name,
            format=name,
            format_settings=dict(service.SETTINGS) or None,
            client_url=url,
            event_types=["job.run.completed", "job.run.errored"],
        )
        path = f"/webhooks/subscription/{webhook['id']}"
        kept = {"client_url": webhook["client_url"], "name": f"{name}, renamed"}
        data_of(await admin.put(path, json=kept))
        wrong = {"client_url": f"ftp://127.0.0.1/planted/url-of-{name}"}
        assert "url-of" not in told(await admin.put(path, json=wrong), 400)
        planted |= {f"setting of {name}, {at}": one for at, one in enumerate(service.SECRETS)}
        if format_.url_is_secret:
            planted |= {
                f"path of {name}": f"/planted/url-of-{name}",
                f"query of {name}": f"planted-token-of-{name}",
            }
        data_of(await admin.get(f"{path}/test"))
    run = await new_run(
        admin,
        job_name="nightly",
        trigger={"commit": "0123456789abcdef0123456789abcdef01234567", "pull_request": 1},
    )
    data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": "error"}))
    await world.api.deliver()
    reached = {one.path.partition("?")[0] for one in receiver.received}
    assert all(any(f"url-of-{name}" in path for path in reached) for name in by_url)
    return planted


def forms_of(secret: str) -> set[str]:
    """How a secret could be written."""
    bare = secret.removeprefix("whsec_").removeprefix("rh_")
    return {
        secret,
        bare,
        secret.encode().hex(),
        base64.b64encode(secret.encode()).decode().rstrip("=")[:-1],
    }


def found_in(text: str, planted: Mapping[str, str]) -> list[str]:
    """The names of the secrets that a text holds."""
    return [
        name for name, secret in planted.items() if any(form in text for form in forms_of(secret))
    ]


@pytest.fixture(params=["text", "json"])
def logged(
    request: pytest.FixtureRequest, world: World, capsys: pytest.CaptureFixture[str]
) -> Callable[[], str]:
    """What has been logged so far in either form, with everything switched on, requests too."""
    services = world.api.app.state["services"]
    watch = RequestWatch(log=RequestLog.ALL)
    world.api.app.state["services"] = replace(services, watch=watch)
    configure_logging("debug", as_json=request.param == "json")
    return lambda: "".join(capsys.readouterr())


async def test_no_secret_is_readable_anywhere_after_its_one_showing(
    world: World, tmp_path: Path, logged: Callable[[], str]
):
    async with Receiver(echo) as receiver:
        planted = await planted_in(world, receiver)

    # The check itself works: a secret that is there is found.
    assert found_in(f"x{planted['token']}x", planted) == ["token"]
    assert found_in(await everything_stored(world), planted) == []
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert found_in(path.read_bytes().decode("latin-1"), planted) == [], path.name
    for client in (world.session_client(Role.OWNER), token_client(world)):
        for answer in await every_answer(world, client):
            assert found_in(answer.text, planted) == [], answer.url
    said = logged()
    assert "not verified" in said
    assert "A request was answered" in said
    assert found_in(said, planted) == []


def token_client(world: World) -> httpx.AsyncClient:
    return world.token_client(PermissionSet.ACCOUNT_ADMIN)


async def everything_stored(world: World) -> str:
    """Every row of every table, the audit log's among them, as text."""
    printed = []
    async with world.api.store.read() as tx:
        for table in metadata.sorted_tables:
            rows = await tx.execute(sa.select(table))
            printed += [repr(tuple(row)) for row in rows]
            if table.name == "audit_entries":
                assert len(printed) > 5
    return "\n".join(printed)


async def every_answer(world: World, client: httpx.AsyncClient) -> list[httpx.Response]:
    """What every route that only reads answers."""
    return [
        await client.get(route.url(1, world.ids), params=params)
        for route in ROUTES
        if route.method == "GET"
        for params in ({}, {"limit": 100})
    ]
