"""The web application: its routes, who may use them, and how errors are answered."""

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide

from runhook.server.api import audit_log, runs, tokens, webhooks
from runhook.server.authentication import authorize, provide_caller
from runhook.server.errors import answer_error
from runhook.server.health import healthz, readyz
from runhook.server.request import JsonRequest
from runhook.server.services import Services

LARGEST_BODY = 1024 * 1024


def create_app(services: Services) -> Litestar:
    """Return the application over ``services``."""
    account = Router(
        "/api/v3/accounts/{account_id:int}",
        route_handlers=[webhooks.router, runs.router, tokens.router, audit_log.router],
        guards=[authorize],
        request_class=JsonRequest,
        dependencies={"caller": Provide(provide_caller)},
    )
    return Litestar(
        route_handlers=[account, healthz, readyz],
        state=State({"services": services}),
        dependencies={"services": Provide(lambda: services, sync_to_thread=False)},
        exception_handlers={Exception: answer_error},
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
