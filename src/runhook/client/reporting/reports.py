"""What a run's reporter says to the service, one report at a time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runhook.client.origin.facts import StartFact
    from runhook.client.run.steps import Step
    from runhook.client.run.verdict import Verdict


class ReportKind(StrEnum):
    """Kind of a report; all but the first are also the last part of its path."""

    STARTED = "start"
    HEARTBEAT = "heartbeat"
    PROGRESS = "progress"
    CANCELING = "canceling"
    FINISHED = "finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing to tell the service about a run."""

    kind: ReportKind
    body: Mapping[str, object]


def started(
    run_key: str,
    facts: Mapping[str, "StartFact"],
    at: datetime,
    *,
    heartbeats: bool,
    cancelable: bool = False,
    give_up_after: str | None = None,
) -> Report:
    """Say that a run has started.

    Args:
        run_key: our name for the run.
        facts: what is known of it.
        at: when it has started.
        heartbeats: promises to tell that it goes on.
        cancelable: promises to end it if the service asks for that.
        give_up_after: how long the service waits to hear of it; None for the usual time.
    """
    from runhook.client.origin.facts import as_start  # noqa: PLC0415 - loaded before dbt starts, else

    return Report(
        kind=ReportKind.STARTED,
        body={
            "run_key": run_key,
            "started_at": rfc_3339(at),
            "heartbeats": heartbeats,
            "cancelable": cancelable,
            **({} if give_up_after is None else {"give_up_after": give_up_after}),
            **as_start(facts),
        },
    )


def finished(
    verdict: "Verdict", steps: Sequence["Step"], at: datetime, *, is_split: bool
) -> Report:
    """Report the end of a run; ``is_split`` adds its steps one by one."""
    from runhook.client.run.steps import merged, reported  # noqa: PLC0415 - as above

    body: dict[str, object] = {
        "status": verdict.status,
        "finished_at": rfc_3339(at),
        "status_message": verdict.message or None,
        "results": merged(steps) if steps else unavailable("no step was reported"),
    }
    if verdict.status == "canceled":
        body["results"] = unavailable("the run was canceled")
    if verdict.outcome is not None:
        body["outcome"] = verdict.outcome
    if versions := [step.dbt_version for step in steps if step.dbt_version]:
        body["dbt_version"] = versions[-1]
    if is_split:
        body["steps"] = reported(steps)
    return Report(kind=ReportKind.FINISHED, body=body)


def unavailable(reason: str) -> dict[str, object]:
    """Summary of results that are missing."""
    return {"available": False, "reason": reason}


def rfc_3339(time: datetime) -> str:
    """Format a time in UTC as the API expects it."""
    return time.isoformat().replace("+00:00", "Z")
