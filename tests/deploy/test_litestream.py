"""Litestream beside a service, as it is configured here: a copy from moments before the end."""

import asyncio
import os
import shutil
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from tests.docs.documents import REPOSITORY
from tests.support.api import data_of, new_run
from tests.support.patience import PATIENCE, until
from tests.support.program import Service
from tests.support.running import TOKEN, account_of

CONFIGURATION = REPOSITORY / "deploy" / "litestream.yml"
RUNS = 20


@asynccontextmanager
async def litestream(configuration: Path) -> AsyncIterator[None]:
    """Run it until the end; it copies what is left, then."""
    process = await asyncio.create_subprocess_exec(
        *("litestream", "replicate", "-config", configuration),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def test_a_service_that_was_killed_comes_back_from_what_litestream_has(tmp_path: Path):
    database, copies = tmp_path / "data" / "runhook.db", tmp_path / "copies"
    configuration = tmp_path / "litestream.yml"
    text = CONFIGURATION.read_text()
    assert "path: /var/lib/runhook/runhook.db" in text
    text = text.replace("/var/lib/runhook/runhook.db", str(database))
    configuration.write_text(text.replace("/backups/runhook", str(copies)))
    environment = {"RUNHOOK_DATA_DIR": str(tmp_path / "data"), "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN}
    restored = tmp_path / "restored"
    restored.mkdir()
    async with httpx.AsyncClient(
        headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE
    ) as client:
        async with (
            Service(folder=tmp_path, environment=environment) as service,
            litestream(configuration),
        ):
            api = account_of(service, client)
            for number in range(RUNS):
                await new_run(api, run_key=f"run-{number}")
            await until(lambda: has_copies(copies))
            await service.kill()
        shutil.copy(tmp_path / "data" / "master.key", restored)
        process = await asyncio.create_subprocess_exec(
            *("litestream", "restore", "-config", configuration),
            *("-o", restored / "runhook.db", database),
            env=os.environ,
        )
        assert await process.wait() == 0

        there = {**environment, "RUNHOOK_DATA_DIR": str(restored)}
        async with Service(folder=tmp_path, environment=there) as service:
            runs = data_of(await account_of(service, client).get("/runs?limit=100"))

    assert {one["run_key"] for one in runs} == {f"run-{number}" for number in range(RUNS)}


async def has_copies(folder: Path) -> bool:
    """Whether something has been copied."""
    return any(path.is_file() for path in folder.rglob("*"))
