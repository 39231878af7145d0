"""Bodies that are refused, cut off or not read to their end leave nothing behind."""

import json

import pytest

from tests.support.hostile_bodies import FILL, HOSTILE_BODIES, RUNS, report
from tests.support.memory import MIB, SLACK, resident
from tests.support.program import Service
from tests.support.raw import connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

TIMES = 80
"""As many megabytes, and more than what a process may have grown."""


@pytest.mark.parametrize("kind", HOSTILE_BODIES)
async def test_bodies_that_are_refused_are_let_go(shared_service: Service, kind: str):
    hostile = HOSTILE_BODIES[kind]
    for _ in range(10):
        await hostile.send(shared_service.url)
    before = resident(shared_service.process_id)

    for _ in range(TIMES):
        await hostile.send(shared_service.url)

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
