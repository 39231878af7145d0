"""The drill: a service comes back from a backup that is older than its end.

What is lost then, sent again and told twice stands in docs/operations.md under "After a restore".
"""

import asyncio
import json
import os
import shutil
from pathlib import Path

import httpx
import pytest

from runhook import verify
from tests.support.api import data_of, new_run, new_webhook
from tests.support.measuring import MEASURED
from tests.support.misbehaving import once
from tests.support.patience import until
from tests.support.ports import free_port
from tests.support.program import RUNHOOK, Service, runhook
from tests.support.receiver import Received, Receiver, status
from tests.support.running import LONG, TOKEN, account_of, states

STARTED, COMPLETED = "job.run.started", "job.run.completed"
BEFORE = 5
"""How many deliveries one of the webhooks has had until then."""
GATE = "gate"
SUCCESS = {"status": "success"}


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a service on SQLite whose address stays."""
    return {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_ATTEMPT_TIMEOUT": LONG,
        "RUNHOOK_PORT": str(free_port()),
    }


@pytest.fixture
def shell(tmp_path: Path, environment: dict[str, str]) -> dict[str, str]:
    """Settings of a client of it."""
    return {
        "RUNHOOK_URL": f"http://127.0.0.1:{environment['RUNHOOK_PORT']}",
        "RUNHOOK_TOKEN": TOKEN,
        "RUNHOOK_SPOOL_DIR": str(tmp_path / "spool"),
        "PATH": "/usr/bin:/bin",
    }


async def test_what_is_lost_sent_again_and_told_twice_after_a_restore(
    tmp_path: Path, environment: dict[str, str], shell: dict[str, str], client: httpx.AsyncClient
):
    database = f"sqlite:///{tmp_path}/data/runhook.db"
    answering = asyncio.Event()

    async def until_there_are(**expected: int) -> None:
        async def is_so() -> bool:
            return await states(database) == expected

        await until(is_so)

    async with Receiver() as prompt, Receiver(once(answering, status(200)), status(200)) as slow:
        async with Service(folder=tmp_path, environment=environment) as service:
            api = account_of(service, client)
            both = await new_webhook(api, client_url=prompt.url, event_types=[STARTED, COMPLETED])
            await new_webhook(api, client_url=slow.url, event_types=[STARTED])
            known = await new_run(api, run_key="known")
            await slow.wait_for(1)
            await until_there_are(succeeded=1, sending=1)

            made = await runhook("backup", "older", folder=tmp_path, environment=environment)

            answering.set()
            await finish(api, known["id"])
            lost = await new_run(api, run_key="lost")
            await finish(api, lost["id"])
            across = await start_run_that_waits(tmp_path, shell)
            await new_webhook(api, name="made later", client_url=prompt.url)
            await until_there_are(succeeded=8)
            await service.kill()
        spooled = await runhook("run", "--", "true", folder=tmp_path, environment=shell)
        shutil.rmtree(tmp_path / "data")

        restored = await runhook("restore", "older", folder=tmp_path, environment=environment)
        async with Service(folder=tmp_path, environment=environment) as service:
            api = account_of(service, client)
            await slow.wait_for(4)
            runs = {one["run_key"]: one for one in data_of(await api.get("/runs"))}
            webhooks = [one["name"] for one in data_of(await api.get("/webhooks/subscriptions"))]
            of_lost = await api.post(f"/runs/{lost['id']}/heartbeat", json={})
            (tmp_path / GATE).write_text("go on")
            assert await across.wait() == 0
            flushed = await runhook("flush", folder=tmp_path, environment=shell)
            again = await new_run(api, run_key="lost")
            await finish(api, known["id"])
            await until_there_are(succeeded=11)

    assert [one.code for one in (made, spooled, restored, flushed)] == [0, 0, 0, 0]
    # Lost is what was accepted after the backup.
    assert "lost" not in runs
    assert runs["known"]["status_humanized"] == "Running"
    assert "made later" not in webhooks
    assert of_lost.status_code == 404
    # Sent again, as the same delivery, is what the backup has as waiting or being sent.
    first, *others = slow.received
    id_of_first = first.headers["webhook-id"]
    assert [one.body for one in others if one.headers["webhook-id"] == id_of_first] == [first.body]
    # Nothing else comes by itself: what had been delivered by then is not repeated.
    for request in prompt.received:
        verify(request.body, request.headers, both["hmac_secret"])
    before, later = (
        sorted(run_and_event(one) for one in some)
        for some in (prompt.received[:BEFORE], prompt.received[BEFORE:])
    )
    ids = [one.headers["webhook-id"] for one in prompt.received]
    assert len(set(ids)) == len(ids)
    # Told twice, as another delivery, is what is reported again, of a lost run by another number.
    assert (known["id"], COMPLETED) in before
    assert (known["id"], COMPLETED) in later
    numbers = {run for run, _ in before}
    assert numbers == {known["id"], lost["id"], lost["id"] + 1}
    assert again["id"] > max(numbers) + 1
    # A spool has what was never accepted, and a run whose start was lost: all of both comes.
    told_again = sorted(event for run, event in later if run not in {*numbers, again["id"]})
    assert told_again == [COMPLETED] * 2 + [STARTED] * 2
    assert len(later) == len(told_again) + 2


async def start_run_that_waits(
    folder: Path, environment: dict[str, str]
) -> asyncio.subprocess.Process:
    """Report a run by the client that goes on until the gate opens."""
    os.mkfifo(folder / GATE)
    return await asyncio.create_subprocess_exec(
        *(RUNHOOK, "run", "--job", "across", "--", "cat", GATE),
        cwd=folder,
        env={**MEASURED, **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )


async def finish(api: httpx.AsyncClient, run_id: int) -> None:
    """Report that a run succeeded."""
    data_of(await api.post(f"/runs/{run_id}/finish", json=SUCCESS))


def run_and_event(request: Received) -> tuple[int, str]:
    """What a delivery tells of."""
    told = json.loads(request.body)
    return int(told["data"]["run_id"]), told["event_type"]
