"""A process that is killed, at whatever step of a delivery, loses nothing.

The next one, or another one, sends what was not recorded; what arrives twice has the same id and
the same bytes.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx

from runhook import verify
from runhook.dispatcher.limits import LIMITS
from tests.support.api import new_run, new_webhook
from tests.support.misbehaving import once
from tests.support.patience import until
from tests.support.program import Front, Service, Worker
from tests.support.receiver import Answer, Received, Receiver, hang, status
from tests.support.running import account_of, let_leases_end, nobody_else_writing, states

RUNS = LIMITS.requests_per_lane + 8
"""More than a worker sends at once to one webhook, and fewer than it claims."""


async def publish(
    service: Service, client: httpx.AsyncClient, receiver: Receiver, *, runs: int = RUNS
) -> str:
    """Report that runs started; return the secret of the webhook that is told."""
    api = account_of(service, client)
    webhook = await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
    for number in range(runs):
        await new_run(api, run_key=f"run-{number}")
    return webhook["hmac_secret"]


async def until_more_are_claimed_than_sent(database: str) -> None:
    """Wait until a worker holds some deliveries that its endpoint has no room for yet."""

    async def some_wait_in_their_lane() -> bool:
        return (await states(database))["sending"] > LIMITS.requests_per_lane

    await until(some_wait_in_their_lane)


async def until_all_have_arrived(database: str, *, runs: int = RUNS) -> None:
    """Wait until nothing is left to be sent."""

    async def all_recorded() -> bool:
        return await states(database) == {"succeeded": runs}

    await until(all_recorded)


def times_received(received: Sequence[Received], secret: str) -> list[int]:
    """How often each delivery has come, once all that came is what it should be."""
    requests = defaultdict(list)
    for request in received:
        verify(request.body, request.headers, secret)
        requests[request.headers["webhook-id"]].append(request)
    for same in requests.values():
        assert {one.body for one in same} == {same[0].body}
        assert {one.headers["authorization"] for one in same} == {same[0].headers["authorization"]}
    return sorted(len(same) for same in requests.values())


async def test_before_anything_was_claimed(
    tmp_path: Path,
    environment: dict[str, str],
    start: Callable[[], Service],
    client: httpx.AsyncClient,
    database: str,
):
    async with Receiver() as receiver:
        async with Front(folder=tmp_path, environment=environment) as front:
            secret = await publish(front, client, receiver)
            await front.kill()
        before = await states(database)

        async with start():
            await until_all_have_arrived(database)

    assert before == {"pending": RUNS}
    assert times_received(receiver.received, secret) == [1] * RUNS


async def test_after_some_were_claimed_and_before_they_were_sent(
    start: Callable[[], Service], client: httpx.AsyncClient, database: str
):
    async with Receiver(*[hang] * LIMITS.requests_per_lane, status(200)) as receiver:
        async with start() as service:
            secret = await publish(service, client, receiver)
            await receiver.wait_for(LIMITS.requests_per_lane)

            await until_more_are_claimed_than_sent(database)
            await service.kill()
        await let_leases_end(database)

        async with start():
            await until_all_have_arrived(database)

    unsent = RUNS - LIMITS.requests_per_lane
    times = times_received(receiver.received, secret)
    assert times == [1] * unsent + [2] * LIMITS.requests_per_lane


async def test_when_it_was_answered_and_not_recorded(
    start: Callable[[], Service], client: httpx.AsyncClient, database: str
):
    answering, answered = asyncio.Event(), asyncio.Event()
    first = once(answering, telling(answered, status(200)))
    async with Receiver(first, status(200)) as receiver:
        async with start() as service:
            secret = await publish(service, client, receiver, runs=1)
            await receiver.wait_for(1)
            async with nobody_else_writing(database):
                answering.set()
                await answered.wait()
                await service.kill()
        before = await states(database)
        await let_leases_end(database)

        async with start():
            await until_all_have_arrived(database, runs=1)

    assert before == {"sending": 1}
    assert times_received(receiver.received, secret) == [2]


async def test_when_some_were_recorded_and_some_not_yet(
    start: Callable[[], Service], client: httpx.AsyncClient, database: str
):
    done = 10
    async with Receiver(*[status(200)] * done, *[hang] * (RUNS - done), status(200)) as receiver:
        async with start() as service:
            secret = await publish(service, client, receiver)
            await receiver.wait_for(RUNS)

            async def some_recorded() -> bool:
                return await states(database) == {"succeeded": done, "sending": RUNS - done}

            await until(some_recorded)
            await service.kill()
        await let_leases_end(database)

        async with start():
            await until_all_have_arrived(database)

    assert times_received(receiver.received, secret) == [1] * done + [2] * (RUNS - done)


async def test_another_worker_takes_over_what_a_killed_one_held(
    tmp_path: Path,
    postgresql_environment: dict[str, str],
    client: httpx.AsyncClient,
):
    database = postgresql_environment["RUNHOOK_DATABASE_URL"]
    killed = Worker(folder=tmp_path, environment=postgresql_environment)
    other = Worker(folder=tmp_path, environment=postgresql_environment)
    async with (
        Receiver(*[hang] * LIMITS.requests_per_lane, status(200)) as receiver,
        Front(folder=tmp_path, environment=postgresql_environment) as front,
        killed,
    ):
        secret = await publish(front, client, receiver)

        await receiver.wait_for(LIMITS.requests_per_lane)
        await until_more_are_claimed_than_sent(database)
        async with other:
            await killed.kill()
            await let_leases_end(database, killed.greeted)
            await until_all_have_arrived(database)
            assert await other.stop() == 0

    times = times_received(receiver.received, secret)
    assert times == [1] * (RUNS - LIMITS.requests_per_lane) + [2] * LIMITS.requests_per_lane


def telling(answered: asyncio.Event, then: Answer) -> Answer:
    """Answer, and let the test know."""

    async def answer(request: Received, writer: asyncio.StreamWriter) -> None:
        await then(request, writer)
        answered.set()

    return answer
