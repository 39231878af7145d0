"""Traces: what a report has led to, up to each attempt, as one tree of spans.

What follows from a span belongs to it by a `traceparent`. That is passed on whether or not this
process exports spans: a trace that a reporter has begun goes on at the endpoint. Spans are exported
only where the environment asks for it in OpenTelemetry's own variables.
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
    """Something that takes time, and belongs to a trace."""

    @property
    def traceparent(self) -> str | None:
        """What follows from it carries this; None if it belongs to no trace."""

    def end(self, attributes: Attributes, *, name: str | None = None, error: str = "") -> None:
        """Note that it is over.

        Args:
            attributes: what is known of it now.
            name: what it turned out to be.
            error: why it failed; empty if it did not.
        """


class Tracing(Protocol):
    """Begins spans."""

    is_on: bool
    """Whether they are exported."""

    def begin(self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> Span:
        """Begin a span, under another one or as the root of a trace."""

    def close(self) -> None:
        """Export what has not been; takes some seconds if nothing takes it."""


@dataclass(frozen=True, slots=True)
class PassedOn:
    """A span that this process does not make: what follows carries what came."""

    traceparent: str | None

    def end(self, attributes: Attributes, *, name: str | None = None, error: str = "") -> None:
        """Do nothing."""


class NotExported:
    """The tracing of a process that exports no spans."""

    is_on = False

    def begin(self, name: str, kind: SpanKind, parent: str | None, attributes: Attributes) -> Span:
        """Pass on what came."""
        del name, kind, attributes
        return PassedOn(parent) if parent else NOTHING

    def close(self) -> None:
        """Do nothing."""


NOTHING: Span = PassedOn(None)
NOT_EXPORTED = NotExported()

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)


@contextmanager
def working_within(span: Span) -> Iterator[None]:
    """Let what the block begins belong to a span."""
    token = _current.set(span.traceparent)
    try:
        yield
    finally:
        _current.reset(token)


def current_trace() -> str | None:
    """What the present work belongs to, as `traceparent`."""
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
