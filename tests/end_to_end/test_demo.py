"""The demo is the product's main job, end to end; so what it tells must be true."""

import fcntl
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.mark.timeout(600)  # half a minute where nothing else runs
def test_the_demo_keeps_all_that_it_promises_and_leaves_nothing_running(tmp_path):
    told = run_demo(tmp_path)

    assert "Alerts got started then completed, every signature valid" in told
    assert "Alerts got started then errored then completed, every signature valid" in told
    assert "Alerts got started then canceled, every signature valid" in told
    assert re.search(r"wev_\w{27} came 3 times, byte for byte the same", told)
    assert "job.run.canceled" in told.partition("as the service recorded them")[2]
    assert re.search(r"\nAll 13 checks passed", told)

    [port] = re.findall(r"ready at http://127\.0\.0\.1:(\d+)", told)
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_a_demo_that_is_killed_leaves_nothing_running(tmp_path):
    with demo_in(tmp_path) as demo:
        while "ready at" not in demo.stdout.readline():
            assert demo.poll() is None
        demo.kill()

    [mark] = tmp_path.glob(".demo/*/runhook-data/runhook.db.serving")
    with mark.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # is granted when the service has ended


def demo_in(folder):
    return subprocess.Popen(
        [sys.executable, REPOSITORY / "examples/demo.py", "--once"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run_demo(folder):
    with demo_in(folder) as demo:
        try:
            told, _ = demo.communicate(timeout=500)
        finally:
            demo.terminate()  # unlike kill, it lets the demo end what it started
    assert demo.returncode == 0, told
    return told
