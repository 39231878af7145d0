"""The web application: its routes, who may use them, and how errors are answered."""

from litestar import Litestar, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.types import ControllerRouterHandler

from runhook.server.access.authentication import (
    authorize,
    provide_caller,
    provide_identity,
    provide_session,
)
from runhook.server.api import not_offered
from runhook.server.api.deliveries import consuming, redeliveries
from runhook.server.api.deliveries import routes as deliveries
from runhook.server.api.people import accounts, audit_log, dbt_cloud, sessions, tokens
from runhook.server.api.people import users as people
from runhook.server.api.runs import artifacts, jobs, reading, scopes, uploads
from runhook.server.api.runs import reporting as runs
from runhook.server.api.service import health
from runhook.server.api.webhooks import routes as webhooks
from runhook.server.api.wire import short_page
from runhook.server.http.forwarding import knowing_clients
from runhook.server.http.headers import add_headers
from runhook.server.http.heads import answering_heads
from runhook.server.http.prefix import public_path, under_path
from runhook.server.http.request import JsonRequest
from runhook.server.http.requests import watched
from runhook.server.openapi import Description, show_description
from runhook.server.service.health import healthz, readyz
from runhook.server.services import Services, provide_services
from runhook.server.web import help as help_pages
from runhook.server.web import router as account_pages
from runhook.server.web.page.errors import answer_as_asked
from runhook.server.web.page.once import forget_shown
from runhook.server.web.page.rendering import static_files, template_config
from runhook.server.web.people import identity as pages
from runhook.server.web.people import passwords, provider, second_factor
from runhook.server.web.runs import dbt_cloud_addresses

LARGEST_BODY = 1024 * 1024
READS = (*reading.READS, *artifacts.READS, *dbt_cloud.HANDLERS)


def create_app(services: Services) -> Litestar:
    """Build the application over ``services``."""
    app = build_app(public_path(services.public_url))
    app.state["services"] = services
    return app


def build_app(path: str = "") -> Litestar:
    """Build the application with all its routes, without its ``services``.

    Args:
        path: that of the public URL, which a proxy takes off requests.
    """
    v3 = account_router(
        "/api/v3",
        webhooks.router,
        deliveries.router,
        redeliveries.router,
        consuming.router,
        runs.router,
        jobs.router,
        *scopes.HANDLERS,
        tokens.router,
        audit_log.router,
        accounts.router,
        people.router,
        artifacts.put_artifact,
        health.show_health_of_delivering,
        *not_offered.HANDLERS_V3,
        *READS,
    )
    v2 = account_router(
        "/api/v2",
        accounts.router_v2,
        reading.cancel_run,
        *scopes.HANDLERS,
        *not_offered.HANDLERS_V2,
        *READS,
    )
    private = account_router("/api/private", *uploads.HANDLERS)
    # What belongs to no account, or to several.
    own = Router(
        "/api",
        route_handlers=[
            accounts.list_own,
            sessions.begin,
            sessions.show,
            sessions.end_own,
            sessions.list_own,
            sessions.end_one,
            sessions.end_others,
            people.accept,
            people.change_user,
        ],
        guards=[authorize],
        request_class=JsonRequest,
        dependencies={
            "session": Provide(provide_session),
            "identity": Provide(provide_identity),
        },
    )
    places = Router(
        "/", route_handlers=[uploads.put_archive], guards=[authorize], request_class=JsonRequest
    )
    api: list[ControllerRouterHandler] = [
        v3,
        v2,
        private,
        own,
        places,
        not_offered.router,
        healthz,
        readyz,
    ]
    app = Litestar(
        route_handlers=[
            *api,
            show_description,
            pages.router,
            passwords.router,
            provider.router,
            second_factor.router,
            help_pages.router,
            account_pages.router,
            *dbt_cloud_addresses.routers,
            static_files(),
        ],
        state=State({"description": Description(api, path), "path": path}),
        dependencies={
            "services": Provide(provide_services, sync_to_thread=False),
            "page": Provide(short_page),
        },
        exception_handlers={Exception: answer_as_asked},
        before_send=[add_headers, forget_shown],
        template_config=template_config(),
        request_max_body_size=LARGEST_BODY,
        openapi_config=None,
        logging_config=None,
    )
    answering = watched(app.asgi_handler, lambda: app.state.services.watch)
    answering = under_path(answering, path) if path else answering
    app.asgi_handler = knowing_clients(answering_heads(answering), app.state)
    return app


def account_router(version: str, *route_handlers: ControllerRouterHandler) -> Router:
    """Routes of one account, guarded by authorization."""
    return Router(
        f"{version}/accounts/{{account_id:int}}",
        route_handlers=route_handlers,
        guards=[authorize],
        request_class=JsonRequest,
        dependencies={"caller": Provide(provide_caller)},
    )
