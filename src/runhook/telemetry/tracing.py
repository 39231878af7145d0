"""Traces: one tree of spans, from a report to each attempt that follows from it.

A `traceparent` links a span to its parent. It is passed on whether or not this process exports
spans: a trace that a reporter has begun goes on at the endpoint. Spans are exported only where the
environment asks for it in OpenTelemetry's own variables.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum, auto
from importlib import import_module
from importlib.util import find_spec
from typing import Protocol, cast

from runhook.telemetry.events import TRACING_OFF, TRACING_ON

ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
EXPORTER = "OTEL_TRACES_EXPORTER"
Attributes = Mapping[str, str | int]


class SpanKind(Enum):
    """Which side of a request a span is."""

    SERVER = auto()
    CLIENT = auto()


class Span(Protocol):
    """A timed piece of work within a trace."""

    @property
    def traceparent(self) -> str | None:
        """Links its children to it; None outside any trace."""

    def end(self, attributes: Attributes, *, name: str | None = None, error: str = "") -> None:
        """End the span.

        Args:
            attributes: of the whole span.
            name: replaces the name it was begun with.
            error: why it failed; empty if it did not.
        """


class Tracing(Protocol):
    """Begins spans."""

    is_on: bool
    """Whether they are exported."""

    def begin(self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> Span:
        """Begin a span, under another one or as the root of a trace."""

    def close(self) -> None:
        """Export the remaining spans; takes some seconds if no collector answers."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A span that is not exported: it passes on the `traceparent` that came."""

    traceparent: str | None

    def end(self, attributes: Attributes, *, name: str | None = None, error: str = "") -> None:
        """Do nothing."""


class NotExported:
    """The tracing of a process that exports no spans."""

    is_on = False

    def begin(self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> Span:
        """Pass on the parent that came, if any."""
        del name, kind, attributes
        return PassedOn(parent) if parent else NOTHING

    def close(self) -> None:
        """Do nothing."""


NOTHING: Span = PassedOn(None)
NOT_EXPORTED = NotExported()

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


@contextmanager
def working_within(span: Span) -> Iterator[None]:
    """Make a span the parent of what the block begins."""
    token = _current.set(span.traceparent)
    try:
        yield
    finally:
        _current.reset(token)


def current_trace() -> str | None:
    """`traceparent` of the present work."""
    return _current.get()


def open_tracing(environ: Mapping[str, str]) -> Tracing:
    """Tracing as the environment asks for it; nothing of OpenTelemetry is loaded unless it does."""
    if not is_asked_for(environ):
        return NOT_EXPORTED
    if find_spec("opentelemetry") is None or find_spec("opentelemetry.exporter") is None:
        TRACING_OFF.say()
        return NOT_EXPORTED
    tracing = import_module("runhook.telemetry.opentelemetry").export_traces(environ)
    TRACING_ON.say()
    return cast("Tracing", tracing)


def is_asked_for(environ: Mapping[str, str]) -> bool:
    """Whether OpenTelemetry's variables say where to export traces, or that they be exported."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return False
    exporter = environ.get(EXPORTER, "").strip()
    if exporter:
        return exporter == "otlp"
    return any(environ.get(name, "").strip() for name in ENDPOINTS)
