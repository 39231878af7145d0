"""Webhooks and their deliveries, at dbt Cloud's paths.

`subscriptions` in the plural lists and creates, `subscription` in the singular is one; what the
API calls an event is a delivery, and a receipt is an attempt.
"""

from litestar import Router, delete, get, post, put
from litestar.params import FromPath, JSONBody

from runhook.domain.deliveries import DeliveryId
from runhook.domain.errors import NotFoundError
from runhook.domain.permissions import Permission
from runhook.domain.webhooks import WebhookId
from runhook.operations.subscribe import change_webhook, create_webhook, remove_webhook
from runhook.server.api.deliveries_wire import EventOut, ReceiptOut, event_of, receipt_of
from runhook.server.api.parameters import DEFAULT_LIMIT, Limit, Offset
from runhook.server.api.webhooks_wire import (
    Deleted,
    SubscriptionIn,
    SubscriptionOut,
    subscription_of,
)
from runhook.server.api.wire import Envelope, created, page
from runhook.server.authentication import needs
from runhook.server.services import Calling, Serving
from runhook.storage.deliveries import find_delivery, list_attempts, list_deliveries
from runhook.storage.webhooks import count_webhooks, find_webhook, list_webhooks


@get("/subscriptions", **needs(Permission.READ_WEBHOOKS))
async def list_subscriptions(
    services: Serving, caller: Calling, limit: Limit = DEFAULT_LIMIT, offset: Offset = 0
) -> Envelope[list[SubscriptionOut]]:
    """List the account's webhooks."""
    async with services.store.read() as tx:
        webhooks = await list_webhooks(tx, caller.account_id, limit=limit, offset=offset)
        total = await count_webhooks(tx, caller.account_id)
    shown = [subscription_of(webhook, caller) for webhook in webhooks]
    return page(shown, limit=limit, offset=offset, total=total)


@post("/subscriptions", **needs(Permission.WRITE_WEBHOOKS))
async def create_subscription(
    services: Serving, caller: Calling, data: JSONBody[SubscriptionIn]
) -> Envelope[SubscriptionOut]:
    """Create a webhook; the answer holds its secret, this once."""
    webhook, secret = await create_webhook(
        services.store,
        caller.account_id,
        data.to_change(),
        actor=caller.actor,
        policy=services.policy,
        clock=services.clock,
    )
    return created(subscription_of(webhook, caller, secret))


@get("/subscription/{webhook_id:str}", **needs(Permission.READ_WEBHOOKS))
async def get_subscription(
    services: Serving, caller: Calling, webhook_id: FromPath[str]
) -> Envelope[SubscriptionOut]:
    """Show a webhook."""
    async with services.store.read() as tx:
        webhook = await find_webhook(tx, caller.account_id, WebhookId(webhook_id))
    if webhook is None:
        raise NotFoundError
    return Envelope(data=subscription_of(webhook, caller))


@put("/subscription/{webhook_id:str}", **needs(Permission.WRITE_WEBHOOKS))
async def update_subscription(
    services: Serving, caller: Calling, webhook_id: FromPath[str], data: JSONBody[SubscriptionIn]
) -> Envelope[SubscriptionOut]:
    """Change a webhook; keys that are left out keep their value."""
    webhook = await change_webhook(
        services.store,
        caller.account_id,
        WebhookId(webhook_id),
        data.to_change(),
        actor=caller.actor,
        policy=services.policy,
        clock=services.clock,
    )
    return Envelope(data=subscription_of(webhook, caller))


@delete("/subscription/{webhook_id:str}", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def delete_subscription(
    services: Serving, caller: Calling, webhook_id: FromPath[str]
) -> Envelope[Deleted]:
    """Delete a webhook."""
    await remove_webhook(
        services.store,
        caller.account_id,
        WebhookId(webhook_id),
        actor=caller.actor,
        clock=services.clock,
    )
    return Envelope(data=Deleted(id=webhook_id))


@get("/subscription/{webhook_id:str}/events", **needs(Permission.READ_WEBHOOKS))
async def list_events(
    services: Serving,
    caller: Calling,
    webhook_id: FromPath[str],
    limit: Limit = DEFAULT_LIMIT,
    offset: Offset = 0,
) -> Envelope[list[EventOut]]:
    """List a webhook's deliveries, the newest first."""
    async with services.store.read() as tx:
        if await find_webhook(tx, caller.account_id, WebhookId(webhook_id)) is None:
            raise NotFoundError
        deliveries = await list_deliveries(
            tx, caller.account_id, WebhookId(webhook_id), limit=limit, offset=offset
        )
    return Envelope(
        data=[event_of(delivery, caller) for delivery in deliveries],
        extra={"filters": {"limit": limit, "offset": offset}},
    )


@get(
    "/subscription/{webhook_id:str}/event/{delivery_id:str}/receipt",
    **needs(Permission.READ_WEBHOOKS),
)
async def list_receipts(
    services: Serving, caller: Calling, webhook_id: FromPath[str], delivery_id: FromPath[str]
) -> Envelope[list[ReceiptOut]]:
    """List a delivery's attempts in their order."""
    async with services.store.read() as tx:
        delivery = await find_delivery(tx, caller.account_id, DeliveryId(delivery_id))
        if delivery is None or delivery.webhook_id != webhook_id:
            raise NotFoundError
        attempts = await list_attempts(tx, delivery.id)
    return Envelope(data=[receipt_of(attempt, delivery) for attempt in attempts])


router = Router(
    "/webhooks",
    route_handlers=[
        list_subscriptions,
        create_subscription,
        get_subscription,
        update_subscription,
        delete_subscription,
        list_events,
        list_receipts,
    ],
)
