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

from runhook.client.facts import advice_for, facts_of
from runhook.client.nesting import (
    BEGUN_SUFFIX,
    RUN_VARIABLE,
    STEPS_SUFFIX,
    StepsFile,
    begun_file,
    outer_run,
)
from runhook.client.reporter import tell
from runhook.client.reports import Kind, Report, finished, started
from runhook.client.service import UnusableError, connect
from runhook.client.settings import Settings
from runhook.client.spool import (
    LONGEST_KEPT_SECONDS,
    OPENING,
    UNFINISHED_SUFFIX,
    Spool,
    last_change,
)
from runhook.client.steps import Step, failure, step_from, success
from runhook.client.surroundings import Surroundings
from runhook.client.systems import this_place
from runhook.client.verdict import Verdict, canceled, errored
from runhook.domain.redaction import Redactor

CREATING = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
LEFT = (BEGUN_SUFFIX, STEPS_SUFFIX, UNFINISHED_SUFFIX)
"""How the names of files end that belong to a run whose end was not told."""
STOPPED = {128 + signal.SIGHUP, 128 + signal.SIGINT, 128 + signal.SIGTERM}
"""Exit codes of what was asked to stop."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a command has done: the run's name for RUNHOOK_RUN, and what went wrong."""

    run: str
    trouble: str | None = None
    begun: Path | None = None
    """The file that is there until the run is finished; None if there is nothing to finish."""


def start_run(settings: Settings, environ: Mapping[str, str]) -> Told:
    """Begin a run; within a run that goes on, that one is it. Never raises."""
    if outer_run(environ) is not None:
        return Told(environ[RUN_VARIABLE].strip(), "this is within a run already, and begins none")
    run_key = os.urandom(16).hex()
    try:
        trouble = begin(run_key, settings, environ)
    except Exception as error:  # noqa: BLE001 - the shell goes on whatever happens to us
        return Told(run_key, f"this run was not begun: {trouble_of(error)}")
    folder = settings.service.spool_folder
    return Told(run_key, trouble, None if folder is None else begun_file(folder, run_key))


def begin(run_key: str, settings: Settings, environ: Mapping[str, str]) -> str | None:
    """Keep the start and report it; return what went wrong."""
    folder = settings.service.spool_folder
    if folder is None:
        return "this run was not begun: there is no home folder; set RUNHOOK_SPOOL_DIR"
    around = Surroundings(["dbt"], environ, Path.cwd())
    facts = facts_of(settings, around, this_place(environ), Redactor(environ))
    start = started(
        run_key,
        facts,
        datetime.now(UTC),
        heartbeats=False,
        give_up_after=settings.give_up_after,
    )
    forget_abandoned(folder)
    write_begun(begun_file(folder, run_key), start)
    trouble = tell([start], run_key, settings.service, environ)
    return "; ".join(filter(None, (trouble, advice_for(facts)))) or None


def finish_run(
    settings: Settings, environ: Mapping[str, str], *, status: str | None, code: int | None
) -> str | None:
    """End the run that RUNHOOK_RUN names, and return what went wrong. Never raises.

    Args:
        settings: who is told.
        environ: names the run.
        status: what became of it; None leaves that to ``code`` and the steps.
        code: the exit code of what it was about, if that is known.
    """
    try:
        outer = outer_run(environ)
        folder = settings.service.spool_folder
        if outer is None or folder is None:
            return f"nothing to finish: {RUN_VARIABLE} names no run that goes on"
        if outer.process is not None:
            return "nothing to finish: `runhook run` reports the end of this run itself"
        said = status or status_of(code)
        return end(folder, outer.run_key, settings, environ, status=said, code=code)
    except UnusableError as error:
        return f"the end of this run was not reported: {error}; `runhook finish` may be repeated"
    except Exception as error:  # noqa: BLE001 - as above
        return f"the end of this run was not reported: {trouble_of(error)}"


def end(
    folder: Path,
    run_key: str,
    settings: Settings,
    environ: Mapping[str, str],
    *,
    status: str | None,
    code: int | None,
) -> str | None:
    """Report the end with its steps; return what went wrong."""
    with held(begun_file(folder, run_key)) as begun:
        if begun is None:
            return "nothing to finish: somebody else has finished this run, or is about to"
        service = connect(settings.service, environ)
        spool, name = Spool(folder), f"{run_key}-end"
        file = StepsFile(folder, run_key)
        steps = [step for step in map(step_from, file.new_steps()) if step is not None]
        # A `finish` that was killed may have left it.
        kept = spool.take(name)
        reports: Sequence[Report] = kept.read().reports if kept is not None else ()
        if kept is None or not reports:
            start = Report(kind=Kind.STARTED, body=json.loads(begun.read_bytes()))
            verdict = verdict_of(steps, status, code)
            finish = finished(verdict, steps, datetime.now(UTC), is_split=len(steps) > 1)
            reports = (start, finish)
            try:
                kept = spool.keep_whole(name, service.destination, reports)
            except OSError as error:
                trouble = tell(reports, name, settings.service, environ)
                if trouble is not None:
                    return f"{trouble} ({trouble_of(error)}); `runhook finish` may be repeated"
        begun.unlink()
        file.remove()
        # What is told from the start again makes a start that could not be told superfluous.
        spool.forget(run_key)
    attaching = steps if settings.upload_artifacts else ()
    return tell(reports, name, settings.service, environ, kept=kept, attaching=attaching)


def status_of(code: int | None) -> str | None:
    """Return what an exit code says of a run; None if there is none."""
    if code is None:
        return None
    if code in STOPPED:
        return "canceled"
    return "error" if code else "success"


def verdict_of(steps: Sequence[Step], status: str | None, code: int | None) -> Verdict:
    """Return what became of a run: what was said, explained by the first step that failed."""
    failed = next((step for step in steps if step.has_failed), None)
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
    """Lock what was said of a start; None if it is gone, or somebody else has it."""
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
    """Remove what runs have left that nobody has finished in a week."""
    too_old = (time.time() - LONGEST_KEPT_SECONDS) * 1e9
    for path in [one for suffix in LEFT for one in folder.glob(f"*{suffix}")]:
        if last_change(path) < too_old:
            with contextlib.suppress(OSError):
                path.unlink()
            StepsFile(folder, path.stem).remove()


def trouble_of(error: Exception) -> str:
    """Return what is wrong, for people. The text of an unexpected error could hold a secret."""
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else f"internal error, {type(error).__name__}"
