"""Report a run after the fact, from what dbt has written. The same files again are the same run.

Reports only what the files and the flags say. What started the import did not start the run, so
nothing of this machine's surroundings is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from runhook.client.dbt.artifacts import (
    MANIFEST,
    is_of_invocation,
    owners_of_nodes,
    read_head,
    read_results_file,
)
from runhook.client.dbt.surroundings import UNKNOWN
from runhook.client.dbt.tag import TAG
from runhook.client.origin.facts import StartFact, fit_facts
from runhook.client.reporting.report import Report
from runhook.client.run.narrative import deliver
from runhook.client.run.reports import finished, started
from runhook.client.run.steps import Step, ended_step, step_name
from runhook.client.run.verdict import judge_results
from runhook.client.settings import ClientSettings
from runhook.domain.dbt.artifacts import (
    RunResults,
    UnreadableError,
    project_and_invocation,
    summarise,
)
from runhook.domain.secrets.redaction import Redactor

IMPORTED = "imported"


class NotImportedError(Exception):
    """There is nothing that can be reported; the message says why."""


class AlreadyReportedError(NotImportedError):
    """A wrapper saw this run, and reports it itself."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """A dbt command of which only its artifacts are left."""

    results: RunResults
    project_name: str
    """Of the manifest it has written, else of its first node; empty if neither says."""
    started_at: datetime
    ended_at: datetime
    files: Sequence[Path]
    """What it has written."""
    manifest: Path | None

    @property
    def run_key(self) -> str:
        """The run's key: equal for every import of this invocation."""
        return f"dbt-{self.results.invocation_id}"


def read_invocation(folder: Path) -> Invocation:
    """Read the last command's results from a target folder.

    Raises:
        NotImportedError: that is nothing, or a wrapper's business.
    """
    path = folder / "run_results.json"
    try:
        results = read_results_file(path, TAG)
    except OSError as error:
        raise NotImportedError(f"{path}: {error.strerror}") from error
    except UnreadableError as error:
        raise NotImportedError(f"{path}: {error}") from error
    if results.step is not None:
        raise AlreadyReportedError(f"{path} is of a run that `runhook run` reports")
    if not results.invocation_id or results.generated_at is None:
        raise NotImportedError(
            f"{path} has no invocation_id or no generated_at, so its run is unknown"
        )
    ended_at = results.generated_at
    usual_start = ended_at - timedelta(seconds=results.elapsed_seconds)
    manifest = folder / MANIFEST
    head = read_head(manifest)
    project, _ = project_and_invocation(head)
    is_its_manifest = is_of_invocation(head, results)
    return Invocation(
        results=results,
        project_name=(project if is_its_manifest else "") or results.project_name,
        started_at=min(results.invocation_started_at or usual_start, ended_at),
        ended_at=ended_at,
        files=[path, manifest] if is_its_manifest else [path],
        manifest=manifest if is_its_manifest else None,
    )


def report_invocation(
    invocation: Invocation, job: str, settings: ClientSettings, environ: Mapping[str, str]
) -> str | None:
    """Report the run, marked as late; return what went wrong."""
    redact = Redactor(environ)
    step = step_of_invocation(invocation, redact, with_messages=settings.messages)
    reports = (
        beginning(invocation, job, settings, redact),
        finished(
            judge_results(invocation.results),
            [step],
            invocation.ended_at,
        ),
    )
    late = [Report(kind=one.kind, body={**one.body, "late": True}) for one in reports]
    name = f"{invocation.run_key}-import"
    return deliver(late, name, settings, environ, steps=[step])


def beginning(
    invocation: Invocation, job: str, settings: ClientSettings, redact: Redactor
) -> Report:
    """Start report of an imported run."""
    results = invocation.results
    facts = {
        "job_name": job,
        "project_name": settings.project or invocation.project_name or UNKNOWN,
        "environment_name": settings.environment or results.target or UNKNOWN,
        "run_reason": settings.reason or IMPORTED,
        "dbt_version": results.dbt_version,
    }
    sourced = {name: StartFact(value, "the artifacts") for name, value in facts.items()}
    return started(
        invocation.run_key, fit_facts(sourced, redact), invocation.started_at, heartbeats=False
    )


def step_of_invocation(invocation: Invocation, redact: Redactor, *, with_messages: bool) -> Step:
    """The command as the only step of its run."""
    results = invocation.results
    verdict = judge_results(results)
    return ended_step(
        step_name(["dbt", *filter(None, [results.which])], redact),
        replace(verdict, message=redact(verdict.message)),
        (invocation.started_at, invocation.ended_at),
        results=summarise(
            results,
            redact,
            with_messages=with_messages,
            facts=owners_of_nodes(results, invocation.manifest, redact),
        ),
        dbt_version=results.dbt_version,
        files=invocation.files,
    )
