"""What tells an open page that what it shows has changed.

A stream of server-sent events that ends after one answer: the browser asks again after
``PAUSE``, and says with `Last-Event-ID` what it has seen. So nothing is held open that would keep
the service from stopping, and it is the same on every replica.
"""

import hashlib

from litestar import Response, get
from litestar.params import FromQuery

from runhook.domain.deliveries import DeliveryId
from runhook.domain.permissions import Permission
from runhook.domain.redeliveries import RedeliveryId
from runhook.domain.runs import RunId
from runhook.domain.webhooks import WebhookId
from runhook.server.authentication import needs
from runhook.server.request import AnyRequest
from runhook.server.services import Serving
from runhook.server.web.logs import plain, values_in
from runhook.server.web.visits import Visiting
from runhook.storage.backlog import backlog_of, count_sending
from runhook.storage.freshness import newest_deliveries, newest_runs, states_of_deliveries
from runhook.storage.redeliveries import find_redelivery
from runhook.storage.runs import find_run
from runhook.storage.store import Transaction

PAUSE = 2_000
"""Milliseconds until the browser asks again."""
LOOKED_AT = 50
"""So many of the newest deliveries and runs are watched, beside those that a page shows."""


@get("/live", media_type="text/event-stream", **needs(Permission.READ_WEBHOOKS))
async def tell_changes(
    request: AnyRequest,
    services: Serving,
    visit: Visiting,
    *,
    webhook: FromQuery[str] = "",
    run: FromQuery[int] = 0,
    redelivery: FromQuery[str] = "",
    backlog: FromQuery[bool] = False,
) -> Response[str]:
    """Say whether anything is new, of the newest things or of those that the page is about."""
    watched = [DeliveryId(plain(one)) for one in values_in(request.query_params, "delivery")]
    async with services.store.read() as tx:
        state: list[object] = [
            await newest_deliveries(
                tx, visit.account_id, WebhookId(plain(webhook)) or None, limit=LOOKED_AT
            ),
            await newest_runs(tx, visit.account_id, limit=LOOKED_AT),
            await states_of_deliveries(tx, visit.account_id, watched),
            await run_in(tx, visit, run),
            await find_redelivery(tx, visit.account_id, RedeliveryId(plain(redelivery)))
            if redelivery
            else None,
            await backlog_in(tx, visit) if backlog else None,
        ]
    seen = hashlib.sha256(repr(state).encode()).hexdigest()[:16]
    known = request.headers.get("Last-Event-ID")
    event = "changed" if known not in (None, seen) else "same"
    return Response(
        f"retry: {PAUSE}\nid: {seen}\nevent: {event}\ndata: {visit.account_id}\n\n",
        media_type="text/event-stream",
    )


async def run_in(tx: Transaction, visit: Visiting, run_id: int) -> object:
    """Return what changes of a run."""
    found = await find_run(tx, visit.account_id, RunId(run_id)) if 0 < run_id < 2**63 else None
    return found and (found.run.status, found.run.cancel_requested_at, found.heartbeat_at)


async def backlog_in(tx: Transaction, visit: Visiting) -> object:
    """Return how much is to be sent."""
    return await backlog_of(tx, visit.account_id), await count_sending(tx, visit.account_id)


handlers = [tell_changes]
