"""Redeliveries in bulk as JSON."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.redeliveries import (
    MOST_PICKED,
    Obstacle,
    Picked,
    Redelivery,
    RedeliveryProgress,
    RedeliveryShare,
    RedeliveryState,
    Selection,
)
from runhook.domain.errors import InvalidError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import JobId, RunId
from runhook.operations.deliveries.redeliver_many import RedeliveryPreview
from runhook.server.api.wire import NO_NUL, Moment

Number = Annotated[int, Meta(ge=1, le=LARGEST_ID)]

Word = Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)]


class SelectionIn(Struct, kw_only=True, forbid_unknown_fields=True):
    """The deliveries to send again: those listed, or all that did not arrive since a time."""

    delivery_ids: Annotated[list[Word], Meta(max_length=MOST_PICKED)] | None = None
    since: Moment | None = None
    until: Moment | None = None
    states: Annotated[list[DeliveryState], Meta(max_length=20)] | None = None
    webhook_id: Word | None = None
    event_types: Annotated[list[EventType], Meta(max_length=20)] | None = None
    job_id: Number | None = None
    run_id: Number | None = None
    code_class: Literal[0, 2, 3, 4, 5] | None = None

    def to_selection(self) -> Selection | Picked:
        """The requested selection.

        Raises:
            InvalidError: it has neither a start nor deliveries, or both.
        """
        if self.delivery_ids is not None:
            if self != SelectionIn(delivery_ids=self.delivery_ids):
                raise InvalidError("give nothing else beside it", field="delivery_ids")
            return Picked(tuple(DeliveryId(one) for one in self.delivery_ids))
        if self.since is None:
            raise InvalidError("say since when, or give `delivery_ids`", field="since")
        return Selection(
            since=self.since,
            until=self.until,
            states=tuple(dict.fromkeys(self.states or ())),
            webhook_id=None if self.webhook_id is None else WebhookId(self.webhook_id),
            event_types=tuple(dict.fromkeys(self.event_types or ())),
            job_id=None if self.job_id is None else JobId(self.job_id),
            run_id=None if self.run_id is None else RunId(self.run_id),
            code_class=self.code_class,
        )


class SelectionOut(Struct, kw_only=True):
    """Which deliveries a redelivery is about; null and an empty list narrow nothing."""

    delivery_ids: list[str]
    """If there are any, it is about these, and nothing else is given."""
    since: datetime | None
    until: datetime | None
    states: list[DeliveryState]
    webhook_id: str | None
    event_types: list[EventType]
    job_id: int | None
    run_id: int | None
    code_class: int | None
    """4 for those last answered with 400 to 499, and so on; 0 for those with no answer."""


class PreviewedWebhook(Struct, kw_only=True):
    """How many deliveries of one webhook a redelivery would be about."""

    webhook_id: str
    name: str
    active: bool
    """If not, its deliveries would be passed over."""
    total: int


class PreviewOut(Struct, kw_only=True):
    """What a redelivery would be about, if it began now."""

    selection: SelectionOut
    total: int
    counted_all: bool
    """If not, there are more than ``total``."""
    webhooks: list[PreviewedWebhook]


class ProgressOut(Struct, kw_only=True):
    """States of the deliveries that were returned to the queue."""

    arrived: int
    failed: int
    waiting: int
    """Pending, or being sent."""
    dropped: int
    """Canceled, or superseded by a newer event."""
    elsewhere: int
    """No longer counted here: a later redelivery has them, or they are no longer kept."""


class ShareOut(Struct, kw_only=True):
    """How far a redelivery has come with one webhook."""

    webhook_id: str
    total: int
    queued: int
    progress: ProgressOut
    passed_over: dict[str, int]
    is_over: bool


class RedeliveryOut(Struct, kw_only=True):
    """A redelivery, and how far it has come."""

    id: str
    state: RedeliveryState
    selection: SelectionOut
    total: int
    """How many deliveries there were when it began."""
    counted_all: bool
    """If not, there were more than ``total``."""
    queued: int
    """How many have been returned to the queue."""
    progress: ProgressOut
    """States of those."""
    passed_over: dict[str, int]
    """How many were not, and why."""
    webhooks: list[ShareOut]
    created_by: str
    created_at: datetime
    ended_at: datetime | None


def preview_of(preview: RedeliveryPreview) -> PreviewOut:
    """Show a preview."""
    return PreviewOut(
        selection=shown_selection(preview.selection),
        total=sum(total for _, total in preview.counts),
        counted_all=preview.is_counted,
        webhooks=[
            PreviewedWebhook(
                webhook_id=webhook.id, name=webhook.name, active=webhook.active, total=total
            )
            for webhook, total in preview.counts
        ],
    )


def shown_redelivery(redelivery: Redelivery) -> RedeliveryOut:
    """Show a redelivery."""
    return RedeliveryOut(
        id=redelivery.id,
        state=redelivery.state,
        selection=shown_selection(redelivery.selection),
        total=redelivery.total,
        counted_all=redelivery.is_counted,
        queued=redelivery.queued,
        progress=shown_progress(redelivery.progress),
        passed_over={one.value: count for one, count in redelivery.passed_over.items()},
        webhooks=[shown_share(share) for share in redelivery.shares],
        created_by=redelivery.created_by,
        created_at=redelivery.created_at,
        ended_at=redelivery.ended_at,
    )


def shown_selection(selection: Selection | Picked) -> SelectionOut:
    """Show a selection."""
    if isinstance(selection, Picked):
        return SelectionOut(
            delivery_ids=list(selection.delivery_ids),
            since=None,
            until=None,
            states=[],
            webhook_id=None,
            event_types=[],
            job_id=None,
            run_id=None,
            code_class=None,
        )
    return SelectionOut(
        delivery_ids=[],
        since=selection.since,
        until=selection.until,
        states=list(selection.states),
        webhook_id=selection.webhook_id,
        event_types=list(selection.event_types),
        job_id=selection.job_id,
        run_id=selection.run_id,
        code_class=selection.code_class,
    )


def shown_progress(progress: RedeliveryProgress) -> ProgressOut:
    """Show the states of deliveries."""
    return ProgressOut(
        arrived=progress.arrived,
        failed=progress.failed,
        waiting=progress.waiting,
        dropped=progress.dropped,
        elsewhere=progress.elsewhere,
    )


def shown_share(share: RedeliveryShare) -> ShareOut:
    """Show a share."""
    return ShareOut(
        webhook_id=share.webhook_id,
        total=share.total,
        queued=share.queued,
        progress=shown_progress(share.progress),
        passed_over={one.value: share.passed_over.get(one, 0) for one in Obstacle},
        is_over=share.is_over,
    )
