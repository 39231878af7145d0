"""Reading how delivering goes, and which processes do it."""

from litestar import get

from runhook.domain.permissions import Permission
from runhook.server.api.health_wire import HealthOut, shown_health
from runhook.server.api.wire import Envelope
from runhook.server.authentication import needs
from runhook.server.services import Calling, Serving
from runhook.storage.backlog import backlog_of, count_sending
from runhook.storage.replicas import list_replicas


@get("/health", **needs(Permission.READ_HEALTH))
async def show_health_of_delivering(services: Serving, caller: Calling) -> Envelope[HealthOut]:
    """Show how much the account has to be sent, and the processes of the service."""
    async with services.store.read() as tx:
        backlog = await backlog_of(tx, caller.account_id)
        sending = await count_sending(tx, caller.account_id)
        replicas = await list_replicas(tx)
    return Envelope(data=shown_health(backlog, sending, replicas))
