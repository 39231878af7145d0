"""A stub `dbt` to wrap, a stub service to report to, and the wrapper as a process."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.support.measuring import MEASURED
from tests.support.patience import PATIENCE

RUNHOOK = [sys.executable, "-m", "runhook.cli.main"]

STUB_DBT = r'''#!@PYTHON@ -IS
"""Behaves as dbt does, as far as its parent process can tell. The first word says how."""
import datetime, json, os, select, signal, sys

TAG = os.environ.get("DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP", "")
NODES = {
    "build": [("model.shop.orders", "success", None), ("test.shop.orders_id.1a", "pass", None)],
    "warn": [("model.shop.orders", "success", None), ("test.shop.orders_id.1a", "warn", "Got 2")],
    "empty": [],
    "fail": [
        ("model.shop.orders", "success", None),
        ("model.shop.customers", "error", "Database Error: " + os.environ.get("LEAK", "")),
        ("test.shop.orders_id.1a", "fail", "Got 3 results"),
        ("model.shop.revenue", "skipped", None),
    ],
}

def say(text):
    os.write(1, text.encode() + b"\n")

def flag(name, default):
    return sys.argv[sys.argv.index(name) + 1] if name in sys.argv else default

def write_results(nodes):
    os.chdir(flag("--project-dir", os.environ.get("DBT_PROJECT_DIR", ".")))
    target = flag("--target-path", os.environ.get("DBT_TARGET_PATH", "target"))
    os.makedirs(target, exist_ok=True)
    now = datetime.datetime.now(datetime.timezone.utc).isoformat()
    document = {
        "metadata": {
            "dbt_version": "1.12.6",
            "invocation_id": os.environ.get("STUB_INVOCATION", "5f3c"),
            "generated_at": now.replace("+00:00", "Z"),
            "env": {"RUNHOOK_STEP": TAG} if TAG else {},
        },
        "results": [
            {"unique_id": u, "status": s, "message": m, "execution_time": float(s == "success")}
            for u, s, m in nodes
        ],
        "elapsed_time": 1.25,
        "args": {"vars": os.environ.get("LEAK", "")},
    }
    with open(target + "/run_results.json", "w") as file:
        json.dump(document, file)

def interrupted(number, frame):
    say(signal.Signals(number).name)
    write_results(NODES["build"][:1])
    os._exit(2)

def told(number, frame):
    say(signal.Signals(number).name)

def heed(handler):
    """Handle SIGINT, and return what becomes readable whenever one has arrived.

    pause() and read() would miss a signal that arrives just before them; select() on this does not.
    """
    arrived, arriving = os.pipe()
    os.set_blocking(arriving, False)
    signal.set_wakeup_fd(arriving)
    signal.signal(signal.SIGINT, handler)
    return arrived

def wait_for_signals(arrived, until=()):
    while not set(until) & set(select.select([arrived, *until], [], [])[0]):
        os.read(arrived, 1)

def dispositions():
    names = {signal.SIG_DFL: "default", signal.SIG_IGN: "ignored"}
    return {
        one: names.get(signal.getsignal(getattr(signal, one)), "handled")
        for one in ("SIGTERM", "SIGHUP", "SIGQUIT", "SIGCHLD")
    }

how = sys.argv[1]
if how in NODES:
    print("stub dbt:", how)
    print("to stderr", file=sys.stderr)
    write_results(NODES[how])
    sys.exit(1 if how == "fail" else 0)
elif how == "usage":
    print("No such option", file=sys.stderr)
    sys.exit(2)
elif how == "exit":
    sys.exit(int(sys.argv[2]))
elif how == "die":
    os.kill(os.getpid(), int(sys.argv[2]))
elif how == "cat":
    sys.stdout.buffer.write(sys.stdin.buffer.read())
elif how == "descriptor":
    os.write(int(sys.argv[2]), b"written")
elif how == "wait":
    arrived = heed(interrupted)
    say("ready")
    wait_for_signals(arrived)
elif how == "stubborn":
    arrived = heed(told)
    say("ready")
    wait_for_signals(arrived)
elif how == "patient":
    arrived = heed(told)
    say("ready")
    wait_for_signals(arrived, until=[sys.stdin])
    sys.exit(2)
elif how == "deaf":
    arrived = heed(told)
    say("ready")
    wait_for_signals(arrived, until=[sys.stdin])
    write_results(NODES["build"])
elif how == "describe":
    print(json.dumps({
        **dispositions(),
        "SIGINT": "ignored" if signal.getsignal(signal.SIGINT) == signal.SIG_IGN else "default",
        "mask": sorted(signal.pthread_sigmask(signal.SIG_BLOCK, [])),
        "leads_group": os.getpgrp() == os.getpid(),
        "tag": TAG,
        "variables": sorted(os.environ),
    }))
'''


def install_stub_dbt(folder: Path) -> None:
    """Put a program named `dbt` into ``folder``."""
    folder.mkdir(exist_ok=True)
    program = folder / "dbt"
    program.write_text(STUB_DBT.replace("@PYTHON@", sys.executable))
    program.chmod(0o755)


@dataclass(frozen=True)
class Request:
    path: str
    headers: Mapping[str, str]
    body: dict[str, Any]

    @property
    def verb(self) -> str:
        return self.path.partition("?")[0].rsplit("/", 1)[1]


Answer = tuple[int, bytes, Mapping[str, str]]


def accepted(_request: Request, _position: int) -> Answer:
    return 201, json.dumps({"data": {"id": 42}, "status": {"code": 201}, "extra": {}}).encode(), {}


def refused(status: int) -> Answer:
    """What Runhook answers to a report that it has read and does not take."""
    return status, json.dumps({"data": None, "status": {"user_message": "No."}}).encode(), {}


SIGNS_OF_LIFE = ("heartbeat", "progress")


@dataclass
class StubService:
    """A real HTTP server that takes reports and answers as ``answer`` says."""

    url: str
    requests: list[Request] = field(default_factory=list)
    answer: Callable[[Request, int], Answer] = accepted
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def reports(self) -> list[Request]:
        """What was told, but for signs of life: they may come at any time in between."""
        return [one for one in self.requests if one.verb not in SIGNS_OF_LIFE]

    def verbs(self) -> list[str]:
        """What kinds of reports these are."""
        return [one.verb for one in self.reports()]

    def body(self, verb: str) -> dict[str, Any]:
        """What the only report of this kind said."""
        (request,) = [one for one in self.requests if one.verb == verb]
        return request.body

    def wait_for(self, verb: str, times: int = 1) -> None:
        """Wait until a report has arrived."""
        with self.arrived:
            told = [request.verb for request in self.requests]
            assert self.arrived.wait_for(lambda: self.count(verb) >= times, PATIENCE), (
                f"no {verb} after {told}"
            )

    def count(self, verb: str) -> int:
        """How many reports of this kind have arrived."""
        return sum(request.verb == verb for request in self.requests)


@contextmanager
def a_service() -> Iterator[StubService]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            request = Request(
                self.path, dict(self.headers.items()), json.loads(self.rfile.read(length))
            )
            with service.arrived:
                position = len(service.requests)
                service.requests.append(request)
                service.arrived.notify_all()
            status, content, headers = service.answer(request, position)
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_PUT = do_POST  # noqa: N815 - the library's name

        def log_message(self, *_arguments: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_arguments: object) -> None:
            pass

    with Server(("127.0.0.1", 0), Handler) as server:
        service = StubService(f"http://127.0.0.1:{server.server_port}")
        # The default poll of 0.5 s would be paid at each shutdown.
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield service
        server.shutdown()
        thread.join()


@dataclass(frozen=True)
class Wrapper:
    """`runhook run`, in a folder of its own, with the stub dbt on PATH."""

    folder: Path
    environ: Mapping[str, str]

    def with_variables(self, **variables: str) -> "Wrapper":
        return Wrapper(self.folder, {**self.environ, **variables})

    def without(self, *names: str) -> "Wrapper":
        return Wrapper(self.folder, {k: v for k, v in self.environ.items() if k not in names})

    def run(
        self,
        *command: str,
        flags: Sequence[str] = (),
        launcher: Sequence[str] = (),
        **options: Any,
    ) -> subprocess.CompletedProcess[bytes]:
        """Run it to its end, without a terminal."""
        return subprocess.run(
            [*launcher, *RUNHOOK, "run", *flags, "--", *command],
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            timeout=PATIENCE,
            start_new_session=True,
            check=False,
            **options,
        )

    @property
    def spool(self) -> Path:
        return self.folder / ".local" / "state" / "runhook" / "spool"

    def runhook(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run another command of ours to its end."""
        return subprocess.run(
            [*RUNHOOK, *words],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    @contextmanager
    def start(
        self, *command: str, flags: Sequence[str] = (), launcher: Sequence[str] = ()
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Start it without a terminal; stdin and stdout are pipes."""
        with subprocess.Popen(
            [*launcher, *RUNHOOK, "run", *flags, "--", *command],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        ) as process:
            try:
                yield process
            finally:
                process.kill()


def next_line(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().decode().strip()


def finish_waiting(process: subprocess.Popen[bytes]) -> int:
    """Let a `dbt patient` or `dbt deaf` go on, and return the wrapper's exit code."""
    assert process.stdin is not None
    process.stdin.write(b"\n")
    process.stdin.flush()
    return process.wait(PATIENCE)


def a_wrapper(folder: Path, url: str) -> Wrapper:
    install_stub_dbt(folder / "bin")
    return Wrapper(
        folder,
        {
            **MEASURED,
            "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            "RUNHOOK_URL": url,
            "RUNHOOK_TOKEN": "a-token",
            "RUNHOOK_JOB": "nightly",
        },
    )
