"""Files of a run: sent once or again, given back byte for byte, and gone with their run."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.callers import RUNHOOK
from runhook.domain.people.permissions import PermissionSet
from runhook.domain.people.quotas import Quotas
from runhook.domain.runs.run import RunId
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.runs.artifacts import attach_artifact
from runhook.operations.service.prune import ABANDONED_AFTER, prune_step
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import artifact_parts, artifacts
from tests.support.accounts import rows_of
from tests.support.api import ORIGIN, Api, data_of, new_run, told
from tests.support.clock import trust_the_clock

MANIFEST = json.dumps({"nodes": {f"model.shop.m{n}": {"raw_code": "é" * 50} for n in range(2_000)}})
BINARY = bytes(range(256)) * 1_000
NAMES = ["manifest.json", "run_results.json", "dbt.log", "…a name, with spaces.txt", ".hidden"]
NOT_NAMES = ["%2E%2E", "a%5Cb", "a%0Ab", "x" * 101]


@pytest.fixture
async def artifacts_of_run(admin: httpx.AsyncClient) -> str:
    """Where a run's files are sent and read, below the account's paths."""
    return f"/runs/{(await new_run(admin))['id']}/artifacts"


async def chunks(size: int) -> AsyncIterator[bytes]:
    """Yield that many bytes without saying before how many they are."""
    for _ in range(size // 65_536):
        yield b"x" * 65_536


CONTENTS = [MANIFEST.encode(), BINARY, b"", b"{"]


async def test_a_file_comes_back_byte_for_byte(
    admin: httpx.AsyncClient, artifacts_of_run: str, subtests: pytest.Subtests
):
    for content in CONTENTS:
        for name in NAMES:
            with subtests.test(name=name):
                sent = await admin.put(f"{artifacts_of_run}/{name}", content=content)

                back = await admin.get(f"{artifacts_of_run}/{name}")

                assert data_of(sent)["size"] == len(content)
                assert back.status_code == 200
                assert back.content == content
                assert back.headers["content-length"] == str(len(content))


async def test_a_file_is_called_json_by_its_name_and_never_a_page(
    admin: httpx.AsyncClient, artifacts_of_run: str
):
    for name in ("manifest.json", "index.html"):
        await admin.put(f"{artifacts_of_run}/{name}", content=b"<script>")

    manifest = await admin.get(f"{artifacts_of_run}/manifest.json")
    page = await admin.get(f"{artifacts_of_run}/index.html")

    assert manifest.headers["content-type"].startswith("application/json")
    assert page.headers["content-type"].startswith("application/octet-stream")
    assert page.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("end", ["", "/"])
async def test_the_v2_paths_are_dbt_clouds(
    admin: httpx.AsyncClient, artifacts_of_run: str, end: str
):
    await admin.put(f"{artifacts_of_run}/run_results.json{end}", content=b'{"results": []}')
    await admin.put(f"{artifacts_of_run}/manifest.json{end}", content=b"{}")
    v2 = f"{ORIGIN}/api/v2/accounts/1{artifacts_of_run}"

    names = data_of(await admin.get(f"{v2}{end}"))
    results = await admin.get(f"{v2}/run_results.json{end}?step=1")

    assert names == ["manifest.json", "run_results.json"]
    assert results.json() == {"results": []}


async def test_each_step_has_its_own_file_and_the_last_one_is_the_runs(
    admin: httpx.AsyncClient, artifacts_of_run: str
):
    path = f"{artifacts_of_run}/run_results.json"
    for step, content in (("2", b"second"), ("1", b"first"), ("2", b"second again")):
        await admin.put(f"{path}?step={step}", content=content)
    await admin.put(f"{artifacts_of_run}/manifest.json?step=1", content=b"{}")

    assert (await admin.get(f"{path}?step=1")).content == b"first"
    assert (await admin.get(f"{path}?step=2")).content == b"second again"
    assert (await admin.get(path)).content == b"second again"
    told(await admin.get(f"{path}?step=3"), 404)
    told(await admin.get(f"{path}?step=0"), 400)
    assert data_of(await admin.get(artifacts_of_run)) == ["manifest.json", "run_results.json"]
    assert data_of(await admin.get(f"{artifacts_of_run}?step=2")) == ["run_results.json"]


async def test_a_jobs_files_are_those_of_its_last_completed_run(admin: httpx.AsyncClient):
    runs = [
        await new_run(admin, run_key=key) for key in ("first", "second", "canceled", "going on")
    ]
    for run, status in zip(runs, ["success", "error", "canceled"], strict=False):
        await admin.put(f"/runs/{run['id']}/artifacts/manifest.json", content=status.encode())
        await admin.post(f"/runs/{run['id']}/finish", json={"status": status})
    files = f"{ORIGIN}/api/v2/accounts/1/jobs/{runs[0]['job_id']}/artifacts"

    assert (await admin.get(f"{files}/manifest.json")).content == b"error"
    told(await admin.get(f"{files}/run_results.json"), 404)
    told(await admin.get(f"{ORIGIN}/api/v2/accounts/1/jobs/404/artifacts/manifest.json"), 404)


async def test_a_file_sent_again_replaces_the_first(
    admin: httpx.AsyncClient, artifacts_of_run: str
):
    path = f"{artifacts_of_run}/manifest.json"
    await admin.put(path, content=b"one")

    await admin.put(path, content=b"and another")

    assert (await admin.get(path)).content == b"and another"
    assert data_of(await admin.get(artifacts_of_run)) == ["manifest.json"]


async def test_a_run_tells_that_it_has_files_also_if_they_came_after_its_end(
    admin: httpx.AsyncClient,
):
    run = await new_run(admin)
    await admin.post(f"/runs/{run['id']}/finish", json={"status": "success"})
    before = data_of(await admin.get(f"/runs/{run['id']}"))

    await admin.put(f"/runs/{run['id']}/artifacts/manifest.json", content=b"{}")

    after = data_of(await admin.get(f"/runs/{run['id']}"))
    assert (before["artifacts_saved"], after["artifacts_saved"]) == (False, True)


async def test_files_are_kept_compressed(
    store: Store, admin: httpx.AsyncClient, artifacts_of_run: str
):
    await admin.put(f"{artifacts_of_run}/manifest.json", content=MANIFEST.encode())

    (row,) = await rows_of(store, artifacts)
    parts = await rows_of(store, artifact_parts)

    assert row.size == len(MANIFEST.encode())
    assert 0 < sum(len(part.content) for part in parts) < row.size / 10


async def test_a_file_may_be_larger_than_other_bodies_up_to_the_setting(
    api: Api, admin: httpx.AsyncClient, artifacts_of_run: str
):
    generous = Api(store=api.store, clock=api.clock, largest_artifact=3 << 20)
    client = generous.client(f"Token {await generous.token()}")
    content = b"0123456789abcdef" * (3 << 16)

    sent = await client.put(f"{artifacts_of_run}/manifest.json", content=content)

    assert data_of(sent)["size"] == 3 << 20
    assert (await client.get(f"{artifacts_of_run}/manifest.json")).content == content


async def test_a_file_that_is_too_large_is_refused_with_the_settings_name_and_not_kept(
    admin: httpx.AsyncClient, artifacts_of_run: str
):
    path = f"{artifacts_of_run}/manifest.json"
    announced = await admin.put(path, content=b"x" * ((1 << 20) + 1))
    unannounced = await admin.put(path, content=chunks(2 << 20))

    sentence = "An artifact may have 1 MiB here, as RUNHOOK_ARTIFACT_MEGABYTES says."
    assert told(announced, 413) == told(unannounced, 413) == sentence
    told(await admin.get(path), 404)


async def test_a_compressed_file_is_refused(admin: httpx.AsyncClient, artifacts_of_run: str):
    answer = await admin.put(
        f"{artifacts_of_run}/manifest.json", content=b"...", headers={"Content-Encoding": "gzip"}
    )

    assert told(answer, 415).startswith("The file is compressed (gzip)")


@pytest.mark.parametrize("name", NOT_NAMES)
async def test_what_is_no_files_name_is_refused(
    admin: httpx.AsyncClient, artifacts_of_run: str, name: str
):
    answer = await admin.put(f"{artifacts_of_run}/{name}", content=b"{}")

    assert told(answer, 400).startswith("name: ")
    assert data_of(await admin.get(artifacts_of_run)) == []


async def test_a_name_in_a_folder_is_404(admin: httpx.AsyncClient, artifacts_of_run: str):
    told(await admin.put(f"{artifacts_of_run}/compiled/model.sql", content=b"{}"), 404)
    told(await admin.put(f"{artifacts_of_run}/compiled%2Fmodel.sql", content=b"{}"), 404)


async def test_files_of_no_run_are_404(admin: httpx.AsyncClient, artifacts_of_run: str):
    told(await admin.put("/runs/404/artifacts/manifest.json", content=chunks(1 << 20)), 404)
    told(await admin.get("/runs/404/artifacts"), 404)
    told(await admin.get("/runs/404/artifacts/manifest.json"), 404)
    told(await admin.get(f"{artifacts_of_run}/manifest.json"), 404)


async def test_another_account_neither_sees_nor_changes_them(
    api: Api, admin: httpx.AsyncClient, artifacts_of_run: str
):
    path = f"{artifacts_of_run}/manifest.json"
    await admin.put(path, content=b"mine")
    theirs = await api.add_other_account()

    told(await theirs.get(path), 404)
    told(await theirs.get(artifacts_of_run), 404)
    told(await theirs.put(path, content=b"theirs"), 404)

    assert (await admin.get(path)).content == b"mine"


async def test_whoever_only_reads_attaches_nothing(api: Api, artifacts_of_run: str):
    reader = await api.client_with(PermissionSet.READ_ONLY)
    runner = await api.client_with(PermissionSet.JOB_RUNNER)
    path = f"{artifacts_of_run}/manifest.json"

    told(await reader.put(path, content=b"{}"), 403)
    data_of(await runner.put(path, content=b"{}"))
    assert (await reader.get(path)).content == b"{}"


async def test_files_go_with_their_run(
    api: Api, store: Store, admin: httpx.AsyncClient, artifacts_of_run: str
):
    await admin.put(f"{artifacts_of_run}/manifest.json", content=b"{}")
    run = artifacts_of_run.removesuffix("/artifacts")
    await admin.post(f"{run}/finish", json={"status": "success"})
    api.clock.advance(timedelta(days=31))

    await trust_the_clock(store)
    await prune_step(store, timedelta(days=30))

    assert await rows_of(store, artifacts) == []


async def test_half_a_file_is_not_kept(
    api: Api, store: Store, admin: httpx.AsyncClient, artifacts_of_run: str
):
    async def half() -> AsyncIterator[bytes]:
        yield b"half of"
        raise ConnectionError

    run_id = RunId(data_of(await admin.get("/runs"))[0]["id"])
    with pytest.raises(ConnectionError):
        await attach_artifact(
            store,
            FIRST_ACCOUNT,
            run_id,
            "manifest.json",
            half(),
            actor=RUNHOOK,
            largest=api.largest_artifact,
        )

    assert await rows_of(store, artifacts) == []


async def test_a_run_has_so_many_files_and_one_that_was_replaced_counts_until_it_is_deleted(
    api: Api, admin: httpx.AsyncClient, artifacts_of_run: str
):
    bounded = Api(store=api.store, clock=api.clock, quotas=Quotas(run_artifacts=2))
    sender = bounded.client(admin.headers["Authorization"])
    for name in ("a", "a"):
        data_of(await sender.put(f"{artifacts_of_run}/{name}", content=b"{}"))

    refused = told(await sender.put(f"{artifacts_of_run}/b", content=b"{}"), 409)
    api.clock.advance(ABANDONED_AFTER)
    await trust_the_clock(api.store)
    await prune_step(api.store, timedelta(days=30))
    taken = await sender.put(f"{artifacts_of_run}/b", content=b"{}")

    assert "This run has 2 artifacts, and RUNHOOK_MAX_RUN_ARTIFACTS allows 2" in refused
    assert data_of(taken)["name"] == "b"
    assert data_of(await sender.get(artifacts_of_run)) == ["a", "b"]


async def test_the_files_of_a_run_have_so_many_bytes_together(
    api: Api, admin: httpx.AsyncClient, artifacts_of_run: str
):
    quotas = Quotas(run_artifact_megabytes=1)
    bounded = Api(store=api.store, clock=api.clock, quotas=quotas)
    sender = bounded.client(admin.headers["Authorization"])
    data_of(await sender.put(f"{artifacts_of_run}/a", content=chunks(960 << 10)))

    refused = told(await sender.put(f"{artifacts_of_run}/b", content=chunks(128 << 10)), 413)
    taken = await sender.put(f"{artifacts_of_run}/b", content=chunks(64 << 10))

    assert "1 MiB together, as RUNHOOK_MAX_RUN_ARTIFACT_MEGABYTES says" in refused
    assert data_of(taken)["size"] == 64 << 10


async def test_files_that_come_at_once_share_the_room_of_their_run(
    api: Api, admin: httpx.AsyncClient, artifacts_of_run: str
):
    quotas = Quotas(run_artifacts=4, run_artifact_megabytes=1)
    bounded = Api(store=api.store, clock=api.clock, quotas=quotas)
    sender = bounded.client(admin.headers["Authorization"])

    answers = await asyncio.gather(
        *(sender.put(f"{artifacts_of_run}/{n}", content=chunks(640 << 10)) for n in range(4))
    )

    assert sorted(one.status_code for one in answers) == [200, 413, 413, 413]
