"""A database that goes away for a while is survived without a restart.

What could not be committed was not answered with success; when the database is back, everything
goes on by itself.
"""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from tests.support.api import data_of, new_run, new_webhook, told
from tests.support.misbehaving import once
from tests.support.patience import until
from tests.support.program import Front, Service, Worker
from tests.support.receiver import Receiver, status
from tests.support.running import LONG, TOKEN, account_of, states
from tests.support.servers import PostgresqlServer, a_server

A_RUN = {"job_name": "nightly"}


@pytest.fixture
async def server() -> AsyncIterator[PostgresqlServer]:
    async with a_server() as started:
        yield started


@pytest.fixture
def its_environment(server: PostgresqlServer, tmp_path: Path) -> dict[str, str]:
    return {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
        "RUNHOOK_DATABASE_URL": server.url,
        "RUNHOOK_OUTAGE_PATIENCE": "1",
    }


@pytest.fixture
def patient(its_environment: dict[str, str]) -> dict[str, str]:
    """Settings of a service that waits as long as it can."""
    return {**its_environment, "RUNHOOK_OUTAGE_PATIENCE": "60"}


async def start_run(api: httpx.AsyncClient, key: str) -> httpx.Response:
    """Report that a run started, whatever the answer."""
    return await api.post("/runs", json={**A_RUN, "run_key": key})


async def until_started(api: httpx.AsyncClient, key: str) -> None:
    """Report it again and again, as a reporter does, until the answer is a success."""

    async def is_started() -> bool:
        return (await start_run(api, key)).is_success

    await until(is_started)


async def test_postgresql_goes_away_and_comes_back(
    tmp_path: Path,
    server: PostgresqlServer,
    its_environment: dict[str, str],
    client: httpx.AsyncClient,
):
    answering = asyncio.Event()
    async with (
        Receiver(once(answering, status(200)), status(200)) as receiver,
        Service(folder=tmp_path, environment=its_environment) as service,
    ):
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api, run_key="in flight")
        await receiver.wait_for(1)

        await server.stop()
        refused = await start_run(api, "meanwhile")
        is_well = await client.get(f"{service.url}/healthz")
        is_ready = await client.get(f"{service.url}/readyz")
        # It is answered while its record can be written nowhere.
        answering.set()
        await service.says("writing.held_up")

        await server.start()
        await until_started(api, "meanwhile")
        await receiver.wait_for(2)

        async def all_recorded() -> bool:
            return await states(server.url) == {"succeeded": 2}

        await until(all_recorded)
        assert await service.stop() == 0

    assert told(refused, 503) == "The database is not available; try again shortly."
    assert refused.headers["retry-after"] == "5"
    assert (is_well.status_code, is_ready.status_code) == (200, 503)
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 2
    assert len(receiver.received) == 2
    assert "Traceback" not in service.output


async def test_a_short_outage_is_waited_out(
    tmp_path: Path, server: PostgresqlServer, patient: dict[str, str], client: httpx.AsyncClient
):
    """Reports and other changes are answered when the database is back, reads at once."""
    async with (
        Receiver() as receiver,
        Service(folder=tmp_path, environment=patient) as service,
    ):
        api = account_of(service, client)
        webhook = await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api, run_key="before")
        await receiver.wait_for(1)

        reports = [asyncio.create_task(start_run(api, f"run-{number}")) for number in range(10)]
        server.kill()
        reports += [asyncio.create_task(start_run(api, f"run-{number}")) for number in range(60)]
        path = f"/webhooks/subscription/{webhook['id']}"
        changed = asyncio.create_task(api.put(path, json={"name": "Renamed"}))
        read = await api.get("/runs")
        is_ready = await client.get(f"{service.url}/readyz")
        await server.start()
        answers = await asyncio.gather(*reports)
        renamed = await changed
        await receiver.wait_for(61)
        assert await service.stop() == 0

    assert (read.status_code, is_ready.status_code) == (503, 503)
    assert {one.status_code for one in answers} <= {200, 201}
    assert data_of(renamed)["name"] == "Renamed"
    ids = {one.headers["webhook-id"] for one in receiver.received}
    assert len(ids) == len({data_of(one, one.status_code)["id"] for one in answers}) + 1 == 61
    assert "Traceback" not in service.output


async def test_a_worker_is_woken_again_after_the_server_was_away(
    tmp_path: Path,
    server: PostgresqlServer,
    its_environment: dict[str, str],
    client: httpx.AsyncClient,
):
    async with (
        Receiver() as receiver,
        Front(folder=tmp_path, environment=its_environment) as front,
        Worker(folder=tmp_path, environment=its_environment) as worker,
    ):
        api = account_of(front, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api, run_key="before")
        await receiver.wait_for(1)

        await server.stop()
        await worker.says("notifications.lost")
        await server.start()
        await until_listened_to(server)
        await until_started(api, "after")
        await receiver.wait_for(2)

        assert await worker.stop() == 0

    assert "Traceback" not in worker.output


async def until_listened_to(server: PostgresqlServer) -> None:
    """Wait until a worker listens for notifications."""
    connection = await asyncpg.connect(server.url)

    async def somebody_listens() -> bool:
        return bool(
            await connection.fetchval(
                "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN %'"
            )
        )

    await until(somebody_listens)
    await connection.close()


@pytest.fixture
def sqlite_environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a service that does not wait long for a lock."""
    (tmp_path / "data").mkdir()
    return {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
        "RUNHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/data/runhook.db?timeout=0.1",
        "RUNHOOK_OUTAGE_PATIENCE": "0",
    }


async def test_a_lock_of_another_program_is_waited_out(
    tmp_path: Path, sqlite_environment: dict[str, str], client: httpx.AsyncClient
):
    environment = {**sqlite_environment, "RUNHOOK_OUTAGE_PATIENCE": "60"}
    path = tmp_path / "data" / "runhook.db"
    async with Service(folder=tmp_path, environment=environment) as service:
        api = account_of(service, client)
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            reporting = asyncio.create_task(start_run(api, "meanwhile"))
            await service.says("writing.held_up")
            read = await api.get("/runs")
            other.execute("ROLLBACK")
        answer = await reporting

    assert (read.status_code, answer.status_code) == (200, 201)


async def test_a_sqlite_file_that_another_program_has_locked(
    tmp_path: Path, sqlite_environment: dict[str, str], client: httpx.AsyncClient
):
    answering = asyncio.Event()
    path = tmp_path / "data" / "runhook.db"
    async with (
        Receiver(once(answering, status(200)), status(200)) as receiver,
        Service(folder=tmp_path, environment=sqlite_environment) as service,
    ):
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api, run_key="in flight")
        await receiver.wait_for(1)

        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            refused = await start_run(api, "meanwhile")
            answering.set()
            other.execute("ROLLBACK")
        await until_started(api, "meanwhile")
        await receiver.wait_for(2)

        async def all_recorded() -> bool:
            return await states(f"sqlite:///{path}") == {"succeeded": 2}

        await until(all_recorded)
        assert await service.stop() == 0

    assert told(refused, 503) == "The database is not available; try again shortly."
    assert refused.headers["retry-after"] == "5"
    assert len(receiver.received) == 2


async def test_an_answer_is_recorded_once_the_lock_is_gone_and_not_asked_for_again(
    tmp_path: Path, sqlite_environment: dict[str, str], client: httpx.AsyncClient
):
    answering = asyncio.Event()
    path = tmp_path / "data" / "runhook.db"
    async with (
        Receiver(once(answering, status(200)), status(200)) as receiver,
        Service(folder=tmp_path, environment=sqlite_environment) as service,
    ):
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        run = await new_run(api, run_key="in flight")
        await receiver.wait_for(1)

        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            answering.set()
            await service.says("writing.held_up")
            other.execute("ROLLBACK")

        async def all_recorded() -> bool:
            return await states(f"sqlite:///{path}") == {"succeeded": 1}

        await until(all_recorded)
        again = await start_run(api, "in flight")

    assert data_of(again)["id"] == run["id"]
    assert len(receiver.received) == 1
