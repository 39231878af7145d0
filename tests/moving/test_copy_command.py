"""`runhook copy` with real processes: killed, refused, and served afterwards."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from runhook import verify
from runhook.domain.secrets.shown_addresses import without_password
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from runhook.storage.service.contents import MOST_ROWS, TABLES
from runhook.storage.service.copying import Copy, find_copy
from tests.storage.calls import some_rows
from tests.support.api import data_of, new_run, new_webhook
from tests.support.copies import copy_delivery
from tests.support.databases import PostgresqlDatabases
from tests.support.measuring import MEASURED
from tests.support.patience import BETWEEN_LOOKS, PATIENCE
from tests.support.program import RUNHOOK, Finished, Front, Service, runhook
from tests.support.receiver import Receiver, status
from tests.support.running import TOKEN, account_of

A_RUN = {"job_name": "nightly"}
KILLS = 2
MANY = 20 * MOST_ROWS


async def test_a_copy_that_is_killed_again_and_again_ends_whole(
    source: Store, database_url: str, target: Store, target_url: str, tmp_path: Path
):
    await some_rows(source)
    await copy_delivery(source, MANY)
    await migrate(target)
    command = ["copy", "--from", database_url, "--to", target_url]

    for _ in range(KILLS):
        await kill_in_the_middle(command, target, tmp_path)
    copy = await copy_into(target)
    served = {"RUNHOOK_DATABASE_URL": target_url}
    refused = await runhook("accounts", "list", folder=tmp_path, environment=served)
    ended = await runhook(*command, folder=tmp_path)

    assert copy is not None
    assert copy.place.table == "deliveries"
    assert refused.code == 1
    assert "Start the same `runhook copy` again" in refused.err
    assert ended.code == 0, ended.err
    assert [line.split()[0] for line in ended.out.splitlines()[1 : len(TABLES) + 1]] == [*TABLES]
    assert f"{MANY + 1:,}  " in ended.out
    assert "DIFFERS" not in ended.out
    assert (await copy_into(target)).place.table is None


async def kill_in_the_middle(command: list[str], target: Store, folder: Path) -> None:
    """Start copying, and kill that once some deliveries have come that were not there before."""
    before = await copy_into(target)
    process = await asyncio.create_subprocess_exec(
        RUNHOOK, *command, cwd=folder, env=MEASURED, stdout=asyncio.subprocess.DEVNULL
    )

    async def more_deliveries_have_come() -> bool:
        copy = await copy_into(target)
        return copy != before and copy.place.table == "deliveries" and copy.place.key != []

    async with asyncio.timeout(PATIENCE):
        # As often as at the beginning: all is copied within a second or two.
        while not await more_deliveries_have_come():  # noqa: ASYNC110 - another process does it
            await asyncio.sleep(BETWEEN_LOOKS)
    process.kill()
    await process.wait()


async def copy_into(target: Store) -> Copy | None:
    async with target.read() as tx:
        return await find_copy(tx)


async def test_a_service_goes_on_where_it_was_copied_to(
    tmp_path: Path, target_url: str, client: httpx.AsyncClient
):
    """With its tokens, its secrets, and what it had still to deliver."""
    async with Receiver(status(503), status(200)) as receiver:
        environment = here(tmp_path)
        async with Service(folder=tmp_path, environment=environment) as service:
            api = account_of(service, client)
            webhook = await new_webhook(
                api,
                client_url=receiver.url,
                event_types=["job.run.started"],
                retry_schedule=[1],
            )
            run = await new_run(api, run_key="before")
            await receiver.wait_for(1)
            refused = await runhook(
                "copy", "--to", target_url, folder=tmp_path, environment=environment
            )
            await service.stop()
        copied = await runhook("copy", "--to", target_url, folder=tmp_path, environment=environment)
        there = {**environment, "RUNHOOK_DATABASE_URL": target_url}
        async with Service(folder=tmp_path, environment=there) as service:
            api = account_of(service, client)
            again = data_of(await api.post("/runs", json={**A_RUN, "run_key": "before"}))
            later = await new_run(api, run_key="after")
            received = await receiver.wait_for(3)

    assert refused.code == 1
    assert refused.err == (
        f"runhook copy: A process serves {tmp_path}/data/runhook.db: changes during the copy "
        "would be lost. Stop it first.\n"
    )
    assert copied.code == 0, copied.err
    assert copied.out.splitlines()[-1] == (
        f"All is in {without_password(target_url)}. Serve it with the same master key: that opens "
        "all of its 1 secrets."
    )
    assert again["id"] == run["id"]
    assert later["id"] > run["id"]
    for request in received:
        verify(request.body, request.headers, webhook["hmac_secret"])
    first, *others = [one.headers["webhook-id"] for one in received]
    assert first in others


async def test_a_database_that_processes_share_is_not_copied_while_one_lives(
    tmp_path: Path, postgresql_environment: dict[str, str], target_url: str
):
    async with Front(folder=tmp_path, environment=postgresql_environment) as front:

        async def copy() -> Finished:
            return await runhook(
                "copy", "--to", target_url, folder=tmp_path, environment=postgresql_environment
            )

        refused = await copy()
        await front.stop()
    copied = await copy()

    assert refused.code == 1
    assert refused.err.startswith("runhook copy: The source is being served by ")
    assert refused.err.endswith("Stop them first; one that was killed counts for 20 seconds.\n")
    assert copied.code == 0, copied.err


async def test_a_database_is_not_copied_into_itself(tmp_path: Path):
    await runhook("init", folder=tmp_path)
    url = f"sqlite:///{tmp_path}/runhook-data/../runhook-data/runhook.db"

    ended = await runhook("copy", "--to", url, folder=tmp_path)

    assert ended.code == 1
    assert ended.err == "runhook copy: Both are the same database: name another one with --to.\n"


async def test_without_the_master_key_a_copy_says_that_it_is_needed(tmp_path: Path):
    await runhook("init", folder=tmp_path)
    source = f"sqlite:///{tmp_path}/runhook-data/runhook.db"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()

    ended = await runhook(
        "copy", "--from", source, "--to", f"sqlite:///{elsewhere}/new.db", folder=elsewhere
    )

    assert ended.code == 0, ended.err
    assert ended.out.endswith(
        "Serve it with the master key that the service has had, or no secret can be read.\n"
    )
    assert (elsewhere / "new.db").stat().st_mode & 0o077 == 0
    assert not (elsewhere / "runhook-data").exists()


@pytest.fixture
def postgresql_environment(
    postgresql_databases: PostgresqlDatabases, tmp_path: Path
) -> Iterator[dict[str, str]]:
    """Settings of processes that share a new PostgreSQL database."""
    with postgresql_databases.new(tmp_path) as url:
        yield {**here(tmp_path), "RUNHOOK_DATABASE_URL": url}


def here(folder: Path) -> dict[str, str]:
    """Settings of a service in a folder, on SQLite."""
    return {
        "RUNHOOK_DATA_DIR": str(folder / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }
