"""Delivering reports in the background, in order."""

import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from runhook.client.reporting.report import Report, ReportKind
from runhook.client.reporting.reporter import Reporter
from runhook.client.reporting.service import Service
from runhook.client.reporting.spool import Destination, KeptRun, Spool
from tests.support.patience import PATIENCE
from tests.wrapping.support import Answer, Request, StubService, accepted, refused


def a_reporter(
    service: StubService,
    *,
    heartbeat_seconds: float = 1000,
    progress: Callable[[], Mapping[str, object]] | None = None,
) -> Reporter:
    connection = Service(url=service.url, token="t", account_id="1", environ={})
    return Reporter(connection, None, "abc", heartbeat_seconds=heartbeat_seconds, progress=progress)


def a_report(kind: ReportKind) -> Report:
    return Report(kind=kind, body={"told": kind})


def in_a_while() -> float:
    return time.monotonic() + PATIENCE


def test_tells_that_the_run_is_alive_until_its_end(service: StubService):
    reporter = a_reporter(service, heartbeat_seconds=0.01)
    reporter.report(a_report(ReportKind.STARTED))
    reporter.start()
    service.wait_for("heartbeat", times=3)
    reporter.report(a_report(ReportKind.FINISHED))

    assert reporter.close(deadline=in_a_while()) is None
    begin, *meanwhile, end = [request.verb for request in service.requests]
    assert (begin, end) == ("runs", "finish")
    assert set(meanwhile) == {"heartbeat"}


class HangingDisk(Spool):
    """A folder on a disk that hangs until it is told to go on."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.may_go_on = threading.Event()
        self.is_asked = threading.Event()

    def keep(self, name: str, destination: Destination) -> KeptRun:
        self.is_asked.set()
        assert self.may_go_on.wait(PATIENCE)
        return super().keep(name, destination)


def test_no_sign_of_life_comes_before_the_start(service: StubService, tmp_path: Path):
    """It would be taken for a start, and be refused for good."""
    disk = HangingDisk(tmp_path)
    connection = Service(url=service.url, token="t", account_id="1", environ={})
    asked = threading.Event()
    reporter = Reporter(
        connection, disk, "abc", heartbeat_seconds=0.001, progress=lambda: asked.set() or {}
    )
    reporter.report(a_report(ReportKind.STARTED))
    reporter.start()
    reporter.advance()
    assert disk.is_asked.wait(PATIENCE)
    assert not asked.wait(0.1)  # a hundred times what it would take
    disk.may_go_on.set()
    service.wait_for("progress", times=2)
    reporter.report(a_report(ReportKind.FINISHED))

    assert reporter.close(deadline=in_a_while()) is None
    assert service.verbs() == ["runs", "finish"]
    assert service.body("runs") == {"told": "start"}


def test_a_heartbeat_that_fails_is_no_trouble(service: StubService):
    def fail_heartbeats(request: Request, position: int) -> Answer:
        return (500, b"", {}) if request.verb == "heartbeat" else accepted(request, position)

    service.answer = fail_heartbeats
    reporter = a_reporter(service, heartbeat_seconds=0.01)
    reporter.report(a_report(ReportKind.STARTED))
    reporter.start()
    service.wait_for("heartbeat", times=3)
    reporter.report(a_report(ReportKind.FINISHED))

    assert reporter.close(deadline=in_a_while()) is None


def test_reports_wait_for_those_before_them(service: StubService):
    may_answer = threading.Event()

    def hold_the_start(request: Request, position: int) -> Answer:
        assert request.verb != "runs" or may_answer.wait(PATIENCE)
        return accepted(request, position)

    service.answer = hold_the_start
    reporter = a_reporter(service)
    reporter.start()
    for kind in (ReportKind.STARTED, ReportKind.CANCELING, ReportKind.FINISHED):
        reporter.report(a_report(kind))
    service.wait_for("runs")
    assert service.verbs() == ["runs"]
    may_answer.set()

    assert reporter.close(deadline=in_a_while()) is None
    assert service.verbs() == ["runs", "canceling", "finish"]


def test_a_cancel_that_is_refused_does_not_stand_in_the_way(service: StubService):
    def refuse_cancels(request: Request, position: int) -> Answer:
        return (404, b"", {}) if request.verb == "canceling" else accepted(request, position)

    service.answer = refuse_cancels
    reporter = a_reporter(service)
    reporter.start()
    for kind in (ReportKind.STARTED, ReportKind.CANCELING, ReportKind.FINISHED):
        reporter.report(a_report(kind))

    assert reporter.close(deadline=in_a_while()) is None
    assert service.verbs() == ["runs", "canceling", "finish"]


def test_gives_up_when_the_time_is_over(service: StubService):
    may_answer = threading.Event()

    def hang(request: Request, position: int) -> Answer:
        may_answer.wait(PATIENCE)
        return accepted(request, position)

    service.answer = hang
    reporter = a_reporter(service)
    reporter.report(a_report(ReportKind.STARTED))
    reporter.start()
    service.wait_for("runs")

    trouble = reporter.close(deadline=time.monotonic() + 0.05)
    may_answer.set()

    assert trouble is not None
    assert trouble.startswith(f"this run was not reported to {service.url}: no answer in time")


def how_far() -> dict[str, object]:
    return {"steps": [{"name": "dbt build"}]}


def test_a_sign_of_life_tells_how_far_the_run_has_come(service: StubService):
    reporter = a_reporter(service, progress=how_far)
    reporter.report(a_report(ReportKind.STARTED))
    reporter.start()
    service.wait_for("runs")
    reporter.advance()
    service.wait_for("progress")
    reporter.report(a_report(ReportKind.FINISHED))

    assert reporter.close(deadline=in_a_while()) is None
    assert service.body("progress") == how_far()
    assert service.verbs() == ["runs", "finish"]


def test_progress_that_cannot_be_told_is_a_heartbeat(service: StubService):
    def broken() -> dict[str, object]:
        raise RuntimeError("a list changed while it was read")

    reporter = a_reporter(service, heartbeat_seconds=0.01, progress=broken)
    reporter.report(a_report(ReportKind.STARTED))
    reporter.start()
    service.wait_for("heartbeat", times=2)
    reporter.report(a_report(ReportKind.FINISHED))

    assert reporter.close(deadline=in_a_while()) is None
    assert service.count("progress") == 0


def test_a_service_that_does_not_take_progress_gets_heartbeats(service: StubService):
    def refuse_progress(request: Request, position: int) -> Answer:
        return refused(400) if request.verb == "progress" else accepted(request, position)

    service.answer = refuse_progress
    reporter = a_reporter(service, heartbeat_seconds=0.01, progress=how_far)
    reporter.report(a_report(ReportKind.STARTED))
    reporter.start()
    service.wait_for("heartbeat", times=2)
    reporter.report(a_report(ReportKind.FINISHED))

    assert reporter.close(deadline=in_a_while()) is None
    assert service.count("progress") == 1
