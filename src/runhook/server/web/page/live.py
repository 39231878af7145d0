"""Tell open pages that what they show has changed.

A stream of server-sent events that ends after one answer: the browser asks again after
``PAUSE``, and says with `Last-Event-ID` what it has seen; the first time the page's own address
says it. So nothing is held open that would keep the service from stopping, and it is the same on
every replica.
"""

from litestar import Response, get
from litestar.params import FromQuery

from runhook.domain.deliveries.redeliveries import RedeliveryId
from runhook.domain.messages.telling import DeliveryId, WebhookId
from runhook.domain.people.permissions import Permission
from runhook.server.access.authentication import needs
from runhook.server.http.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.page.addresses import value_in, values_in
from runhook.server.web.page.visits import Visiting
from runhook.server.web.page.watching import Watched

PAUSE = 2_000
"""Milliseconds until the browser asks again."""


@get("/live", media_type="text/event-stream", **needs(Permission.READ_WEBHOOKS))
async def tell_changes(
    request: AnyRequest,
    services: Serving,
    visit: Visiting,
    *,
    run: FromQuery[int] = 0,
    backlog: FromQuery[bool] = False,
) -> Response[str]:
    """Say whether anything is new, of the newest things or of those that the page shows."""
    sent = request.query_params
    watched = Watched(
        webhook_id=WebhookId(value_in(sent, "webhook")) or None,
        delivery_ids=[DeliveryId(one) for one in values_in(sent, "delivery")],
        run_id=run,
        redelivery_id=RedeliveryId(value_in(sent, "redelivery")) or None,
        backlog=backlog,
    )
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
    known = request.headers.get("Last-Event-ID") or value_in(sent, "seen")
    event = "same" if known in ("", sight.digest) else "changed"
    return Response(
        f"retry: {PAUSE}\nid: {sight.digest}\nevent: {event}\ndata: {visit.account_id}\n\n",
        media_type="text/event-stream",
    )


handlers = [tell_changes]
