"""What `runhook run` adds to the command it wraps, and what importing `runhook` costs."""

import http.server
import json
import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from benchmarks.scale import Scale
from benchmarks.table import Figure

RUNS = 15
MOST_SECONDS = 0.15
WRAPPED = [sys.executable, "-m", "runhook.cli.main", "run", "--job", "bench", "--", "true"]


def measure(_scale: Scale) -> Iterator[Figure]:
    """Start the client, and Python without it, again and again."""
    bare = median_seconds([sys.executable, "-c", "pass"])
    imported = median_seconds([sys.executable, "-c", "import runhook"])
    with a_free_port() as port:
        down = median_seconds(WRAPPED, service(port))
    with a_service() as port:
        up = median_seconds(WRAPPED, service(port))
    yield Figure(what="python -c pass", value=f"{milliseconds(bare)} ms")
    for what, seconds in (
        ('python -c "import runhook"', imported),
        ("runhook run -- true, service down", down),
        ("runhook run -- true, service up", up),
    ):
        yield Figure(
            what=what,
            value=f"+{milliseconds(seconds - bare)} ms, {seconds / bare:.1f} times",
            goal=f"<= +{milliseconds(MOST_SECONDS)} ms",
            is_met=seconds - bare <= MOST_SECONDS,
        )


def median_seconds(command: Sequence[str], variables: Mapping[str, str] | None = None) -> float:
    """Median wall time of some runs of ``command``, in seconds, after one to warm up."""
    times = []
    for _ in range(RUNS + 1):
        began = time.perf_counter()
        subprocess.run(
            command,
            env={**os.environ, **(variables or {})},
            stderr=subprocess.DEVNULL,
            check=True,
        )
        times.append(time.perf_counter() - began)
    return statistics.median(times[1:])


def service(port: int) -> dict[str, str]:
    return {"RUNHOOK_URL": f"http://127.0.0.1:{port}", "RUNHOOK_TOKEN": "benchmark"}


@contextmanager
def a_free_port() -> Iterator[int]:
    """Yield a port that is bound and refuses connections."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextmanager
def a_service() -> Iterator[int]:
    """Yield the port of a stub that takes every report."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stub) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


class Stub(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        content = json.dumps({"data": {"id": 1}, "status": {"code": 201}, "extra": {}}).encode()
        self.send_response(201)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_arguments: object) -> None:
        """Print nothing."""


def milliseconds(value: float) -> str:
    return f"{value * 1000:.0f}"
