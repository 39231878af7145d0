"""Real processes on machines whose clocks are wrong."""

import json
import sys
from datetime import timedelta
from pathlib import Path

import httpx

from runhook.storage.engine.tables import runs, timekeeping
from tests.support.accounts import rows_of
from tests.support.api import new_run
from tests.support.databases import open_store
from tests.support.patience import until
from tests.support.program import Front, Service, Worker
from tests.support.running import account_of

WRONG_MACHINE = Path(__file__).parents[1] / "support" / "wrong_machine.py"


async def test_a_worker_40_days_ahead_says_so_and_deletes_nothing(
    tmp_path: Path, postgresql_environment: dict[str, str], client: httpx.AsyncClient
):
    wrong = Worker(
        folder=tmp_path,
        environment=postgresql_environment,
        prefix=(sys.executable, str(WRONG_MACHINE), "40"),
    )
    front = Front(folder=tmp_path, environment=postgresql_environment)
    store = open_store(postgresql_environment["RUNHOOK_DATABASE_URL"])
    async with front, wrong:
        run = await new_run(account_of(front, client))
        finish = await account_of(front, client).post(
            f"/runs/{run['id']}/finish", json={"status": "success"}
        )
        assert finish.status_code == 200

        said = await wrong.says("clock.wrong")
        await wrong.says("pruner.*duty.taken|duty.taken.*pruner")
        await wrong.says("timekeeper.*duty.taken|duty.taken.*timekeeper")

        async def has_been_looked_at() -> bool:
            return bool(await rows_of(store, timekeeping))

        await until(has_been_looked_at)
        [kept] = await rows_of(store, timekeeping)
        [left] = await rows_of(store, runs)

    await store.close()
    assert json.loads(said)["ahead_seconds"] in range(40 * 86_400 - 2, 40 * 86_400 + 3)
    assert abs(kept.seen_at - left.created_at) < timedelta(hours=1)


async def test_a_service_on_a_machine_that_is_behind_tells_who_asks_whether_it_is_ready(
    tmp_path: Path, postgresql_environment: dict[str, str], client: httpx.AsyncClient
):
    service = Service(
        folder=tmp_path,
        environment=postgresql_environment,
        prefix=(sys.executable, str(WRONG_MACHINE), "-1"),
    )
    async with service:

        async def has_compared() -> bool:
            ready = await client.get(f"{service.url}/readyz")
            return "clock_ahead_seconds" in ready.json()

        await until(has_compared)
        ready = await client.get(f"{service.url}/readyz")

    assert ready.json()["clock_ahead_seconds"] in range(-86_402, -86_398)
