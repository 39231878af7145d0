"""Programs that a demo starts: what they print is heard, and all of them are ended."""

import os
import shlex
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

PATIENCE = 180


class UnmetError(Exception):
    """Something that the demo promises did not happen."""


class Programs:
    """Starts programs in a folder. Use as a context manager, which ends them whatever happens."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        # This shell reads which programs to end should the demo be killed.
        end_them = 'while read -r pid; do pids="$pids $pid"; done; kill $pids'
        self._survivor = subprocess.Popen(
            ["sh", "-c", end_them], stdin=subprocess.PIPE, text=True, bufsize=1, process_group=0
        )
        return self

    def start(
        self, command: Sequence[str | Path], hear: Callable[[str], None], **environment: str
    ) -> subprocess.Popen[str]:
        """Start a program out of reach of the terminal's Ctrl-C; ``hear`` gets its lines."""
        say(f"$ runhook {shlex.join(map(str, command[1:]))}")
        neutral = {k: v for k, v in os.environ.items() if not k.startswith(("RUNHOOK_", "DBT_"))}
        program = subprocess.Popen(
            command,
            cwd=self._folder,
            env=neutral | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=0,
        )
        self._started.append(program)
        threading.Thread(target=hear_all, args=(program, hear), daemon=True).start()
        return program

    def serve(
        self,
        command: Sequence[str | Path],
        port: int,
        hear: Callable[[str], None] = lambda _: None,
        **environment: str,
    ) -> None:
        """Start a program that goes on, and wait until it listens on the port."""
        program = self.start(command, hear, **environment)
        print(program.pid, file=self._survivor.stdin)

        def is_listening() -> bool:
            if program.poll() is not None:
                raise UnmetError(f"`runhook {command[1]}` has ended")
            with socket.socket() as probe:
                return probe.connect_ex(("127.0.0.1", port)) == 0

        until(is_listening, f"`runhook {command[1]}` to listen")

    def __exit__(self, *_: object) -> None:
        """End what was started, last first, so that the service outlives those who need it."""
        for program in reversed(self._started):
            # `runhook run` passes a second SIGTERM on to dbt as it is.
            for signum in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                program.send_signal(signum)
                with suppress(subprocess.TimeoutExpired):
                    program.wait(5)
                    break
        self._survivor.kill()
        self._survivor.communicate()


def hear_all(program: subprocess.Popen[str], hear: Callable[[str], None]) -> None:
    """Pass on what a program prints, line by line, until it ends."""
    for line in program.stdout or ():
        hear(line.rstrip())


def until(so: Callable[[], bool], awaiting: str) -> None:
    """Look until something is so; raise UnmetError if it takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not so():
        if time.monotonic() > deadline:
            raise UnmetError(f"waited {PATIENCE} s for {awaiting}")
        time.sleep(0.1)


def free_port() -> int:
    """Find a port that no program uses."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def say(text: str) -> None:
    """Print a part of a step."""
    print(f"   {text}", flush=True)
