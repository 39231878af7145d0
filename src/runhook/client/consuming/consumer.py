"""A consumer: reads the service's events as they come, and acknowledges those it has handled.

A process that ends at any moment loses nothing: events not acknowledged are read again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from runhook.client.reporting.service import NOT_FOUND, Service
from runhook.client.webhooks import WebhookRequestError, ask, full_answer, post_webhook
from runhook.domain.webhooks.consumers import LARGEST_READ
from runhook.domain.webhooks.webhook import CONSUME

LONGEST_WAIT = 20
"""Seconds that a read waits for an event."""
PATIENCE = 15.0
"""Seconds that the answer may take beyond that."""
LARGEST_ANSWER = 8 * LARGEST_READ
"""In bytes: a body's quotes are escaped within the answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEvent:
    """A delivery that waits for the consumer."""

    id: str
    event_type: str
    is_test: bool
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEvents:
    """Result of one read."""

    events: Sequence[ReadEvent]
    missed: int
    """Events that expired unread since the consumer was created."""


@dataclass(frozen=True, slots=True)
class RemoteConsumer:
    """A consumer of the service."""

    service: Service
    name: str
    reader: int | None = None
    """The number of this reader; None until it has taken the consumer over, and if the service is
    of a version that does not number readers."""

    def taken_over(self) -> "RemoteConsumer | None":
        """Become the consumer's only reader; None if there is no such consumer.

        The reader before is refused from now on.

        Raises:
            WebhookRequestError: the service cannot be asked.
        """
        try:
            answer = ask(self.service, "POST", f"{self._path}/readers")
        except WebhookRequestError as error:
            if not is_not_found(error):
                raise
            return self if self._is_there() else None
        return replace(self, reader=answer["reader"])

    def _is_there(self) -> bool:
        try:
            self.read(wait=0)
        except WebhookRequestError as error:
            if not is_not_found(error):
                raise
            return False
        return True

    def read(self, *, wait: int = LONGEST_WAIT) -> ReadEvents:
        """Read the next events; wait if there are none.

        Raises:
            WebhookRequestError: there is no such consumer, another reader has taken it over, or the
                service cannot be asked.
        """
        reader = "" if self.reader is None else f"&reader={self.reader}"
        path = f"{self._path}/events?wait={wait}{reader}"
        answer = full_answer(
            self.service, "GET", path, timeout=wait + PATIENCE, largest=LARGEST_ANSWER
        )
        return ReadEvents(
            events=[read_event(one) for one in answer.data],
            missed=answer.extra.get("missed", {}).get("count", 0),
        )

    def acknowledge(self, ids: Iterable[str]) -> None:
        """Acknowledge events, so that they are not read again.

        Raises:
            WebhookRequestError: another reader has taken the consumer over, or the service cannot
                be asked.
        """
        done: dict[str, object] = {"ids": list(ids)}
        if self.reader is not None:
            done["reader"] = self.reader
        ask(self.service, "POST", f"{self._path}/acknowledge", done)

    @property
    def _path(self) -> str:
        return f"consumers/{quote(self.name, safe='')}"


def is_not_found(error: WebhookRequestError) -> bool:
    """Whether the service answered 404."""
    return error.failed is not None and error.failed.status == NOT_FOUND


def read_event(found: Mapping[str, Any]) -> ReadEvent:
    """The event in an answer."""
    return ReadEvent(
        id=found["id"],
        event_type=found["event_type"],
        is_test=found["is_test"],
        headers=found["headers"],
        body=found["body"],
    )


def create_consumer(
    service: Service, name: str, options: Mapping[str, object]
) -> Mapping[str, Any]:
    """Create a consumer; the result is its webhook, with its secret this once.

    Raises:
        WebhookRequestError: the service refuses it, or cannot be asked.
    """
    webhook = {"name": f"Consumer {name}", "client_url": f"{CONSUME}{name}", **options}
    return post_webhook(service, webhook)
