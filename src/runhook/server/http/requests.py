"""Each request as it is answered: it gets an id, is counted, logged, and belongs to a trace."""

import random
import re
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from litestar.enums import ScopeType
from litestar.types import ASGIApp, HTTPScope, Message, Receive, Scope, Send

from runhook.domain.people.callers import Caller
from runhook.domain.traces import read_traceparent
from runhook.server.http.heads import ASKED_BY_HEAD
from runhook.storage.people.sessions import ValidSession
from runhook.telemetry.choices import RequestLog
from runhook.telemetry.events import REQUEST
from runhook.telemetry.tracing import (
    NOT_EXPORTED,
    NOTHING,
    Attributes,
    SpanKind,
    Tracing,
    working_within,
)

REQUEST_ID = "request_id"
"""What a request's state holds its id under."""
SANE_ID = re.compile(rb"[A-Za-z0-9._:/+=@-]{1,128}")
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""In seconds."""
NO_ROUTE = "none"
# The system's randomness is a system call for each.
NEW_IDS = random.Random()  # noqa: S311 - they tell requests apart, and are no secrets
PROBES = ("/healthz", "/readyz", "/static")
"""What the routes begin with that browsers and load balancers ask for all the time."""


@dataclass(slots=True)
class RouteDurations:
    """How long the requests of a route took until their answers began."""

    counts: list[int] = field(default_factory=lambda: [0] * (len(BUCKETS) + 1))
    """The last bucket has no end."""
    seconds: float = 0.0


class RequestTally:
    """Counts requests, by route: as many as there are, whatever is asked for."""

    def __init__(self) -> None:
        self.under_way = 0
        self.answered: Counter[tuple[str, str, str]] = Counter()
        """By method, route and class of the status, such as `2xx`; `none` was not answered."""
        self.durations: dict[tuple[str, str], RouteDurations] = {}

    def note(self, method: str, route: str, status: int | None, seconds: float) -> None:
        """Count a request that is over."""
        kind = f"{status // 100}xx" if status else "none"
        self.answered[method, route, kind] += 1
        found = self.durations.get((method, route))
        if found is None:
            found = self.durations[method, route] = RouteDurations()
        found.counts[bisect_left(BUCKETS, seconds)] += 1
        found.seconds += seconds


@dataclass(frozen=True, slots=True)
class RequestWatch:
    """Where requests are counted, logged and traced."""

    tally: RequestTally = field(default_factory=RequestTally)
    log: RequestLog = RequestLog.NO
    tracing: Tracing = NOT_EXPORTED


def watched(app: ASGIApp, watch: Callable[[], RequestWatch]) -> ASGIApp:
    """Wrap an application to count, log and trace its requests.

    Args:
        app: has the routes.
        watch: asked for at each request.
    """

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != ScopeType.HTTP:
            await app(scope, receive, send)
            return
        request = WatchedRequest(scope, send, watch())
        try:
            if request.span is NOTHING:
                await app(scope, receive, request.send)
            else:
                with working_within(request.span):
                    await app(scope, receive, request.send)
        finally:
            request.end()

    return answer


class WatchedRequest:
    """One request."""

    __slots__ = ("_began", "_id", "_scope", "_seconds", "_send", "_status", "_watch", "span")

    def __init__(self, scope: HTTPScope, send: Send, watch: RequestWatch) -> None:
        self._scope = scope
        self._send = send
        self._watch = watch
        self._began = time.perf_counter()
        self._seconds = 0.0
        self._status: int | None = None
        given = trace = None
        for name, value in scope["headers"]:
            if name == b"x-request-id":
                given = value
            elif name == b"traceparent":
                trace = value
        is_sane = given is not None and SANE_ID.fullmatch(given) is not None
        self._id = given if is_sane and given else b"%016x" % NEW_IDS.getrandbits(64)
        scope["state"][REQUEST_ID] = self._id.decode()
        watch.tally.under_way += 1
        self.span = NOTHING
        is_traced = watch.tracing.is_on and not scope["path"].startswith(PROBES)
        if trace is not None or is_traced:
            parent = read_traceparent(trace.decode("latin-1")) if trace else None
            self.span = watch.tracing.begin(scope["method"], SpanKind.SERVER, parent, {})

    async def send(self, message: Message) -> None:
        """Send a part of the answer, with the request's id."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._seconds = time.perf_counter() - self._began
            message["headers"] = [*message["headers"], (b"x-request-id", self._id)]
        await self._send(message)

    def end(self) -> None:
        """Count the request, end its span, and log it."""
        scope, watch = self._scope, self._watch
        if self._status is None:
            self._seconds = time.perf_counter() - self._began
        method = "HEAD" if ASKED_BY_HEAD in scope["state"] else scope["method"]
        route = route_of(scope)
        watch.tally.under_way -= 1
        watch.tally.note(known_method(method), route, self._status, self._seconds)
        if self.span is not NOTHING:
            self.span.end(
                span_attributes(method, route, self._status),
                name=f"{known_method(method)} {route}",
                error="" if (self._status or 500) < 500 else f"answered {self._status}",
            )
        if watch.log is RequestLog.ALL or (
            watch.log is RequestLog.YES and not route.startswith(PROBES)
        ):
            account, by = who_asked(scope)
            client = scope["client"]
            REQUEST.say(
                method=method,
                route=route,
                status=self._status,
                milliseconds=round(self._seconds * 1000, 1),
                request_id=self._id.decode(),
                account=account,
                by=by,
                client=client[0] if client else None,
            )


METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def known_method(method: str) -> str:
    """A method that some route has; `other` for what clients make up."""
    return method if method in METHODS else "other"


def route_of(scope: Scope) -> str:
    """The route that was asked for, with names in the place of ids."""
    route: str = scope.get("path_template") or NO_ROUTE
    return route


def span_attributes(method: str, route: str, status: int | None) -> Attributes:
    """A request's attributes, by OpenTelemetry's semantic conventions."""
    found: dict[str, str | int] = {"http.request.method": method, "http.route": route}
    if status is not None:
        found["http.response.status_code"] = status
    return found


def who_asked(scope: Scope) -> tuple[int | None, str | None]:
    """Account and sender of a request, if they were let in."""
    identity = scope.get("user")
    if isinstance(identity, Caller):
        return identity.account_id, identity.actor.label
    if isinstance(identity, ValidSession):
        return None, f"user {identity.user.id}"
    return None, None
