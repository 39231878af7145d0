"""Clients that ask much leave time for others: addresses take turns, however many connections."""

import asyncio
import json
from collections import Counter
from contextlib import AsyncExitStack, suppress

import pytest

from tests.support.memory import MIB
from tests.support.program import Service
from tests.support.raw import RawConnection, connect, connected, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERS = "127.0.0.2"
MANY = 60
ASKED = 30
MOST_MEANWHILE = 5 * MANY
"""Requests of the others while one is answered: they were thousands, and are about a hundred."""
POURING = 12
MOST_POURED = 32 * MIB
"""Bytes of such bodies while one request is answered: they were 148 MiB, and are one."""
REPORT = request("/api/v3/accounts/1/runs", method="POST", token=TOKEN, body=b'{"job_name": "x"}')


async def ask_on(attacker: RawConnection, answered: Counter[str], *, ahead: int = 1) -> None:
    """Ask again and again, so many requests at a time, and count the answers."""
    with suppress(ConnectionError):
        while True:
            await attacker.send(request("/healthz") * ahead)
            for _ in range(ahead):
                await attacker.answer()
                answered["requests"] += 1


@pytest.mark.parametrize("ahead", [1, 100])
async def test_an_address_that_asks_on_many_connections_does_not_hold_up_others(
    shared_service: Service, ahead: int
):
    """All of its requests began in the same turn of the event loop as each step of another's."""
    answered: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        attackers = [await connect(shared_service.url) for _ in range(MANY)]
        for attacker in attackers:
            stack.callback(attacker.reset)
        other = await connect(shared_service.url, source=OTHERS)
        stack.callback(other.reset)
        attacking = [asyncio.create_task(ask_on(one, answered, ahead=ahead)) for one in attackers]
        for _ in range(ASKED):
            await other.send(REPORT)
            assert (await other.answer()).status == 201

        meanwhile = answered["requests"] / ASKED
        for task in attacking:
            task.cancel()
        await asyncio.wait(attacking)
    assert meanwhile < MOST_MEANWHILE


async def pour(service: Service, head: bytes, poured: Counter[str]) -> None:
    """Begin a large body again and again, break it off, and count its bytes."""
    while True:
        async with connected(service.url) as attacker:
            with suppress(ConnectionError):
                await attacker.send(head)
                for _ in range(59):
                    await attacker.send(b"x" * MIB)
                    poured["bytes"] += MIB


@pytest.mark.parametrize("is_wanted", [False, True], ids=["thrown away", "of an upload"])
async def test_large_bodies_do_not_hold_up_others(shared_service: Service, *, is_wanted: bool):
    """The event loop read a dozen pieces of each of them between two steps of another's request."""
    poured: Counter[str] = Counter()
    async with AsyncExitStack() as stack:
        other = await connect(shared_service.url, source=OTHERS)
        stack.callback(other.reset)
        await other.send(REPORT)
        run = json.loads((await other.answer()).body)["data"]["id"]
        upload = f"/api/v3/accounts/1/runs/{run}/artifacts/manifest.json"
        head = request(
            upload if is_wanted else "/api/v3/accounts/1/runs",
            method="PUT" if is_wanted else "POST",
            token=TOKEN if is_wanted else None,
            content_length=str(60 * MIB),
        )
        pouring = [asyncio.create_task(pour(shared_service, head, poured)) for _ in range(POURING)]
        for _ in range(ASKED):
            await other.send(REPORT)
            assert (await other.answer()).status == 201

        meanwhile = poured["bytes"] / ASKED
        for task in pouring:
            task.cancel()
        await asyncio.wait(pouring)
    assert meanwhile < MOST_POURED
