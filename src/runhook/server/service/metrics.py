"""Metrics for Prometheus: counters of this process, and the state of all deliveries.

It is an application of its own, on a port of its own, for the operator only. No label holds an
account, a name or an address.
"""

import platform
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from litestar import Litestar, Response, get
from litestar.datastructures import State
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from runhook.domain.deliveries.attempt_counts import BUCKETS
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.errors import UnavailableError
from runhook.domain.service.replicas import ReplicaRole
from runhook.domain.version import VERSION
from runhook.operations.deliveries.tally import DeliveryEnd, DeliveryTally
from runhook.operations.runs.tally import LATE_BUCKETS, RUN_ENDS, RunTally
from runhook.operations.service.health import HealthOfDelivering, health_of_delivering
from runhook.outbound.sender import Sender
from runhook.outbound.tally import Tally
from runhook.server.http.requests import BUCKETS as REQUEST_BUCKETS
from runhook.server.http.requests import RequestTally
from runhook.storage.engine.store import Store

SUCCEEDED = "succeeded"


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What is measured."""

    store: Store
    sender: Sender
    runs: RunTally
    deliveries: DeliveryTally | None = None
    """None of a process that does not deliver."""
    requests: RequestTally | None = None
    """None of a process that takes none."""


def create_metrics_app(measured: Measured) -> Litestar:
    """Build the application that serves metrics."""
    return Litestar(
        route_handlers=[show_metrics],
        state=State({"measured": measured}),
        openapi_config=None,
        logging_config=None,
    )


@get("/metrics")
async def show_metrics(state: State) -> Response[bytes]:
    """Answer in Prometheus' text form; what the database knows is left out while it is away."""
    measured: Measured = state.measured
    registry = CollectorRegistry()
    registry.register(Families([*process_metrics(measured), *await looked_up(measured.store)]))
    ProcessCollector(registry=registry)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)


class Families(Collector):
    """Metrics that have their values already."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        """The metric families."""
        return self._metrics


def process_metrics(measured: Measured) -> Iterator[Metric]:
    """Yield what this process has counted since it began."""
    tally = measured.sender.tally
    yield attempts(tally)
    yield durations(tally)
    yield GaugeMetricFamily(
        "runhook_attempts_in_flight", "Requests to endpoints under way.", value=tally.under_way
    )
    yield build_info()
    yield runs_ended(measured.runs)
    if measured.deliveries is not None:
        yield deliveries_ended(measured.deliveries)
    if measured.requests is not None:
        yield CounterMetricFamily(
            "runhook_reports_accepted",
            "Reports of runs that were committed, repeated ones too.",
            value=measured.runs.accepted,
        )
        yield late_reports(measured.runs)
        yield from requests(measured.requests)


def build_info() -> Metric:
    """What runs here; its value is 1."""
    family = GaugeMetricFamily(
        "runhook_build_info", "What runs here; the value is 1.", labels=["version", "python"]
    )
    family.add_metric([VERSION, platform.python_version()], 1)
    return family


def runs_ended(tally: RunTally) -> Metric:
    """Number of runs that have ended, by how."""
    family = CounterMetricFamily(
        "runhook_runs_ended", "Runs whose end was committed, by outcome.", labels=["outcome"]
    )
    for end in RUN_ENDS:
        family.add_metric([end], tally.ended[end])
    return family


def deliveries_ended(tally: DeliveryTally) -> Metric:
    """Number of deliveries that have ended, by how."""
    family = CounterMetricFamily(
        "runhook_deliveries_ended",
        "Deliveries whose last attempt was recorded, by how they ended.",
        labels=["end"],
    )
    for end in DeliveryEnd:
        family.add_metric([end.value], tally.ended[end])
    return family


def late_reports(tally: RunTally) -> Metric:
    """Histogram of the age of reports that came from a spool."""
    return HistogramMetricFamily(
        "runhook_late_report_age_seconds",
        "Reports that could not be sent when they were made, by how old they were.",
        buckets=cumulative(LATE_BUCKETS, tally.late),
        sum_value=tally.late_seconds,
    )


def requests(tally: RequestTally) -> Iterator[Metric]:
    """Yield number and durations of requests, by route."""
    yield GaugeMetricFamily(
        "runhook_requests_in_flight", "Requests being answered.", value=tally.under_way
    )
    answered = CounterMetricFamily(
        "runhook_requests",
        "Requests by method, route and class of the status.",
        labels=["method", "route", "status"],
    )
    for labels, count in tally.answered.items():
        answered.add_metric(labels, count)
    yield answered
    took = HistogramMetricFamily(
        "runhook_request_duration_seconds",
        "Until the answer began, by method and route.",
        labels=["method", "route"],
    )
    for route, one in tally.durations.items():
        took.add_metric(route, cumulative(REQUEST_BUCKETS, one.counts), one.seconds)
    yield took


def cumulative(bounds: Sequence[float], counts: Sequence[int]) -> list[tuple[str, float]]:
    """Counts of a histogram's buckets as Prometheus has them: up to each bound."""
    return list(zip([*map(str, bounds), "+Inf"], accumulate(counts), strict=True))


def attempts(tally: Tally) -> Metric:
    """Number of finished requests, by outcome."""
    family = CounterMetricFamily(
        "runhook_attempts", "Requests to endpoints, by outcome; tests too.", labels=["outcome"]
    )
    for failure in (None, *FailureReason):
        outcome = SUCCEEDED if failure is None else failure.value
        family.add_metric([outcome], tally.outcomes[failure])
    return family


def durations(tally: Tally) -> Metric:
    """Histogram of request durations."""
    return HistogramMetricFamily(
        "runhook_attempt_duration_seconds",
        "From looking up the name to the end of the body.",
        buckets=cumulative(BUCKETS, tally.durations),
        sum_value=tally.seconds,
    )


async def looked_up(store: Store) -> Sequence[Metric]:
    """Metrics from the database, for all accounts and processes; only `up 0` if it is away."""
    try:
        health = await health_of_delivering(store, None)
    except UnavailableError:
        return [database_up(is_up=False)]
    return [database_up(is_up=store.outage.is_over), *gauges_of(health)]


def database_up(*, is_up: bool) -> Metric:
    """Whether the database takes writes."""
    return GaugeMetricFamily(
        "runhook_database_up", "Whether the database answers and takes writes.", value=is_up
    )


def gauges_of(health: HealthOfDelivering) -> Iterator[Metric]:
    """Yield how delivering goes."""
    backlog = health.backlog
    oldest = backlog.oldest_due
    deliverers = sum(
        one.is_alive and ReplicaRole.DISPATCHER in one.replica.roles for one in health.replicas
    )
    values: dict[str, tuple[str, float]] = {
        "deliveries_waiting": (
            "To be sent, now or later; at most 10,000 are counted of each of 1,000 webhooks.",
            backlog.waiting,
        ),
        "deliveries_due": ("To be sent now, counted likewise.", backlog.due),
        "oldest_due_seconds": (
            "How long the first of those has been due; 0 if there is none.",
            0 if oldest is None else oldest.total_seconds(),
        ),
        "deliveries_sending": ("Held by a process to be sent.", health.sending),
        "endpoints_paused": ("Active webhooks whose endpoint is paused.", health.paused),
        "dispatchers": ("Living processes that deliver.", deliverers),
        "database_bytes": ("How large the database is.", health.database_bytes),
    }
    for name, (about, value) in values.items():
        yield GaugeMetricFamily(f"runhook_{name}", about, value=value)
