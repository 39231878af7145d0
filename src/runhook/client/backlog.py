"""Send what earlier runs have left in the spool, marked as late."""

from collections.abc import Callable
from dataclasses import dataclass

from runhook.client.reports import Kind, Report
from runhook.client.service import Accepted, Failed, Service
from runhook.client.spool import KeptRun, Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of a backlog."""

    taken: int = 0
    refused: int = 0
    """Runs that the service will never take; they are no longer kept."""
    problem: str | None = None
    """Why the rest is still kept; None if all that is for this service is told."""


def send_backlog(
    spool: Spool, service: Service, *, timeout: Callable[[], float], go_on: Callable[[], bool]
) -> Sent:
    """Tell the service what the spool keeps for it, the oldest run first.

    Args:
        spool: where it is kept.
        service: who is told. What is kept for another one stays.
        timeout: seconds that the next request may take.
        go_on: asked before each run.
    """
    taken = refused = 0
    for kept in spool.leftovers():
        if kept.destination() != service.destination:
            continue
        if not go_on():
            return Sent(taken=taken, refused=refused, problem="no time left")
        answer = tell_again(kept, service, timeout)
        if isinstance(answer, Failed):
            if not answer.is_refused:
                return Sent(taken=taken, refused=refused, problem=answer.reason)
            refused += 1
        else:
            taken += 1
        kept.remove()
    return Sent(taken=taken, refused=refused)


def tell_again(
    kept: KeptRun, service: Service, timeout: Callable[[], float]
) -> Accepted | Failed | None:
    """Send a run's reports from the first one on; None if there are none."""
    answer: Accepted | Failed | None = None
    run_id = None
    for report in kept.reports():
        body = late(report)
        if run_id is None:
            answer = service.start_run(body, timeout=timeout())
            if isinstance(answer, Failed):
                return answer
            run_id = str(answer.data["id"])
            continue
        answer = service.tell(run_id, report.kind, body, timeout=timeout())
        # That it was being canceled is nothing to wait for, as the end tells of it, too.
        if isinstance(answer, Failed) and not (report.kind is Kind.CANCELING and answer.is_final):
            return answer
    return answer


def late(report: Report) -> dict[str, object]:
    """Return what to say of something that was to be said earlier."""
    if report.kind is Kind.CANCELING:
        return dict(report.body)
    return {**report.body, "late": True}
