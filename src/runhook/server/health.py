"""For those who watch the service: does the process live, and can it do its work."""

from litestar import get

from runhook.domain.errors import UnavailableError
from runhook.operations.attempt import look
from runhook.operations.presence import count_dispatchers
from runhook.server.authentication import Access, open_to
from runhook.server.services import Serving


@get("/healthz", **open_to(Access.ANYONE))
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@get("/readyz", **open_to(Access.ANYONE))
async def readyz(services: Serving) -> dict[str, str | int]:
    """Say that the database answers and the dispatcher delivers; 503 while either does not.

    A process without a dispatcher can do all its work while nobody delivers: it is ready then too,
    and says how many others deliver.
    """
    await look(services.store)
    if services.is_delivering is None:
        return {"status": "ok", "dispatchers": await count_dispatchers(services.store)}
    if not services.is_delivering():
        raise UnavailableError("The dispatcher is not delivering; the log says why.")
    return {"status": "ok"}
