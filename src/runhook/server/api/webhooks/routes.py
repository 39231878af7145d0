"""Webhooks, at dbt Cloud's paths.

`subscriptions` in the plural lists and creates, `subscription` in the singular is one.
"""

from typing import Annotated

from litestar import Router, delete, get, post, put
from litestar.params import FromPath, JSONBody, QueryParameter

from runhook.domain.errors import NotFoundError
from runhook.domain.messages.telling import WebhookId
from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import Permission
from runhook.domain.webhooks.signature import Secret
from runhook.domain.webhooks.webhook import Webhook, check_event_type
from runhook.operations.webhooks.send_test import send_test
from runhook.operations.webhooks.subscribe import (
    change_webhook,
    create_webhook,
    remove_webhook,
    renew_secret,
)
from runhook.server.access.authentication import needs
from runhook.server.api.webhooks.wire import (
    Deleted,
    SecretIn,
    SubscriptionIn,
    SubscriptionOut,
    VerificationOut,
    subscription_of,
    verification_of,
)
from runhook.server.api.wire import NO_NUL, Envelope, Paged, created, page_envelope, warned
from runhook.server.services import Calling, Serving
from runhook.storage.deliveries.mail_pauses import find_held_up
from runhook.storage.engine.store import Transaction
from runhook.storage.webhooks.rows import count_webhooks, find_webhook, list_webhooks

Told = Annotated[
    str | None,
    QueryParameter(max_length=100, pattern=NO_NUL, description="what the test tells of"),
]


@get("/subscriptions", **needs(Permission.READ_WEBHOOKS))
async def list_subscriptions(
    services: Serving, caller: Calling, page: Paged
) -> Envelope[list[SubscriptionOut]]:
    """List the account's webhooks."""
    async with services.store.read() as tx:
        webhooks = await list_webhooks(tx, caller.account_id, limit=page.limit, offset=page.offset)
        total = await count_webhooks(tx, caller.account_id)
        held_up = await find_held_up(tx, webhooks)
    shown = [subscription_of(one, caller, held_up=held_up.get(one.id)) for one in webhooks]
    return page_envelope(shown, page, total=total)


@post("/subscriptions", **needs(Permission.WRITE_WEBHOOKS))
async def create_subscription(
    services: Serving, caller: Calling, data: JSONBody[SubscriptionIn]
) -> Envelope[SubscriptionOut]:
    """Create a webhook; the answer holds its secret, this once."""
    webhook, secret = await create_webhook(
        services.context(caller.actor), caller.account_id, data.to_change()
    )
    return created(subscription_of(webhook, caller, secret=secret))


@get("/subscription/{webhook_id:str}", **needs(Permission.READ_WEBHOOKS))
async def get_subscription(
    services: Serving, caller: Calling, webhook_id: FromPath[str]
) -> Envelope[SubscriptionOut]:
    """Show a webhook."""
    async with services.store.read() as tx:
        webhook = await find_webhook(tx, caller.account_id, WebhookId(webhook_id))
        if webhook is None:
            raise NotFoundError
        return Envelope(data=await shown_webhook(tx, caller, webhook))


@put("/subscription/{webhook_id:str}", **needs(Permission.WRITE_WEBHOOKS))
async def update_subscription(
    services: Serving, caller: Calling, webhook_id: FromPath[str], data: JSONBody[SubscriptionIn]
) -> Envelope[SubscriptionOut]:
    """Change a webhook; keys that are left out keep their value."""
    changed = await change_webhook(
        services.context(caller.actor), caller.account_id, WebhookId(webhook_id), data.to_change()
    )
    async with services.store.read() as tx:
        shown = await shown_webhook(tx, caller, changed.webhook)
    return warned(Envelope(data=shown), changed.warning)


@delete("/subscription/{webhook_id:str}", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def delete_subscription(
    services: Serving, caller: Calling, webhook_id: FromPath[str]
) -> Envelope[Deleted]:
    """Delete a webhook."""
    warning = await remove_webhook(
        services.context(caller.actor), caller.account_id, WebhookId(webhook_id)
    )
    return warned(Envelope(data=Deleted(id=webhook_id)), warning)


@get("/subscription/{webhook_id:str}/test", **needs(Permission.WRITE_WEBHOOKS, acts=True))
async def test_subscription(
    services: Serving,
    caller: Calling,
    webhook_id: FromPath[str],
    *,
    event_type: Told = None,  # noqa: PT028 - it is a route
) -> Envelope[VerificationOut]:
    """Send a test with made-up values, active or not; answers when the endpoint has."""
    tried = await send_test(
        services.context(caller.actor),
        services.sender,
        caller.account_id,
        WebhookId(webhook_id),
        lease=services.lease,
        public_url=services.public_url,
        event_type=None if event_type is None else check_event_type(event_type),
    )
    return Envelope(data=verification_of(tried))


@post("/subscription/{webhook_id:str}/secret", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def renew_subscription_secret(
    services: Serving, caller: Calling, webhook_id: FromPath[str], data: JSONBody[SecretIn]
) -> Envelope[SubscriptionOut]:
    """Give a webhook a new secret; the answer holds it, this once."""
    webhook, secret = await renew_secret(
        services.context(caller.actor),
        caller.account_id,
        WebhookId(webhook_id),
        grace_days=data.grace_days,
    )
    async with services.store.read() as tx:
        return Envelope(data=await shown_webhook(tx, caller, webhook, secret))


async def shown_webhook(
    tx: Transaction, caller: Caller, webhook: Webhook, secret: Secret | None = None
) -> SubscriptionOut:
    """Show a webhook, with what holds its deliveries up."""
    held_up = (await find_held_up(tx, [webhook])).get(webhook.id)
    return subscription_of(webhook, caller, secret=secret, held_up=held_up)


router = Router(
    "/webhooks",
    route_handlers=[
        list_subscriptions,
        create_subscription,
        get_subscription,
        update_subscription,
        delete_subscription,
        test_subscription,
        renew_subscription_secret,
    ],
)
