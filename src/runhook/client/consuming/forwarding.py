"""Pass on a consumer's events to a receiver of one's own, in order, until it takes each."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from runhook.client.consuming.consumer import ReadEvent, RemoteConsumer
from runhook.client.reporting.service import (
    RequestFailed,
    ServerWay,
    UnusableError,
    exchange,
    find_proxy,
    parse_url,
)
from runhook.client.webhooks import WebhookRequestError
from runhook.domain.webhooks.signature import SIGNATURE_HEADER, Secret, sign

RECEIVER_SECONDS = 30.0
ATTEMPTS = 3
"""How often an event is passed on to a receiver that answers, but not with success."""
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 10.0
HOP_BY_HOP = {"connection": "close"}


@dataclass(frozen=True, slots=True)
class Passed:
    """How a receiver did with an event."""

    status: int | None
    """None if it did not answer."""
    reason: str = ""
    """Why not."""
    seconds: float = 0.0

    @property
    def is_success(self) -> bool:
        """Whether it took the event."""
        return self.status is not None and 200 <= self.status < 300


class LocalReceiver:
    """The receiver that events are passed on to.

    Args:
        url: its address.
        environ: may name a proxy, which is not asked for this very machine.
        secret: signs anew what is passed on; None leaves the service's signatures.

    Raises:
        UnusableError: the URL is not an http or https address.
    """

    def __init__(
        self, url: str, environ: Mapping[str, str], *, secret: Secret | None = None
    ) -> None:
        try:
            parts = parse_url(url)
        except UnusableError:
            raise UnusableError(f"{url} is not an http or https address") from None
        self.url = url
        self._way = ServerWay(parts, find_proxy(parts, environ), RECEIVER_SECONDS)
        self._path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._secret = secret

    def take(self, event: ReadEvent) -> Passed:
        """Post an event."""
        body = event.body.encode()
        began = time.monotonic()
        headers = {**self._headers(event, body), **HOP_BY_HOP}
        came = exchange(self._way, "POST", self._path, body, headers)
        seconds = time.monotonic() - began
        if isinstance(came, RequestFailed):
            return Passed(None, came.reason, seconds)
        return Passed(came[0], seconds=seconds)

    def _headers(self, event: ReadEvent, body: bytes) -> Mapping[str, str]:
        if self._secret is None:
            return event.headers
        signed = sign([self._secret], message_id=event.id, timestamp=datetime.now(UTC), body=body)
        if SIGNATURE_HEADER in event.headers:
            signed[SIGNATURE_HEADER] = signed.pop("Authorization")
        return {**event.headers, **signed}


Tell = Callable[[ReadEvent, Passed | None, str], None]
"""Shows how an event fared: how it was received if it was passed on, and what follows."""


@dataclass(slots=True)
class Forwarding:
    """Reads a consumer's events and passes them on, one after the other.

    A receiver that does not answer is tried until it does, and whatever is behind waits. One that
    answers with an error is tried ``ATTEMPTS`` times, and then the event is given up.
    """

    consumer: RemoteConsumer
    receiver: LocalReceiver | None
    """None only shows events."""
    wanted: Collection[str]
    """Event types that are shown and passed on; empty is all."""
    tell: Tell
    say: Callable[[str], None]
    """Tells how the reading itself does."""
    pause: Callable[[float], None] = time.sleep
    _attempts: dict[str, int] = field(default_factory=dict)
    """Of the events that the receiver has not taken."""
    _done: set[str] = field(default_factory=set)
    """Passed on, and not acknowledged yet."""
    _failures: int = 0
    """In a row, of the service or the receiver."""
    _missed: int | None = None

    def run(self) -> None:
        """Read and pass on, until interrupted.

        Raises:
            WebhookRequestError: the service refuses to let the consumer read.
        """
        while True:
            if not self.step():
                self.pause(min(FIRST_PAUSE * 2 ** (self._failures - 1), LONGEST_PAUSE))

    def step(self) -> bool:
        """Read once and pass on what came; say whether to go on without a pause."""
        try:
            is_well = self._read_and_pass_on()
        except WebhookRequestError as error:
            if error.failed is None or error.failed.is_final:
                raise
            if not self._failures:
                self.say(f"{error.message}; trying again")
            is_well = False
        self._failures = 0 if is_well else self._failures + 1
        return is_well

    def _read_and_pass_on(self) -> bool:
        self._acknowledge()
        read = self.consumer.read()
        self._note_missed(read.missed)
        for event in read.events:
            if not self._settle(event):
                return False
            self._done.add(event.id)
            self._acknowledge()
        return True

    def _acknowledge(self) -> None:
        if self._done:
            self.consumer.acknowledge(self._done)
            self._done.clear()

    def _settle(self, event: ReadEvent) -> bool:
        """Pass an event on; say whether it is done with."""
        if self.wanted and event.event_type not in self.wanted:
            return True
        if self.receiver is None:
            self.tell(event, None, "")
            return True
        passed = self.receiver.take(event)
        if passed.is_success:
            self._attempts.pop(event.id, None)
            self.tell(event, passed, "")
            return True
        if passed.status is None:
            if not self._failures:
                self.tell(event, passed, "waiting for the receiver")
            return False
        attempts = self._attempts[event.id] = self._attempts.get(event.id, 0) + 1
        is_given_up = attempts >= ATTEMPTS
        self.tell(event, passed, "given up" if is_given_up else "trying again")
        if is_given_up:
            del self._attempts[event.id]
        return is_given_up

    def _note_missed(self, missed: int) -> None:
        before = self._missed or 0
        if missed > before:
            self.say(f"{missed - before:,} events were older than the service keeps them: missed")
        self._missed = missed
