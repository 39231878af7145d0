"""Recent Deliveries of an account, one delivery with its attempts, and redelivering chosen ones."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.deliveries import DeliveryId, DeliveryState
from runhook.domain.errors import ConflictError, NotFoundError
from runhook.domain.permissions import Permission
from runhook.operations.redeliver import redeliver
from runhook.server.authentication import needs
from runhook.server.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.addresses import address_of, plain, values_in
from runhook.server.web.logs import log_of
from runhook.server.web.opened import opened_of, refusal_of
from runhook.server.web.rendering import see
from runhook.server.web.visits import Visit, Visiting
from runhook.server.web.watching import Watched
from runhook.storage.deliveries import LoggedDelivery, find_deliveries, find_delivery
from runhook.storage.store import Transaction
from runhook.storage.webhooks import list_webhooks_with_deleted

SECTION = "deliveries"
ON_ITS_WAY = (DeliveryState.PENDING, DeliveryState.SENDING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A delivery among those that were ticked."""

    delivery: LoggedDelivery
    webhook_name: str
    refusal: str
    """Why it cannot be redelivered now; empty if it can."""


@get("/deliveries", **needs(Permission.READ_WEBHOOKS))
async def show_deliveries(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Show the account's Recent Deliveries."""
    async with services.store.read() as tx:
        log = await log_of(request.query_params, tx, services, visit)
    return visit.page("deliveries/list", section=SECTION, log=log)


@get("/deliveries/{delivery_id:str}", **needs(Permission.READ_WEBHOOKS))
async def show_delivery(
    services: Serving, visit: Visiting, delivery_id: FromPath[str], attempt: FromQuery[str] = ""
) -> Template:
    """Show a delivery and its attempts."""
    watched = Watched(delivery_ids=[DeliveryId(plain(delivery_id))])
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        opened = await opened_of(tx, visit, delivery_id, attempt)
    if opened is None:
        raise NotFoundError
    return visit.page(
        "deliveries/show", section=SECTION, opened=opened, live=watched.address(visit.root, sight)
    )


@post(
    "/deliveries/{delivery_id:str}/redeliver",
    status_code=200,
    **needs(Permission.WRITE_WEBHOOKS),
)
async def redeliver_delivery(
    services: Serving, visit: Visiting, delivery_id: FromPath[str]
) -> Redirect:
    """Send a delivery once more."""
    async with services.store.read() as tx:
        delivery = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    if delivery is None:
        raise NotFoundError
    await redeliver_one(services, visit, delivery)
    return see(f"{visit.root}/deliveries/{delivery_id}")


@get("/deliveries/chosen", **needs(Permission.READ_WEBHOOKS))
async def show_chosen(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Count the ticked deliveries before they are redelivered, and show what becomes of them."""
    ids = [DeliveryId(one) for one in values_in(request.query_params, "delivery")]
    watched = Watched(delivery_ids=ids)
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        chosen = await chosen_of(tx, visit, ids)
    return visit.page(
        "deliveries/chosen",
        section=SECTION,
        chosen=chosen,
        has_begun="begun" in request.query_params,
        over=sum(one.delivery.state not in ON_ITS_WAY for one in chosen),
        live=watched.address(visit.root, sight),
    )


@post("/deliveries/chosen", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def redeliver_chosen(request: AnyRequest, services: Serving, visit: Visiting) -> Redirect:
    """Send the ticked deliveries once more, but for those that cannot be sent by now."""
    ids = [DeliveryId(one) for one in values_in(await request.form(), "delivery")]
    async with services.store.read() as tx:
        chosen = await chosen_of(tx, visit, ids)
    sent = [one.delivery.id for one in chosen if await was_redelivered(services, visit, one)]
    return see(address_of(f"{visit.root}/deliveries/chosen", {"delivery": sent, "begun": ["1"]}))


async def chosen_of(tx: Transaction, visit: Visit, ids: Sequence[DeliveryId]) -> Sequence[Chosen]:
    """Return the account's deliveries among those that were ticked, the newest first."""
    found = await find_deliveries(tx, visit.account_id, ids)
    webhook_ids = {one.webhook_id for one in found}
    named = await list_webhooks_with_deleted(tx, visit.account_id, webhook_ids)
    webhooks = {one.id: one for one in named}
    return [
        Chosen(
            delivery=one,
            webhook_name=webhooks[one.webhook_id].name,
            refusal=refusal_of(one, webhooks[one.webhook_id]),
        )
        for one in found
    ]


async def was_redelivered(services: Serving, visit: Visit, chosen: Chosen) -> bool:
    """Send one of several deliveries once more; say no if it cannot be sent."""
    if chosen.refusal:
        return False
    try:
        await redeliver_one(services, visit, chosen.delivery)
    except (ConflictError, NotFoundError):
        return False
    return True


async def redeliver_one(services: Serving, visit: Visit, delivery: LoggedDelivery) -> None:
    """Send a delivery once more."""
    await redeliver(
        services.store,
        visit.account_id,
        delivery.webhook_id,
        delivery.id,
        actor=visit.caller.actor,
        clock=services.clock,
    )


handlers = [show_deliveries, show_delivery, redeliver_delivery, show_chosen, redeliver_chosen]
