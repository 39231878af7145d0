"""Processes of our own: started here, measured by their ids, and always ended."""

import ctypes
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil  # type: ignore[import-untyped] # its stubs are one more pin, for four calls

ENDING_SECONDS = 20


@contextmanager
def running(
    *module: str, folder: Path | None = None, environment: Mapping[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run a Python module with its arguments until the block ends.

    Args:
        module: its name and what it is given.
        folder: where it runs, and where what it says goes to `stderr.txt`.
        environment: its variables; ours if None.
    """
    errors = (folder / "stderr.txt").open("a") if folder else None
    process = subprocess.Popen(
        [sys.executable, "-m", *module],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=errors,
        text=True,
    )
    try:
        yield process
    finally:
        end(process)
        if errors:
            errors.close()


def end(process: subprocess.Popen[str]) -> None:
    """End a process, by force if it does not hear."""
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def first_line(process: subprocess.Popen[str]) -> str:
    """Read the first line a process prints; it says that it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "the process ended without a word"
    return line


def run_apart(*module: str) -> Any:
    """Run a Python module to its end, and return the JSON that it printed."""
    with running(*module) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, f"{module[0]} failed"
    return json.loads(output)


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a process and all its descendants so far."""
    try:
        process = psutil.Process(pid)
        times = process.cpu_times()
        used: float = times.user + times.system + times.children_user + times.children_system
        return used + sum(cpu_seconds(child.pid) for child in process.children())
    except psutil.NoSuchProcess:
        return 0.0


def exact_cpu_seconds(pid: int) -> float:
    """CPU seconds of one process so far, finer than the hundredths that systems count in.

    POSIX has a clock for each process, and Linux has it for those of others.
    """
    clock = ctypes.c_int()
    failed = ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock))
    assert not failed, f"there is no clock of process {pid}"
    return time.clock_gettime(clock.value)
