"""Sends one request to an endpoint, within bounds, and returns its outcome."""

import asyncio
import ssl
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache, partial
from types import TracebackType
from typing import Self

from runhook.domain.deliveries.judging import OUR_PAUSE, FailureReason, Outcome
from runhook.domain.errors import InvalidError
from runhook.domain.messages.mailboxes import MAILTO, MailAccount, addresses_in
from runhook.domain.network.destinations import AddressPolicy, refusal_of_name
from runhook.domain.network.proxies import Proxies
from runhook.domain.webhooks.tls import USUAL_TLS, TlsSettings
from runhook.outbound.answers import BODY_KEPT_LIMIT, AnswerRefusedError, Response
from runhook.outbound.connection import EndpointConnection
from runhook.outbound.deadline import Deadline
from runhook.outbound.dialling import Dialler, spelled_out
from runhook.outbound.failures import (
    explain,
    explain_status,
    is_own_fault,
    note_of,
    stops_mail,
    stops_proxy,
)
from runhook.outbound.guard import Guard
from runhook.outbound.pool import Bounds, Pool, Slots
from runhook.outbound.proxy_pauses import ProxyPauses
from runhook.outbound.resolver import Resolver
from runhook.outbound.route import Route, request_head, route_to
from runhook.outbound.shares import Shares
from runhook.outbound.smtp import NOT_SET_UP, Mailer
from runhook.outbound.tally import Tally
from runhook.outbound.tls import Contexts
from runhook.outbound.trip import Trip, TripStage

REMEMBERED = 4_096
"""To how many URLs the way is not worked out anew for each delivery."""
LOOK_UP_SECONDS = 3
"""Time limit of a look-up that only checks a name, for an interactive user."""
FOR_TESTS = Bounds(in_all=64, to_one_host=8)
"""Connections for tests of webhooks, which people wait for: beside those that deliveries have."""
TESTS_AT_ONCE = 4
"""Of one account."""


def as_it_is(outcome: Outcome) -> Outcome:
    """Read an answer by its status alone."""
    return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What goes over the wire."""

    url: str = field(repr=False)
    """It may be a credential. Of `mailto:` it goes over the mail server, as it is in ``body``."""
    headers: Mapping[str, str] = field(repr=False)
    """Among them may be credentials."""
    body: bytes = field(repr=False)
    method: str = "POST"
    tls: TlsSettings = USUAL_TLS
    """How TLS is spoken with the endpoint."""
    timeout: timedelta | None = None
    """How long all of it may take; as long as the sender says if None."""
    body_kept: int = BODY_KEPT_LIMIT
    """How many bytes of the answer's body are kept."""
    read: Callable[[Outcome], Outcome] = field(default=as_it_is, repr=False)
    """Reads the answer by the rules of the service that gave it."""


class Sender:
    """Sends requests by the way that their URLs name: HTTP over pooled connections, or mail.

    Use as an async context manager.

    Args:
        policy: which addresses may be dialled.
        deadline: for the whole of one request that has none of its own: waiting for a connection,
            resolving, connecting, TLS, headers and body.
        proxies: through which to go; the proxies themselves may have any address.
        bounds: how many connections may be in use at once.
        resolver: looks up host names; the system's if None.
        tls: which certificates to trust; those that the system trusts if None.
        mail: what mail is sent with; None sends none.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        deadline: timedelta,
        proxies: Proxies | None = None,
        bounds: Bounds | None = None,
        resolver: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        mail: MailAccount | None = None,
    ) -> None:
        bounds = bounds or Bounds()
        self._guard = Guard(policy)
        self._deadline = deadline
        self._deadlines: dict[timedelta, Deadline] = {}
        self._proxies = proxies or Proxies()
        self._resolver = resolver or Resolver()
        contexts = Contexts(tls)
        self._dialler = Dialler(self._guard, self._resolver, contexts)
        self._mailer = Mailer(mail, self._dialler, contexts) if mail else None
        self._slots = Slots(bounds)
        self._slots_for_tests = Slots(FOR_TESTS)
        self.tests = Shares(TESTS_AT_ONCE)
        """Tests of webhooks under way, by account."""
        self._proxy_pauses = ProxyPauses(OUR_PAUSE, time.monotonic)
        self._pool = Pool(bounds.in_all)
        self._route_to = lru_cache(maxsize=REMEMBERED)(partial(route_to, proxies=self._proxies))
        self.tally = Tally(time.monotonic)
        """Outcomes of the requests so far."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for one in self._deadlines.values():
            one.close()
        self._pool.close()
        if self._mailer is not None:
            self._mailer.close()
        self._resolver.close()

    async def send(self, request: Request, *, is_test: bool = False) -> Outcome:
        """Send one request; every failure is returned as an outcome.

        Args:
            request: what to send.
            is_test: whether a user tries a webhook out; never takes a connection that a delivery
                could have.
        """
        started = time.monotonic()
        deadline = request.timeout or self._deadline
        trip = Trip(deadline=deadline)
        self.tally.under_way += 1
        try:
            way = self._mail if request.url.startswith(MAILTO) else self._post
            outcome = await self._deadline_of(deadline).wait_for(
                way(request, trip, is_test=is_test)
            )
        except (AnswerRefusedError, InvalidError, MemoryError, OSError, ValueError) as error:
            if trip.stage is TripStage.RESOLVING and isinstance(error, TimeoutError):
                trip.are_names_unanswered = not self._resolver.has_answered_since(started)
            reason, sentence = explain(error, trip)
            self._note_proxy(trip, sentence if stops_proxy(error, trip) else "")
            outcome = Outcome(
                **trip.times(),
                failure=reason,
                error=sentence,
                is_ours=is_own_fault(error, trip),
                stops_mail=stops_mail(error, trip),
            )
        finally:
            self.tally.under_way -= 1
        outcome = request.read(outcome)
        self.tally.note(outcome)
        return outcome

    @property
    def sends_mail(self) -> bool:
        """Whether there is a mail server."""
        return self._mailer is not None

    async def look_up(self, url: str) -> str | None:
        """Why nothing would be dialled for a URL now, in a sentence; None if all is well.

        Sends nothing. Behind a proxy, names are the proxy's to judge.
        """
        try:
            route = self._route_to(url)
        except InvalidError as error:
            return error.message
        host = route.url.host
        if route.proxy is not None or spelled_out(host, 0):
            return None
        try:
            async with asyncio.timeout(LOOK_UP_SECONDS):
                found = await self._resolver.resolve(host)
        except TimeoutError:
            return f"The host {host} could not be looked up within {LOOK_UP_SECONDS} s."
        except OSError:
            return f"The host {host} has no address that name servers know."
        if any(self._guard.refusal_of(str(one[4][0])) is None for one in found):
            return None
        return refusal_of_name(host) if found else f"The host {host} has no address."

    def _note_proxy(self, trip: Trip, why: str) -> None:
        """Begin a proxy's pause if it failed the request, for this reason; end it if it did not."""
        if trip.proxy is None:
            return
        if why:
            self._proxy_pauses.begin(trip.proxy, why)
        elif trip.has_proxy:
            self._proxy_pauses.end(trip.proxy)

    def _deadline_of(self, after: timedelta) -> Deadline:
        deadline = self._deadlines.get(after)
        if deadline is None:
            deadline = self._deadlines[after] = Deadline(after)
        return deadline

    async def _mail(self, request: Request, trip: Trip, *, is_test: bool) -> Outcome:
        if self._mailer is None:
            return Outcome(
                **trip.times(),
                failure=FailureReason.NOT_SET_UP,
                error=NOT_SET_UP,
                is_ours=True,
            )
        recipients = addresses_in(request.url)
        return await self._mailer.send(recipients, request.body, trip, is_test=is_test)

    async def _post(self, request: Request, trip: Trip, *, is_test: bool) -> Outcome:
        slots = self._slots_for_tests if is_test else self._slots
        answer = await self._exchange(request, slots, trip)
        failure, why = explain_status(answer.status_code, trip)
        self._note_proxy(trip, why if failure is FailureReason.PROXY_FAILED else "")
        return Outcome(
            **trip.times(),
            status_code=answer.status_code,
            failure=failure,
            error=why,
            is_ours=failure is FailureReason.PROXY_FAILED,
            note=note_of(answer),
            response_headers=answer.headers,
            response_body=answer.body,
        )

    async def _exchange(self, request: Request, slots: Slots, trip: Trip) -> Response:
        self._guard.check(request.url, trip)
        route = self._route_to(request.url)
        trip.url, trip.proxy = route.url, route.proxy
        if route.proxy is not None and slots is self._slots:
            self._proxy_pauses.check(route.proxy)
        head = request_head(route, request.headers, len(request.body), method=request.method)
        host = (route.url.host, route.url.port)
        await slots.take(host)
        try:
            return await self._ask(route, head, request, trip)
        finally:
            slots.give_back(host)

    async def _ask(self, route: Route, head: bytes, request: Request, trip: Trip) -> Response:
        key = (route.url.scheme, route.url.host, route.url.port, route.proxy, request.tls)
        kept = self._pool.take(key)
        if kept is not None:
            trip.was_reused, trip.has_proxy = True, route.proxy is not None
            try:
                return await self._ask_over(kept, key, head, request, trip)
            except OSError:
                # An endpoint may close a kept connection at the very moment we use it, and all the
                # others that we keep to it as well. That is not a failure; a new connection tells.
                if kept.has_heard:
                    raise
            trip.was_reused = trip.has_proxy = False
        connection = await self._dialler.connect(route, request.tls, trip)
        return await self._ask_over(connection, key, head, request, trip)

    async def _ask_over(
        self,
        connection: EndpointConnection,
        key: Hashable,
        head: bytes,
        request: Request,
        trip: Trip,
    ) -> Response:
        trip.enter(TripStage.WAITING)
        answer = await connection.ask(head, request.body, trip, kept=request.body_kept)
        self._pool.keep(key, connection)
        return answer
