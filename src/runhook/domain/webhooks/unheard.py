"""Webhooks that an event was not sent to, each with the reason, as far as that can be known later.

It is decided as it was when the event happened (``Webhook.why_not``), but by what the webhooks ask
for now: of one that was changed since, that is said.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from runhook.domain.messages.telling import WebhookId
from runhook.domain.runs.events import Event
from runhook.domain.webhooks.options import Notify
from runhook.domain.webhooks.webhook import Webhook

NOT_THERE = "it did not exist yet"
QUIET = {
    Notify.EVERY: "it had got this run's end already, or had not selected this event then",
    Notify.FAILURES: "it gets each failed run once",
    Notify.CHANGES: "it gets the first failure of a job, and its recovery",
}
"""Why a webhook that asks for an event was not told of it."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """A webhook that an event was not sent to."""

    webhook: Webhook
    why: str
    was_changed: bool
    """Whether it was changed after the event, so that another reason may have counted then."""


def unheard_of(
    event: Event, webhooks: Iterable[Webhook], heard: Collection[WebhookId]
) -> Iterator[Unheard]:
    """Yield the webhooks that have no delivery of an event, with the reasons."""
    for webhook in webhooks:
        if webhook.id in heard:
            continue
        if webhook.created_at > event.occurred_at:
            yield Unheard(webhook, NOT_THERE, was_changed=False)
            continue
        why = webhook.why_not(event)
        yield Unheard(
            webhook,
            QUIET[webhook.options.notify] if why is None else why.value,
            was_changed=webhook.updated_at > event.occurred_at,
        )
