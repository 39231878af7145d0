"""Fills a service by real traffic: one row of each kind that traffic can make.

`python -m tests.upgrading.filling PROGRAM` fills a new service of each kind with a program that is
installed elsewhere, and keeps what it has in `tests/fixtures`: `make fixtures`.
"""

import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import httpx

from tests.support.api import data_of, new_run, new_webhook
from tests.support.patience import PATIENCE, until
from tests.support.program import RUNHOOK, Service
from tests.support.receiver import Received, Receiver, status
from tests.support.running import TOKEN, account_of
from tests.upgrading.places import KINDS, Copy, Place, a_place

REFUSES = "/refuses"
ALL_EVENTS = ["job.run.started", "job.run.errored", "job.run.completed", "job.run.canceled"]
RUNS = 12
LATER = [604_800]
"""A retry schedule by which what fails stays to be sent."""


async def a_filled_copy(kind: str, folder: Path, version: str, program: Path = RUNHOOK) -> Copy:
    """Fill a new service, stop it, and copy what it has."""
    async with a_place(kind, folder) as place:
        await fill(place, program)
        return place.copy(version)


async def fill(place: Place, program: Path) -> None:
    """Let a service take reports, deliver and fail to; it is stopped in the end."""
    async with (
        Receiver(refuse_some) as receiver,
        Service(folder=place.folder, environment=place.environment, program=program) as service,
        httpx.AsyncClient(headers={"Authorization": f"Token {TOKEN}"}, timeout=PATIENCE) as client,
    ):
        api = account_of(service, client)
        for name, fields in kinds_of_webhooks(receiver).items():
            await new_webhook(api, name=name, event_types=ALL_EVENTS, **fields)
        for number in range(RUNS):
            await report_run(api, number)
        await until(lambda: is_settled(place))
        assert await service.stop() == 0


def kinds_of_webhooks(receiver: Receiver) -> dict[str, dict[str, Any]]:
    """What tells webhooks apart, by their names."""
    refusing = {"client_url": receiver.url_of(REFUSES), "retry_schedule": LATER}
    return {
        "of 2022": {"client_url": receiver.url, "payload_version": "2022-05"},
        "of 2023": {"client_url": receiver.url, "payload_version": "2023-02"},
        "refused": refusing,
        "inactive": {"client_url": receiver.url, "active": False},
    }


async def refuse_some(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer with a failure where a webhook asks for one."""
    await status(503 if request.path == REFUSES else 200)(request, writer)


def start_of(number: int) -> dict[str, Any]:
    """What tells a run from others."""
    return {"run_key": f"run-{number}", "job_name": f"job {number % 3}"}


async def report_run(api: httpx.AsyncClient, number: int) -> None:
    """Report a run: of four, one succeeds with a file, one fails, one is canceled, one goes on."""
    run = await new_run(api, **start_of(number))
    place = f"runs/{run['id']}"
    match number % 4:
        case 0:
            await api.put(f"{place}/artifacts/manifest.json", content=b'{"nodes": {}}')
            data_of(await api.post(f"{place}/finish", json={"status": "success"}))
        case 1:
            data_of(await api.post(f"{place}/finish", json={"status": "error"}))
        case 2:
            data_of(await api.post(f"{place}/finish", json={"status": "canceled"}))


async def is_settled(place: Place) -> bool:
    """Whether no delivery is to be sent but those to the endpoint that refuses them."""
    rows = await place.rows()
    names = {row["id"]: row["name"] for row in rows["webhooks"]}
    unsent = [row for row in rows["deliveries"] if row["state"] in ("pending", "sending")]
    return {names[row["webhook_id"]] for row in unsent} == {"refused"}


def main() -> int:
    """Keep what a service of each kind has."""
    program = Path(sys.argv[1]).absolute()
    version = subprocess.run(
        [program, "--version"], capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(a_filled_copy(kind, Path(folder), version, program)).write()
    return 0


if __name__ == "__main__":
    sys.exit(main())
