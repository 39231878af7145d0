"""What tells an open page that its account's newest rows have changed.

A stream of server-sent events that ends after one answer: the browser asks again after
``PAUSE``, and says with `Last-Event-ID` what it has seen. So nothing is held open that would keep
the service from stopping, and it is the same on every replica.
"""

import hashlib

from litestar import Response, get

from runhook.domain.permissions import Permission
from runhook.server.authentication import needs
from runhook.server.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.visits import Visiting
from runhook.storage.deliveries import EVERY_DELIVERY, list_deliveries
from runhook.storage.pages import Slice
from runhook.storage.runs import RunFilter, RunOrder, list_runs

PAUSE = 2_000
"""Milliseconds until the browser asks again."""
LOOKED_AT = 50


@get("/live", media_type="text/event-stream", **needs(Permission.READ_WEBHOOKS))
async def tell_changes(request: AnyRequest, services: Serving, visit: Visiting) -> Response[str]:
    """Say whether anything is new among the newest deliveries and runs."""
    async with services.store.read() as tx:
        deliveries = await list_deliveries(
            tx, visit.account_id, None, EVERY_DELIVERY, limit=LOOKED_AT
        )
        part = Slice(order=RunOrder.ID, is_descending=True, limit=LOOKED_AT)
        runs = await list_runs(tx, visit.account_id, RunFilter(), part)
    state = [
        *((one.id, one.state, one.attempt_count, one.updated_at) for one in deliveries),
        *((one.run.id, one.run.status, one.run.cancel_requested_at) for one in runs.items),
    ]
    seen = hashlib.sha256(repr(state).encode()).hexdigest()[:16]
    known = request.headers.get("Last-Event-ID")
    event = "changed" if known not in (None, seen) else "same"
    return Response(
        f"retry: {PAUSE}\nid: {seen}\nevent: {event}\ndata: {visit.account_id}\n\n",
        media_type="text/event-stream",
    )


handlers = [tell_changes]
