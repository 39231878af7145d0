"""Deliver a run's reports in order, in the background, without ever holding dbt up.

Reports wait in a queue and the first one is tried until it is taken, so that the service hears of
a start before the end. What is still undelivered when the time at exit is over is lost; a spool
on disk would take the queue's place.
"""

import threading
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from runhook.client.service import Accepted, Failed, Service

HEARTBEAT_SECONDS = 30.0
REQUEST_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_PAUSE_SECONDS = 0.2
SHORTEST_REQUEST_SECONDS = 0.05


class Kind(StrEnum):
    """What a report tells; all but the first are also the last part of its path."""

    STARTED = "start"
    HEARTBEAT = "heartbeat"
    CANCELING = "cancel"
    FINISHED = "finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing to tell the service about the run."""

    kind: Kind
    body: Mapping[str, object]


class Reporter:
    """Tells the service about one run."""

    def __init__(self, service: Service, *, heartbeat_seconds: float = HEARTBEAT_SECONDS) -> None:
        self._service = service
        self._heartbeat_seconds = heartbeat_seconds
        self._queue: deque[Report] = deque()
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._run_id: str | None = None
        self._problem: str | None = None
        self._is_done = False
        # A daemon, so that an answer that never comes does not keep the process.
        self._thread = threading.Thread(target=self._work, name="runhook-reporter", daemon=True)

    def start(self) -> None:
        """Begin to deliver. The command must have been started: forking and threads do not mix."""
        self._thread.start()

    def report(self, report: Report) -> None:
        """Take a report; it is delivered after those before it. The first tells of the start."""
        with self._changed:
            self._queue.append(report)
            self._changed.notify_all()

    def close(self, *, deadline: float) -> str | None:
        """Deliver what is left until ``deadline`` (on the monotonic clock).

        Returns what went wrong, as a clause for people; None if the service knows everything.
        """
        with self._changed:
            self._deadline = deadline
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._is_done, timeout=deadline - time.monotonic())
            if self._is_done and self._problem is None:
                return None
            what = "this run" if self._run_id is None else "the end of this run"
            why = self._problem or "no answer in time"
            return f"{what} was not reported to {self._service.name}: {why}"

    def _work(self) -> None:
        try:
            while (report := self._next_report()) is not None:
                self._deliver(report)
        except Exception as error:  # noqa: BLE001 - a bug of ours must not show in dbt's run
            self._problem = f"internal error, {type(error).__name__}"
        with self._changed:
            self._is_done = True
            self._changed.notify_all()

    def _next_report(self) -> Report | None:
        """Return the report to deliver next, a heartbeat if there is none, None at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._queue or self._deadline is not None, timeout=self._heartbeat_seconds
            )
            if self._queue:
                return self._queue[0]
            return Report(kind=Kind.HEARTBEAT, body={}) if self._deadline is None else None

    def _deliver(self, report: Report) -> None:
        """Try until the report is taken, refused for good, or not worth another try."""
        pause = FIRST_PAUSE_SECONDS
        was_exiting = self._deadline is not None
        while isinstance(answer := self._send(report), Failed):
            if report.kind in {Kind.STARTED, Kind.FINISHED}:
                self._problem = answer.reason
            if answer.is_final or not self._pause_before_retry(
                report.kind, pause, was_exiting=was_exiting
            ):
                self._drop(report)
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            was_exiting = self._deadline is not None
        self._take(report, answer)

    def _send(self, report: Report) -> Accepted | Failed:
        timeout = REQUEST_SECONDS
        if self._deadline is not None:
            timeout = max(self._deadline - time.monotonic(), SHORTEST_REQUEST_SECONDS)
        if self._run_id is None:
            return self._service.start_run(report.body, timeout=timeout)
        return self._service.tell(self._run_id, report.kind, report.body, timeout=timeout)

    def _pause_before_retry(self, kind: Kind, pause: float, *, was_exiting: bool) -> bool:
        """Wait, and tell whether another try makes sense.

        At exit a service that has taken the start is given all the time there is; one that never
        has gets one more try, and does not delay each run of every day.

        Args:
            kind: of the report that was not taken.
            pause: seconds, as long as dbt runs.
            was_exiting: whether dbt had ended when the try that failed began.
        """
        if kind is Kind.HEARTBEAT:
            return False
        with self._changed:
            if self._deadline is None:
                self._changed.wait_for(lambda: self._deadline is not None, timeout=pause)
                return True
            if kind is Kind.CANCELING:
                return False
            if self._run_id is None:
                return not was_exiting
            time_left = self._deadline - time.monotonic()
        time.sleep(min(LAST_PAUSE_SECONDS, max(time_left, 0)))
        return time_left > LAST_PAUSE_SECONDS

    def _take(self, report: Report, answer: Accepted) -> None:
        with self._changed:
            if report.kind is Kind.STARTED:
                self._run_id = str(answer.data["id"])
            if report.kind is not Kind.HEARTBEAT:
                self._queue.popleft()
                self._problem = None

    def _drop(self, report: Report) -> None:
        with self._changed:
            if report.kind is Kind.STARTED:
                # A run that the service does not know has neither heartbeats nor an end.
                self._queue.clear()
                self._deadline = self._deadline or time.monotonic()
            elif report.kind is not Kind.HEARTBEAT:
                self._queue.popleft()
