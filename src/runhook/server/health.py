"""For those who watch the service: does the process live, and can it do its work."""

from litestar import get

from runhook.operations.attempt import look
from runhook.server.services import Serving


@get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process answers."""
    return {"status": "ok"}


@get("/readyz")
async def readyz(services: Serving) -> dict[str, str]:
    """Say that the database answers; 503 while it does not."""
    await look(services.store)
    return {"status": "ok"}
