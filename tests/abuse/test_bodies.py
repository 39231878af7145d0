"""Bodies that are refused, cut off or not read to their end leave nothing behind."""

import json

import pytest

from tests.support.memory import MIB, SLACK, resident
from tests.support.program import Service
from tests.support.raw import connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUNS = "/api/v3/accounts/1/runs"
TIMES = 150
FILL = b"x" * 1_000_000


def report(body: bytes, **headers: str) -> bytes:
    """A report with this body."""
    return request(RUNS, method="POST", token=TOKEN, body=body, **headers)


HOSTILE = {
    "unknown key": (400, report(b'{"unknown": "' + FILL + b'"}')),
    "wrong type": (400, report(b'{"job_name": 5, "project_name": "' + FILL + b'"}')),
    "too long a name": (400, report(b'{"job_name": "' + FILL + b'"}')),
    "a key twice": (400, report(b'{"a": "' + FILL + b'", "a": 1}')),
    "not JSON": (400, report(FILL)),
    "not UTF-8": (400, report(b'{"job_name": "' + FILL + b'\xff"}')),
    "deep": (400, report(b"[" * 1_000_000)),
    "a million values": (400, report(b"[" + b"0," * 400_000 + b"0]")),
    "something else": (415, report(FILL, content_type="image/png")),
    "too large": (413, report(FILL + FILL)),
    "no token": (401, request(RUNS, method="POST", body=FILL)),
    "a bad token": (401, request(RUNS, method="POST", body=FILL, token="x" * 40)),
    "a bad query": (
        400,
        request(
            "/api/v3/accounts/1/webhooks/subscriptions?limit=x",
            method="GET",
            token=TOKEN,
            body=FILL,
        ),
    ),
    "a form": (
        400,
        request(
            "/sign-in",
            method="POST",
            body=b"email=a&password=" + FILL,
            content_type="application/x-www-form-urlencoded",
        ),
    ),
}


@pytest.mark.parametrize("kind", HOSTILE)
async def test_bodies_that_are_refused_are_let_go(shared_service: Service, kind: str):
    status, sent = HOSTILE[kind]

    async def refused() -> None:
        async with connected(shared_service.url) as client:
            await client.send(sent)
            assert (await client.answer()).status in (status, 429)

    for _ in range(10):
        await refused()
    before = resident(shared_service.process_id)

    for _ in range(TIMES // 5 if kind == "a form" else TIMES):
        # Attempts to sign in are made to wait.
        await refused()

    assert resident(shared_service.process_id) - before < SLACK


async def test_bodies_that_are_cut_off_are_let_go(shared_service: Service):
    before = resident(shared_service.process_id)

    for _ in range(TIMES):
        async with connected(shared_service.url) as client:
            await client.send(report(FILL)[:-1])

    assert resident(shared_service.process_id) - before < SLACK


async def test_downloads_that_are_cut_off_are_let_go(shared_service: Service):
    async with connected(shared_service.url) as client:
        await client.send(report(b'{"job_name": "nightly"}'))
        run = json.loads((await client.answer()).body)["data"]["id"]
        place = f"{RUNS}/{run}/artifacts/manifest.json"
        manifest = b'"' + b"x" * (21 * MIB) + b'"'
        await client.send(request(place, method="PUT", token=TOKEN, body=manifest))
        assert (await client.answer()).status == 200

    async def download_half() -> None:
        async with connected(shared_service.url) as client:
            await client.send(request(place, token=TOKEN))
            await client.comes(b"HTTP/1.1 200 ")

    for _ in range(5):
        await download_half()
    before = resident(shared_service.process_id)

    for _ in range(40):
        await download_half()

    assert resident(shared_service.process_id) - before < SLACK
