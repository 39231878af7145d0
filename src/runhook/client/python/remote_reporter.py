"""A reporter in a process beside the program that a run is about.

A thread of ours would be there when the program forks. Python warns of that from 3.12 on, and
rightly: the child may wait for a lock whose thread it does not have. So the program gets no thread.
A process beside it (``reporter_process``) sends reports and heartbeats; the two speak over a pair
of sockets.
"""

import contextlib
import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePath
from weakref import WeakSet

from runhook.client.reporting.report import Attachment, Report
from runhook.client.reporting.reporter import ATTACHING_SECONDS, EXIT_SECONDS, Reporter
from runhook.client.reporting.service import Service
from runhook.client.reporting.spool import Spool
from runhook.client.run.narrative import Progress
from runhook.client.settings import ServiceSettings

STARTING_SECONDS = 5.0
"""How much longer the end waits where a busy machine has not started the process yet."""
BOOT = (
    "import sys; sys.path.append(sys.argv[1]); "
    "from runhook.client.python.reporter_process import report_beside; "
    "report_beside(int(sys.argv[2]))"
)
# A shell that ends at once: no child of the program is left that its os.wait() would wait for.
IN_BACKGROUND = ["/bin/sh", "-c", '"$@" &', "sh"]
# Nothing but the standard library and this package: it starts sooner, and sets nothing else off.
BARE = ["-I", "-S"]
# A program that does not ignore SIGPIPE must survive the death of the process.
SENDING = getattr(socket, "MSG_NOSIGNAL", 0)
PIECE = 1 << 16

reporters_of_this_process: "WeakSet[RemoteReporter]" = WeakSet()


def disown_reporters() -> None:
    """Close, in a child that was forked just now, what only its parent may speak through."""
    for reporter in reporters_of_this_process:
        reporter.disown()
    reporters_of_this_process.clear()


os.register_at_fork(after_in_child=disown_reporters)


class RemoteReporter:
    """Delivers the reports of one run through a process of its own.

    Where there is none, or it dies, the run is reported from here, at its end.
    """

    def __init__(
        self,
        service: Service,
        settings: ServiceSettings,
        name: str,
        environ: Mapping[str, str],
        *,
        names: Sequence[str],
        progress: Progress,
    ) -> None:
        """Prepare to report.

        Args:
            service: where to send reports from here.
            settings: the same service, and where reports are kept.
            name: what they are kept under.
            environ: has the token, and the secrets to leave out of files.
            names: chosen by people, and therefore no secrets.
            progress: returns how far the run has come.
        """
        self._service = service
        self._settings = settings
        self._name = name
        self._environ = environ
        self._names = names
        self._progress = progress
        self._reports: list[Report] = []
        self._files: list[Attachment] = []
        self._connection: socket.socket | None = None
        self._unsent = bytearray()
        self._sending = threading.Lock()

    def report(self, report: Report) -> None:
        """Queue a report behind those before it. The first one is the start."""
        self._reports.append(report)
        self._tell({"report": report.kind, "body": report.body})

    def start(self) -> None:
        """Start the process, which takes some milliseconds."""
        if not re.match("python|pypy", PurePath(sys.executable or "").name):
            return  # A program with Python in it would be started once more.
        folder = self._settings.spool_folder
        opening = {
            "url": self._settings.url,
            "account_id": self._settings.account_id,
            "spool_folder": None if folder is None else str(folder.absolute()),
            "name": self._name,
            "names": list(self._names),
        }
        with contextlib.suppress(OSError, subprocess.SubprocessError):
            self._connection = connect_process(self._environ)
            reporters_of_this_process.add(self)
            self._tell(opening)
            for report in self._reports:
                self._tell({"report": report.kind, "body": report.body})

    def advance(self) -> None:
        """Tell how far the run has come."""
        if self._connection is not None:
            self._tell({"progress": self._progress()})

    def count_nodes(self, done: int) -> None:
        """Tell how many nodes of the command under way have ended. Waits for nothing."""
        self._tell({"nodes_done": done}, can_wait=False)

    def attach(self, files: Iterable[Attachment]) -> None:
        """Queue files, which go before the run's end."""
        for file in files:
            self._files.append(file)
            heading = {"file": file.name, "step": file.step, "problem": file.problem}
            self._tell({**heading, "size": len(file.content)}, file.content)

    def close(self, *, deadline: float) -> str | None:
        """Deliver what is left until ``deadline`` (on the monotonic clock).

        Returns what went wrong, as a clause for people; None if the service knows everything.
        """
        give_up_at = deadline + STARTING_SECONDS + (ATTACHING_SECONDS if self._files else 0)
        self._tell({"close": deadline - time.monotonic()})
        with self._sending:
            connection, self._connection = self._connection, None
        if connection is None:
            return self._report_from_here()
        try:
            with connection:
                answer = read_answer(connection, self._unsent, give_up_at)
        except TimeoutError:
            return (
                f"the end of this run was not reported to {self._service.name}: no answer in time"
            )
        return self._report_from_here() if answer is None else answer["trouble"]

    def disown(self) -> None:
        """Speak to the process no more."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _tell(
        self, message: Mapping[str, object], content: bytes = b"", *, can_wait: bool = True
    ) -> None:
        """Send a message, or as much of it as can be sent at once, and the rest with the next one.

        Args:
            message: what to tell.
            content: of a file, which follows it.
            can_wait: whether to wait while another thread sends; else the message is dropped.
        """
        if self._connection is None or not self._sending.acquire(blocking=can_wait):
            return
        try:
            if can_wait or not self._unsent:
                self._unsent += json.dumps(message).encode() + b"\n" + content
            # What the process has not read when it dies is reported from here, at the end.
            with contextlib.suppress(BlockingIOError, ConnectionError):
                while self._unsent and self._connection is not None:
                    del self._unsent[: self._connection.send(self._unsent[:PIECE], SENDING)]
        finally:
            self._sending.release()

    def _report_from_here(self) -> str | None:
        folder = self._settings.spool_folder
        spool = None if folder is None else Spool(folder)
        # The process may have left a file under the run's own name.
        reporter = Reporter(self._service, spool, f"{self._name}-end")
        for report in self._reports:
            reporter.report(report)
        reporter.attach(self._files)
        deadline = time.monotonic() + EXIT_SECONDS
        reporter.start(deadline=deadline)
        return reporter.close(deadline=deadline)


def connect_process(environ: Mapping[str, str]) -> socket.socket:
    """Start a reporter's process, with these variables, and return our end of the connection.

    Raises:
        OSError, subprocess.SubprocessError: it cannot be started.
    """
    ours, theirs = socket.socketpair()
    try:
        with theirs:
            package = str(Path(__file__).parents[3])
            process = [sys.executable, *BARE, "-c", BOOT, package, str(theirs.fileno())]
            subprocess.run(  # noqa: S603 - ourselves
                [*IN_BACKGROUND, *process],
                env=environ,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C ends the program, which then reports its end
                check=True,
            )
    except BaseException:
        ours.close()
        raise
    ours.settimeout(0)
    return ours


def read_answer(
    connection: socket.socket, unsent: bytes | bytearray, give_up_at: float
) -> Mapping[str, str | None] | None:
    """Send the rest and wait for the answer; None if the process has died without one.

    Raises:
        TimeoutError: it has not come in time.
    """
    received = b""
    try:
        if unsent:  # To send nothing fails, too, where the process has answered and ended already.
            connection.settimeout(seconds_left(give_up_at))
            connection.sendall(unsent, SENDING)
        while not received.endswith(b"\n"):
            connection.settimeout(seconds_left(give_up_at))
            if not (piece := connection.recv(PIECE)):
                return None
            received += piece
    except ConnectionError:
        return None
    answer: Mapping[str, str | None] = json.loads(received)
    return answer


def seconds_left(time_limit: float) -> float:
    """Seconds until a time on the monotonic clock.

    Raises:
        TimeoutError: it has passed.
    """
    seconds = time_limit - time.monotonic()
    if seconds <= 0:
        raise TimeoutError
    return seconds
