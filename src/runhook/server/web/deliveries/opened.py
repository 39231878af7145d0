"""One delivery with everything that there is to know of it: its attempts, and what can be done."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from runhook.domain.deliveries.delivery import DeliveryState, check_redelivery
from runhook.domain.errors import ConflictError
from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Draft
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.runs.run import Job
from runhook.domain.webhooks.options import NO_OPTIONS, Options
from runhook.domain.webhooks.requests import with_path
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.deliveries.redeliver import warning_about
from runhook.server.web.deliveries.timeline import TimelineStep, timeline_of
from runhook.server.web.page.visits import Visit
from runhook.storage.deliveries.mail_pauses import HeldUp, find_held_up
from runhook.storage.deliveries.rows import (
    LoggedAttempt,
    LoggedDelivery,
    find_delivery,
    list_attempts,
)
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.rows import find_run
from runhook.storage.webhooks.rows import find_webhook


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A delivery that is looked at."""

    delivery: LoggedDelivery
    webhook: Webhook | None
    """None once it is deleted."""
    job: Job | None
    """Of its run; None if it is about none that is kept."""
    attempts: Sequence[LoggedAttempt]
    steps: Sequence[TimelineStep]
    """The attempts, as the delivery's life."""
    shown: LoggedAttempt | None
    """The attempt whose request and response are shown; None if there has been none."""
    curl: str
    """The command that would make its request again; empty for a letter."""
    caveat: str
    """What a success does not say, by the webhook's format."""
    is_consumed: bool
    """Whether it is fetched by a consumer, and not sent."""
    next_attempt_at: datetime | None
    """When it is attempted next at the earliest; None if it does not wait."""
    is_paused: bool
    """Whether it waits for the end of its endpoint's pause."""
    held_up: HeldUp | None
    """What holds up its webhook's deliveries for the service's own sake."""
    refusal: str
    """Why it cannot be redelivered now; empty if it can."""
    warning: str
    """What redelivering it may do; empty if it is harmless."""


async def opened_of(
    tx: Transaction, visit: Visit, delivery_id: str, attempt: str = ""
) -> Opened | None:
    """Find a delivery of the account with its attempts; None if there is none.

    Args:
        tx: where to look.
        visit: whose account.
        delivery_id: as in an address.
        attempt: the number of the one to show, as in an address; else it is the last one.
    """
    if "\0" in delivery_id:
        return None
    delivery = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    if delivery is None:
        return None
    webhook = await find_webhook(tx, visit.account_id, delivery.webhook_id)
    run = await find_run(tx, visit.account_id, delivery.run_id) if delivery.run_id else None
    url = webhook.client_url if webhook else "https://the-webhook-is-deleted.example"
    options = webhook.options if webhook else NO_OPTIONS
    attempts = await list_attempts(tx, delivery.id)
    shown = next((one for one in reversed(attempts) if attempt in ("", str(one.number))), None)
    shown = shown or next(reversed(attempts), None)
    return Opened(
        delivery=delivery,
        webhook=webhook,
        job=run.run.job if run else None,
        attempts=attempts,
        steps=timeline_of(attempts, queued_at=delivery.created_at),
        shown=shown,
        curl=curl_of(shown, options, with_path(url, delivery.path), delivery.body)
        if shown and FORMATS[options.format].takes_url
        else "",
        caveat=FORMATS[webhook.options.format].caveat if webhook else "",
        is_consumed=webhook is not None and webhook.is_consumed,
        next_attempt_at=next_attempt_of(delivery, webhook),
        is_paused=webhook is not None and waits_for_pause(delivery, webhook),
        held_up=(await find_held_up(tx, [webhook] if webhook else [])).get(delivery.webhook_id),
        refusal=why_not_redeliverable(delivery, webhook),
        warning=await warning_about(tx, webhook, delivery.id) if webhook else "",
    )


def waits_for_pause(delivery: LoggedDelivery, webhook: Webhook) -> bool:
    """Whether a delivery is due before its endpoint's pause is over."""
    paused_until = webhook.health.paused_until
    return (
        delivery.state is DeliveryState.PENDING
        and paused_until is not None
        and delivery.next_attempt_at is not None
        and delivery.next_attempt_at < paused_until
    )


def next_attempt_of(delivery: LoggedDelivery, webhook: Webhook | None) -> datetime | None:
    """When a delivery is attempted next at the earliest; None if it does not wait."""
    if delivery.state is not DeliveryState.PENDING:
        return None
    if webhook is not None and waits_for_pause(delivery, webhook):
        return webhook.health.paused_until
    return delivery.next_attempt_at


def why_not_redeliverable(delivery: LoggedDelivery, webhook: Webhook | None) -> str:
    """Why a delivery cannot be redelivered now; empty if it can."""
    if webhook is None:
        return "The webhook is deleted."
    try:
        check_redelivery(delivery.state, is_test=delivery.is_test, is_active=webhook.active)
    except ConflictError as error:
        return error.message
    return ""


def curl_of(attempt: LoggedAttempt, options: Options, url: str, body: bytes) -> str:
    """Command that repeats an attempt's request; its secrets are masked, in the options too."""
    format_ = FORMATS[options.format]
    draft = Draft(method=format_.method(options.settings), url=url, headers={}, body=body)
    draft = format_.finish(draft, options.settings)
    lines = [f"curl -X {draft.method} {shlex.quote(draft.url)}"]
    for name, value in attempt.request_headers.items():
        lines.append(f"  -H {shlex.quote(f'{name}: {value}')}")
    lines.append(f"  --data-binary {shlex.quote(draft.body.decode(errors='replace'))}")
    return " \\\n".join(lines)
