"""Recent Deliveries of an account, and one delivery with its attempts."""

from litestar import get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect, Template

from runhook.domain.errors import NotFoundError
from runhook.domain.messages.telling import DeliveryId
from runhook.domain.people.permissions import Permission
from runhook.operations.deliveries.redeliver import redeliver
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.deliveries.logs import log_page
from runhook.server.web.deliveries.opened import opened_of
from runhook.server.web.page.addresses import cleaned
from runhook.server.web.page.once import done
from runhook.server.web.page.said import Done
from runhook.server.web.page.visits import Visiting
from runhook.server.web.page.watching import Watched
from runhook.storage.deliveries.rows import find_delivery

SECTION = "deliveries"


@get("/deliveries", **needs(Permission.READ_WEBHOOKS))
async def show_deliveries(request: AnyRequest, services: Serving, visit: Visiting) -> Template:
    """Show the account's Recent Deliveries."""
    async with services.store.read() as tx:
        log = await log_page(request.query_params, tx, services, visit)
    return visit.page("deliveries/list", section=SECTION, log=log)


@get("/deliveries/{delivery_id:str}", **needs(Permission.READ_WEBHOOKS))
async def show_delivery(
    services: Serving, visit: Visiting, delivery_id: FromPath[str], attempt: FromQuery[str] = ""
) -> Template:
    """Show a delivery and its attempts."""
    watched = Watched(delivery_ids=[DeliveryId(cleaned(delivery_id))])
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
    request: AnyRequest, services: Serving, visit: Visiting, delivery_id: FromPath[str]
) -> Redirect:
    """Send a delivery once more."""
    async with services.store.read() as tx:
        delivery = await find_delivery(tx, visit.account_id, DeliveryId(delivery_id))
    if delivery is None:
        raise NotFoundError
    await redeliver(
        services.context(visit.caller.actor), visit.account_id, delivery.webhook_id, delivery.id
    )
    return done(request, services, f"{visit.root}/deliveries/{delivery_id}", Done.REDELIVERED)


handlers = [show_deliveries, show_delivery, redeliver_delivery]
