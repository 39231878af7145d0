"""See what happens to dbt, and tell it: to the service, or to the wrapper that ours is within.

No method of a witness raises. What is not needed before dbt has started is imported after it.
"""

import functools
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Concatenate, ParamSpec, TypeVar

from runhook.client.dbt.tag import TAG_VARIABLE
from runhook.client.run.ending import CommandEnding
from runhook.client.run.nesting import (
    RUN_VARIABLE,
    OuterRun,
    StepsFile,
    new_run_key,
    outer_run,
    run_variable,
)
from runhook.client.settings import SPOOL_VARIABLE, ClientSettings, working_folder
from runhook.client.trouble import trouble_of
from runhook.client.wrapper.streams import FileMark, mark_files

if TYPE_CHECKING:
    from runhook.client.run.narrative import Narrative
    from runhook.client.run.steps import Step
    from runhook.client.wrapper.lookout import Lookout

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
    inert.trouble = f"this step was not reported: {RUN_VARIABLE} names no run under way"
    return inert


def unobtrusive(
    method: Callable[Concatenate[AnyWitness, Parameters], None],
) -> Callable[Concatenate[AnyWitness, Parameters], None]:
    """Turn any error in ``method`` into the witness' trouble."""

    @functools.wraps(method)
    def guarded(self: AnyWitness, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - dbt's run must not suffer from our bugs
            self.trouble = f"this run was not reported: {trouble_of(error)}"

    return guarded


class Witness:
    """Sees the steps of a run, one after the other."""

    def __init__(self, settings: ClientSettings, environ: Mapping[str, str]) -> None:
        self._settings = settings
        self._environ = environ
        self._run_key = new_run_key()
        self._command: Command = ()
        self._tag = ""
        self._count = 0
        self._step_started_at = datetime.now(UTC)
        self._files: Sequence[FileMark] = ()
        self._lookout: Lookout | None = None
        self.trouble: str | None = None

    def sees_step(self, command: Command) -> None:
        """Record the command before it starts."""
        self._count += 1
        self._command = command
        self._tag = f"{self._run_key}-{self._count}"
        self._files = mark_files()
        self._step_started_at = datetime.now(UTC)

    def environ_of_child(self) -> dict[str, str]:
        """Environment for dbt: ours, and the tag that its artifacts will carry."""
        return {**self._environ, TAG_VARIABLE: self._tag}

    @unobtrusive
    def saw_start(self) -> None:
        """The command was started, or could not be. Threads may be started from here on."""
        from runhook.client.wrapper.lookout import Lookout  # noqa: PLC0415 - dbt runs first

        self._lookout = Lookout(TAG_VARIABLE)
        self._lookout.start()

    def saw_signal(self, number: int) -> None:
        """A stop signal arrived."""

    def saw_end_of_step(self, ending: CommandEnding) -> None:
        """The command has ended."""

    def saw_end_of_run(self, ending: CommandEnding) -> None:
        """The last step has ended; report the run's end."""

    def _step(self, ending: CommandEnding) -> "Step":
        """The step as it is reported, once its command has ended."""
        from runhook.client.wrapper.observation import (  # noqa: PLC0415 - after dbt's end
            Observation,
            observed_step,
        )

        if self._lookout is not None:
            self._lookout.stop()
        observation = Observation(
            command=self._command,
            tag=self._tag,
            started_at=self._step_started_at,
            ending=ending,
            seen=[] if self._lookout is None else self._lookout.seen(),
            files=self._files,
        )
        return observed_step(observation, self._settings, self._environ)


class RunWitness(Witness):
    """Tells the narrative of a run of its own."""

    def __init__(
        self, commands: Sequence[Command], settings: ClientSettings, environ: Mapping[str, str]
    ) -> None:
        super().__init__(settings, environ)
        self._planned = len(commands)
        self._started_at = datetime.now(UTC)
        self._narrative: Narrative | None = None
        """None before dbt has started, and if there is no service to tell."""
        self._steps: list[Step] = []
        self._failed: Step | None = None
        self._is_split = len(commands) > 1
        self._is_cancel_requested = False
        self._under_way: tuple[Command, datetime] | None = None

    def environ_of_child(self) -> dict[str, str]:
        """Environment for dbt, which tells a wrapper within it which run its steps belong to."""
        environ = super().environ_of_child()
        folder = self._settings.service.spool_folder
        if folder is not None and environ.get(SPOOL_VARIABLE):
            # Steps are gathered there, also from wrappers that run in other folders.
            environ[SPOOL_VARIABLE] = str(working_folder(environ) / folder)
        return {**environ, RUN_VARIABLE: run_variable(self._run_key)}

    @unobtrusive
    def saw_start(self) -> None:
        """Tell the start of the run with the first step, and of each other step that it is on."""
        super().saw_start()
        self._under_way = (self._command, self._step_started_at)
        if self._count > 1:
            if self._narrative is not None:
                self._narrative.advance()
            return
        from runhook.client.run.narrative import Narrative  # noqa: PLC0415 - dbt runs first
        from runhook.client.wrapper.observation import redactor_for  # noqa: PLC0415 - as above

        narrative = Narrative(self._run_key, self._settings, self._environ)
        narrative.begin(
            self._command,
            self._started_at,
            redactor_for(self._command, self._settings, self._environ),
            progress=self._progress,
            on_cancel_request=self._ask_ourselves_to_stop if self._settings.allow_cancel else None,
        )
        self.trouble = narrative.trouble
        self._narrative = narrative if narrative.has_begun else None

    @unobtrusive
    def saw_signal(self, number: int) -> None:
        """Tell that the run is being canceled."""
        del number
        if self._narrative is not None:
            self._narrative.cancel()

    @unobtrusive
    def saw_end_of_step(self, ending: CommandEnding) -> None:
        """Record how the command ended, or the steps that wrappers within it have told."""
        self._under_way = None
        if self._narrative is None:
            return
        from runhook.client.run.steps import first_failed  # noqa: PLC0415 - loaded by now
        from runhook.client.wrapper.observation import redactor_for  # noqa: PLC0415 - as above

        own = self._step(ending)
        if own.status == "canceled" and self._is_cancel_requested:
            own = replace(own, message="canceled from Runhook")
        inner = self._narrative.steps_elsewhere()
        culprit = first_failed(inner)
        self._is_split = self._is_split or bool(inner)
        new = [*inner, own] if not inner or (own.has_failed and culprit is None) else inner
        if self._settings.upload_artifacts:
            redact = redactor_for(self._command, self._settings, self._environ)
            self._narrative.attach_files_of(new, redact, first=len(self._steps) + 1)
        self._steps += new
        if own.has_failed:
            is_explained = culprit is not None and own.status != "canceled"
            self._failed = culprit if is_explained else own

    @unobtrusive
    def saw_end_of_run(self, ending: CommandEnding) -> None:
        """Tell the end and what is left, within the time there is."""
        if self._narrative is None or not self._steps:
            return
        from runhook.client.reporting.reporter import EXIT_SECONDS  # noqa: PLC0415 - loaded by now
        from runhook.client.run.steps import sum_up  # noqa: PLC0415 - as above
        from runhook.client.run.verdict import canceled  # noqa: PLC0415 - as above

        narrative = self._narrative
        verdict = sum_up(self._steps, self._failed, is_named=self._is_split)
        if self._failed is None and self._count < self._planned:
            verdict = canceled(f"canceled after step {self._count} of {self._planned}")
        narrative.end(
            verdict,
            self._steps,
            ending.ended_at,
            # Reading large results takes time; the end is reported anyway.
            deadline=max(ending.ended_at_monotonic + EXIT_SECONDS, time.monotonic() + LEFT_SECONDS),
        )
        self.trouble = "; ".join(filter(None, (narrative.trouble, narrative.advice))) or None

    def _ask_ourselves_to_stop(self) -> None:
        """Send this process SIGTERM: the main thread stops dbt as it does for a scheduler."""
        self._is_cancel_requested = True
        os.kill(os.getpid(), signal.SIGTERM)

    def _progress(self) -> Mapping[str, object] | None:
        """How far the run has come; the reporter calls this on its own thread."""
        under_way = self._under_way
        if under_way is None:
            return None
        from runhook.client.run.steps import progress, step_name  # noqa: PLC0415 - loaded by now
        from runhook.client.wrapper.observation import redactor_for  # noqa: PLC0415 - as above

        command, since = under_way
        over = list(self._steps)
        name = step_name(command, redactor_for(command, self._settings, self._environ))
        # Of what runs within a step only the ends are known.
        planned = self._planned if len(over) < self._planned else None
        return progress(over, (name, since), planned=planned)


class StepWitness(Witness):
    """Tells the wrapper that ours is within of each step, and the service nothing."""

    def __init__(
        self, outer: OuterRun, settings: ClientSettings, environ: Mapping[str, str]
    ) -> None:
        super().__init__(settings, environ)
        self._outer = outer

    @unobtrusive
    def saw_end_of_step(self, ending: CommandEnding) -> None:
        """Write the step down for the run that it is of."""
        folder = self._settings.service.spool_folder
        if folder is None:
            self.trouble = "this step was not reported: there is no home folder"
            return
        try:
            StepsFile(folder, self._outer.run_key).add(self._step(ending).as_json())
        except OSError as error:
            self.trouble = f"this step was not reported: {type(error).__name__} in {folder}"
