"""A service is ready when it can do its work: the database answers, and the dispatcher delivers."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sa

from runhook.storage.engine.vault import LOCKED
from tests.support.api import new_run, new_webhook, told
from tests.support.databases import open_store
from tests.support.patience import PATIENCE, until
from tests.support.program import Service
from tests.support.receiver import Receiver

TOKEN = "rh_a-bootstrap-token-of-a-test"


async def answer_of(ask: Callable[[], Awaitable[httpx.Response]], code: int) -> httpx.Response:
    """Ask again and again until the answer has this status."""
    answer = await ask()

    async def has_it() -> bool:
        nonlocal answer
        answer = await ask()
        return answer.status_code == code

    await until(has_it)
    return answer


async def rename_column(database_url: str, before: str, after: str) -> None:
    """Give a column of the webhooks another name, so that no look finds what is due."""
    store = open_store(database_url, vault=LOCKED)
    async with store.write() as tx:
        await tx.execute(sa.text(f"ALTER TABLE webhooks RENAME COLUMN {before} TO {after}"))
    await store.close()


@pytest.fixture
def service(tmp_path: Path, database_url: str) -> Service:
    return Service(
        folder=tmp_path,
        environment={
            "RUNHOOK_DATABASE_URL": database_url,
            "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        },
    )


async def test_a_service_whose_dispatcher_fails_is_not_ready_until_it_does_not(
    service: Service, database_url: str
):
    async with Receiver() as receiver, service, httpx.AsyncClient(timeout=PATIENCE) as client:
        client.base_url = f"{service.url}/api/v3/accounts/1/"
        client.headers["Authorization"] = f"Token {TOKEN}"

        def ask() -> Awaitable[httpx.Response]:
            return client.get(f"{service.url}/readyz")

        await answer_of(ask, 200)
        await new_webhook(client, client_url=receiver.url, event_types=["job.run.started"])
        await rename_column(database_url, "next_request_at", "mislaid")
        failing = await answer_of(ask, 503)
        await rename_column(database_url, "mislaid", "next_request_at")
        await answer_of(ask, 200)
        await new_run(client)
        await receiver.wait_for(1)

    assert told(failing, 503) == "The dispatcher is not delivering; the log says why."
