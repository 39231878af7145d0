"""The web application: its routes, who may use them, and how errors are answered."""

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from runhook.server.api import artifacts, audit_log, reading, runs, tokens, webhooks
from runhook.server.authentication import authorize, provide_caller
from runhook.server.errors import answer_error
from runhook.server.health import healthz, readyz
from runhook.server.request import JsonRequest
from runhook.server.services import Services

LARGEST_BODY = 1024 * 1024
READS = (*reading.READS, *artifacts.READS)


def create_app(services: Services) -> Litestar:
    """Return the application over ``services``."""
    v3 = account_router(
        "/api/v3",
        webhooks.router,
        runs.router,
        tokens.router,
        audit_log.router,
        artifacts.put_artifact,
        *READS,
    )
    v2 = account_router("/api/v2", reading.cancel_run, *READS)
    return Litestar(
        route_handlers=[v3, v2, healthz, readyz],
        state=State({"services": services}),
        dependencies={"services": Provide(lambda: services, sync_to_thread=False)},
        exception_handlers={Exception: answer_error},
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )


def account_router(version: str, *route_handlers: ControllerRouterHandler) -> Router:
    """Return the routes of one account, which nobody enters who may not."""
    return Router(
        f"{version}/accounts/{{account_id:int}}",
        route_handlers=route_handlers,
        guards=[authorize],
        request_class=JsonRequest,
        dependencies={"caller": Provide(provide_caller)},
    )
