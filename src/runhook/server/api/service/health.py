"""Reading how delivering goes, and which processes do it."""

from litestar import get

from runhook.domain.people.permissions import Permission
from runhook.operations.service.health import health_of_delivering
from runhook.server.access.authentication import needs
from runhook.server.api.service.health_wire import HealthOut, shown_health
from runhook.server.api.wire import Envelope
from runhook.server.services import Calling, Serving


@get("/health", **needs(Permission.READ_HEALTH))
async def show_health_of_delivering(services: Serving, caller: Calling) -> Envelope[HealthOut]:
    """Show how much the account has to be sent, and the processes of the service."""
    health = await health_of_delivering(services.store, caller.account_id)
    return Envelope(data=shown_health(health))
