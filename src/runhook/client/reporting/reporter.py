"""Deliver a run's reports in order, in the background, without ever holding dbt up.

A report is first kept on the disk (``spool``), then sent, then the next one. What cannot be
delivered in the time at exit stays on the disk and goes with the next run. Where nothing can be
kept, reports wait in memory only, and what is undelivered at exit is lost.

Files go before the report of the run's end, which is on the disk meanwhile: who hears of the end
can read them. They are kept too, as copies without secrets (``kept_files``). What cannot be
attached in the time at exit does not hold the end up, and goes with the next run.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping

from runhook.client.reporting.keeper import Keeper
from runhook.client.reporting.kept_files import HeldFile, KeptFile
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
ATTACHING_SECONDS = 13.0
"""How much longer still if it has, with the report of the end: a manifest may be large."""
SILENT_SECONDS = 5.0
"""How long a service may say nothing to a file then, until the rest is left to the next run."""
LARGEST_HELD = 256 << 20
"""Bytes of all files that wait in memory to be kept or attached."""


class Reporter:
    """Tells the service about one run."""

    def __init__(
        self,
        service: Service,
        spool: Spool | None,
        name: str,
        *,
        heartbeat_seconds: float = HEARTBEAT_SECONDS,
        silent_seconds: float = SILENT_SECONDS,
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
            silent_seconds: how long the service may say nothing to a file at exit.
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
        self._silent_seconds = silent_seconds
        self._to_keep: deque[Report] = deque()
        self._to_send: deque[Report] = deque()
        self._to_copy: deque[Attachment] = deque()
        self._files: deque[KeptFile | HeldFile] = deque()
        self._files_until: float | None = None
        self._not_attached: str | None = None
        self._are_files_left = False
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
        if deadline is not None:
            self._set_deadline(deadline)
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
                held = self._bytes_held()
                if held and held + len(file.content) > LARGEST_HELD:
                    self._not_attached = f"{file.name} would be too much to hold until it is sent"
                else:
                    self._to_copy.append(file)
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
            self._set_deadline(deadline)
            self._changed.notify_all()
            while not (self._is_done and not (self._to_keep or self._to_copy)):
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
            waiting = self._to_keep or self._to_copy or self._to_send or self._files
            return not waiting and not self._is_late()

    def seconds_for_request(self) -> float:
        """Time limit for a request that begins now, in seconds."""
        if self._deadline is None:
            return REQUEST_SECONDS
        return max(self._deadline - time.monotonic(), SHORTEST_REQUEST_SECONDS)

    def _set_deadline(self, deadline: float) -> None:
        if self._files_until is None:
            self._deadline = deadline
            self._files_until = deadline + ATTACHING_SECONDS - EXIT_SECONDS

    def _end_of_time(self, deadline: float) -> float:
        """When the process has to end, which must end by ``deadline`` without files to attach."""
        latest = deadline + ATTACHING_SECONDS
        if self._to_copy or (self._files and self._run_id is not None):
            return latest
        return min(max(deadline, self._deadline or deadline), latest)

    def _bytes_held(self) -> int:
        waiting = [len(one.content) for one in self._to_copy]
        held = [len(one.content) for one in self._files if isinstance(one, HeldFile)]
        return sum(waiting) + sum(held)

    def _trouble(self) -> str | None:
        older = self._keeper.about_others()
        files = self._not_attached and f"not all artifacts were attached: {self._not_attached}"
        if files and self._are_files_left:
            files += "; what is left is kept for the next run, or `runhook flush`"
        if self._is_told:
            return "; ".join(filter(None, (files, older))) or None
        what = "this run" if self._run_id is None else "the end of this run"
        why = self._problem or "no answer in time"
        parts = [
            f"{what} was not reported to {self._service.name}: {why}",
            self._where_kept(),
            older,
        ]
        return "; ".join(filter(None, parts))

    def _where_kept(self) -> str | None:
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
        """Write each report to the disk, then queue it for sending; then files likewise."""
        self._keeper.open()
        while (next_one := self._next_to_keep()) is not None:
            if isinstance(next_one, Attachment):
                self._copy(next_one)
                continue
            self._keeper.add(next_one)
            with self._changed:
                self._to_keep.popleft()
                self._to_send.append(next_one)
                self._is_kept = self._keeper.why_not is None and not self._to_keep
                self._changed.notify_all()

    def _next_to_keep(self) -> Report | Attachment | None:
        """Wait for what is next to write; None at the end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._to_keep or self._to_copy or self._deadline is not None
            )
            if self._to_keep:
                return self._to_keep[0]
            return self._to_copy[0] if self._to_copy else None

    def _copy(self, file: Attachment) -> None:
        copied, problem = None, None
        try:
            copied = self._keeper.copy(file)
        except NotAttachedError as error:
            problem = str(error)
        with self._changed:
            self._to_copy.popleft()
            self._not_attached = self._not_attached or problem
            if copied is not None:
                self._files.append(copied)
            self._changed.notify_all()

    def _send(self) -> None:
        while (next_one := self._next_to_send()) is not None:
            if not isinstance(next_one, Report):
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

    def _next_to_send(self) -> Report | KeptFile | HeldFile | None:
        """Wait for what is next to send, or a heartbeat if there is nothing; None at the end.

        No heartbeat is sent before the service knows the run: the disk may delay the start for
        longer than the time between two of them.
        """
        with self._changed:
            while not self._has_report_to_send():
                if self._has_file_to_send():
                    return self._files[0]
                if self._is_over():
                    return None
                self._changed.wait_for(
                    lambda: (
                        self._has_report_to_send()
                        or self._has_file_to_send()
                        or self._has_news()
                        or self._is_over()
                    ),
                    timeout=self._seconds_to_wait(),
                )
                if self._deadline is None and not (self._to_send or self._has_file_to_send()):
                    self._has_advanced = False
                    return self._sign_of_life()
            if self._to_send[0].kind is ReportKind.FINISHED:
                self._leave_files()
            return self._to_send[0]

    def _has_report_to_send(self) -> bool:
        """Whether a report can be sent; the end waits for its files while they have time."""
        if not self._to_send:
            return False
        is_end = self._to_send[0].kind is ReportKind.FINISHED
        has_files = bool(self._files or self._to_copy)
        in_time = self._files_until is None or time.monotonic() < self._files_until
        return not (is_end and has_files and in_time)

    def _has_file_to_send(self) -> bool:
        in_time = self._files_until is None or time.monotonic() < self._files_until
        return bool(self._files) and self._run_id is not None and in_time

    def _is_over(self) -> bool:
        """Whether there is nothing more to send, and will not be."""
        return self._deadline is not None and not (self._to_keep or self._to_send)

    def _seconds_to_wait(self) -> float | None:
        """Time until a heartbeat is due, or the end waits for files no longer."""
        if self._files_until is not None:
            return max(self._files_until - time.monotonic(), 0)
        return None if self._run_id is None else self._heartbeat_seconds

    def _leave_files(self) -> None:
        """Leave the files that were not sent in their time to the next run."""
        for file in [*self._files, *self._to_copy]:
            self._not_attached = self._not_attached or f"{file.name}: no time left"
        self._are_files_left |= any(isinstance(file, KeptFile) for file in self._files)
        self._files.clear()
        if self._deadline is not None:
            # The end has the time that it has without files.
            self._deadline = max(self._deadline, time.monotonic() + EXIT_SECONDS)

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

    def _attach(self, file: KeptFile | HeldFile) -> None:
        """Attach a file, once; at exit no other is tried after a service that says nothing."""
        assert self._run_id is not None
        problem, is_left, is_silent = None, False, False
        try:
            content = file.read()
        except OSError as error:
            problem = f"{file.name}: {trouble_of(error)}"
        else:
            answer = self._service.attach(
                self._run_id,
                file.name,
                content,
                step=file.step,
                timeout=self._seconds_for_file(),
            )
            if isinstance(answer, RequestFailed):
                problem = f"{file.name}: {answer.reason}"
                is_left, is_silent = not answer.is_refused, answer.status is None
        if not is_left:
            file.remove()
        with self._changed:
            self._files.popleft()
            self._are_files_left |= is_left and isinstance(file, KeptFile)
            self._not_attached = self._not_attached or problem
            if is_silent and self._files_until is not None:
                self._files_until = time.monotonic()
            self._changed.notify_all()

    def _seconds_for_file(self) -> float:
        """Seconds that the service may say nothing to a file."""
        if self._files_until is None:
            return REQUEST_SECONDS
        seconds = min(self._files_until - time.monotonic(), self._silent_seconds)
        return max(seconds, SHORTEST_REQUEST_SECONDS)

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
            if not (self._to_copy or self._keeper.has_files()):
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
