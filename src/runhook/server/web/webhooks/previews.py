"""What a webhook would send, shown before it is saved: as people would read it, and as bytes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from runhook.domain.formats import FORMATS
from runhook.domain.formats.format import Look, Rendered
from runhook.domain.messages.message import Message, message_of
from runhook.domain.messages.notices import Notice
from runhook.domain.runs.events import Event, events_for
from runhook.domain.runs.run import AccountId, Run, RunStatus
from runhook.domain.webhooks.incidents import Bearing, fact_of, manner_of
from runhook.domain.webhooks.samples import sample_event, sample_recovery
from runhook.domain.webhooks.webhook import Webhook
from runhook.operations.ids import new_delivery_id
from runhook.server.web.page.showing import EVENT_NAMES, job_title
from runhook.storage.engine.pages import Slice
from runhook.storage.engine.store import Transaction
from runhook.storage.runs.rows import RunFilter, RunOrder, list_uncounted_runs

ENDED = (RunStatus.SUCCESS, RunStatus.ERROR, RunStatus.CANCELLED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """One delivery that is not made."""

    title: str
    look: Look | None
    """How people would see it; None if the format is for programs."""
    message: Message | None
    """What they would read."""
    rendered: Rendered


async def latest_run(tx: Transaction, account_id: AccountId) -> Run | None:
    """Find the run of an account that ended last; None if there is none."""
    part = Slice(order=RunOrder.ID, is_descending=True, limit=1)
    found = await list_uncounted_runs(tx, account_id, RunFilter(statuses=ENDED), part)
    return found[0].run if found else None


def previews_of(
    webhook: Webhook, run: Run | None, *, now: datetime, public_url: str | None
) -> Sequence[Preview]:
    """Show samples of what a webhook hears of, and the end of a real run if it hears of that."""
    shown = [
        preview_message(
            webhook,
            EVENT_NAMES[one],
            sample_event(replace(webhook, event_types=(one,)), now=now),
            public_url,
            is_sample=True,
        )
        for one in webhook.event_types
    ]
    if manner_of(webhook).joins_events:
        recovery = sample_recovery(webhook, now=now)
        shown.append(preview_message(webhook, "Recovery", recovery, public_url, is_sample=True))
    if run is not None:
        ends = [one for one in events_for(None, run, now=now) if webhook.wants(one)]
        title = f"Your latest run, #{run.id} of {job_title(run.job)}"
        shown[:0] = [preview_message(webhook, title, one, public_url) for one in ends[:1]]
    return [one for one in shown if one is not None]


def preview_message(
    webhook: Webhook,
    title: str,
    event: Event | Notice,
    public_url: str | None,
    *,
    is_sample: bool = False,
) -> Preview | None:
    """Show a delivery of an event; None if the format has nothing to say of it.

    A webhook that hears of changes gets a success only after a failure.
    """
    format_ = FORMATS[webhook.options.format]
    if not format_.tells(event):
        return None
    event = webhook.shown(event)
    delivery_id = new_delivery_id(event.occurred_at, 0)
    fact = fact_of(event)
    is_success = fact is not None and fact.bearing is Bearing.SUCCESS
    telling = webhook.telling(
        delivery_id,
        public_url=public_url,
        has_recovered=is_success and manner_of(webhook).joins_events,
        is_sample=is_sample,
    )
    return Preview(
        title=title,
        look=format_.look,
        message=None if format_.look is None else message_of(event, telling),
        rendered=format_.render(event, telling, webhook.options.settings),
    )
