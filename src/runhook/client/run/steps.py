"""Steps of a run: each command with its result, and their sum. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

from runhook.client.dbt.command_lines import shown_command
from runhook.client.processes.programs import DBT_NAMES
from runhook.client.reporting.report import rfc_3339
from runhook.client.run.verdict import Verdict
from runhook.domain.dbt.artifacts import (
    KINDS_OF_STATUS,
    NAMED_NODES,
    OTHER_NODES,
    SHOWN_NODES,
    SLOWEST_NODES,
    shorten,
)
from runhook.domain.runs.steps import log_of

MOST_STEPS = 50
MOST_LOGS = 90_000
"""Characters of all steps together; the service takes 100,000."""
NAME_CHARACTERS = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A finished command of a run, ready to be reported: redacted, shortened, as JSON."""

    name: str
    status: str
    outcome: str | None
    message: str
    started_at: str
    finished_at: str
    results: Mapping[str, Any]
    dbt_version: str
    files: Sequence[str] = ()
    """Its artifacts, which carry its ``tag``."""
    tag: str = ""
    error: str = ""
    """dbt's own words for an error that ended it, with its line breaks; empty if there are none."""

    @property
    def has_failed(self) -> bool:
        """Whether it did not succeed; a cancel counts."""
        return self.status != "success"

    def as_json(self) -> dict[str, Any]:
        """The step as JSON for ``step_from``."""
        return asdict(self)


def ended_step(
    name: str,
    verdict: Verdict,
    life: tuple[datetime, datetime],
    *,
    results: Mapping[str, Any] | None = None,
    dbt_version: str = "",
    files: Iterable[Path] = (),
    tag: str = "",
    error: str = "",
) -> Step:
    """A step that has ended.

    Args:
        name: without secrets.
        verdict: how it ended; its message is without secrets.
        life: when it began and ended.
        results: summary of what dbt wrote; None if it wrote nothing.
        dbt_version: that ran; empty if unknown.
        files: its artifacts.
        tag: what they carry.
        error: dbt's own words for an error that ended it, without secrets.
    """
    began, ended = life
    return Step(
        name=shorten(name, NAME_CHARACTERS) or "step",
        status=verdict.status,
        outcome=verdict.outcome,
        message=verdict.message,
        started_at=rfc_3339(began),
        finished_at=rfc_3339(ended),
        results=unavailable("dbt wrote none") if results is None else results,
        dbt_version=dbt_version,
        files=[str(path.absolute()) for path in files],
        tag=tag,
        error=error,
    )


def step_from(content: Mapping[str, Any]) -> Step | None:
    """Parse what ``as_json`` wrote; None if it is not a step."""
    try:
        step = Step(**content)
    except TypeError:
        return None
    return step if isinstance(step.results, dict) else None


def step_name(command: Sequence[str], redact: Callable[[str], str]) -> str:
    """Name of a step: dbt Cloud's words for dbt, else the command line itself."""
    line = shorten(shown_command(command, redact), NAME_CHARACTERS)
    is_dbt = PurePath(command[0]).name in DBT_NAMES
    return f"Invoke dbt with `{line}`" if is_dbt else line


def reported(steps: Sequence[Step]) -> list[dict[str, object]]:
    """Steps as the service accepts them; of very many, the first and the last ones."""
    if len(steps) > MOST_STEPS:
        half = MOST_STEPS // 2
        steps = [*steps[:half], *steps[-half:]]
    share = MOST_LOGS // max(len(steps), 1)
    return [
        {
            "name": step.name,
            "status": step.status,
            "started_at": step.started_at,
            "finished_at": step.finished_at,
            "logs": shorten(log_of_step(step), share),
        }
        for step in steps
    ]


def log_of_step(step: Step) -> str:
    """Log of a step, as dbt would end one: its error or its nodes, and how many there were."""
    log = log_of(step.message, step.results, succeeded=not step.has_failed)
    return f"{log}\n{step.error}\n" if step.error else log


def progress(
    over: Sequence[Step],
    under_way: tuple[str, datetime] | None,
    *,
    planned: int | None = None,
    nodes: tuple[int, int] | None = None,
) -> dict[str, object]:
    """Progress of a run, as the service accepts it.

    Args:
        over: the steps that have ended; of very many, the last ones are sent.
        under_way: name and start of the running step.
        planned: how many steps there will be; None if unknown.
        nodes: finished nodes of the running step, and how many there are.
    """
    shown = over[-(MOST_STEPS - 1) :]
    ended = [
        {
            "name": step.name,
            "status": step.status,
            "started_at": step.started_at,
            "finished_at": step.finished_at,
        }
        for step in shown
    ]
    goes_on = []
    if under_way is not None:
        name, since = under_way
        goes_on = [{"name": name, "started_at": rfc_3339(since)}]
    report: dict[str, object] = {"steps": [*ended, *goes_on]}
    if planned is not None:
        report["planned_steps"] = planned
    if nodes is not None:
        done, total = nodes
        # What dbt does not count, such as an ephemeral model, ends too.
        report |= {"nodes_done": min(done, total), "nodes_total": total}
    return report


def merged(steps: Sequence[Step]) -> Mapping[str, Any]:
    """Merge the results of all steps into one summary."""
    known = [step.results for step in steps if step.results.get("available")]
    if len(known) <= 1:
        return known[0] if known else steps[-1].results
    counts: Counter[str] = Counter()
    for one in known:
        counts.update(one.get("counts", {}))
    failed = nodes_of_steps(known, "failed")
    warned = nodes_of_steps(known, "warned")
    others = [*failed[SHOWN_NODES:], *warned[SHOWN_NODES:], *nodes_of_steps(known, "others")]
    named = [name for one in known for name in failed_ids(one)]
    skipped = [name for one in known for name in one.get("skipped_ids", [])]
    slowest = [node for one in known for node in one.get("slowest", [])]
    return {
        # Single values, such as the target, are those of the last command that knew them.
        **{key: value for one in known for key, value in one.items()},
        "nodes_known": all(one.get("nodes_known") for one in known),
        "elapsed_seconds": round(sum(one.get("elapsed_seconds", 0) for one in known), 3),
        "total": sum(one.get("total", 0) for one in known),
        "counts": dict(counts.most_common(KINDS_OF_STATUS)),
        "failed_total": sum(one.get("failed_total", 0) for one in known),
        "failed": failed[:SHOWN_NODES],
        "warned": warned[:SHOWN_NODES],
        "others": others[:OTHER_NODES],
        "failed_ids": named[:NAMED_NODES],
        "skipped_ids": skipped[:NAMED_NODES],
        "slowest": sorted(slowest, key=seconds_of, reverse=True)[:SLOWEST_NODES],
    }


def nodes_of_steps(results: Sequence[Mapping[str, Any]], key: str) -> list[Mapping[str, Any]]:
    """The nodes that several steps tell of."""
    return [node for one in results for node in one.get(key, [])]


def failed_ids(results: Mapping[str, Any]) -> list[str]:
    """Ids of failed nodes, as far as known."""
    ids: list[str] = results.get("failed_ids") or [
        node["unique_id"] for node in results.get("failed", [])
    ]
    return ids


def seconds_of(node: Mapping[str, Any]) -> float:
    """Duration of a node in seconds."""
    return float(node.get("seconds", 0))


def unavailable(reason: str) -> dict[str, object]:
    """Summary of results that are missing."""
    return {"available": False, "reason": reason}


def sum_up(steps: Sequence[Step], failed: Step | None, *, is_named: bool) -> Verdict:
    """Verdict of a run: its failure explained by a step, or its success by all of them.

    Args:
        steps: those of the run.
        failed: the one that made it fail, if it did.
        is_named: whether the message names that step.
    """
    return success(steps) if failed is None else failure(failed, is_named=is_named)


def first_failed(steps: Iterable[Step]) -> Step | None:
    """The first step that failed, if any."""
    return next((step for step in steps if step.has_failed), None)


def failure(step: Step, *, is_named: bool) -> Verdict:
    """Verdict of a run in which ``step`` failed; names the step if there were others."""
    message = f"{step.name}: {step.message}" if is_named else step.message
    return Verdict(
        status=step.status, outcome=step.outcome, message=shorten(message, NAME_CHARACTERS)
    )


def success(steps: Sequence[Step]) -> Verdict:
    """Verdict of a run in which no step failed."""
    message = "; ".join(step.message for step in steps if step.message)
    return Verdict(status="success", outcome="complete", message=shorten(message, NAME_CHARACTERS))
