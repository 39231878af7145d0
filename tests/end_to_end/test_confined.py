"""The service as the units of systemd start it: with no more of the system than it needs."""

import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from tests.support.api import data_of, new_run, new_webhook
from tests.support.patience import PATIENCE
from tests.support.people import PASSWORD, SAME_ORIGIN
from tests.support.program import Front, Service, Worker
from tests.support.receiver import Receiver
from tests.support.running import account_of

UNITS = Path(__file__).parents[2] / "deploy" / "systemd"
CONFINED = Path(__file__).parents[1] / "support" / "confined.py"
ADA = {"email": "ada@example.com", "name": "Ada", "password": PASSWORD}
FILE = b'{"metadata": {}, "results": []}'


def confined_by(unit: str) -> list[str]:
    """What a program is started by that has what this unit leaves it."""
    return [sys.executable, str(CONFINED), str(UNITS / unit)]


async def test_all_that_a_service_does_it_may_do(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    prefix = confined_by("runhook.service")
    async with (
        Receiver() as receiver,
        Service(folder=tmp_path, environment=environment, prefix=prefix) as service,
        httpx.AsyncClient(base_url=service.url, headers=SAME_ORIGIN, timeout=PATIENCE) as browser,
    ):
        link = httpx.URL((await service.says("/invitations/")).strip())
        joined = await browser.post(link.path, data=ADA)
        signed_in = await browser.post("/sign-in", data=ADA)
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url.replace("127.0.0.1", "localhost"))
        run = await new_run(api)
        sent = await api.put(f"runs/{run['id']}/artifacts/run_results.json", content=FILE)
        back = await api.get(f"runs/{run['id']}/artifacts/run_results.json")
        data_of(await api.post(f"runs/{run['id']}/finish", json={"status": "success"}))
        await receiver.wait_for(1)
        code = await service.stop()

    assert [joined.status_code, signed_in.status_code, sent.status_code] == [303, 303, 200]
    assert (back.content, code) == (FILE, 0)
    assert "Traceback" not in service.output


async def test_a_dispatcher_delivers_beside_it(
    tmp_path: Path, postgresql_environment: dict[str, str], client: httpx.AsyncClient
):
    prefix = confined_by("runhook-dispatch@.service")
    async with (
        Receiver() as receiver,
        Front(folder=tmp_path, environment=postgresql_environment) as front,
        Worker(folder=tmp_path, environment=postgresql_environment, prefix=prefix) as worker,
    ):
        api = account_of(front, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api)
        await receiver.wait_for(1)
        code = await worker.stop()

    assert code == 0
    assert "Traceback" not in worker.output


REFUSED = {
    "os.sched_setaffinity(0, os.sched_getaffinity(0))": "PermissionError",
    "os.chown('.', -1, -1)": "PermissionError",
    "mmap.mmap(-1, 4096, prot=7)": "PermissionError",
    "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)": "Address family not supported",
}


@pytest.mark.parametrize("unit", ["runhook.service", "runhook-dispatch@.service"])
@pytest.mark.parametrize("call", REFUSED)
def test_what_the_units_refuse_is_refused_here(unit: str, call: str):
    code = f"import mmap, os, socket; {call}"
    ended = subprocess.run(
        [*confined_by(unit), sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )

    assert REFUSED[call] in ended.stderr.splitlines()[-1]
