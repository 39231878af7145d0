"""Clients never take the descriptors that deliveries and the database need."""

import json
from contextlib import AsyncExitStack, suppress
from pathlib import Path

from tests.abuse.conftest import a_service
from tests.support.raw import connect, connected, request
from tests.support.receiver import Receiver
from tests.support.running import TOKEN

API = "/api/v3/accounts/1"
FEW = 128
HALF_HEAD = b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: "


async def test_half_open_requests_take_no_place_of_a_delivery(tmp_path: Path):
    limited = ("sh", "-c", f'ulimit -n {FEW} && exec "$@"', "sh")
    async with (
        Receiver() as endpoint,
        a_service(tmp_path, {}, prefix=limited) as service,
        AsyncExitStack() as attackers,
    ):
        for _ in range(4 * FEW):
            attacker = await connect(service.url)
            attackers.callback(attacker.reset)
            with suppress(ConnectionError):
                await attacker.send(HALF_HEAD)
        webhook = {
            "name": "hook",
            "client_url": endpoint.url,
            "event_types": ["job.run.started"],
        }
        for path, body in (
            ("/webhooks/subscriptions", webhook),
            ("/runs", {"job_name": "nightly"}),
        ):
            async with connected(service.url) as client:
                posted = request(
                    API + path, method="POST", token=TOKEN, body=json.dumps(body).encode()
                )
                await client.send(posted)
                assert (await client.answer()).status == 201

        await endpoint.wait_for(1)
        assert "Too many open files" not in service.output
