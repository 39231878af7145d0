"""The narrative of a run: its start, its steps, its progress, its end, its files.

It is told by four entries: while the run goes on by `wrapper` and `python` (``Narrative``), all at
once by `shell` and `importing` (``deliver``). A run within another one has none of its own: its
steps are written down for the outer one (``nesting``).
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from runhook.client.dbt.surroundings import Surroundings
from runhook.client.origin.facts import advice_for, start_facts
from runhook.client.origin.systems import this_place
from runhook.client.reporting.report import Attachment, Report, ReportKind
from runhook.client.reporting.reporter import (
    EXIT_SECONDS,
    HEARTBEAT_SECONDS,
    WATCHFUL_HEARTBEAT_SECONDS,
    Reporter,
)
from runhook.client.reporting.service import Service, UnusableError, connect_service
from runhook.client.reporting.spool import KeptRun, Spool
from runhook.client.run.nesting import StepsFile
from runhook.client.run.reports import finished, started
from runhook.client.run.steps import Step, step_from
from runhook.client.run.verdict import Verdict
from runhook.client.settings import ClientSettings, working_folder
from runhook.domain.secrets.redaction import Redactor

Progress = Callable[[], Mapping[str, object] | None]
"""Reads a run's progress; None if it is unknown."""


class RunReporter(Protocol):
    """Delivers the reports of one run in order: by threads of this process, or beside it."""

    def report(self, report: Report) -> None:
        """Add a report to the queue."""

    def start(self) -> None:
        """Begin to deliver."""

    def advance(self) -> None:
        """Report the run's progress."""

    def attach(self, files: Iterable[Attachment]) -> None:
        """Queue files, which go before the run's end."""

    def close(self, *, deadline: float) -> str | None:
        """Deliver the rest until ``deadline``; return what went wrong."""


class Narrative:
    """A run reported while it goes on. Its methods may raise: see the entries' guards."""

    def __init__(
        self,
        run_key: str,
        settings: ClientSettings,
        environ: Mapping[str, str],
        *,
        make_reporter: Callable[[Service, Progress], RunReporter] | None = None,
    ) -> None:
        """Prepare to report.

        Args:
            run_key: our name for the run.
            settings: of the run.
            environ: the environment that it began with.
            make_reporter: makes what delivers its reports; None: threads of this process.
        """
        self.run_key = run_key
        self._make_reporter = make_reporter
        self.trouble: str | None = None
        """Why the run was not reported, as a clause for people; None if it was."""
        self.advice: str | None = None
        """Sentence that says how to give the job a name."""
        self._settings = settings
        self._environ = environ
        self._reporter: RunReporter | None = None
        self._elsewhere = steps_file(settings, run_key)

    @property
    def has_begun(self) -> bool:
        """Whether the run's reports have a service to go to."""
        return self._reporter is not None

    def begin(
        self,
        command: Sequence[str],
        at: datetime,
        redact: Redactor,
        *,
        progress: Progress,
        on_cancel_request: Callable[[], None] | None = None,
    ) -> None:
        """Report the start, in the background: the run's first command must have been started.

        Args:
            command: the first one, which says what the run is about.
            at: when the run has started.
            redact: takes secrets out of what is known of the start.
            progress: see ``Progress``; called on a thread of the reporter's.
            on_cancel_request: called once if a user cancels the run; None: it cannot be canceled.
        """
        try:
            service = connect_service(self._settings.service, self._environ)
        except UnusableError as error:
            self.trouble = f"this run was not reported: {error}"
            return
        start, self.advice = start_of_run(
            self.run_key,
            command,
            self._settings,
            self._environ,
            redact,
            at=at,
            heartbeats=True,
            cancelable=on_cancel_request is not None,
        )
        if self._make_reporter is not None:
            self._reporter = self._make_reporter(service, progress)
        else:
            self._reporter = Reporter(
                service,
                spool_of(self._settings),
                self.run_key,
                heartbeat_seconds=(
                    HEARTBEAT_SECONDS if on_cancel_request is None else WATCHFUL_HEARTBEAT_SECONDS
                ),
                on_cancel_request=on_cancel_request,
                progress=progress,
            )
        self._reporter.report(start)
        self._reporter.start()

    def advance(self) -> None:
        """Report the run's progress."""
        if self._reporter is not None:
            self._reporter.advance()

    def cancel(self) -> None:
        """Report that the run is being canceled, now: the sender may soon kill us all."""
        if self._reporter is not None:
            self._reporter.report(Report(kind=ReportKind.CANCELING, body={}))

    def attach_files_of(self, steps: Sequence[Step], redact: Redactor, *, first: int = 1) -> None:
        """Attach what steps have written, if that is wanted; they ended just now.

        Args:
            steps: in order.
            redact: takes secrets out of files.
            first: position of the first of them in the run, from 1.
        """
        if self._reporter is not None and self._settings.upload_artifacts:
            attach_files(steps, self._reporter, redact, first=first)

    def steps_elsewhere(self) -> list[Step]:
        """Steps that other processes have added since the last call."""
        return [] if self._elsewhere is None else steps_in(self._elsewhere)

    def end(
        self,
        verdict: Verdict,
        steps: Sequence[Step],
        at: datetime,
        *,
        deadline: float,
    ) -> None:
        """Report the end and what is left, until ``deadline`` on the monotonic clock.

        Args:
            verdict: how the run ended.
            steps: all of them, in order.
            at: when it ended.
            deadline: when the process has to end.
        """
        if self._reporter is not None:
            self._reporter.report(finished(verdict, steps, at))
        if self._elsewhere is not None:
            self._elsewhere.remove()
        if self._reporter is None:
            return
        self.trouble = self._reporter.close(deadline=deadline)


def deliver(
    reports: Sequence[Report],
    name: str,
    settings: ClientSettings,
    environ: Mapping[str, str],
    *,
    kept: KeptRun | None = None,
    steps: Sequence[Step] = (),
) -> str | None:
    """Deliver all reports of a run at once, within ``EXIT_SECONDS``.

    Args:
        reports: the reports, the start first.
        name: their name in the spool, if they cannot be delivered.
        settings: the service and account to report to.
        environ: names the proxies, and has the secrets to leave out.
        kept: where they are kept already.
        steps: those whose files are attached before the end is reported, if that is wanted.

    Returns what went wrong, as a clause for people; None if the service knows everything.
    """
    try:
        service = connect_service(settings.service, environ)
    except UnusableError as error:
        return f"this run was not reported: {error}"
    reporter = Reporter(service, spool_of(settings), name, kept=kept)
    for report in reports:
        reporter.report(report)
    if settings.upload_artifacts and steps:
        attach_files(steps, reporter, Redactor(environ))
    deadline = time.monotonic() + EXIT_SECONDS
    reporter.start(deadline=deadline)
    return reporter.close(deadline=deadline)


def start_of_run(
    run_key: str,
    command: Sequence[str],
    settings: ClientSettings,
    environ: Mapping[str, str],
    redact: Callable[[str], str],
    *,
    at: datetime,
    heartbeats: bool,
    cancelable: bool = False,
) -> tuple[Report, str | None]:
    """Start report of a run that begins here, and advice on its job's name, if it has none."""
    around = Surroundings(command, environ, working_folder(environ))
    facts = start_facts(settings, around, this_place(environ), redact)
    report = started(
        run_key,
        facts,
        at,
        heartbeats=heartbeats,
        cancelable=cancelable,
        give_up_after=settings.give_up_after,
    )
    return report, advice_for(facts)


def attach_files(
    steps: Sequence[Step], reporter: RunReporter, redact: Redactor, *, first: int = 1
) -> None:
    """Queue the files of steps, the first of which has that position in the run."""
    from runhook.client.run.attaching import files_of_steps  # noqa: PLC0415 - few runs do

    reporter.attach(files_of_steps(steps, redact, first=first))


def spool_of(settings: ClientSettings) -> Spool | None:
    """The spool; None where the user has no home."""
    folder = settings.service.spool_folder
    return None if folder is None else Spool(folder)


def steps_file(settings: ClientSettings, run_key: str) -> StepsFile | None:
    """Where a run's steps are gathered; None where the user has no home."""
    folder = settings.service.spool_folder
    return None if folder is None else StepsFile(folder, run_key)


def steps_in(file: StepsFile) -> list[Step]:
    """Steps that were added to a file since the last call."""
    return [step for step in map(step_from, file.new_steps()) if step is not None]
