"""When the primary dies, a synchronous standby takes over: nothing acknowledged is lost."""

import json
from pathlib import Path

import httpx

from tests.support.api import data_of, new_webhook
from tests.support.patience import until
from tests.support.program import Front, Worker
from tests.support.receiver import Receiver
from tests.support.reporters import Reporters
from tests.support.running import LONG, TOKEN, account_of, let_leases_end, states
from tests.support.servers import PostgresqlServer

ENOUGH = 40
"""How many reports have succeeded when the primary dies, and how many more do after that."""


async def test_what_was_acknowledged_is_there_and_the_service_goes_on(
    pair: tuple[PostgresqlServer, PostgresqlServer], tmp_path: Path, client: httpx.AsyncClient
):
    primary, standby = pair
    environment = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
        "RUNHOOK_DATABASE_URL": (
            f"postgresql://postgres@{standby.host}:{standby.port},{primary.host}:{primary.port}"
            "/postgres?target_session_attrs=read-write"
        ),
    }
    async with (
        Receiver() as receiver,
        Front(folder=tmp_path, environment=environment) as front,
        Worker(folder=tmp_path, environment=environment) as worker,
    ):
        api = account_of(front, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        reporters = Reporters(api)
        reporters.begin()
        await reporters.wait_for(ENOUGH)
        primary.kill()
        await standby.promote()
        await reporters.wait_for(len(reporters.acknowledged) + ENOUGH)
        await reporters.end()
        # A claim may be in the database whose commit was not acknowledged.
        await let_leases_end(standby.url, worker.greeted, is_gone=False)

        for key, run_id in reporters.acknowledged.items():
            again = await api.post("/runs", json={"job_name": "nightly", "run_key": key})
            assert data_of(again)["id"] == run_id

        async def all_recorded() -> bool:
            return set(await states(standby.url)) == {"succeeded"}

        await until(all_recorded)
        assert await worker.stop() == 0
        assert await front.stop() == 0

    arrived = {json.loads(one.body)["data"]["run_id"] for one in receiver.received}
    assert arrived >= {str(run_id) for run_id in reporters.acknowledged.values()}
    assert "Traceback" not in front.output + worker.output
