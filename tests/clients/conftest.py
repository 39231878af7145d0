"""The service behind TLS with a run that failed, and the environments of `make test-clients`."""

import asyncio
import json
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from tests.docs.documents import REPOSITORY
from tests.support.certificates import Authority
from tests.support.measuring import MEASURED
from tests.support.running import TOKEN
from tests.support.station import LONG, Station, a_station
from tests.support.tls_front import TlsFront
from tests.wrapping.support import a_service

PROGRAMS = Path(__file__).parent / "programs"
RESULTS = {
    "metadata": {"dbt_version": "1.11.16", "invocation_id": "5f3c"},
    "results": [{"unique_id": "model.shop.orders", "status": "error", "execution_time": 1.5}],
}
MANIFEST = {"metadata": {"project_name": "shop"}, "nodes": {}}


@dataclass(frozen=True)
class Cloud:
    """Where clients find the service, and what there is to find."""

    place: str
    """Host and port."""
    environ: Mapping[str, str]
    """What every client is given."""
    run: Mapping[str, Any]
    folder: Path

    @property
    def bundle(self) -> str:
        """The file with the authority that vouches for the service."""
        return self.environ["SSL_CERT_FILE"]

    def run_client(
        self, environment: str, command: Sequence[str | Path], **variables: str
    ) -> "subprocess.CompletedProcess[str]":
        """Run a client to its end, in an environment of its own."""
        programs = REPOSITORY / f".venv-{environment}" / "bin"
        assert programs.is_dir(), f"make .venv-{environment}/installed makes the environment"
        done = subprocess.run(
            [programs / command[0], *command[1:]],
            cwd=self.folder,
            env={**self.environ, "PATH": f"{programs}:/usr/bin:/bin", **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
        assert TOKEN not in done.stdout + done.stderr
        return done

    def seen_by(self, environment: str, program: str, **variables: str) -> dict[str, Any]:
        """What a program of ours has seen with a client; its last line is JSON."""
        done = self.run_client(environment, ["python", PROGRAMS / program], **variables)
        assert done.returncode == 0, done.stderr
        seen: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return {**seen, "log": done.stdout + done.stderr}


@pytest.fixture(scope="session")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cloud]:
    folder = tmp_path_factory.mktemp("clients")
    authority = Authority(folder)
    with (
        a_station(folder) as station,
        a_service() as endpoint,
        tls_before(station.url, authority.server()) as place,
    ):
        run = a_failed_run(station)
        bundle = str(authority.bundle())
        yield Cloud(
            place,
            {
                **MEASURED,
                "HOME": str(folder),
                "SSL_CERT_FILE": bundle,
                "REQUESTS_CA_BUNDLE": bundle,
                "PLACE": place,
                "TOKEN": TOKEN,
                **{name.upper(): str(run[name]) for name in ("job_id", "project_id")},
                "ENVIRONMENT_ID": str(run["environment_id"]),
                "RUN_ID": str(run["id"]),
                "ENDPOINT": endpoint.url,
            },
            run,
            folder,
        )


@contextmanager
def tls_before(url: str, context: SSLContext) -> Iterator[str]:
    """End TLS before a service; yields the host and port to reach it at."""
    started: Future[tuple[str, Callable[[], object]]] = Future()

    async def serve() -> None:
        stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        async with TlsFront(context, urlsplit(url).port or 0) as front:
            started.set_result((front.place, lambda: loop.call_soon_threadsafe(stopping.set)))
            await stopping.wait()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    place, stop = started.result(LONG)
    try:
        yield place
    finally:
        stop()
        thread.join()


def a_failed_run(station: Station) -> dict[str, Any]:
    """Report a run of two steps, of which the second failed, with its files."""
    runs = "/api/v3/accounts/1/runs"
    names = {"job_name": "nightly", "project_name": "shop", "environment_name": "prod"}
    started = station.ask(runs, {**names, "run_reason": "scheduled"})
    for name, document in (("run_results.json", RESULTS), ("manifest.json", MANIFEST)):
        put(f"{station.url}{runs}/{started['id']}/artifacts/{name}?step=2", document)
    steps = [
        {"name": "Invoke dbt with `dbt deps`", "status": "success", "logs": "Installed"},
        {"name": "Invoke dbt with `dbt build`", "status": "error", "logs": "Database Error"},
    ]
    end = {"status": "error", "status_message": "1 of 1 nodes failed: orders", "steps": steps}
    station.ask(f"{runs}/{started['id']}/finish", end)
    return station.run(str(started["id"]))


def put(url: str, document: Mapping[str, Any]) -> None:
    headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
    request = Request(url, json.dumps(document).encode(), headers, method="PUT")
    with urlopen(request, timeout=LONG) as answer:
        assert answer.status == 200
