"""What dbt Core uploads by itself after a command, its artifacts in an archive, as reports.

The run's names come from the environment's DBT_ENV_CUSTOM_ENV_* variables, which dbt copies into
its artifacts. There is no exit code: whether the command failed is what its nodes say.
"""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import IO, BinaryIO

from runhook.domain.dbt.archives import Archive
from runhook.domain.dbt.artifacts import (
    LONGEST_SECONDS,
    NAMED_NODES,
    RunResults,
    UnreadableError,
    failures_in_words,
    read_results,
    shorten,
    success_in_words,
    summarise,
)
from runhook.domain.dbt.manifests import facts_in
from runhook.domain.dbt.node_facts import NodeFacts
from runhook.domain.errors import InvalidError
from runhook.domain.runs.run import FinishReport, RunOutcome, RunStatus, StartReport, Trigger
from runhook.domain.secrets.redaction import Redactor

STEP_TAG = "RUNHOOK_STEP"
"""`runhook run` tags what it runs, and reports it by itself."""
RESULTS = ("run_results.json", "sources.json")
MANIFEST = "manifest.json"
HEAD_BYTES = 1 << 16
LARGEST_MANIFEST_OBJECT = 4 << 20
"""Decoded, a stranger's object takes some 25 times as much memory."""
PROJECT = re.compile(rb'"project_name"\s*:\s*"([^"\\]{1,255})"')
NUL = re.compile(r"(?<!\\)(?:\\\\)*\\u0000")
"""As JSON writes it."""
NAME_CHARACTERS = 255
REASON_CHARACTERS = 2_000
SHORT_CHARACTERS = 64
FIRST_YEAR, LAST_YEAR = 2000, 2200
DEFAULT = "default"


@dataclass(frozen=True, slots=True)
class Tags:
    """The variables that name a run."""

    values: Mapping[str, str]
    redact: Callable[[str], str]

    def name(self, name: str) -> str:
        """A name that a user chose, shortened; empty if there is none."""
        return shorten(self.values.get(name, ""), NAME_CHARACTERS)

    def text(self, name: str) -> str:
        """A text, without secrets and shortened; empty if there is none."""
        return shorten(self.redact(self.values.get(name, "")), REASON_CHARACTERS)


@dataclass(frozen=True, slots=True)
class Uploaded:
    """The run in an upload."""

    start: StartReport
    finish: FinishReport


@dataclass(frozen=True, slots=True)
class Belonging:
    """Where an upload's run belongs, unless its tags say otherwise."""

    environment_name: str
    project_name: str = ""
    """Empty for the one that dbt's artifacts name."""


def read_upload(
    content: IO[bytes], belonging: Belonging, *, scratch: BinaryIO, largest: int
) -> Uploaded | None:
    """Read the run in an uploaded archive.

    Args:
        content: the archive, in a file that can be searched.
        belonging: where the run belongs, unless its tags say otherwise.
        scratch: an empty file of the system that can be written and read.
        largest: how many bytes a file in the archive may have.

    Returns:
        None if there is no run to record: the command ran no nodes, as `dbt parse`, or
        `runhook run` reports it.

    Raises:
        InvalidError: the archive is refused, or its artifacts are not dbt's.
    """
    archive = Archive(content, largest=largest)
    name = next((name for name in RESULTS if name in archive), None)
    if name is None:
        return None
    archive.copy(name, scratch)
    results = results_in(name, scratch)
    if results.step is not None:
        return None
    found_name = PROJECT.search(archive.head(MANIFEST, HEAD_BYTES))
    own = found_name[1].decode(errors="replace") if found_name else results.project_name
    redact = Redactor(results.variables)
    return reports_of(
        results,
        replace(belonging, project_name=belonging.project_name or own or DEFAULT),
        redact,
        owners_in_upload(archive, results, redact, scratch=scratch),
    )


def owners_in_upload(
    archive: Archive, results: RunResults, redact: Callable[[str], str], *, scratch: BinaryIO
) -> Mapping[str, NodeFacts]:
    """Look up in the manifest whose the nodes are that failed or warned, by unique_id.

    A manifest that is not dbt's gives none, so that the results are told all the same.

    Raises:
        InvalidError: the archive describes it wrongly.
    """
    unique_ids = [one.unique_id for one in (*results.failed, *results.warned)]
    if MANIFEST not in archive or not unique_ids or not results.nodes_known:
        return {}
    scratch.seek(0)
    scratch.truncate()
    archive.copy(MANIFEST, scratch)
    return facts_in(
        scratch, unique_ids[:NAMED_NODES], redact, largest_object=LARGEST_MANIFEST_OBJECT
    )


def results_in(name: str, file: BinaryIO) -> RunResults:
    """Parse the results in a file, which is mapped, never in memory as a whole.

    Raises:
        InvalidError: they are not dbt's.
    """
    if not file.tell():
        raise InvalidError(f"{name} is empty.")
    file.seek(0)
    try:
        return read_results(file, STEP_TAG)
    except UnreadableError as error:
        raise InvalidError(f"{name} cannot be read: {error}.") from error


def reports_of(
    results: RunResults,
    belonging: Belonging,
    redact: Redactor,
    facts: Mapping[str, NodeFacts],
) -> Uploaded:
    """Start and finish reports of a run, from its results, and whose its nodes are.

    Raises:
        InvalidError: they have no invocation or time.
    """
    if not results.invocation_id or len(results.invocation_id) > SHORT_CHARACTERS:
        raise InvalidError("The results have no invocation_id to tell runs apart.")
    finished_at = check_moment(results.generated_at)
    started_at = check_moment(results.invocation_started_at or finished_at - elapsed(results))
    tag = Tags(results.tags, redact)
    start = StartReport(
        run_key=f"dbt-{results.invocation_id}",
        job_name=tag.name("RUNHOOK_JOB")
        or shorten(f"dbt {results.which or 'run'}", NAME_CHARACTERS),
        project_name=tag.name("RUNHOOK_PROJECT")
        or shorten(belonging.project_name, NAME_CHARACTERS),
        environment_name=tag.name("RUNHOOK_ENVIRONMENT") or belonging.environment_name,
        run_reason=tag.text("RUNHOOK_REASON"),
        dbt_version=shorten(results.dbt_version, SHORT_CHARACTERS),
        started_at=started_at,
        trigger=Trigger(
            system="dbt",
            external_id=tag.name("RUNHOOK_RUN"),
            link=tag.text("RUNHOOK_LINK"),
        ),
    )
    finish = finish_of(results, redact, facts, finished_at=max(finished_at, started_at))
    check_texts(start, finish)
    return Uploaded(start, finish)


def finish_of(
    results: RunResults,
    redact: Callable[[str], str],
    facts: Mapping[str, NodeFacts],
    *,
    finished_at: datetime,
) -> FinishReport:
    """How a run ended, according to its nodes."""
    has_failed = bool(results.failed) or not results.nodes_known
    if not results.nodes_known:
        outcome, message = RunOutcome.ERRORED, "compilation error"
    elif has_failed:
        outcome, message = RunOutcome.FAILED, failures_in_words(results)
    else:
        outcome, message = RunOutcome.COMPLETE, success_in_words(results)
    return FinishReport(
        status=RunStatus.ERROR if has_failed else RunStatus.SUCCESS,
        outcome=outcome,
        status_message=message or None,
        finished_at=finished_at,
        results=summarise(results, redact, facts=facts),
    )


def elapsed(results: RunResults) -> timedelta:
    """Time that the nodes took; zero if the results say something impossible."""
    seconds = results.elapsed_seconds
    is_possible = math.isfinite(seconds) and 0 <= seconds <= LONGEST_SECONDS
    return timedelta(seconds=seconds) if is_possible else timedelta()


def check_texts(start: StartReport, finish: FinishReport) -> None:
    """Refuse what no database keeps as a text: NUL, and halves of characters.

    Raises:
        InvalidError: there is some.
    """
    told = [asdict(start), finish.status_message, finish.results]
    text = json.dumps(told, ensure_ascii=False, default=str)
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidError("The results hold half a character.") from error
    if NUL.search(text):
        raise InvalidError("The results hold a NUL character, which cannot be kept.")


def check_moment(moment: datetime | None) -> datetime:
    """Check a moment of a run.

    Raises:
        InvalidError: it is missing, or its year is impossible.
    """
    if moment is None or not FIRST_YEAR <= moment.year < LAST_YEAR:
        raise InvalidError("The results do not say when they were made: generated_at.")
    return moment.astimezone(UTC)
