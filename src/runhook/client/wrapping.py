"""One `runhook run`: dbt in the middle, our reports around it.

dbt runs, with its own streams and its own exit code, whatever happens to us: all that is ours goes
through ``Witness``, whose methods never raise.
"""

import functools
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Concatenate, ParamSpec

from runhook.client.process import Child, Ending, NotStartedError, end_like, wait_for
from runhook.client.settings import Settings
from runhook.client.signals import listen_for_signals
from runhook.client.surroundings import Surroundings

if TYPE_CHECKING:
    from runhook.client.redaction import Redactor
    from runhook.client.reporter import Reporter
    from runhook.client.results import RunResults
    from runhook.client.verdict import Verdict

TAG = "RUNHOOK_STEP"
"""dbt copies DBT_ENV_CUSTOM_ENV_<name> to ``metadata.env`` of its artifacts, both Core and v2.

An artifact is this run's if and only if it carries this run's tag. A newer file may be another
run's, and after a usage error the file of the run before is still there.
"""
EXIT_SECONDS = 2.0
"""How much longer than dbt alone a run may take, all in all."""
LARGEST_ARTIFACT = 64 << 20
"""Reading more than that would take more time than there is."""
HEAD_BYTES = 1 << 16

Parameters = ParamSpec("Parameters")


def wrap(command: Sequence[str], settings: Settings, environ: Mapping[str, str]) -> int:
    """Run ``command``, report it, and return its exit code; die of the signal it died of."""
    witness = Witness(command, settings, environ)
    signals = listen_for_signals()
    try:
        child = Child(command, witness.environ_of_child(), signals)
    except NotStartedError as error:
        say(error.message)
        witness.saw_start()
        witness.saw_no_start(error)
        witness.tell_of_trouble()
        return error.code
    witness.saw_start()
    ending = wait_for(child, signals, grace=settings.grace, on_first_signal=witness.saw_signal)
    witness.saw_end(ending)
    witness.tell_of_trouble()
    return end_like(ending)


def say(message: str) -> None:
    """Write one line for people. Without a stderr, print would take stdout, which is dbt's."""
    if sys.stderr is None:
        return
    line = "".join(one if one.isprintable() else " " for one in message)
    try:
        print(f"runhook: {line}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = None


def unobtrusive(
    method: Callable[Concatenate["Witness", Parameters], None],
) -> Callable[Concatenate["Witness", Parameters], None]:
    """Turn whatever goes wrong in ``method`` into the witness' trouble."""

    @functools.wraps(method)
    def guarded(self: "Witness", /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> None:
        try:
            method(self, *args, **kwargs)
        except Exception as error:  # noqa: BLE001 - dbt's run must not suffer from our bugs
            # The text of an unexpected error could hold a secret; its name cannot.
            self.trouble = f"this run was not reported: internal error, {type(error).__name__}"

    return guarded


class Witness:
    """Sees what happens to dbt and reports it. No method raises."""

    def __init__(
        self, command: Sequence[str], settings: Settings, environ: Mapping[str, str]
    ) -> None:
        self._command = command
        self._settings = settings
        self._environ = environ
        self._run_key = os.urandom(16).hex()
        self._started_at = datetime.now(UTC)
        self._reporter: Reporter | None = None
        self.trouble: str | None = None

    def environ_of_child(self) -> dict[str, str]:
        """Return dbt's environment: ours, and the tag that its artifacts will carry."""
        return {**self._environ, f"DBT_ENV_CUSTOM_ENV_{TAG}": self._run_key}

    @unobtrusive
    def saw_start(self) -> None:
        """Report the start. Threads may be started from here on."""
        from runhook.client.reporter import Reporter  # noqa: PLC0415 - dbt runs first
        from runhook.client.reports import Kind, Report  # noqa: PLC0415 - as above
        from runhook.client.service import UnusableError, connect  # noqa: PLC0415 - as above
        from runhook.client.spool import Spool  # noqa: PLC0415 - as above

        settings = self._settings.service
        try:
            service = connect(settings, self._environ)
        except UnusableError as error:
            self.trouble = f"this run was not reported: {error}"
            return
        spool = Spool(settings.spool_folder) if settings.spool_folder else None
        self._reporter = Reporter(service, spool, self._run_key)
        self._reporter.report(Report(kind=Kind.STARTED, body=self._start()))
        self._reporter.start()

    @unobtrusive
    def saw_signal(self, _number: int) -> None:
        """Announce that the run is being canceled: whoever asked may soon kill us all."""
        from runhook.client.reports import Kind, Report  # noqa: PLC0415 - loaded by now

        if self._reporter is not None:
            self._reporter.report(Report(kind=Kind.CANCELING, body={}))

    @unobtrusive
    def saw_end(self, ending: Ending) -> None:
        """Report how the command ended."""
        from runhook.client.verdict import judge  # noqa: PLC0415 - not needed before

        if self._reporter is None:
            return
        results = self._read_results()
        known = None if isinstance(results, str) else results
        verdict = judge(ending, known, self._command)
        self._report_end(verdict, results, ending.ended_at, ending.ended_at_monotonic)

    @unobtrusive
    def saw_no_start(self, error: NotStartedError) -> None:
        """Report that there was nothing to run."""
        from runhook.client.verdict import errored  # noqa: PLC0415 - as above

        if self._reporter is not None:
            verdict = errored(error.message)
            now = datetime.now(UTC)
            self._report_end(verdict, "the command was not started", now, time.monotonic())

    def tell_of_trouble(self) -> None:
        """Say in one line what went wrong, if anything did."""
        if self.trouble is not None:
            say(self.trouble)

    def _start(self) -> dict[str, object]:
        redact = self._redactor()
        settings = self._settings
        around = self._surroundings()
        return {
            "run_key": self._run_key,
            "job_name": settings.job,
            "project_name": settings.project or around.project_name(),
            "environment_name": settings.environment or around.environment_name(),
            "run_reason": redact(settings.reason or around.reason()),
            "dbt_version": around.dbt_version(),
            "started_at": rfc_3339(self._started_at),
            "heartbeats": True,
        }

    def _report_end(
        self, verdict: "Verdict", results: "RunResults | str", at: datetime, at_monotonic: float
    ) -> None:
        """Report ``verdict`` and what is left, within the time there is.

        ``results`` is a text where there are none, and says why.
        """
        from runhook.client.reports import Kind, Report  # noqa: PLC0415 - loaded by now
        from runhook.client.results import summarise  # noqa: PLC0415 - not needed before

        assert self._reporter is not None
        redact = self._redactor()
        if verdict.status == "canceled":
            # dbt v2 writes `error` for every node of a canceled run, Core only some nodes.
            summary: dict[str, object] = unavailable("the run was canceled")
        else:
            summary = (
                unavailable(results) if isinstance(results, str) else summarise(results, redact)
            )
        body: dict[str, object] = {
            "status": verdict.status,
            "finished_at": rfc_3339(at),
            "status_message": redact(verdict.message) or None,
            "results": summary,
        }
        if verdict.outcome is not None:
            body["outcome"] = verdict.outcome
        if version := self._dbt_version(results):
            body["dbt_version"] = version
        self._reporter.report(Report(kind=Kind.FINISHED, body=body))
        self.trouble = self._reporter.close(deadline=at_monotonic + EXIT_SECONDS)

    def _read_results(self) -> "RunResults | str":
        """Return what dbt wrote in this run, or why there is nothing."""
        from runhook.client.results import UnreadableError, read_results  # noqa: PLC0415 - as above

        folder = self._surroundings().target_folder()
        reason = "dbt wrote none"
        # `dbt source freshness` writes the second.
        for path in (folder / "run_results.json", folder / "sources.json"):
            try:
                if path.stat().st_size > LARGEST_ARTIFACT:
                    return f"{path.name} is too large to read"
                results = read_results(path.read_bytes(), TAG)
            except FileNotFoundError:
                continue
            except UnreadableError as error:
                reason = f"{path.name} cannot be read: {error}"
            except (OSError, MemoryError) as error:
                reason = f"{path.name} cannot be read: {type(error).__name__}"
            else:
                if results.step == self._run_key:
                    return results
        return reason

    def _dbt_version(self, results: "RunResults | str") -> str:
        """Return the version that ran: from the results, else from this run's manifest."""
        from runhook.client.results import version_and_step  # noqa: PLC0415 - as above

        if not isinstance(results, str):
            return results.dbt_version
        try:
            with (self._surroundings().target_folder() / "manifest.json").open("rb") as manifest:
                version, step = version_and_step(manifest.read(HEAD_BYTES), TAG)
        except OSError:
            return ""
        return version if step == self._run_key else ""

    def _surroundings(self) -> Surroundings:
        return Surroundings(self._command, self._environ, Path.cwd())

    def _redactor(self) -> "Redactor":
        from runhook.client.redaction import Redactor  # noqa: PLC0415 - not needed before dbt runs

        return Redactor(self._environ)


def rfc_3339(time: datetime) -> str:
    """Return a time in UTC as the API wants it."""
    return time.isoformat().replace("+00:00", "Z")


def unavailable(reason: str) -> dict[str, object]:
    """Return a summary of results that we do not have."""
    return {"available": False, "reason": reason}
