"""Redelivering in bulk: what did not arrive, or what is named, counted first, then sent anew."""

from litestar import Router, get, post
from litestar.params import FromPath, JSONBody

from runhook.domain.deliveries.redeliveries import RedeliveryId
from runhook.domain.errors import NotFoundError
from runhook.domain.people.permissions import Permission
from runhook.operations.deliveries.redeliver_many import (
    begin_redelivery,
    cancel_redelivery,
    preview_redelivery,
)
from runhook.server.access.authentication import needs
from runhook.server.api.deliveries.redeliveries_wire import (
    PreviewOut,
    RedeliveryOut,
    SelectionIn,
    preview_of,
    shown_redelivery,
)
from runhook.server.api.wire import Envelope, Paged, created, page_envelope
from runhook.server.services import Calling, Serving
from runhook.storage.deliveries.redeliveries import (
    count_redeliveries,
    find_redelivery,
    list_redeliveries,
)


@post("/redeliveries/preview", status_code=200, **needs(Permission.WRITE_WEBHOOKS))
async def preview(
    services: Serving, caller: Calling, data: JSONBody[SelectionIn]
) -> Envelope[PreviewOut]:
    """Count the deliveries that a redelivery would send; nothing is sent."""
    found = await preview_redelivery(
        services.store,
        caller.account_id,
        data.to_selection(),
        retention=services.retention,
        clock=services.clock,
    )
    return Envelope(data=preview_of(found))


@post("/redeliveries", **needs(Permission.WRITE_WEBHOOKS))
async def begin(
    services: Serving, caller: Calling, data: JSONBody[SelectionIn]
) -> Envelope[RedeliveryOut]:
    """Start a redelivery in bulk; it continues in the background."""
    redelivery = await begin_redelivery(
        services.context(caller.actor),
        caller.account_id,
        data.to_selection(),
        retention=services.retention,
    )
    return created(shown_redelivery(redelivery))


@get("/redeliveries", **needs(Permission.READ_WEBHOOKS))
async def list_all(
    services: Serving, caller: Calling, page: Paged
) -> Envelope[list[RedeliveryOut]]:
    """List the account's redeliveries, the newest first."""
    async with services.store.read() as tx:
        found = await list_redeliveries(tx, caller.account_id, limit=page.limit, offset=page.offset)
        total = await count_redeliveries(tx, caller.account_id)
    return page_envelope([shown_redelivery(one) for one in found], page, total=total)


@get("/redeliveries/{redelivery_id:str}", **needs(Permission.READ_WEBHOOKS))
async def show(
    services: Serving, caller: Calling, redelivery_id: FromPath[str]
) -> Envelope[RedeliveryOut]:
    """Show how far a redelivery has come."""
    async with services.store.read() as tx:
        found = await find_redelivery(tx, caller.account_id, RedeliveryId(redelivery_id))
    if found is None:
        raise NotFoundError
    return Envelope(data=shown_redelivery(found))


@post(
    "/redeliveries/{redelivery_id:str}/cancel",
    status_code=200,
    **needs(Permission.WRITE_WEBHOOKS),
)
async def cancel(
    services: Serving, caller: Calling, redelivery_id: FromPath[str]
) -> Envelope[RedeliveryOut]:
    """Cancel a redelivery in bulk; what it has already queued is still sent."""
    redelivery = await cancel_redelivery(
        services.context(caller.actor), caller.account_id, RedeliveryId(redelivery_id)
    )
    return Envelope(data=shown_redelivery(redelivery))


router = Router("/webhooks", route_handlers=[preview, begin, list_all, show, cancel])
