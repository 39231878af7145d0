"""For those who watch the service: does the process live, and can it do its work."""

from litestar import get

from runhook.domain.errors import UnavailableError
from runhook.domain.service.timekeeping import WRONG
from runhook.operations.service.health import check_queue
from runhook.operations.service.presence import count_dispatchers
from runhook.server.access.authentication import Access, open_to
from runhook.server.services import Serving


@get("/healthz", **open_to(Access.ANYONE))
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@get("/readyz", **open_to(Access.ANYONE))
async def readyz(services: Serving) -> dict[str, str | int]:
    """Check that the database responds and takes writes, and the dispatcher delivers; 503 if not.

    The response also says by how much this machine's clock is wrong, if it is: the process then
    goes by the database's clock, and leaves deleting to others.

    A process without a dispatcher can do all its work while no other process delivers: it is ready
    then too, and says how many others deliver.
    """
    await check_queue(services.store)
    if (failure := services.store.outage.disk) is not None:
        raise UnavailableError(failure)
    answer: dict[str, str | int] = {"status": "ok"}
    difference = services.clock_difference()
    if abs(difference) > WRONG:
        answer["clock_ahead_seconds"] = round(difference.total_seconds())
    if services.is_delivering is None:
        answer["dispatchers"] = await count_dispatchers(services.store)
    elif not services.is_delivering():
        raise UnavailableError("The dispatcher is not delivering; the log says why.")
    return answer
