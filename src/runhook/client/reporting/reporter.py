"""Deliver a run's reports in order, in the background, without ever holding dbt up.

A report is first kept on the disk (``spool``), then sent, then the next one. What cannot be
delivered in the time at exit stays on the disk and goes with the next run. Where nothing can be
kept, reports wait in memory only, and what is undelivered at exit is lost.

Files go before the report of the run's end, which is on the disk meanwhile: who hears of the end
can read them. They are not kept: what cannot be attached in the time at exit is left out.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from runhook.client.reporting.keeper import Keeper
from runhook.client.reporting.report import Attachment, NotAttachedError, Report, ReportKind
from runhook.client.reporting.service import Accepted, RequestFailed, Service
from runhook.client.reporting.spool import KeptRun, Spool
from runhook.client.trouble import trouble_of

HEARTBEAT_SECONDS = 30.0
WATCHFUL_HEARTBEAT_SECONDS = 10.0
"""Heartbeat interval where a user who cancels a run waits for the next one."""
REQUEST_SECONDS = 10.0
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 30.0
LAST_PAUSE_SECONDS = 0.2
SHORTEST_REQUEST_SECONDS = 0.05
PASSING = frozenset({ReportKind.HEARTBEAT, ReportKind.PROGRESS})
"""What is not worth another try: the next one says more."""
EXIT_SECONDS = 2.0
"""How much longer than dbt alone a run may take, all in all, if it has no files to attach."""
ATTACHING_SECONDS = 15.0
"""How much longer still if it has: a manifest may be large."""
LARGEST_HELD = 256 << 20
"""Bytes of all files that wait to be attached."""
LONGEST_ATTACHING_SECONDS = 60.0
"""Time limit for one file as long as dbt runs."""


class Reporter:
    """Tells the service about one run."""

    def __init__(
        self,
        service: Service,
        spool: Spool | None,
        name: str,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        on_cancel_request: Callable[[], None] | None = None,
        progress: Callable[[], Mapping[str, object] | None] | None = None,
        kept: KeptRun | None = None,
    ) -> None:
        """Prepare to tell.

        Args:
            service: where to send reports.
            spool: where reports are kept until they are delivered.
            name: what they are kept under.
            heartbeat_seconds: time after the last report until a heartbeat is sent.
            on_cancel_request: called once if a user requests the run's cancellation.
            progress: returns how far the run has come, or None; called on the reporter's thread.
            kept: where all that will be reported is kept already.
        """
        self._service = service
        self._progress = progress
        self._has_advanced = False
        self._on_cancel_request = on_cancel_request
        self._keeper = Keeper(spool, service, name, kept)
        self._heartbeat_seconds = heartbeat_seconds
        self._to_keep: deque[Report] = deque()
        self._to_send: deque[Report] = deque()
        self._files: deque[Attachment] = deque()
        self._not_attached: str | None = None
        self._changed = threading.Condition()
        self._deadline: float | None = None
        self._run_id: str | None = None
        self._problem: str | None = None
        self._is_kept = False
        self._is_told = False
        self._is_refused = False
        self._is_not_understood = False
        self._is_done = False
        # Daemons, so that an answer that never comes does not keep the process.
        self._threads = [
            threading.Thread(target=self._guarded, args=(work,), name=name, daemon=True)
            for name, work in (("runhook-keeper", self._keep), ("runhook-reporter", self._send))
        ]

    def start(self, *, deadline: float | None = None) -> None:
        """Begin to deliver. The command must have been started: forking and threads do not mix.

        With a ``deadline`` all was said already, and what is left is to ``close``.
        """
        self._deadline = deadline
        for thread in self._threads:
            thread.start()

    def report(self, report: Report) -> None:
        """Queue a report behind those before it. The first one is the start."""
        with self._changed:
            self._is_kept = False
            self._to_keep.append(report)
            if report.kind in {ReportKind.CANCELING, ReportKind.FINISHED}:
                # The service will say that a cancel is requested, as we reported it.
                self._on_cancel_request = None
            self._changed.notify_all()

    def attach(self, files: Iterable[Attachment]) -> None:
        """Queue files: they go when there is nothing to report, and before the run's end."""
        with self._changed:
            for file in files:
                if (
                    sum(len(one.content) for one in self._files) + len(file.content) > LARGEST_HELD
                    and self._files
                ):
                    self._not_attached = f"{file.name} would be too much to hold until it is sent"
                else:
                    self._files.append(file)
            self._changed.notify_all()

    def advance(self) -> None:
        """Tell how far the run has come as soon as there is nothing else to tell."""
        with self._changed:
            self._has_advanced = True
            self._changed.notify_all()

    def close(self, *, deadline: float) -> str | None:
        """Deliver what is left until ``deadline`` (on the monotonic clock).

        Returns what went wrong, as a clause for people; None if the service knows everything.
        """
        with self._changed:
            self._deadline = deadline
            self._changed.notify_all()
            while not (self._is_done and not self._to_keep):
                if (seconds := self._end_of_time(deadline) - time.monotonic()) <= 0:
                    break
                self._changed.wait(seconds)
            return self._trouble()

    @property
    def run_id(self) -> str | None:
        """What the service calls the run; None if it has not taken it."""
        return self._run_id

    def is_idle(self) -> bool:
        """Whether there is time for other runs than this one."""
        with self._changed:
            waiting = self._to_keep or self._to_send or self._files
            return not waiting and not self._is_late()

    def seconds_for_request(self) -> float:
        """Time limit for a request that begins now, in seconds."""
        if self._deadline is None:
            return REQUEST_SECONDS
        return max(self._deadline - time.monotonic(), SHORTEST_REQUEST_SECONDS)

    def _end_of_time(self, deadline: float) -> float:
        """When the process has to end, which must end by ``deadline`` without files to attach."""
        if self._run_id is None or not self._files:
            return max(deadline, self._deadline or deadline)
        return deadline + ATTACHING_SECONDS

    def _trouble(self) -> str | None:
        older = self._keeper.about_others()
        files = self._not_attached and f"not all artifacts were attached: {self._not_attached}"
        if self._is_told:
            return "; ".join(filter(None, (files, older))) or None
        what = "this run" if self._run_id is None else "the end of this run"
        why = self._problem or "no answer in time"
        parts = [f"{what} was not reported to {self._service.name}: {why}", self._comfort(), older]
        return "; ".join(filter(None, parts))

    def _comfort(self) -> str | None:
        """Say where undelivered reports are kept."""
        if self._is_refused:
            return None
        if self._is_kept and self._is_not_understood:
            return "it is kept for a newer service"
        if not self._is_kept:
            return f"nor kept: {self._keeper.why_not or 'no time left'}"
        return "it is kept for the next run, or `runhook flush`"

    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a bug of ours must not show in dbt's run
            with self._changed:
                self._problem = trouble_of(error)
                self._is_done = True
                self._changed.notify_all()

    def _keep(self) -> None:
        """Write each report to the disk, then queue it for sending."""
        self._keeper.open()
        while (report := self._next_to_keep()) is not None:
            self._keeper.add(report)
            with self._changed:
                self._to_keep.popleft()
                self._to_send.append(report)
                self._is_kept = self._keeper.why_not is None and not self._to_keep
                self._changed.notify_all()

    def _next_to_keep(self) -> Report | None:
        """Wait for the next report to write; None at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._to_keep or self._deadline is not None)
            return self._to_keep[0] if self._to_keep else None

    def _send(self) -> None:
        while (next_one := self._next_to_send()) is not None:
            if isinstance(next_one, Attachment):
                self._attach(next_one)
                continue
            self._deliver(next_one)
            if self._run_id is None:
                # A run that the service does not know has neither heartbeats nor an end.
                break
            if self.is_idle():
                self._keeper.send_backlog(timeout=self.seconds_for_request, go_on=self.is_idle)
        with self._changed:
            self._is_done = True
            self._changed.notify_all()

    def _next_to_send(self) -> Report | Attachment | None:
        """Wait for what is next to send, or a heartbeat if there is nothing; None at the end.

        No heartbeat is sent before the service knows the run: the disk may delay the start for
        longer than the time between two of them.
        """
        with self._changed:
            while not self._to_send:
                if self._has_file_to_send():
                    return self._files[0]
                if self._deadline is not None and not self._to_keep:
                    return None
                self._changed.wait_for(
                    lambda: (
                        self._to_send
                        or self._has_file_to_send()
                        or self._has_news()
                        or (self._deadline is not None and not self._to_keep)
                    ),
                    timeout=None if self._run_id is None else self._heartbeat_seconds,
                )
                if self._deadline is None and not (self._to_send or self._has_file_to_send()):
                    self._has_advanced = False
                    return self._sign_of_life()
            is_end = self._to_send[0].kind is ReportKind.FINISHED
            return self._files[0] if is_end and self._has_file_to_send() else self._to_send[0]

    def _has_file_to_send(self) -> bool:
        return bool(self._files) and self._run_id is not None

    def _has_news(self) -> bool:
        """Whether the run has advanced, between its reported start and its end."""
        return self._has_advanced and self._run_id is not None and self._deadline is None

    def _sign_of_life(self) -> Report:
        """A progress report, or a heartbeat if progress cannot be determined."""
        try:
            body = self._progress() if self._progress is not None else None
        except Exception:  # noqa: BLE001 - it changes while we look, and a run must not suffer
            body = None
        if body is None:
            return Report(kind=ReportKind.HEARTBEAT, body={})
        return Report(kind=ReportKind.PROGRESS, body=body)

    def _is_late(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline

    def _deliver(self, report: Report) -> None:
        """Try until the report is taken, refused for good, or not worth another try."""
        pause = FIRST_PAUSE_SECONDS
        was_exiting = self._deadline is not None
        while isinstance(answer := self._request(report), RequestFailed):
            if report.kind in {ReportKind.STARTED, ReportKind.FINISHED}:
                self._problem = answer.reason
            if answer.is_final or not self._pause_before_retry(
                report.kind, pause, was_exiting=was_exiting
            ):
                self._drop(report, answer)
                return
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)
            was_exiting = self._deadline is not None
        self._take(report, answer)

    def _attach(self, file: Attachment) -> None:
        """Attach a file, once; after a failure of the service no other is tried."""
        assert self._run_id is not None
        problem, is_over = None, False
        try:
            content = file.read()
        except NotAttachedError as error:
            problem = str(error)
        else:
            with self._changed:
                seconds = LONGEST_ATTACHING_SECONDS
                if self._deadline is not None:
                    seconds = self._deadline + ATTACHING_SECONDS - time.monotonic()
            answer = self._service.attach(
                self._run_id,
                file.name,
                content,
                step=file.step,
                timeout=max(seconds, SHORTEST_REQUEST_SECONDS),
            )
            if isinstance(answer, RequestFailed):
                problem, is_over = f"{file.name}: {answer.reason}", answer.status is None
        with self._changed:
            self._files.popleft()
            if is_over and self._deadline is not None:
                self._files.clear()
            self._not_attached = self._not_attached or problem
            if self._deadline is not None and not self._files:
                # The end of the run has the time that it has without files.
                self._deadline = max(self._deadline, time.monotonic() + EXIT_SECONDS)
            self._changed.notify_all()

    def _request(self, report: Report) -> Accepted | RequestFailed:
        timeout = self.seconds_for_request()
        if report.kind is ReportKind.STARTED:
            return self._service.start_run(report.body, timeout=timeout)
        assert self._run_id is not None
        return self._service.tell(self._run_id, report.kind, report.body, timeout=timeout)

    def _pause_before_retry(self, kind: ReportKind, pause: float, *, was_exiting: bool) -> bool:
        """Wait, and tell whether another try makes sense.

        At exit a service that has taken the start is given all the time there is; one that never
        has gets one more try, and does not delay each run of every day.

        Args:
            kind: of the report that was not taken.
            pause: seconds, as long as dbt runs.
            was_exiting: whether dbt had ended when the try that failed began.
        """
        if kind in PASSING:
            return False
        with self._changed:
            if self._deadline is None:
                self._changed.wait_for(lambda: self._deadline is not None, timeout=pause)
                return True
            if kind is ReportKind.CANCELING:
                return False
            if self._run_id is None:
                return not was_exiting
            time_left = self._deadline - time.monotonic()
        time.sleep(min(LAST_PAUSE_SECONDS, max(time_left, 0)))
        return time_left > LAST_PAUSE_SECONDS

    def _take(self, report: Report, answer: Accepted) -> None:
        with self._changed:
            if report.kind is ReportKind.STARTED:
                self._run_id = str(answer.data["id"])
            if report.kind not in PASSING:
                self._to_send.popleft()
                self._problem = None
            is_last = self._deadline is not None and not (self._to_keep or self._to_send)
        if report.kind is ReportKind.FINISHED or is_last:
            self._is_told = True
            self._keeper.forget()
        if answer.data.get("cancel_requested") is True:
            self._pass_on_cancel_request()

    def _pass_on_cancel_request(self) -> None:
        """Call ``on_cancel_request``, once, if the service asks to cancel and we did not."""
        with self._changed:
            callback, self._on_cancel_request = self._on_cancel_request, None
        if callback is not None:
            callback()

    def _drop(self, report: Report, answer: RequestFailed) -> None:
        with self._changed:
            if report.kind is ReportKind.PROGRESS and answer.is_final:
                # A service that refuses a progress report may still accept a heartbeat.
                self._progress = None
            if report.kind not in PASSING:
                self._to_send.popleft()
            is_about_run = report.kind in {ReportKind.STARTED, ReportKind.FINISHED}
            self._is_not_understood = answer.is_not_understood and is_about_run
            self._is_refused = answer.is_refused and not answer.is_not_understood and is_about_run
        if self._is_refused:
            self._keeper.forget()
