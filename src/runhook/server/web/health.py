"""The page of how delivering goes, and which processes do it."""

from collections.abc import Sequence
from dataclasses import dataclass

from litestar import get
from litestar.response import Template

from runhook.domain.permissions import Permission
from runhook.server.authentication import needs
from runhook.server.services import Serving
from runhook.server.web.showing import duration
from runhook.server.web.visits import Visiting
from runhook.server.web.watching import Watched
from runhook.storage.backlog import Backlog, backlog_of, count_sending
from runhook.storage.replicas import list_replicas


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of the page, with what it means."""

    name: str
    value: str
    meaning: str


@get("/settings/health", **needs(Permission.READ_HEALTH))
async def show_health(services: Serving, visit: Visiting) -> Template:
    """Show how much the account has to be sent, and the processes of the service."""
    watched = Watched(backlog=True)
    async with services.store.read() as tx:
        sight = await watched.look(tx, visit.account_id)
        backlog = await backlog_of(tx, visit.account_id)
        sending = await count_sending(tx, visit.account_id)
        replicas = await list_replicas(tx)
    return visit.page(
        "settings/health",
        section="settings",
        live=watched.address(visit.root, sight),
        figures=figures_of(backlog, sending),
        replicas=replicas,
    )


def figures_of(backlog: Backlog, sending: int) -> Sequence[Figure]:
    """Return the numbers of the page."""
    oldest = "none" if backlog.oldest_due is None else duration(backlog.oldest_due)
    return [
        Figure("Queue depth", f"{backlog.waiting:,}", "to be sent, now or later"),
        Figure("Due", f"{backlog.due:,}", "of these, to be sent now"),
        Figure("Oldest due", oldest, "how long the first of them has waited since"),
        Figure("In flight", f"{sending:,}", "being sent, or about to be"),
    ]


handlers = [show_health]
