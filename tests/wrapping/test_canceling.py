"""A user who may cancel runs can interrupt dbt from the service, if its owner allows that."""

import json
import threading
import time

from runhook.client.reporting.report import Report, ReportKind
from runhook.client.reporting.reporter import Reporter
from runhook.client.reporting.service import Service
from tests.support.patience import PATIENCE
from tests.wrapping.support import Answer, Request, StubService, Wrapper, finish_waiting, next_line

CANCEL = json.dumps({"data": {"id": 42, "cancel_requested": True}}).encode()


def ask_for_the_end_once(goes: threading.Event, service: StubService) -> None:
    """Answer the start only when ``goes`` is set, and say then that the run should end."""

    def answer(_request: Request, _position: int) -> Answer:
        assert goes.wait(PATIENCE)
        return 200, CANCEL, {}

    service.answer = answer


def test_dbt_is_interrupted_as_by_a_scheduler(wrapper: Wrapper, service: StubService):
    is_ready = threading.Event()
    ask_for_the_end_once(is_ready, service)

    with wrapper.start("dbt", "wait", flags=["--allow-cancel"]) as process:
        assert next_line(process) == "ready"
        is_ready.set()
        assert next_line(process) == "SIGINT"
        assert process.wait(PATIENCE) == 2

    assert service.verbs() == ["runs", "canceling", "finish"]
    assert service.body("runs")["cancelable"] is True
    end = service.body("finish")
    assert (end["status"], end["status_message"]) == ("canceled", "canceled from Runhook")


def test_without_leave_nobody_interrupts_dbt(wrapper: Wrapper, service: StubService):
    is_ready = threading.Event()
    ask_for_the_end_once(is_ready, service)

    with wrapper.start("dbt", "patient") as process:
        assert next_line(process) == "ready"
        is_ready.set()
        service.wait_for("runs")
        assert finish_waiting(process) == 2
        assert process.stdout is not None
        assert process.stdout.read() == b""

    assert service.verbs() == ["runs", "finish"]


def test_a_heartbeat_brings_the_request_once(service: StubService):
    asked: list[str] = []
    heard = threading.Event()

    def note() -> None:
        asked.append("asked")
        heard.set()

    service.answer = lambda request, _position: (
        200,
        CANCEL if request.verb == "heartbeat" else b'{"data": {"id": 42}}',
        {},
    )
    reporter = a_reporter(service, note)
    reporter.report(Report(kind=ReportKind.STARTED, body={}))
    reporter.start()
    assert heard.wait(PATIENCE)
    service.wait_for("heartbeat", times=3)

    assert asked == ["asked"]
    reporter.close(deadline=time.monotonic() + PATIENCE)


def test_a_cancel_that_was_ours_is_not_asked_for_again(service: StubService):
    asked: list[str] = []
    service.answer = lambda _request, _position: (200, CANCEL, {})
    reporter = a_reporter(service, lambda: asked.append("asked"))
    reporter.report(Report(kind=ReportKind.STARTED, body={}))
    reporter.report(Report(kind=ReportKind.CANCELING, body={}))
    reporter.start()
    service.wait_for("heartbeat", times=2)

    assert asked == []
    reporter.close(deadline=time.monotonic() + PATIENCE)


def a_reporter(service: StubService, on_cancel_request) -> Reporter:
    connection = Service(url=service.url, token="t", account_id="1", environ={})
    return Reporter(
        connection, None, "abc", heartbeat_seconds=0.01, on_cancel_request=on_cancel_request
    )
