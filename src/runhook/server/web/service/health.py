"""The page of the delivery queue, and of the processes that work on it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from litestar import get
from litestar.response import Template

from runhook.domain.people.permissions import Permission
from runhook.domain.service.timekeeping import WRONG
from runhook.operations.service.health import HealthOfDelivering, health_of_delivering
from runhook.server.access.authentication import needs
from runhook.server.services import Serving
from runhook.server.web.page.showing import duration, large_size
from runhook.server.web.page.visits import Visiting
from runhook.server.web.page.watching import Watched


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the page, with what it means."""

    name: str
    value: str
    meaning: str


@get("/settings/health", **needs(Permission.READ_HEALTH))
async def show_health(services: Serving, visit: Visiting) -> Template:
    """Show the account's delivery queue, and the service's processes."""
    watched = Watched(backlog=True)
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
    health = await health_of_delivering(services.store, visit.account_id)
    return visit.page(
        "settings/health",
        section="settings",
        live=watched.address(visit.root, sight),
        figures=[*figures_of(health), *figures_of_clock(services.clock_difference())],
        replicas=health.replicas,
    )


def figures_of(health: HealthOfDelivering) -> Sequence[Figure]:
    """Numbers of the page."""
    backlog = health.backlog
    oldest = "none" if backlog.oldest_due is None else duration(backlog.oldest_due)
    more = "" if backlog.is_whole else "+"
    return [
        Figure("Queue depth", f"{backlog.waiting:,}{more}", "to be sent, now or later"),
        Figure("Due", f"{backlog.due:,}{more}", "to be sent now, to endpoints not paused"),
        Figure("Oldest due", oldest, "how long the first of them has waited"),
        Figure("In flight", f"{health.sending:,}", "being sent, or about to be"),
        Figure("Paused endpoints", f"{health.paused:,}", "of active webhooks"),
        Figure("Attempts a second", f"{health.attempts_per_second:.1f}", "of all accounts, lately"),
        Figure("Database", large_size(health.database_bytes), "of the whole service"),
    ]


def figures_of_clock(difference: timedelta) -> Sequence[Figure]:
    """Numbers about this machine's clock; empty if it is right."""
    if abs(difference) <= WRONG:
        return []
    side = "ahead" if difference > timedelta() else "behind"
    return [
        Figure(
            "Clock",
            f"{duration(abs(difference))} {side}",
            "of the database's: this process deletes nothing until that is fixed",
        )
    ]


handlers = [show_health]
