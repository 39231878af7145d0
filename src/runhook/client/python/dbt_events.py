"""Events that dbtRunner passes to its callbacks, in this process.

dbt calls back on its own threads, and an exception there hangs dbt for good. So the callback only
notes a few values of a few events; what they mean is worked out later, elsewhere.
"""

import os
import shlex
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count, islice
from pathlib import Path
from typing import Any

from runhook.client.dbt.artifacts import MANIFEST, owners_of_nodes, read_head
from runhook.client.dbt.log import COLOUR, within_bytes
from runhook.client.dbt.surroundings import Surroundings
from runhook.client.run.steps import Step, ended_step, step_name
from runhook.client.run.verdict import Verdict, canceled, errored, failed, succeeded
from runhook.domain.dbt.artifacts import (
    FAILED_STATUSES,
    NAMED_NODES,
    SLOWEST_NODES,
    WARNED_STATUS,
    FailedNode,
    RunResults,
    SlowNode,
    project_and_invocation,
    summarise,
)
from runhook.domain.dbt.node_facts import NodeFacts


@dataclass(frozen=True, slots=True)
class Noted:
    """What is kept of an event."""

    name: str
    invocation_id: str
    at: datetime
    values: tuple[Any, ...]


def version_of(data: Any) -> tuple[Any, ...]:
    return (str(data.version).lstrip("="),)


def node_of_event(data: Any) -> tuple[Any, ...]:
    result = data.run_result
    status, message = str(result.status), str(result.message)
    return str(data.node_info.unique_id), status, message, float(result.execution_time)


def completion_of(data: Any) -> tuple[Any, ...]:
    return str(data.command), bool(data.success)


def total_of(data: Any) -> tuple[Any, ...]:
    return (int(data.total),)


def artifact_of(data: Any) -> tuple[Any, ...]:
    return (str(data.artifact_path),)


def error_of(data: Any) -> tuple[Any, ...]:
    return (str(data.exc),)


PICKED = {
    "MainReportVersion": version_of,
    "ArtifactWritten": artifact_of,
    "LogStartLine": total_of,
    "NodeFinished": node_of_event,
    "MainEncounteredError": error_of,
    "CommandCompleted": completion_of,
}
"""The events that matter, each with what is kept of it."""


class Notebook:
    """Takes dbt's events. Neither waits for anything nor raises."""

    def __init__(self) -> None:
        self._noted: deque[Noted] = deque()
        self._nodes_ended: dict[str, count[int]] = {}
        self._told: set[tuple[str, str]] = set()

    def note(self, event: Any) -> Noted | None:
        """Keep what matters of an event, and return it; None if nothing does."""
        with suppress(Exception):
            pick = PICKED.get(event.info.name)
            if pick is not None:
                invocation_id = str(event.info.invocation_id)
                now = datetime.now(UTC)
                noted = Noted(event.info.name, invocation_id, now, pick(event.data))
                # Appending is atomic; a lock could make dbt wait for us.
                self._noted.append(noted)
                return noted
        return None

    def count_ended(self, noted: Noted) -> int:
        """How many nodes of its command have ended with this one. Call it once for each."""
        return next(self._nodes_ended.setdefault(noted.invocation_id, count(1)))

    def is_first(self, noted: Noted) -> bool:
        """Whether it is the first of its kind in its command. Call it once for each."""
        kind = noted.invocation_id, noted.name
        is_new = kind not in self._told
        self._told.add(kind)
        return is_new

    def steps(self, redact: Callable[[str], str], *, with_messages: bool) -> list[Step]:
        """The steps noted so far, one for each command of dbt's."""
        commands = self.invocations()
        ours = {one.invocation_id for one in commands}
        return [
            step_of_command(
                one,
                redact,
                with_messages=with_messages,
                facts=facts_of_command(one, ours, redact),
            )
            for one in commands
        ]

    def invocations(self) -> "Sequence[CommandReport]":
        """What each dbt command has reported so far, in the order they began."""
        return invocations_in(list(self._noted))


@dataclass(slots=True)
class CommandReport:
    """What one command of dbt's has reported so far."""

    invocation_id: str
    started_at: datetime
    ended_at: datetime
    version: str = ""
    nodes: list[tuple[str, str, str, float]] = field(default_factory=list)
    node_total: int = 0
    """How many nodes it is about; 0 before the first one begins."""
    command: str = "dbt"
    error: str = ""
    """What ended it before its nodes, in dbt's words."""
    manifest: str = ""
    """Where it was written; dbt Core before 1.11 does not say."""
    has_succeeded: bool | None = None
    """None if it has not reported its end."""


def invocations_in(noted: Iterable[Noted]) -> Sequence[CommandReport]:
    """Group events by command, in the order the commands began."""
    found: dict[str, CommandReport] = {}
    for one in noted:
        report = found.setdefault(
            one.invocation_id, CommandReport(one.invocation_id, one.at, one.at)
        )
        report.ended_at = one.at
        if one.name == "MainReportVersion":
            (report.version,) = one.values
        elif one.name == "NodeFinished":
            unique_id, status, message, seconds = one.values
            report.nodes.append((unique_id, status, message, seconds))
        elif one.name == "MainEncounteredError":
            (report.error,) = one.values
        elif one.name == "LogStartLine":
            (report.node_total,) = one.values
        elif one.name == "ArtifactWritten":
            (path,) = one.values
            report.manifest = path if Path(path).name == MANIFEST else report.manifest
        else:
            report.command, report.has_succeeded = one.values
    return list(found.values())


def facts_of_command(
    report: CommandReport, invocations: Collection[str], redact: Callable[[str], str]
) -> Mapping[str, NodeFacts]:
    """Look up the owners of the nodes that failed or warned, by unique_id.

    Args:
        report: what a command has reported.
        invocations: whose manifest counts; a later command's replaces an earlier one's.
        redact: takes secrets out of a text.
    """
    folder = Surroundings(words_of_command(report), os.environ, Path.cwd()).target_folder()
    path = Path(report.manifest) if report.manifest else folder / MANIFEST
    _, invocation = project_and_invocation(read_head(path))
    manifest = path if invocation in invocations else None
    return owners_of_nodes(results_of_command(report), manifest, redact)


def words_of_command(report: CommandReport) -> Sequence[str]:
    """The words of a command; in this process dbt calls itself `cli`."""
    return ["dbt", *split_command(report.command)[1:]]


def step_of_command(
    report: CommandReport,
    redact: Callable[[str], str],
    *,
    with_messages: bool,
    facts: Mapping[str, NodeFacts] | None = None,
) -> Step:
    """Convert a dbt command to a step of its run."""
    results = results_of_command(report)
    verdict = judge_command(report, results)
    error = redact(COLOUR.sub("", report.error)) if with_messages else ""
    if error and verdict.outcome == "errored":
        verdict = errored(f"dbt failed: {' '.join(error.split())}")
    return ended_step(
        step_name(words_of_command(report), redact),
        replace(verdict, message=redact(verdict.message)),
        (report.started_at, report.ended_at),
        results=summarise(results, redact, with_messages=with_messages, facts=facts),
        dbt_version=report.version,
        error=within_bytes(error),
    )


def results_of_command(report: CommandReport) -> RunResults:
    """Results of a command's nodes."""
    timed = sorted(report.nodes, key=lambda node: node[3], reverse=True)
    first = report.nodes[0][0].split(".") if report.nodes else []
    return RunResults(
        step=None,
        dbt_version=report.version,
        generated_at=report.ended_at,
        elapsed_seconds=(report.ended_at - report.started_at).total_seconds(),
        counts=Counter(status for _, status, _, _ in report.nodes),
        failed=tuple(nodes_with(report, FAILED_STATUSES)),
        warned=tuple(nodes_with(report, {WARNED_STATUS})),
        failed_total=sum(status in FAILED_STATUSES for _, status, _, _ in report.nodes),
        skipped=tuple(unique_id for unique_id, status, *_ in report.nodes if status == "skipped"),
        slowest=tuple(
            SlowNode(unique_id=unique_id, seconds=round(seconds, 3))
            for unique_id, _, _, seconds in timed[:SLOWEST_NODES]
            if seconds > 0
        ),
        invocation_id=report.invocation_id,
        project_name=first[1] if len(first) > 2 else "",
        nodes_known=True,
    )


def nodes_with(report: CommandReport, statuses: Collection[str]) -> Iterator[FailedNode]:
    """Yield the nodes that ended in one of some statuses, up to the most that are reported."""
    ended = (node for node in report.nodes if node[1] in statuses)
    for unique_id, status, message, _ in islice(ended, NAMED_NODES):
        yield FailedNode(
            unique_id=unique_id,
            resource_type=unique_id.partition(".")[0],
            status=status,
            message=message,
        )


def judge_command(report: CommandReport, results: RunResults) -> Verdict:
    """Decide how a dbt command ended."""
    if report.has_succeeded is None:
        return canceled("dbt did not finish")
    if report.has_succeeded:
        return succeeded(results if report.nodes else None)
    return failed(results) if results.failed else errored("dbt failed, though no node did")


def split_command(command: str) -> list[str]:
    """Split a command line; one that cannot be split is not shown."""
    try:
        return shlex.split(command)
    except ValueError:
        return ["dbt"]
