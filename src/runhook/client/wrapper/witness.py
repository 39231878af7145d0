"""See what happens to dbt, and say it: to the service, or to the wrapper that ours is within.

No method of a witness raises. What is not needed before dbt has started is imported after it.
"""

import functools
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from runhook.client.run.nesting import RUN_VARIABLE, OuterRun, StepsFile, outer_run
from runhook.client.settings import SPOOL_VARIABLE, ClientSettings
from runhook.client.wrapper.process import CommandEnding

if TYPE_CHECKING:
    from runhook.client.dbt.artifacts import Traces
    from runhook.client.dbt.surroundings import Surroundings
    from runhook.client.reporting.reporter import Reporter
    from runhook.client.reporting.reports import Report
    from runhook.client.reporting.service import Service
    from runhook.client.run.steps import Step
    from runhook.client.run.verdict import Verdict
    from runhook.client.wrapper.lookout import Lookout, Seen
    from runhook.domain.artifacts import RunResults
    from runhook.domain.redaction import Redactor

TAG = "RUNHOOK_STEP"
"""dbt copies DBT_ENV_CUSTOM_ENV_<name> to ``metadata.env`` of its artifacts, both Core and v2.

An artifact is this step's if and only if it carries this step's tag. A newer file may be another
run's, and after a usage error the file of the run before is still there.
"""

LEFT_SECONDS = 1.0
"""What there is at least to tell a run's end."""

AnyWitness = TypeVar("AnyWitness", bound="Witness")
Parameters = ParamSpec("Parameters")
Command = Sequence[str]


def witness_of(
    commands: Sequence[Command], settings: ClientSettings, environ: Mapping[str, str]
) -> "Witness":
    """Witness for a run of its own, or for a step of the run that this process is within."""
    if (outer := outer_run(environ)) is not None:
        return StepWitness(outer, settings, environ)
    return RunWitness(commands, settings, environ)


def witness_of_step(settings: ClientSettings, environ: Mapping[str, str]) -> "Witness":
    """Witness for a step of the run that this process is within; inert if there is none."""
    if (outer := outer_run(environ)) is not None:
        return StepWitness(outer, settings, environ)
    inert = Witness(settings, environ)
    inert.trouble = f"this step was not reported: {RUN_VARIABLE} names no run that goes on"
    return inert


def working_folder(environ: Mapping[str, str]) -> Path:
    """The working directory, under its former name if it was removed."""
    try:
        return Path.cwd()
    except OSError:
        return Path(environ.get("PWD") or "/")


def unobtrusive(
    method: Callable[Concatenate[AnyWitness, Parameters], None],
) -> Callable[Concatenate[AnyWitness, Parameters], None]:
    """Turn any error in ``method`` into the witness' trouble."""

    @functools.wraps(method)
    def guarded(self: AnyWitness, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - dbt's run must not suffer from our bugs
            # The text of an unexpected error could hold a secret; its name cannot.
            self.trouble = f"this run was not reported: internal error, {type(error).__name__}"

    return guarded


class Witness:
    """Sees the steps of a run, one after the other."""

    def __init__(self, settings: ClientSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._run_key = os.urandom(16).hex()
        self._command: Command = ()
        self._tag = ""
        self._count = 0
        self._step_started_at = datetime.now(UTC)
        self._lookout: Lookout | None = None
        self.trouble: str | None = None

    def sees_step(self, command: Command) -> None:
        """Take note of what is about to be run."""
        self._count += 1
        self._command = command
        self._tag = f"{self._run_key}-{self._count}"
        self._step_started_at = datetime.now(UTC)

    def environ_of_child(self) -> dict[str, str]:
        """Environment for dbt: ours, and the tag that its artifacts will carry."""
        return {**self._environ, f"DBT_ENV_CUSTOM_ENV_{TAG}": self._tag}

    @unobtrusive
    def saw_start(self) -> None:
        """The command was started, or could not be. Threads may be started from here on."""
        from runhook.client.wrapper.lookout import Lookout  # noqa: PLC0415 - dbt runs first

        self._lookout = Lookout(f"DBT_ENV_CUSTOM_ENV_{TAG}")
        self._lookout.start()

    def saw_signal(self, number: int) -> None:
        """Somebody asks for the end."""

    def saw_end_of_step(self, ending: CommandEnding) -> None:
        """The command has ended."""

    def saw_end_of_run(self, ending: CommandEnding) -> None:
        """There is no other step."""

    def _step(self, ending: CommandEnding) -> "Step":
        """The step as it is reported, once its command has ended."""
        from runhook.client.dbt.artifacts import nothing_found, trace_artifacts  # noqa: PLC0415 - not needed before
        from runhook.client.dbt.calls import all_commands  # noqa: PLC0415 - as above
        from runhook.client.dbt.log import words_of_log  # noqa: PLC0415 - as above
        from runhook.client.reporting.reports import rfc_3339, unavailable  # noqa: PLC0415 - as above
        from runhook.client.run.steps import Step, step_name  # noqa: PLC0415 - as above
        from runhook.client.run.verdict import has_timed_out, judge_run  # noqa: PLC0415 - as above
        from runhook.domain.artifacts import (  # noqa: PLC0415 - as above
            SENTENCE_CHARACTERS,
            shorten,
        )

        seen = []
        if self._lookout is not None:
            self._lookout.stop()
            seen = self._lookout.seen()
        log = ""
        try:
            traces = self._traces(seen, ending)
            found = trace_artifacts(traces)
            if found.results is None and self._settings.messages:
                log = words_of_log(traces.calls, (self._step_started_at, ending.ended_at))
        except Exception as error:  # noqa: BLE001 - the end is reported even without results
            found = nothing_found(f"internal error, {type(error).__name__}")
        redact = self._redactor(found.results)
        commands = [*all_commands(self._command), *(one.words for one in seen)]
        ran_for = (ending.ended_at - self._step_started_at).total_seconds()
        timed_out = has_timed_out(commands, ran_for)
        verdict = judge_run(ending.of_all(), found.results, self._command, timed_out=timed_out)
        said = [verdict.message, found.note, log if verdict.outcome == "errored" else ""]
        if ending.not_started is not None:
            summary: Mapping[str, object] = unavailable("the command was not started")
        elif verdict.status == "canceled":
            # dbt v2 writes `error` for every node of a canceled run, Core only some nodes.
            summary = unavailable("the run was canceled")
        elif found.results is None:
            summary = unavailable(found.why_no_results)
        else:
            summary = found.summary(redact, with_messages=self._settings.messages)
        return Step(
            name=step_name(self._command, redact),
            status=verdict.status,
            outcome=verdict.outcome,
            message=shorten(redact("; ".join(filter(None, said))), SENTENCE_CHARACTERS),
            started_at=rfc_3339(self._step_started_at),
            finished_at=rfc_3339(ending.ended_at),
            results=summary,
            dbt_version=found.dbt_version,
            files=[str(path.absolute()) for path in found.files],
            tag=self._tag,
        )

    def _traces(self, seen: "Sequence[Seen]", ending: CommandEnding) -> "Traces":
        """Traces that tell this step's artifacts from others'."""
        from runhook.client.dbt.artifacts import Traces  # noqa: PLC0415 - after dbt's end
        from runhook.client.dbt.calls import drops_environment  # noqa: PLC0415 - as above

        had_no_tag = drops_environment(self._command) or any(
            one.is_dbt and not one.has_tag for one in seen
        )
        return Traces(
            tag=TAG,
            step=self._tag,
            calls=[*self._surroundings().calls, *(one.call() for one in seen)],
            search=working_folder(self._environ),
            life=(self._step_started_at, ending.ended_at) if had_no_tag else None,
        )

    def _surroundings(self) -> "Surroundings":
        from runhook.client.dbt.surroundings import Surroundings  # noqa: PLC0415 - after dbt's start

        return Surroundings(self._command, self._environ, working_folder(self._environ))

    def _redactor(self, results: "RunResults | None" = None) -> "Redactor":
        """A redactor with the secrets of this step, including those that only dbt knew."""
        from runhook.domain.artifacts import short_name  # noqa: PLC0415 - not before dbt runs
        from runhook.domain.redaction import Redactor  # noqa: PLC0415 - as above

        variables = {} if results is None else results.variables
        nodes = () if results is None else results.failed
        chosen = (self._settings.job, self._settings.project, self._settings.environment)
        return Redactor(
            {**self._surroundings().env_file, **variables, **self._environ},
            command_lines=[" ".join(self._command)],
            names=[*filter(None, chosen), *(short_name(node.unique_id) for node in nodes)],
        )


class RunWitness(Witness):
    """Reports a run."""

    def __init__(
        self, commands: Sequence[Command], settings: ClientSettings, environ: Mapping[str, str]
    ) -> None:
        super().__init__(settings, environ)
        self._planned = len(commands)
        self._started_at = datetime.now(UTC)
        self._reporter: Reporter | None = None
        self._steps: list[Step] = []
        self._failed: Step | None = None
        self._steps_file: StepsFile | None = None
        self._is_split = len(commands) > 1
        self._service: Service | None = None
        self._is_cancel_requested = False
        self._advice: str | None = None
        self._under_way: tuple[Command, datetime] | None = None

    def environ_of_child(self) -> dict[str, str]:
        """Environment for dbt, which tells a wrapper within it which run its steps belong to."""
        environ = super().environ_of_child()
        folder = self._settings.service.spool_folder
        if folder is not None and environ.get(SPOOL_VARIABLE):
            # Steps are gathered there, also from wrappers that run in other folders.
            environ[SPOOL_VARIABLE] = str(working_folder(environ) / folder)
        return {**environ, RUN_VARIABLE: f"{self._run_key}:{os.getpid()}"}

    @unobtrusive
    def saw_start(self) -> None:
        """Report the start, with the first step."""
        super().saw_start()
        self._under_way = (self._command, self._step_started_at)
        if self._count > 1:
            if self._reporter is not None:
                self._reporter.advance()
            return
        from runhook.client.reporting.reporter import (  # noqa: PLC0415 - dbt runs first
            HEARTBEAT_SECONDS,
            WATCHFUL_HEARTBEAT_SECONDS,
            Reporter,
        )
        from runhook.client.reporting.service import UnusableError, connect_service  # noqa: PLC0415 - as above
        from runhook.client.reporting.spool import Spool  # noqa: PLC0415 - as above

        settings = self._settings.service
        try:
            service = connect_service(settings, self._environ)
        except UnusableError as error:
            self.trouble = f"this run was not reported: {error}"
            return
        spool = Spool(settings.spool_folder) if settings.spool_folder else None
        may_cancel = self._settings.allow_cancel
        self._service = service
        self._reporter = Reporter(
            service,
            spool,
            self._run_key,
            heartbeat_seconds=WATCHFUL_HEARTBEAT_SECONDS if may_cancel else HEARTBEAT_SECONDS,
            on_cancel_request=self._ask_ourselves_to_stop if may_cancel else None,
            progress=self._progress,
        )
        self._reporter.report(self._start())
        self._reporter.start()

    @unobtrusive
    def saw_signal(self, number: int) -> None:
        """Report that the run is being canceled, now: the sender may soon kill us all."""
        del number
        from runhook.client.reporting.reports import Report, ReportKind  # noqa: PLC0415 - loaded by now

        if self._reporter is not None:
            self._reporter.report(Report(kind=ReportKind.CANCELING, body={}))

    @unobtrusive
    def saw_end_of_step(self, ending: CommandEnding) -> None:
        """Record how the command ended, or the steps that wrappers within it reported."""
        self._under_way = None
        if self._reporter is None:
            return
        own = self._step(ending)
        if own.status == "canceled" and self._is_cancel_requested:
            own = replace(own, message="canceled from Runhook")
        inner = self._inner_steps()
        culprit = next((one for one in inner if one.has_failed), None)
        self._is_split = self._is_split or bool(inner)
        self._steps += inner
        if not inner or (own.has_failed and culprit is None):
            self._steps.append(own)
        if own.has_failed:
            is_explained = culprit is not None and own.status != "canceled"
            self._failed = culprit if is_explained else own

    @unobtrusive
    def saw_end_of_run(self, ending: CommandEnding) -> None:
        """Report the end and what is left, within the time there is."""
        if self._reporter is None or not self._steps:
            return
        from runhook.client.reporting.reporter import EXIT_SECONDS  # noqa: PLC0415 - loaded by now
        from runhook.client.reporting.reports import finished  # noqa: PLC0415 - as above

        self._reporter.report(
            finished(self._verdict(), self._steps, ending.ended_at, is_split=self._is_split)
        )
        if self._steps_file is not None:
            self._steps_file.remove()
        # Reading large results takes time; the end is reported anyway.
        deadline = max(ending.ended_at_monotonic + EXIT_SECONDS, time.monotonic() + LEFT_SECONDS)
        self.trouble = self._reporter.close(deadline=deadline)
        if self._settings.upload_artifacts and self.trouble is None:
            self._attach_artifacts()
        self.trouble = "; ".join(filter(None, (self.trouble, self._advice))) or None

    def _attach_artifacts(self) -> None:
        """Attach dbt's files to the run, whose end is reported by now."""
        from runhook.client.run.attaching import attach_artifacts  # noqa: PLC0415 - few runs do

        assert self._reporter is not None
        assert self._service is not None
        run_id = self._reporter.run_id or ""
        self.trouble = attach_artifacts(self._steps, self._service, run_id, self._redactor())

    def _ask_ourselves_to_stop(self) -> None:
        """Do as if a scheduler had sent SIGTERM; the main thread hears of it as it would then."""
        self._is_cancel_requested = True
        os.kill(os.getpid(), signal.SIGTERM)

    def _start(self) -> "Report":
        from runhook.client.origin.facts import advice_for, start_facts  # noqa: PLC0415 - after dbt's start
        from runhook.client.origin.systems import this_place  # noqa: PLC0415 - as above
        from runhook.client.reporting.reports import started  # noqa: PLC0415 - as above

        place = this_place(self._environ)
        facts = start_facts(self._settings, self._surroundings(), place, self._redactor())
        self._advice = advice_for(facts)
        return started(
            self._run_key,
            facts,
            self._started_at,
            heartbeats=True,
            cancelable=self._settings.allow_cancel,
        )

    def _progress(self) -> Mapping[str, object] | None:
        """How far the run has come; the reporter calls this on its own thread."""
        from runhook.client.reporting.reports import rfc_3339  # noqa: PLC0415 - loaded by now
        from runhook.client.run.steps import progress, step_name  # noqa: PLC0415 - dbt runs first

        under_way = self._under_way
        if under_way is None:
            return None
        command, since = under_way
        over = list(self._steps)
        # Of what runs within a step only the ends are known.
        planned = self._planned if len(over) < self._planned else None
        name = step_name(command, self._redactor())
        return progress(over, (name, rfc_3339(since)), planned=planned)

    def _verdict(self) -> "Verdict":
        from runhook.client.run.steps import failure, success  # noqa: PLC0415 - loaded by now
        from runhook.client.run.verdict import canceled  # noqa: PLC0415 - as above

        if self._failed is not None:
            return failure(self._failed, is_named=self._is_split)
        if self._count < self._planned:
            return canceled(f"canceled after step {self._count} of {self._planned}")
        return success(self._steps)

    def _inner_steps(self) -> "list[Step]":
        """Steps that wrappers within the last step have run."""
        from runhook.client.run.steps import step_from  # noqa: PLC0415 - as above

        folder = self._settings.service.spool_folder
        if folder is None:
            return []
        if self._steps_file is None:
            self._steps_file = StepsFile(folder, self._run_key)
        found = map(step_from, self._steps_file.new_steps())
        return [step for step in found if step is not None]


class StepWitness(Witness):
    """Tells the wrapper that ours is within of each step, and the service nothing."""

    def __init__(
        self, outer: OuterRun, settings: ClientSettings, environ: Mapping[str, str]
    ) -> None:
        super().__init__(settings, environ)
        self._outer = outer

    @unobtrusive
    def saw_end_of_step(self, ending: CommandEnding) -> None:
        """Write the step to the run's steps file."""
        folder = self._settings.service.spool_folder
        if folder is None:
            self.trouble = "this step was not reported: there is no home folder"
            return
        step = self._step(ending)
        try:
            StepsFile(folder, self._outer.run_key).add(step.as_json())
        except OSError as error:
            self.trouble = f"this step was not reported: {type(error).__name__} in {folder}"
