"""`runhook.run`: report a run from Python, as `runhook run` does from a shell.

Errors of ours are in ``trouble``, and logged as warnings of the logger `runhook`; none is raised.
"""

import logging
import os
import time
from argparse import Namespace
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from runhook.client.dbt.artifacts import Found, Traces, look_for
from runhook.client.dbt.surroundings import Surroundings
from runhook.client.dbt.tag import TAG, TAG_VARIABLE
from runhook.client.python.dbt_events import Notebook, Noted, step_of_command, words_of_command
from runhook.client.python.remote_reporter import RemoteReporter
from runhook.client.reporting.reporter import EXIT_SECONDS
from runhook.client.reporting.service import Service
from runhook.client.run.narrative import Narrative, Progress
from runhook.client.run.nesting import (
    RUN_VARIABLE,
    OuterRun,
    StepsFile,
    new_run_key,
    outer_run,
    run_variable,
)
from runhook.client.run.steps import (
    Step,
    ended_step,
    failure,
    first_failed,
    progress,
    step_name,
    sum_up,
)
from runhook.client.run.verdict import Verdict, canceled, errored, failed, succeeded
from runhook.client.settings import ClientSettings, read_settings, working_folder
from runhook.client.trouble import trouble_of
from runhook.domain.dbt.artifacts import RunResults, shorten
from runhook.domain.secrets.redaction import Redactor

MESSAGE_CHARACTERS = 250
log = logging.getLogger("runhook")


def run(
    job: str | None = None,
    *,
    project: str | None = None,
    environment: str | None = None,
    reason: str | None = None,
    url: str | None = None,
    account_id: str | None = None,
    messages: bool = True,
    upload_artifacts: bool | None = None,
) -> "Run":
    """Report what happens in a ``with`` block as a run.

    ::

        with runhook.run(job="nightly") as run:
            with run.step("load orders"):
                load_orders()
            dbtRunner(callbacks=[run.callback]).invoke(["build"])

    The run succeeds if the block ends, no step has failed, and ``fail`` was not called. An
    exception makes it errored, KeyboardInterrupt canceled; both propagate. Settings that are not
    given come from the environment, as those of `runhook run` do.

    Args:
        job: the job's name; else RUNHOOK_JOB or the scheduler names it, else it is `unnamed (dbt)`.
        project: the project's name.
        environment: the environment's name.
        reason: why the run takes place.
        url: where the service is.
        account_id: the account that the run belongs to.
        messages: whether dbt's messages about failed nodes, and exceptions, are reported.
        upload_artifacts: whether dbt's files are attached; None: if RUNHOOK_UPLOAD_ARTIFACTS is 1.
    """
    given = Namespace(
        job=job,
        project=project,
        environment=environment,
        reason=reason,
        url=url,
        account_id=account_id,
        no_messages=not messages,
        upload_artifacts=upload_artifacts,
    )
    environ = dict(os.environ)
    settings = read_settings(given, environ)
    return Run(settings, environ)


class Run:
    """A run under way. Within another one, its steps are steps of that.

    In a child that the program forks within it, nothing is reported: its parent does that.
    """

    def __init__(self, settings: ClientSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._inherited = environ
        self._run_key = new_run_key()
        self._outer: OuterRun | None = None
        self._process = os.getpid()
        self._reporter: RemoteReporter | None = None
        self._names = [*filter(None, (settings.job, settings.project, settings.environment))]
        self._narrative = Narrative(
            self._run_key, settings, environ, make_reporter=self._make_reporter
        )
        self._notebook = Notebook()
        self._steps: list[Step] = []
        self._open: list[StepOfRun] = []
        self._count = 0
        self._failure: Verdict | None = None
        self._started_at = datetime.now(UTC)
        self._redact = Redactor(environ, names=self._names)
        self.trouble: str | None = None
        """Why the run was not reported; None if it was."""

    def __enter__(self) -> Self:
        """Report the start, in the background."""
        self._process = os.getpid()
        self._started_at = datetime.now(UTC)
        self._quietly(self._begin)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Report the end and what is left, within two seconds."""
        self._quietly(lambda: self._end(error))
        if self.trouble is not None:
            log.warning("%s", self.trouble)

    @property
    def environ(self) -> Mapping[str, str]:
        """The environment for processes in which `runhook step` and `runhook run` tell steps."""
        if self._outer is not None:
            return self._inherited
        return {**self._inherited, RUN_VARIABLE: run_variable(self._run_key)}

    def step(self, name: str, *, target: str | Path | None = None) -> "StepOfRun":
        """Report a block within this one as a step.

        Args:
            name: the step's name.
            target: the folder that dbt writes its results to, if that cannot be seen from here. It
                can also be set as ``target`` of the step, within the block.
        """
        self._count += 1
        return StepOfRun(
            name,
            f"{self._run_key}-{self._count}",
            self.environ,
            target,
            on_begin=lambda step: self._quietly(lambda: self._open_block(step)),
            on_end=lambda step, error: self._quietly(lambda: self._note(step, error)),
        )

    def callback(self, event: Any) -> None:
        """Take an event of dbt's: ``dbtRunner(callbacks=[run.callback])``.

        Each command of dbt's becomes a step. Never raises, and never makes dbt wait.
        """
        with suppress(Exception):
            noted = self._notebook.note(event)
            if noted is not None and self._reporter is not None:
                self._tell_progress(noted, self._reporter)

    def fail(self, message: str) -> None:
        """Make the run errored, though no exception is raised."""
        self._failure = errored(shorten(self._told(message), MESSAGE_CHARACTERS))

    def _tell_progress(self, noted: Noted, reporter: RemoteReporter) -> None:
        """Tell how far dbt has come: in full where a command begins, and ends."""
        if noted.name == "NodeFinished":
            reporter.count_nodes(self._notebook.count_ended(noted))
        elif self._notebook.is_first(noted):
            reporter.advance()

    def _make_reporter(self, service: Service, progress: Progress) -> RemoteReporter:
        self._reporter = RemoteReporter(
            service,
            self._settings.service,
            self._run_key,
            self._inherited,
            names=self._names,
            progress=progress,
        )
        return self._reporter

    def _begin(self) -> None:
        self._outer = outer_run(self._inherited)
        if self._outer is not None:
            return
        self._narrative.begin(["dbt"], self._started_at, self._redact, progress=self._progress)
        self.trouble = self._narrative.trouble
        if self._narrative.advice is not None:
            log.warning("%s", self._narrative.advice)

    def _end(self, error: BaseException | None) -> None:
        steps = self._all_steps()
        verdict = self._verdict(steps, error)
        now = datetime.now(UTC)
        if self._outer is not None:
            whole = ended_step("Python", verdict, (self._started_at, now))
            self._tell_outer_run(steps or [whole])
        else:
            self._narrative.attach_files_of(steps, self._redact)
            self._narrative.end(
                verdict,
                steps,
                now,
                deadline=time.monotonic() + EXIT_SECONDS,
            )
            self.trouble = self._narrative.trouble

    def _open_block(self, block: "StepOfRun") -> None:
        """Note that a step has begun."""
        self._open.append(block)
        self._narrative.advance()

    def _progress(self) -> Mapping[str, object] | None:
        """How far the run has come; dbt's threads ask as well."""
        blocks = [(block.started_at, self._redact(block.name)) for block in self._open]
        reports = self._notebook.invocations()
        going_on = [
            (one.started_at, step_name(words_of_command(one), self._redact))
            for one in reports
            if one.has_succeeded is None
        ]
        ended = [
            step_of_command(one, self._redact, with_messages=False)
            for one in reports
            if one.has_succeeded is not None
        ]
        over = sorted([*self._steps, *ended], key=lambda step: step.started_at)
        if not (over or blocks or going_on):
            return None
        under_way = max([*blocks, *going_on], default=None)
        is_dbts = under_way is not None and under_way in going_on
        nodes = (len(reports[-1].nodes), reports[-1].node_total) if is_dbts else None
        return progress(
            over,
            None if under_way is None else (under_way[1], under_way[0]),
            nodes=nodes if nodes is not None and nodes[1] else None,
        )

    def _note(self, block: "StepOfRun", error: BaseException | None) -> None:
        """Record how a step ended."""
        self._open.remove(block)
        now = datetime.now(UTC)
        found = block.artifacts(until=now)
        verdict = self._verdict_of_step(found.results, error)
        summary = None
        if found.results is not None and verdict.status != "canceled":
            summary = found.summary(self._redact, with_messages=self._settings.messages)
        self._steps.append(
            ended_step(
                shorten(self._redact(block.name), MESSAGE_CHARACTERS),
                verdict,
                (block.started_at, now),
                results=summary,
                dbt_version="" if summary is None else found.dbt_version,
                files=found.files,
                tag=block.tag,
            )
        )

    def _verdict_of_step(self, results: RunResults | None, error: BaseException | None) -> Verdict:
        if isinstance(error, KeyboardInterrupt):
            return canceled("canceled by KeyboardInterrupt")
        if results is not None and results.failed:
            return failed(results)
        if error is not None:
            return errored(self._words_for(error))
        return succeeded(results)

    def _all_steps(self) -> list[Step]:
        """Steps in the order they began: blocks, dbt's commands, other processes'."""
        elsewhere = [] if self._outer is not None else self._narrative.steps_elsewhere()
        of_dbt = self._notebook.steps(self._redact, with_messages=self._settings.messages)
        return sorted([*self._steps, *of_dbt, *elsewhere], key=lambda step: step.started_at)

    def _verdict(self, steps: Sequence[Step], error: BaseException | None) -> Verdict:
        if isinstance(error, KeyboardInterrupt):
            return canceled("canceled by KeyboardInterrupt")
        broken = first_failed(steps)
        if error is None or (isinstance(error, SystemExit) and not error.code):
            if self._failure is not None:
                return self._failure
            return sum_up(steps, broken, is_named=len(steps) > 1)
        if broken is not None and broken.status == "error":
            return failure(broken, is_named=len(steps) > 1)
        return errored(self._words_for(error))

    def _words_for(self, error: BaseException) -> str:
        """An exception's text, on one line."""
        said = " ".join(self._told(str(error)).split())
        name = type(error).__name__
        return shorten(f"{name}: {said}" if said else name, MESSAGE_CHARACTERS)

    def _told(self, message: str) -> str:
        return self._redact(message) if self._settings.messages else ""

    def _tell_outer_run(self, steps: Sequence[Step]) -> None:
        folder = self._settings.service.spool_folder
        assert folder is not None
        assert self._outer is not None
        file = StepsFile(folder, self._outer.run_key)
        for step in steps:
            file.add(step.as_json())

    def _quietly(self, work: Callable[[], None]) -> None:
        """Run ``work``, but not in a forked child; turn any error into trouble."""
        if os.getpid() != self._process:
            return
        try:
            work()
        except Exception as error:  # noqa: BLE001 - dbt's run must not suffer from our bugs
            self.trouble = f"this run was not reported: {trouble_of(error)}"


class StepOfRun:
    """A block within a run's, reported as a step of it."""

    def __init__(
        self,
        name: str,
        tag: str,
        environ: Mapping[str, str],
        target: str | Path | None,
        *,
        on_begin: Callable[["StepOfRun"], None],
        on_end: Callable[["StepOfRun", BaseException | None], None],
    ) -> None:
        self.name = name
        self.tag = tag
        self.environ = {**environ, TAG_VARIABLE: tag}
        """The environment for a dbt that the block starts; its results then become the step's."""
        self.target: str | Path | None = target
        """Where dbt writes its artifacts, which may be said within the block."""
        self.started_at = datetime.now(UTC)
        self._on_begin = on_begin
        self._on_end = on_end

    def __enter__(self) -> Self:
        """Begin the step."""
        self.started_at = datetime.now(UTC)
        self._on_begin(self)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Record how the step ended."""
        self._on_end(self, error)

    def artifacts(self, *, until: datetime) -> Found:
        """Find what dbt has written in the block.

        Without a tag it counts where the caller has said that it is written there.
        """
        life = None if self.target is None else (self.started_at, until)
        here = working_folder(self.environ)
        usual = Surroundings(["dbt"], self.environ, here).target_folder()
        traces = Traces(tag=TAG, step=self.tag, life=life)
        return look_for(traces, [Path(self.target or usual)])
