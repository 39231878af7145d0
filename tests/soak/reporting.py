"""Reporters that insist on each report, as the client does, and what they leave behind."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import httpx

from runhook.domain.people.quotas import Quotas
from tests.support.running import half_written

QUOTAS = Quotas(open_runs=1_000_000)
"""The runs that are reported here are not finished."""
AS_MANY_RUNS = {"RUNHOOK_MAX_OPEN_RUNS": str(QUOTAS.open_runs)}
"""The setting of a service that takes them."""


@asynccontextmanager
async def reporting(
    report: Callable[[str], Awaitable[int]],
    acknowledged: set[int],
    *,
    label: str = "run",
    reporters: int,
    pause: float,
) -> AsyncIterator[None]:
    """Report runs all the time.

    Args:
        report: reports the start of the run of a key until it is acknowledged; returns its id.
        acknowledged: gets these ids.
        label: what the keys begin with.
        reporters: how many report at once.
        pause: of each one after a report, in seconds.
    """
    is_over = asyncio.Event()

    async def report_all(reporter: int) -> None:
        number = 0
        while not is_over.is_set():
            number += 1
            acknowledged.add(await report(f"{label}-{reporter}-{number}"))
            await asyncio.sleep(pause)

    async with asyncio.TaskGroup() as group:
        for reporter in range(reporters):
            group.create_task(report_all(reporter))
        yield
        is_over.set()


async def insist(api: httpx.AsyncClient, key: str) -> int:
    """Report the start of a run until it is acknowledged, and return the run's id."""
    while True:
        try:
            answer = await api.post("runs", json={"job_name": "nightly", "run_key": key})
        except httpx.TransportError:
            await asyncio.sleep(0.05)
            continue
        if answer.is_success:
            run_id: int = answer.json()["data"]["id"]
            return run_id
        # A service that was suspended has not seen the body come.
        was_too_slow = answer.status_code == httpx.codes.REQUEST_TIMEOUT
        assert answer.is_server_error or was_too_slow, answer.text
        await asyncio.sleep(0.05)


async def written_by_halves(database: str) -> list[str]:
    """What is wrong with the runs that a database has."""
    run_ids = await half_written(database)
    return [f"runs without all their events: {run_ids}"] if run_ids else []
