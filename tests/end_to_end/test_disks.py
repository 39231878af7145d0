"""A disk that takes nothing more: reports are refused in words, and all goes on once it does.

A limit on how large files may be is what a quota is to a process, and needs no disk of its own.
`python -m tests.soak.full_disk` has disks that are really full.
"""

import json
from collections import Counter
from pathlib import Path

import httpx
from prometheus_client.parser import text_string_to_metric_families

from tests.support.api import data_of, new_run, new_webhook, told
from tests.support.disks import files_no_larger_than
from tests.support.ports import free_port
from tests.support.program import Service
from tests.support.receiver import Receiver
from tests.support.running import TOKEN, account_of


async def test_a_quota_is_told_in_words_and_nothing_accepted_is_lost(
    tmp_path: Path, client: httpx.AsyncClient
):
    port = free_port()
    environment = {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_METRICS_PORT": str(port),
    }

    async def is_up() -> float:
        metrics = await client.get(f"http://127.0.0.1:{port}/metrics")
        [up] = [
            one
            for one in text_string_to_metric_families(metrics.text)
            if one.name == "runhook_database_up"
        ]
        return up.samples[0].value

    async with (
        Receiver() as receiver,
        Service(folder=tmp_path, environment=environment) as service,
    ):
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api, run_key="before")
        await receiver.wait_for(1)
        with files_no_larger_than(tmp_path / "data" / "runhook.db-wal", service.process_id):
            refused = [
                await api.post("/runs", json={"job_name": "nightly", "run_key": f"run-{number}"})
                for number in range(3)
            ]
            meanwhile = await is_up()
            ready = await client.get(f"{service.url}/readyz")
            runs = data_of(await api.get("/runs"))
        for number in range(3):
            await new_run(api, run_key=f"run-{number}")
        await receiver.wait_for(4)
        assert await service.stop() == 0

    sentence = told(ready, 503)
    assert "a quota or a limit" in sentence
    assert {told(one, 503) for one in refused} == {sentence}
    assert {one.headers["retry-after"] for one in refused} == {"5"}
    assert meanwhile == 0
    assert [one["run_key"] for one in runs] == ["before"]
    assert Counter(one.headers["webhook-id"] for one in receiver.received).most_common(1)[0][1] == 1
    events = [json.loads(line) for line in service.output.splitlines() if line.startswith("{")]
    assert [one["reason"] for one in events if one["event"] == "database.away"] == [sentence]
