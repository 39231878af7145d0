"""Programs that fork while `runhook.run` reports them."""

import contextlib
import io
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import psutil
import pytest

from runhook.client.python.remote_reporter import read_answer
from runhook.client.python.reporter_process import ReportedProgram, report_over
from tests.support.patience import PATIENCE, look_until
from tests.wrapping.support import StubService, Wrapper

FORKING = """
import multiprocessing, os, signal, subprocess, sys
import runhook

def work():
    with run.step("of a child"):
        run.fail("a child's business")

with runhook.run() as run:
    {body}
"""
WAYS = {
    "os.fork": """
    if (child := os.fork()) == 0:
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
    """,
    "a child that leaves the block": """
    if (child := os.fork()) == 0:
        sys.exit(3)
    assert os.waitpid(child, 0)[1] == 3 << 8
    """,
    "a child that fails in the block": """
    if (child := os.fork()) == 0:
        sys.stderr = None
        raise ValueError
    assert os.waitpid(child, 0)[1] == 1 << 8
    """,
    "a child that comes to the end": """
    if (child := os.fork()) != 0:
        assert os.waitpid(child, 0)[1] == 0
    """,
    "a child that outlives the block": """
    reading, writing = os.pipe()
    if os.fork() == 0:
        os.close(writing)
        os.read(reading, 1)
        os._exit(0)
    """,
    "multiprocessing": """
    child = multiprocessing.get_context("fork").Process(target=work)
    child.start()
    child.join()
    assert child.exitcode == 0
    """,
    "subprocess": """
    subprocess.run(["true"], preexec_fn=os.getpid, check=True)
    """,
    "a wait for all children": """
    for _ in range(3):
        os.fork() or os._exit(0)
    try:
        while os.wait(): pass
    except ChildProcessError: pass
    """,
}
THREADS = "assert len(os.listdir('/proc/self/task')) == 1"


def run_program(place: Wrapper, text: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", text],
        env=place.environ,
        cwd=place.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize("way", WAYS)
def test_a_program_that_forks_is_reported_once(wrapper: Wrapper, service: StubService, way: str):
    ended = run_program(wrapper, FORKING.format(body=f"{THREADS}\n{WAYS[way]}"))

    assert (ended.returncode, ended.stderr) == (0, "")
    assert service.verbs() == ["runs", "finish"]
    assert service.body("finish")["status"] == "success"
    assert "steps" not in service.body("finish")
    assert [*wrapper.spool.iterdir()] == []


AWAITING = """
import os, runhook, signal, sys
{before}
with runhook.run() as run:
    {within}
    print("under way", flush=True)
    sys.stdin.readline()
"""


def reporter_processes(place: Wrapper) -> list[psutil.Process]:
    """Those of programs in this place."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            is_ours = any("reporter_process" in word for word in process.cmdline())
            if is_ours and process.environ().get("HOME") == str(place.folder):
                found.append(process)
    return found


@contextlib.contextmanager
def a_program(
    place: Wrapper, before: str = "", *, within: str = ""
) -> Iterator[subprocess.Popen[str]]:
    """A program within its run, until a line comes."""
    with subprocess.Popen(
        [sys.executable, "-c", AWAITING.format(before=before, within=within)],
        env=place.environ,
        cwd=place.folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as program:
        assert program.stdout is not None
        assert program.stdout.readline() == "under way\n"
        yield program


@pytest.mark.parametrize("before", ["", "signal.signal(signal.SIGPIPE, signal.SIG_DFL)"])
def test_the_end_is_reported_though_the_process_that_reports_was_killed(
    wrapper: Wrapper, service: StubService, before: str
):
    with a_program(wrapper, before) as program:
        service.wait_for("runs")
        [process] = reporter_processes(wrapper)
        process.kill()
        look_until(lambda: reporter_processes(wrapper) == [])
        program.communicate("go on\n", timeout=PATIENCE)

    assert program.returncode == 0
    assert service.verbs()[:3] == ["runs", "runs", "finish"]
    assert service.count("finish") == 1
    first, second, *_ = [one.body for one in service.requests if one.verb == "runs"]
    assert first == second


@pytest.mark.parametrize("within", ["", "os.fork() or os._exit(not sys.stdin.readline())"])
def test_the_process_ends_with_a_program_that_was_killed(
    wrapper: Wrapper, service: StubService, within: str
):
    """Though a child of the program may live on, until its input ends."""
    with a_program(wrapper, within=within) as program:
        service.wait_for("runs")
        program.kill()
        look_until(lambda: reporter_processes(wrapper) == [])

    assert service.count("finish") == 0


@pytest.mark.parametrize("executable", ["None", "''", "'/usr/sbin/a-program-with-python-in-it'"])
def test_a_run_is_reported_at_its_end_where_no_process_can_be_had(
    wrapper: Wrapper, service: StubService, executable: str
):
    embedded = f"import os, runhook, sys\nsys.executable = {executable}\n"
    text = f"{embedded}with runhook.run():\n    {THREADS}\n"

    ended = run_program(wrapper, text)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert service.verbs() == ["runs", "finish"]


def test_a_program_that_says_nothing_is_left_alone():
    """Its process ends, as it has nothing to report."""
    ours, theirs = socket.socketpair()
    serving = threading.Thread(target=report_over, args=(theirs, {}))
    serving.start()

    ours.close()

    serving.join(PATIENCE)
    assert not serving.is_alive()
    theirs.close()


def test_an_answer_counts_though_its_process_has_ended_before_it_is_read():
    ours, theirs = socket.socketpair()
    with ours:
        with theirs:
            theirs.sendall(b'{"trouble": null}\n')

        assert read_answer(ours, b"", time.monotonic() + PATIENCE) == {"trouble": None}


def test_a_process_that_ends_before_it_has_heard_all_has_not_answered():
    ours, theirs = socket.socketpair()
    theirs.close()
    with ours:
        assert read_answer(ours, b"{", time.monotonic() + PATIENCE) is None
        assert read_answer(ours, b"", time.monotonic() + PATIENCE) is None


def test_nodes_are_counted_between_two_full_reports_of_progress(service: StubService):
    opening = {"url": service.url, "account_id": "1", "spool_folder": None, "name": "a"}
    program = ReportedProgram({**opening, "names": []}, {"RUNHOOK_TOKEN": "t"})
    nothing = io.BytesIO()

    program.take({"nodes_done": 1}, nothing)
    assert program.progress() is None
    program.take({"progress": {"steps": [], "nodes_done": 0, "nodes_total": 2}}, nothing)
    program.take({"nodes_done": 3}, nothing)

    assert program.progress() == {"steps": [], "nodes_done": 2, "nodes_total": 2}
    program.close(0)
