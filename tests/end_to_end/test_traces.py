"""A trace that a reporter began goes on in the service, in each attempt and at the endpoint.

The service runs as a process with the real SDK; a local receiver takes what it exports.
"""

from collections.abc import Sequence
from pathlib import Path

import httpx
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

from runhook import verify
from tests.support.api import data_of, new_run, new_webhook
from tests.support.ports import a_port_where_nobody_listens
from tests.support.program import Service
from tests.support.receiver import Receiver, status
from tests.support.running import account_of, on_sqlite

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


def spans_in(collector: Receiver) -> Sequence[Span]:
    """All spans that were exported, in the order of their ends."""
    return [
        span
        for one in collector.received
        for resource in ExportTraceServiceRequest.FromString(one.body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def attributes_of(span: Span) -> dict[str, object]:
    return {one.key: one.value.string_value or one.value.int_value for one in span.attributes}


def exporting(environment: dict[str, str], port: int) -> dict[str, str]:
    return {
        **environment,
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}",
        "OTEL_BSP_SCHEDULE_DELAY": "50",
        "RUNHOOK_RETRY_SCHEDULE": "1",
    }


@on_sqlite
async def test_each_attempt_is_a_child_of_the_report_after_a_restart_too(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    async with Receiver() as collector, Receiver(status(500), status(200)) as receiver:
        settings = exporting(environment, collector.port)
        settings["RUNHOOK_RETRY_SCHEDULE"] = "3600"
        async with Service(folder=tmp_path, environment=settings) as service:
            account_of(service, client)
            webhook = await new_webhook(
                client, client_url=receiver.url, event_types=["job.run.started"]
            )
            client.headers["traceparent"] = TRACEPARENT
            await new_run(client)
            (first,) = await receiver.wait_for(1)
            assert await service.stop() == 0
        del client.headers["traceparent"]
        async with Service(folder=tmp_path, environment=settings) as service:
            account_of(service, client)
            path = f"webhooks/subscription/{webhook['id']}"
            (event,) = data_of(await client.get(f"{path}/events"))
            data_of(await client.post(f"{path}/event/{event['id']}/redeliver"))
            _, second = await receiver.wait_for(2)
            assert await service.stop() == 0
        spans = spans_in(collector)

    (report,) = [
        one for one in spans if one.trace_id.hex() == TRACE and one.parent_span_id.hex() == PARENT
    ]
    attempts = [one for one in spans if one.parent_span_id == report.span_id]
    assert report.name == "POST /api/v3/accounts/{account_id}/runs"
    assert report.kind == Span.SPAN_KIND_SERVER
    assert attributes_of(report)["http.response.status_code"] == 201
    assert [one.kind for one in attempts] == [Span.SPAN_KIND_CLIENT] * 2
    assert {one.trace_id.hex() for one in attempts} == {TRACE}
    told = [attributes_of(one) for one in attempts]
    assert [one["http.response.status_code"] for one in told] == [500, 200]
    assert [one["runhook.attempt"] for one in told] == [1, 2]
    assert attempts[0].status.code == Status.STATUS_CODE_ERROR
    for span, request in zip(attempts, (first, second), strict=True):
        assert request.headers["traceparent"] == f"00-{TRACE}-{span.span_id.hex()}-01"
        verify(request.body, request.headers, webhook["hmac_secret"])


@on_sqlite
async def test_without_exporting_the_reporters_own_trace_is_passed_on(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    async with (
        Receiver() as receiver,
        Receiver() as chat,
        Service(folder=tmp_path, environment=environment) as service,
    ):
        account_of(service, client)
        await new_webhook(client, client_url=receiver.url, event_types=["job.run.started"])
        await new_webhook(
            client,
            name="chat",
            client_url=chat.url,
            format="slack",
            notify="every",
            event_types=["job.run.started"],
        )
        await new_run(client, job_name="without")
        client.headers["traceparent"] = TRACEPARENT
        await new_run(client, job_name="with")
        without, within = await receiver.wait_for(2)
        to_chat = await chat.wait_for(2)

    assert "traceparent" not in without.headers
    assert within.headers["traceparent"] == TRACEPARENT
    # A service that knows no signature of ours gets no trace.
    assert all("traceparent" not in one.headers for one in to_chat)


@on_sqlite
async def test_a_collector_that_is_away_holds_up_nothing(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    with a_port_where_nobody_listens() as port:
        settings = exporting(environment, port)
        async with (
            Receiver() as receiver,
            Service(folder=tmp_path, environment=settings) as service,
        ):
            account_of(service, client)
            await new_webhook(client, client_url=receiver.url, event_types=["job.run.started"])
            await new_run(client)
            await receiver.wait_for(1)
            await service.says("opentelemetry")
            assert (await client.get(f"{service.url}/healthz")).status_code == 200
