"""A service of its own, an endpoint that hears of all its runs, and places to run snippets from.

What guides show is run as it stands, with one's own values where a reader puts theirs.
"""

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import runhook
from tests.support.filling_in import filled_in
from tests.support.measuring import MEASURED
from tests.support.patience import PATIENCE
from tests.support.running import TOKEN
from tests.wrapping.support import install_stub_dbt

SCRIPTS = Path(sys.executable).parent
LONG = 4 * PATIENCE
"""Seconds for programs that take their time to start."""
LAST = {"job.run.completed", "job.run.canceled"}
"""What a run ends with."""


@dataclass(frozen=True)
class Event:
    """What an endpoint was told."""

    type: str
    run_id: str
    job: str
    project: str
    reason: str
    status: str


@dataclass
class Station:
    """The service, and what its endpoint has been told."""

    url: str
    events: list[Event] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)
    secret: str = ""

    def events_of(self, project: str) -> list[Event]:
        """What was told of a project's only run, once that has ended."""

        def found() -> list[Event]:
            return [event for event in self.events if event.project == project]

        with self.arrived:
            ended = self.arrived.wait_for(
                lambda: any(event.type in LAST for event in found()), LONG
            )
            assert ended, f"of {project} only {found()} was told"
            return found()

    def wait_for_start(self, project: str) -> None:
        """Wait until a project's run is reported."""
        with self.arrived:
            assert self.arrived.wait_for(
                lambda: any(event.project == project for event in self.events), LONG
            )

    def run(self, run_id: str) -> dict[str, Any]:
        """A run as the service shows it."""
        return self.ask(f"/api/v2/accounts/1/runs/{run_id}?include_related=trigger,run_steps,job")

    def ask(self, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Ask the service for something, or tell it."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        with urlopen(
            Request(self.url + path, data=data, headers=headers), timeout=PATIENCE
        ) as answer:
            found: dict[str, Any] = json.load(answer)["data"]
        return found


@contextmanager
def a_station(folder: Path) -> Iterator[Station]:
    """Start a service with SQLite in ``folder``, and an endpoint that checks what it is told."""
    settings = {
        **MEASURED,
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RUNHOOK_DATA_DIR": str(folder / "data"),
        "RUNHOOK_BOOTSTRAP_TOKEN": TOKEN,
        "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
        "RUNHOOK_PORT": "0",
    }
    with subprocess.Popen(
        [SCRIPTS / "runhook", "serve"],
        cwd=folder,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as serving:
        assert serving.stdout is not None
        greeting = "Runhook listens on "
        lines = iter(serving.stdout.readline, "")
        url = next(line for line in lines if line.startswith(greeting)).removeprefix(greeting)
        # What it says later must not fill the pipe.
        threading.Thread(target=serving.stdout.read, daemon=True).start()
        station = Station(url.strip())
        try:
            with an_endpoint(station):
                yield station
        finally:
            serving.terminate()
            serving.wait(LONG)


@contextmanager
def an_endpoint(station: Station) -> Iterator[None]:
    """Listen for the events of all runs, with their signatures checked."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            runhook.verify(body, dict(self.headers.items()), station.secret)
            data = json.loads(body)["data"]
            with station.arrived:
                station.events.append(
                    Event(
                        type=json.loads(body)["eventType"],
                        run_id=data["runId"],
                        job=data["jobName"],
                        project=data["projectName"],
                        reason=data["runReason"],
                        status=data["runStatus"],
                    )
                )
                station.arrived.notify_all()
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        webhook = station.ask(
            "/api/v3/accounts/1/webhooks/subscriptions",
            {
                "name": "station",
                "client_url": f"http://127.0.0.1:{server.server_port}/",
                "event_types": ["job.run.started", *sorted(LAST)],
                "payload_version": "2023-02",
            },
        )
        station.secret = webhook["hmac_secret"]
        yield
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Workplace:
    """A folder with a dbt project and a stub `dbt`, and the environment of its user."""

    folder: Path
    environ: Mapping[str, str]
    project: str

    def with_variables(self, **variables: str) -> "Workplace":
        """The same with a system's variables."""
        return Workplace(self.folder, {**self.environ, **variables}, self.project)

    def without(self, name: str) -> "Workplace":
        """The same without a variable."""
        left = {one: text for one, text in self.environ.items() if one != name}
        return Workplace(self.folder, left, self.project)

    def run(self, *command: str | Path) -> "subprocess.CompletedProcess[str]":
        """Run a command to its end; the token must not be in what it prints."""
        done = subprocess.run(
            self.found(command),
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
            start_new_session=True,
        )
        assert TOKEN not in done.stdout + done.stderr
        return done

    @contextmanager
    def started(self, *command: str | Path) -> "Iterator[subprocess.Popen[str]]":
        """Start a command; what it prints to standard output can be read as it comes."""
        with subprocess.Popen(
            self.found(command),
            cwd=self.folder,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()

    def found(self, command: Sequence[str | Path]) -> Sequence[str | Path]:
        """A command with its program looked for on this place's path."""
        program = shutil.which(command[0], path=self.environ["PATH"])
        assert program is not None, f"{command[0]} is not on the path"
        return [program, *command[1:]]

    def filled_in(self, snippet: str, others: Mapping[str, str] | None = None) -> str:
        """The snippet with this place's values instead of a reader's."""
        own = {
            "https://runhook.example.com": self.environ["RUNHOOK_URL"],
            "/srv/shop/.venv/bin": f"{self.folder / 'bin'}:{SCRIPTS}",
            "/srv/shop": str(self.folder),
            "rh_...": TOKEN,
            **(others or {}),
        }
        return filled_in(snippet, own)


def a_workplace(
    folder: Path, station: Station, project: str, *, programs: Sequence[Path] = (SCRIPTS,)
) -> Workplace:
    """Make a place whose runs are reported as those of ``project``."""
    folder.mkdir(parents=True, exist_ok=True)
    install_stub_dbt(folder / "bin")
    (folder / "dbt_project.yml").write_text(f"name: {project}\n")
    path = [str(folder / "bin"), *map(str, programs), "/usr/local/bin", "/usr/bin", "/bin"]
    environ = {
        **MEASURED,
        "PATH": os.pathsep.join(path),
        "HOME": str(folder),
        "RUNHOOK_URL": station.url,
        "RUNHOOK_TOKEN": TOKEN,
    }
    return Workplace(folder, environ, project)
