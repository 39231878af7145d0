"""All ways to report a run, with the real service: it takes what the client's commands say."""

import json
import re
from pathlib import Path

import httpx

from tests.support.program import Service, runhook
from tests.support.running import TOKEN

RESULTS = {
    "metadata": {
        "dbt_version": "1.12.0",
        "invocation_id": "5f3c0a52",
        "generated_at": "2026-03-01T04:07:31.500000Z",
        "env": {},
    },
    "results": [{"unique_id": "model.shop.orders", "status": "success", "execution_time": 2.0}],
    "elapsed_time": 61.5,
    "args": {"vars": "s3cret"},
}


async def test_the_service_takes_what_the_commands_say(tmp_path: Path, client: httpx.AsyncClient):
    """One process for all of it, as only the shape of what is said matters."""
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "run_results.json").write_text(json.dumps(RESULTS))
    settings = {"RUNHOOK_DATA_DIR": str(tmp_path / "data"), "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN}
    async with Service(folder=tmp_path, environment=settings) as service:
        client.base_url = httpx.URL(f"{service.url}/api/v3/accounts/1")
        shell = {
            "RUNHOOK_URL": service.url,
            "RUNHOOK_TOKEN": TOKEN,
            "RUNHOOK_JOB": "nightly",
            "RUNHOOK_SPOOL_DIR": str(tmp_path / "spool"),
            "PATH": "/usr/bin:/bin",
        }

        async def call(*words: str, **variables: str) -> tuple[int, str]:
            ended = await runhook(*words, folder=tmp_path, environment={**shell, **variables})
            return ended.code, ended.out + ended.err

        code, found = await call("doctor", "--json", "--", "sh")
        assert (code, json.loads(found)["fine"]) == (0, True)
        code, found = await call("doctor", "--account-id", "2", "--", "sh")
        assert (code, "check RUNHOOK_ACCOUNT_ID" in found) == (1, True)

        _, name = await call("start")
        begun = {"RUNHOOK_RUN": name.strip()}
        assert await call("step", "--", "true", **begun) == (0, "")
        assert await call("step", "--", "sh", "-c", "exit 3", **begun) == (3, "")
        assert await call("finish", **begun) == (0, "")

        for _ in range(2):
            code, said = await call("import", "--upload-artifacts")
            assert (code, said) == (0, "invocation 5f3c0a52 is reported\n")

        code, said = await call("import", "--job", "weekly")
        assert code == 1
        assert re.search(r"`dbt-5f3c0a52` is already run \d+ of the job `nightly` \(project", said)

        started, imported = (await client.get("/runs", params={"order_by": "id"})).json()["data"]
        assert (started["status_humanized"], started["late"]) == ("Error", False)
        assert started["status_message"].startswith("sh -c 'exit 3': sh exited with code 3")
        assert (imported["run_key"], imported["late"]) == ("dbt-5f3c0a52", True)
        attached = (await client.get(f"/runs/{imported['id']}/artifacts/run_results.json")).json()
        assert attached == {**RESULTS, "args": {"vars": "*****"}}
