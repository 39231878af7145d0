"""Deliveries and their attempts, at dbt Cloud's paths.

What the API calls an event is a delivery, and a receipt is an attempt. The paths that begin with
`event` and `receipt` are dbt Cloud's older ones.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, TypeVar

from litestar import Router, get, post
from litestar.di import NamedDependency, Provide
from litestar.params import FromPath, FromQuery, QueryParameter, SkipValidation

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.errors import InvalidError, NotFoundError
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.numbers import LARGEST_ID
from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import Permission
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import JobId, RunId
from runhook.operations.deliveries.redeliver import redeliver
from runhook.server.access.authentication import needs
from runhook.server.api.deliveries.wire import EventOut, ReceiptOut, event_of, receipt_of
from runhook.server.api.wire import (
    NO_NUL,
    Envelope,
    Paged,
    Paging,
    checked_moment,
    page_envelope,
    warned,
)
from runhook.server.services import Calling, Serving
from runhook.storage.deliveries.mail_pauses import find_held_up
from runhook.storage.deliveries.rows import (
    DeliveryFilter,
    LoggedDelivery,
    Position,
    find_delivery,
    list_attempts,
    list_deliveries,
    searched_back_to,
)
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import find_webhook, find_webhooks

Word = TypeVar("Word", bound=StrEnum)
Words = Annotated[str | None, QueryParameter(max_length=500, pattern=NO_NUL)]
# The web framework keeps the name itself for something else.
States = Annotated[str | None, QueryParameter(name="state", max_length=500, pattern=NO_NUL)]
Beyond = Annotated[str | None, QueryParameter(max_length=100, pattern=NO_NUL)]
Number = Annotated[int | None, QueryParameter(ge=1, le=LARGEST_ID)]


async def provide_filter(
    *,
    in_state: States = None,
    event_type: Words = None,
    job_id: Number = None,
    run_id: Number = None,
    is_test: FromQuery[bool | None] = None,
    since: FromQuery[datetime | None] = None,
    until: FromQuery[datetime | None] = None,
) -> DeliveryFilter:
    """Filter of deliveries in a query.

    Raises:
        InvalidError: it names a state or an event type that is unknown, or a time without a zone.
    """
    return DeliveryFilter(
        states=members_named("state", DeliveryState, in_state),
        event_types=members_named("event_type", EventType, event_type),
        job_id=None if job_id is None else JobId(job_id),
        run_id=None if run_id is None else RunId(run_id),
        is_test=is_test,
        since=checked_moment("since", since),
        until=checked_moment("until", until),
    )


def members_named(key: str, known: type[Word], text: str | None) -> tuple[Word, ...]:
    """Read words with commas between them.

    Raises:
        InvalidError: one is unknown.
    """
    words = [word.strip() for word in text.split(",")] if text else []
    by_value = {one.value: one for one in known}
    for word in words:
        if word not in by_value:
            choice = ", ".join(f"`{value}`" for value in by_value)
            raise InvalidError(f"`{word[:80]}` is unknown; choose from {choice}", field=key)
    return tuple(by_value[word] for word in words)


FILTERED: dict[str, Any] = {"dependencies": {"chosen": Provide(provide_filter)}}
Chosen = NamedDependency[SkipValidation[DeliveryFilter]]


@get("/events", **FILTERED, **needs(Permission.READ_WEBHOOKS))
async def list_all_events(
    services: Serving,
    caller: Calling,
    chosen: Chosen,
    *,
    page: Paged,
    beyond: Beyond = None,
) -> Envelope[list[EventOut]]:
    """List the account's deliveries, the newest first."""
    async with services.store.read() as tx:
        chosen = await starting_at(tx, caller, chosen, beyond)
        return await deliveries_page(tx, caller, None, chosen, page)


@get("/subscription/{webhook_id:str}/events", **FILTERED, **needs(Permission.READ_WEBHOOKS))
async def list_events(
    services: Serving,
    caller: Calling,
    webhook_id: FromPath[str],
    chosen: Chosen,
    *,
    page: Paged,
    beyond: Beyond = None,
) -> Envelope[list[EventOut]]:
    """List a webhook's deliveries, the newest first."""
    async with services.store.read() as tx:
        if await find_webhook(tx, caller.account_id, WebhookId(webhook_id)) is None:
            raise NotFoundError
        chosen = await starting_at(tx, caller, chosen, beyond)
        return await deliveries_page(tx, caller, WebhookId(webhook_id), chosen, page)


async def starting_at(
    tx: Transaction, caller: Caller, chosen: DeliveryFilter, beyond: str | None
) -> DeliveryFilter:
    """The filter, continued after a delivery of the log if one is named.

    Raises:
        InvalidError: that delivery does not exist, or not any more.
    """
    if beyond is None:
        return chosen
    last = await find_delivery(tx, caller.account_id, DeliveryId(beyond))
    if last is None:
        raise InvalidError(
            "there is no such delivery; leave it out to begin at the newest", field="beyond"
        )
    return replace(chosen, beyond=Position(last.created_at, last.id))


async def deliveries_page(
    tx: Transaction,
    caller: Caller,
    webhook_id: WebhookId | None,
    chosen: DeliveryFilter,
    page: Paging,
) -> Envelope[list[EventOut]]:
    """A page of deliveries, and how far back the search went if not to the beginning.

    The total counts at most one delivery beyond the page: to count all would cost as much as the
    log is long. That is enough for clients that read pages until there are no more.
    """
    found = await list_deliveries(
        tx, caller.account_id, webhook_id, chosen, limit=page.limit + 1, offset=page.offset
    )
    shown = await shown_events(tx, caller, found[: page.limit])
    answer = page_envelope(shown, page, total=page.offset + len(found))
    reached = await searched_back_to(tx, caller.account_id, webhook_id, chosen)
    if reached is not None:
        answer.extra["searched_back_to"] = reached
    return answer


async def shown_events(
    tx: Transaction, caller: Caller, found: Sequence[LoggedDelivery]
) -> list[EventOut]:
    """Show deliveries, each with what it waits for."""
    waiting = {one.webhook_id for one in found if one.state is DeliveryState.PENDING}
    webhooks = await find_webhooks(tx, caller.account_id, waiting) if waiting else ()
    held_up = await find_held_up(tx, webhooks)
    return [event_of(one, caller, held_up.get(one.webhook_id)) for one in found]


@get(
    "/subscription/{webhook_id:str}/event/{delivery_id:str}/receipt",
    **needs(Permission.READ_WEBHOOKS),
)
async def list_receipts(
    services: Serving, caller: Calling, webhook_id: FromPath[str], delivery_id: FromPath[str]
) -> Envelope[list[ReceiptOut]]:
    """List a delivery's attempts in their order."""
    async with services.store.read() as tx:
        delivery = await known_delivery(tx, caller, delivery_id)
        if delivery.webhook_id != webhook_id:
            raise NotFoundError
        return Envelope(data=await receipts_of(tx, delivery))


@post(
    "/subscription/{webhook_id:str}/event/{delivery_id:str}/redeliver",
    status_code=200,
    **needs(Permission.WRITE_WEBHOOKS),
)
async def redeliver_event(
    services: Serving, caller: Calling, webhook_id: FromPath[str], delivery_id: FromPath[str]
) -> Envelope[EventOut]:
    """Send a delivery once more, with the same id and bytes, as soon as can be."""
    redelivered = await redeliver(
        services.context(caller.actor),
        caller.account_id,
        WebhookId(webhook_id),
        DeliveryId(delivery_id),
    )
    async with services.store.read() as tx:
        (shown,) = await shown_events(tx, caller, [redelivered.delivery])
    return warned(Envelope(data=shown), redelivered.warning)


@get("/event/{delivery_id:str}", **needs(Permission.READ_WEBHOOKS))
async def get_event(
    services: Serving, caller: Calling, delivery_id: FromPath[str]
) -> Envelope[EventOut]:
    """Show a delivery."""
    async with services.store.read() as tx:
        delivery = await known_delivery(tx, caller, delivery_id)
        (shown,) = await shown_events(tx, caller, [delivery])
    return Envelope(data=shown)


@get("/event/{delivery_id:str}/receipts", **needs(Permission.READ_WEBHOOKS))
async def list_event_receipts(
    services: Serving, caller: Calling, delivery_id: FromPath[str]
) -> Envelope[list[ReceiptOut]]:
    """List a delivery's attempts in their order."""
    async with services.store.read() as tx:
        delivery = await known_delivery(tx, caller, delivery_id)
        return Envelope(data=await receipts_of(tx, delivery))


@get("/receipt/{receipt_id:str}", **needs(Permission.READ_WEBHOOKS))
async def get_receipt(
    services: Serving, caller: Calling, receipt_id: FromPath[str]
) -> Envelope[ReceiptOut]:
    """Show an attempt."""
    async with services.store.read() as tx:
        delivery = await known_delivery(tx, caller, receipt_id.partition(".")[0])
        for receipt in await receipts_of(tx, delivery):
            if receipt.id == receipt_id:
                return Envelope(data=receipt)
    raise NotFoundError


async def known_delivery(tx: Transaction, caller: Caller, delivery_id: str) -> LoggedDelivery:
    """Find a delivery of the caller's account.

    Raises:
        NotFoundError: there is none.
    """
    delivery = await find_delivery(tx, caller.account_id, DeliveryId(delivery_id))
    if delivery is None:
        raise NotFoundError
    return delivery


async def receipts_of(tx: Transaction, delivery: LoggedDelivery) -> list[ReceiptOut]:
    """Show a delivery's attempts in their order."""
    return [receipt_of(attempt, delivery) for attempt in await list_attempts(tx, delivery.id)]


router = Router(
    "/webhooks",
    route_handlers=[
        list_all_events,
        list_events,
        list_receipts,
        redeliver_event,
        get_event,
        list_event_receipts,
        get_receipt,
    ],
)
