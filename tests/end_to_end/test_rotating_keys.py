"""Another master key under a service that runs: two real processes, one file, no restart."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from runhook import verify
from tests.support.api import new_run, new_webhook
from tests.support.patience import PATIENCE
from tests.support.program import Service, runhook
from tests.support.receiver import Receiver
from tests.support.running import on_sqlite

TOKEN = "rh_a-bootstrap-token-of-a-test"
HEADER = {"X-Api-Key": "planted-header-credential"}


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    return {
        "RUNHOOK_DATA_DIR": str(tmp_path / "data"),
        "RUNHOOK_DATABASE_URL": database_url,
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
    }


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(
        headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE
    ) as opened:
        yield opened


@on_sqlite
async def test_deliveries_go_on_signed_by_the_same_secrets_through_two_rotations_and_a_restart(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    """The first key is no longer in the file at the end, so nothing can be left that needs it."""
    key_file = tmp_path / "data" / "master.key"
    secrets: dict[str, str] = {}

    async with Receiver() as receiver:

        async def delivers_to_each(service: Service) -> None:
            """Make one webhook more, report a run, and have every webhook hear of it, signed."""
            client.base_url = f"{service.url}/api/v3/accounts/1/"
            webhook = await new_webhook(
                client,
                client_url=f"{receiver.url}/{len(secrets)}",
                event_types=["job.run.started"],
                custom_headers=HEADER,
            )
            secrets[f"/hook/{len(secrets)}"] = webhook["hmac_secret"]
            receiver.received.clear()
            await new_run(client)
            received = await receiver.wait_for(len(secrets))
            assert {one.path for one in received} == set(secrets)
            for one in received:
                verify(one.body, one.headers, secrets[one.path])
                assert one.headers["x-api-key"] == HEADER["X-Api-Key"]

        async with Service(folder=tmp_path, environment=environment) as service:
            first_key = key_file.read_text().splitlines()[0]
            await delivers_to_each(service)
            for _ in range(2):
                rotated = await runhook("keys", "rotate", folder=tmp_path, environment=environment)
                assert (rotated.code, rotated.err) == (0, "")
                await delivers_to_each(service)
            assert await service.stop() == 0
        assert first_key not in key_file.read_text()
        async with Service(folder=tmp_path, environment=environment) as service:
            await delivers_to_each(service)
            assert await service.stop() == 0
        listed = await runhook("keys", "list", folder=tmp_path, environment=environment)

    assert "Traceback" not in service.output
    assert listed.out.splitlines()[0].endswith(f"in use    opens {2 * len(secrets)}")
