"""Clients that ask much leave time for others: addresses take turns, however many connections."""

import asyncio
from collections import Counter
from contextlib import AsyncExitStack, suppress

import pytest

from tests.support.program import Service
from tests.support.raw import RawConnection, connect, request
from tests.support.running import TOKEN

pytestmark = pytest.mark.asyncio(loop_scope="module")

OTHERS = "127.0.0.2"
MANY = 60
ASKED = 30
MOST_MEANWHILE = 5 * MANY
"""Requests of the others while one is answered: they were thousands, and are about a hundred."""
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
