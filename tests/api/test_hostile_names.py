"""Names and messages that are written to do harm go the whole road to each format's service."""

import socket
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import httpx

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Rendered
from runhook.outbound.resolver import Resolver
from runhook.storage.engine.tables import attempts, deliveries, webhooks
from tests.formats import stories
from tests.formats.answering import Reply, Service, answering
from tests.formats.places import PLACES
from tests.formats.services import service_of
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_run, shared_app
from tests.support.databases import ON_ONE_DATABASE
from tests.support.mail_server import ScriptedMailServer
from tests.support.receiver import Received, Receiver

HOSTS = {"slack": "hooks.slack.com"}
"""Where a format has a dialect for its own service."""
NAMES = [
    "a" * 200,
    "&" * 255,
    "🔥" * 255,
    "👩‍👩‍👧‍👦" * 36,
    "مرحبا بالعالم \u200f" * 10,
    "<!channel> <!here> <@U024BE7LH>",
    "@everyone @here <@&1234> @channel",
    "<at>ann@example.com</at> <users/all>",
    "`" * 60,
    "``` end of the fence ```",
    "](http://evil.example) [click](http://evil.example)",
    '"},"routing_key":"stolen","x":{"y":"',
    "=?utf-8?q?Bcc:_eve=40example.com?=",
    "<b>bold</b><script>alert(1)</script>",
]
MESSAGES = [
    "\u202etxt.exe\u202c \u2066isolate\u2069",
    "x\r\nBcc: eve@example.com\r\n\r\nHTTP/1.1 200 OK",
    "\x1b[31mred\x1b[0m\x07",
    "<" * 5_000,
]


def look_up(_host: str, port: int, *_how: int) -> Sequence[Any]:
    return socket.getaddrinfo("127.0.0.1", port)


def service_at(name: str) -> Service:
    """A service as it behaves; where it would take anything, its checker refuses."""
    if name in PLACES:
        return PLACES[name].make().answer

    def answer(request: Received) -> Reply:
        headers = {key: one for key, one in request.headers.items() if key.startswith("ce-")}
        try:
            service_of(name).check(Rendered(body=request.body, headers=headers))
        except AssertionError as error:
            return Reply(400, repr(error).encode())
        return Reply(200, b"ok")

    return answer


async def a_webhook(admin: httpx.AsyncClient, name: str, receiver: Receiver) -> None:
    place = PLACES[name].path if name in PLACES else ""
    url = receiver.url_at(HOSTS.get(name, "127.0.0.1")).removesuffix("/hook") + place
    data_of(
        await admin.post(
            "/webhooks/subscriptions",
            json={
                "name": name,
                "format": name,
                "event_types": ["job.run.errored"],
                "notify": "every",
                "rate_limit": None,
                **({"client_url": url} if FORMATS[name].takes_url else {}),
                **({"format_settings": settings} if (settings := settings_of(name)) else {}),
            },
        ),
        201,
    )


def settings_of(name: str) -> Mapping[str, object]:
    return service_of(name).SETTINGS


async def a_failure(admin: httpx.AsyncClient, name: str, message: str) -> None:
    """Report a failed run, all of whose texts are one name and one message."""
    names = {"job_name": name, "project_name": name, "environment_name": name}
    trigger = {"system": name[:64], "commit": stories.COMMIT, "pull_request": 7}
    run = await new_run(admin, **names, run_reason=message[:200], trigger=trigger)
    node = {
        "unique_id": f"model.{name}.{name}",
        "resource_type": "model",
        "status": "error",
        "message": message,
        "groups": [name],
        "owners": [{"name": name, "email": name}],
    }
    finish = {
        "status": "error",
        "outcome": "failed",
        "status_message": message,
        "results": {"counts": {"error": 20}, "failed_total": 20, "failed": [node] * 10},
    }
    data_of(await admin.post(f"/runs/{run['id']}/finish", json=finish))


@ON_ONE_DATABASE
async def test_every_format_brings_every_name_and_message_to_its_service(api: Api):
    told = [*((name, name) for name in NAMES), *(("nightly", message) for message in MESSAGES)]
    async with AsyncExitStack() as stack:
        mail = await stack.enter_async_context(ScriptedMailServer())
        public_url = "https://runhook.example.com"
        api = replace(
            api,
            app=shared_app(),
            mail=mail.account,
            resolver=Resolver(look_up),
            public_url=public_url,
        )
        admin = api.client(f"Token {await api.token()}")
        for name in FORMATS:
            receiver = await stack.enter_async_context(Receiver(answering(service_at(name))))
            await a_webhook(admin, name, receiver)
        for name, message in told:
            await a_failure(admin, name, message)
        await api.deliver()

    format_of = {one.id: one.format for one in await rows_of(api.store, webhooks)}
    told_by = {one.id: format_of[one.webhook_id] for one in await rows_of(api.store, deliveries)}
    states = [one.state for one in await rows_of(api.store, deliveries)]
    failed = [one for one in await rows_of(api.store, attempts) if one.failure]
    assert [(told_by[one.delivery_id], one.error) for one in failed] == []
    assert states == ["succeeded"] * len(told) * len(FORMATS)
    for body in mail.bodies:
        letter = body.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
        service_of("email").check(Rendered(body=letter.partition(b"\r\n")[2]))
