"""Send what earlier runs have left in the spool, marked as late."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from runhook.client.reporting.kept_files import KeptFiles
from runhook.client.reporting.report import Report, ReportKind
from runhook.client.reporting.service import Accepted, RequestFailed, Service
from runhook.client.reporting.spool import Spool


@dataclass(frozen=True, slots=True, kw_only=True)
class BacklogResult:
    """Result of sending a backlog."""

    taken: int = 0
    refused: int = 0
    """Runs that the service will never take; they are no longer kept."""
    not_understood: int = 0
    """Runs that are kept for a newer service, as this one does not know all that they say."""
    problem: str | None = None
    """Why the rest is still kept; None if this service has accepted all of its reports."""


def send_backlog(
    spool: Spool, service: Service, *, timeout: Callable[[], float], go_on: Callable[[], bool]
) -> BacklogResult:
    """Tell the service what the spool keeps for it, the oldest run first.

    Args:
        spool: where it is kept.
        service: where to send. Reports for another one stay.
        timeout: seconds that the next request may take.
        go_on: asked before each run.
    """
    sent = BacklogResult()
    for kept in spool.leftovers():
        content = kept.read()
        if content.destination == service.destination and content.reports:
            if not go_on():
                return replace(sent, problem="no time left")
            then = service.within(content.destination.traceparent)
            answer = tell_again(content.reports, kept.files, then, timeout)
            if isinstance(answer, RequestFailed) and answer.is_not_understood:
                # Other runs need not wait for a newer service.
                sent = replace(sent, not_understood=sent.not_understood + 1)
                continue
            if isinstance(answer, RequestFailed) and not answer.is_refused:
                return replace(sent, problem=answer.reason)
            if isinstance(answer, RequestFailed):
                sent = replace(sent, refused=sent.refused + 1)
            else:
                sent = replace(sent, taken=sent.taken + 1)
            if content.strange is None:
                kept.remove()
        if content.strange is not None:
            spool.set_aside(kept.path, content.strange)
    return sent


def tell_again(
    reports: Sequence[Report], files: KeptFiles, service: Service, timeout: Callable[[], float]
) -> Accepted | RequestFailed | None:
    """Send a run's reports in order, its files before its end; None if there are no reports."""
    answer: Accepted | RequestFailed | None = None
    run_id = None
    for report in reports:
        body = late(report)
        if run_id is None:
            answer = service.start_run(body, timeout=timeout())
            if isinstance(answer, RequestFailed):
                return answer
            run_id = str(answer.data["id"])
            continue
        if report.kind is ReportKind.FINISHED:
            failed = attach_again(run_id, files, service, timeout)
            if failed is not None:
                return failed
        answer = service.tell(run_id, report.kind, body, timeout=timeout())
        # No need to wait for the cancel to be accepted: the end reports it, too.
        if isinstance(answer, RequestFailed) and not (
            report.kind is ReportKind.CANCELING and answer.is_final
        ):
            return answer
    return answer


def attach_again(
    run_id: str, files: KeptFiles, service: Service, timeout: Callable[[], float]
) -> RequestFailed | None:
    """Attach the kept copies of a run's files; skip those that are refused or unreadable."""
    for file in files.all():
        try:
            content = file.read()
        except OSError:
            file.remove()
            continue
        answer = service.attach(run_id, file.name, content, step=file.step, timeout=timeout())
        if isinstance(answer, RequestFailed) and not answer.is_refused:
            return answer
        file.remove()
    return None


def late(report: Report) -> dict[str, object]:
    """Body of a report that is sent later than it was made."""
    if report.kind is ReportKind.CANCELING:
        return dict(report.body)
    return {**report.body, "late": True}
