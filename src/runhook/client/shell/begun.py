"""Runs that a shell begins with `runhook start` and ends with `runhook finish`.

Between the two there is no process of ours: a file beside the spool holds what was said of the
start, and the steps gather in another (``nesting``). The one `finish` that has the lock on that
file puts the end into the spool, and only then takes the file away: killed at any moment, it has
either ended the run or left it to the next `finish`.
"""

import contextlib
import fcntl
import json
import os
import signal
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from runhook.client.reporting.report import Report, ReportKind
from runhook.client.reporting.service import UnusableError, connect_service
from runhook.client.reporting.spool import (
    LONGEST_KEPT_SECONDS,
    OPENING,
    UNFINISHED_SUFFIX,
    Spool,
    last_change,
)
from runhook.client.run.narrative import deliver, start_of_run, steps_in
from runhook.client.run.nesting import (
    BEGUN_SUFFIX,
    RUN_VARIABLE,
    STEPS_SUFFIX,
    StepsFile,
    begun_file,
    new_run_key,
    outer_run,
)
from runhook.client.run.reports import finished
from runhook.client.run.steps import Step, failure, first_failed, success
from runhook.client.run.verdict import Verdict, canceled, errored
from runhook.client.settings import ClientSettings
from runhook.client.trouble import trouble_of
from runhook.domain.secrets.redaction import Redactor

CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LEFT = (BEGUN_SUFFIX, STEPS_SUFFIX, UNFINISHED_SUFFIX)
"""Suffixes of the files of a run whose end was not reported."""
STOPPED = {128 + signal.SIGHUP, 128 + signal.SIGINT, 128 + signal.SIGTERM}
"""Exit codes of what was asked to stop."""


@dataclass(frozen=True, slots=True)
class StartResult:
    """What a command has done: the run's name for RUNHOOK_RUN, and what went wrong."""

    run: str
    trouble: str | None = None
    begun: Path | None = None
    """The file that is there until the run is finished; None if there is nothing to finish."""


def start_run(settings: ClientSettings, environ: Mapping[str, str]) -> StartResult:
    """Start a run, or stay in the unfinished one that this process is within. Never raises."""
    if (outer := outer_run(environ)) is not None:
        why_not = f"already inside run {outer.run_key}; not starting another"
        return StartResult(environ[RUN_VARIABLE].strip(), why_not)
    run_key = new_run_key()
    try:
        trouble = begin_run(run_key, settings, environ)
    except Exception as error:  # noqa: BLE001 - the shell goes on whatever happens to us
        return StartResult(run_key, f"this run was not begun: {trouble_of(error)}")
    folder = settings.service.spool_folder
    return StartResult(run_key, trouble, None if folder is None else begun_file(folder, run_key))


def begin_run(run_key: str, settings: ClientSettings, environ: Mapping[str, str]) -> str | None:
    """Spool the start and report it; return what went wrong."""
    folder = settings.service.spool_folder
    if folder is None:
        return "this run was not begun: there is no home folder; set RUNHOOK_SPOOL_DIR"
    start, advice = start_of_run(
        run_key,
        ["dbt"],
        settings,
        environ,
        Redactor(environ),
        at=datetime.now(UTC),
        heartbeats=False,
    )
    forget_abandoned(folder)
    write_begun(begun_file(folder, run_key), start)
    trouble = deliver([start], run_key, settings, environ)
    return "; ".join(filter(None, (trouble, advice))) or None


def finish_run(
    settings: ClientSettings, environ: Mapping[str, str], *, status: str | None, code: int | None
) -> str | None:
    """End the run that RUNHOOK_RUN names; return what went wrong, if anything. Never raises.

    Args:
        settings: the service and account to report to.
        environ: names the run.
        status: how the run ended; None derives it from ``code`` and the steps.
        code: exit code of the command, if known.
    """
    try:
        outer = outer_run(environ)
        folder = settings.service.spool_folder
        if outer is None or folder is None:
            return f"nothing to finish: {RUN_VARIABLE} names no run under way"
        if outer.process is not None:
            return "nothing to finish: `runhook run` reports the end of this run itself"
        said = status or status_of_code(code)
        return end(folder, outer.run_key, settings, environ, status=said, code=code)
    except UnusableError as error:
        return f"the end of this run was not reported: {error}; `runhook finish` may be repeated"
    except Exception as error:  # noqa: BLE001 - as above
        return f"the end of this run was not reported: {trouble_of(error)}"


def end(
    folder: Path,
    run_key: str,
    settings: ClientSettings,
    environ: Mapping[str, str],
    *,
    status: str | None,
    code: int | None,
) -> str | None:
    """Report the end with its steps; return what went wrong."""
    with held(begun_file(folder, run_key)) as begun:
        if begun is None:
            return "nothing to finish: another process has finished this run, or is about to"
        service = connect_service(settings.service, environ)
        spool, name = Spool(folder), f"{run_key}-end"
        file = StepsFile(folder, run_key)
        steps = steps_in(file)
        # A `finish` that was killed may have left it.
        kept = spool.take(name)
        reports: Sequence[Report] = kept.read().reports if kept is not None else ()
        if kept is None or not reports:
            start = Report(kind=ReportKind.STARTED, body=json.loads(begun.read_bytes()))
            verdict = verdict_of(steps, status, code)
            finish = finished(verdict, steps, datetime.now(UTC))
            reports = (start, finish)
            try:
                kept = spool.keep_whole(name, service.destination, reports)
            except OSError as error:
                trouble = deliver(reports, name, settings, environ)
                if trouble is not None:
                    return f"{trouble} ({trouble_of(error)}); `runhook finish` may be repeated"
        begun.unlink()
        file.remove()
        # The file is sent from its start, so a start that was not reported is by now.
        spool.forget(run_key)
    return deliver(reports, name, settings, environ, kept=kept, steps=steps)


def status_of_code(code: int | None) -> str | None:
    """Run status for an exit code; None for none."""
    if code is None:
        return None
    if code in STOPPED:
        return "canceled"
    return "error" if code else "success"


def verdict_of(steps: Sequence[Step], status: str | None, code: int | None) -> Verdict:
    """Verdict of a run: the given status, explained by the first step that failed."""
    failed = first_failed(steps)
    if status is None and failed is None and not steps:
        return errored("no step has run")
    status = status or ("success" if failed is None else failed.status)
    if status == "success":
        return success(steps)
    if failed is not None and (failed.status == "canceled") == (status == "canceled"):
        return failure(failed, is_named=len(steps) > 1)
    if status == "canceled":
        return canceled("canceled")
    return errored(f"exited with code {code}" if code else "ended in error")


def write_begun(path: Path, start: Report) -> None:
    """Write down what was said of a start, wholly or not at all. Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    unfinished = path.with_suffix(UNFINISHED_SUFFIX)
    with os.fdopen(os.open(unfinished, CREATING, 0o600), "w") as file:
        json.dump(start.body, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.rename(path)


@contextlib.contextmanager
def held(path: Path) -> Iterator[Path | None]:
    """Lock the file of a start; None if it is gone, or another process has it."""
    try:
        descriptor = os.open(path, OPENING)
    except FileNotFoundError:
        yield None
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield None
            return
        # It may have been taken away since it was opened.
        yield path if path.exists() else None
    finally:
        os.close(descriptor)


def forget_abandoned(folder: Path) -> None:
    """Delete the files of runs that were not finished within a week."""
    too_old = (time.time() - LONGEST_KEPT_SECONDS) * 1e9
    for path in [one for suffix in LEFT for one in folder.glob(f"*{suffix}")]:
        if last_change(path) < too_old:
            with contextlib.suppress(OSError):
                path.unlink()
            StepsFile(folder, path.stem).remove()
