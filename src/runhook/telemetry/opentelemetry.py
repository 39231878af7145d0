"""Spans, exported by OTLP over HTTP: the SDK reads its own variables.

Loaded only where these ask for it: see ``tracing``.
"""

from collections.abc import Mapping

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_VERSION, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span as OtelSpan
from opentelemetry.trace import SpanKind as OtelKind
from opentelemetry.trace import Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from runhook.domain.traces import TRACEPARENT
from runhook.domain.version import VERSION
from runhook.telemetry.tracing import Attributes, SpanKind

KINDS = {SpanKind.SERVER: OtelKind.SERVER, SpanKind.CLIENT: OtelKind.CLIENT}
NAMED = ("OTEL_SERVICE_NAME", "OTEL_RESOURCE_ATTRIBUTES")


class ExportedSpan:
    """A span of OpenTelemetry's."""

    __slots__ = ("_span",)

    def __init__(self, span: OtelSpan) -> None:
        self._span = span

    @property
    def traceparent(self) -> str:
        """What follows from it carries this."""
        found = self._span.get_span_context()
        return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"

    def end(self, attributes: Attributes, *, name: str | None = None, error: str = "") -> None:
        """Note that it is over; it is exported soon."""
        self._span.set_attributes(attributes)
        if name is not None:
            self._span.update_name(name)
        if error:
            self._span.set_status(Status(StatusCode.ERROR, error))
        self._span.end()


class Exported:
    """The tracing of a process that exports its spans."""

    is_on = True

    def __init__(self, provider: TracerProvider) -> None:
        self._provider = provider
        self._tracer = provider.get_tracer("runhook", VERSION)
        self._propagator = TraceContextTextMapPropagator()

    def begin(
        self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes
    ) -> ExportedSpan:
        """Begin a span, under another one or as the root of a trace."""
        context = Context()
        if parent is not None:
            context = self._propagator.extract({TRACEPARENT: parent}, context)
        span = self._tracer.start_span(
            name, context=context, kind=KINDS[kind], attributes=attributes
        )
        return ExportedSpan(span)

    def close(self) -> None:
        """Export what has not been."""
        self._provider.shutdown()


def export_traces(environ: Mapping[str, str]) -> Exported:
    """Begin to export spans in the background."""
    is_named = environ.get(NAMED[0]) or "service.name=" in environ.get(NAMED[1], "")
    resource = Resource.create(
        {SERVICE_VERSION: VERSION, **({} if is_named else {SERVICE_NAME: "runhook"})}
    )
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return Exported(provider)
