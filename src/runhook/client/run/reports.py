"""The reports of a run's start and of its end."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from runhook.client.origin.facts import StartFact, as_start
from runhook.client.reporting.report import Report, ReportKind, rfc_3339
from runhook.client.run.steps import Step, merged, reported, unavailable
from runhook.client.run.verdict import Verdict


def started(
    run_key: str,
    facts: Mapping[str, StartFact],
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


def finished(verdict: Verdict, steps: Sequence[Step], at: datetime) -> Report:
    """Report the end of a run, with its steps."""
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
    if steps:
        body["steps"] = reported(steps)
    return Report(kind=ReportKind.FINISHED, body=body)
