"""The pages of an account: who may see them, and what goes wrong on them."""

from litestar import Router
from litestar.di import Provide

from runhook.server.authentication import authorize
from runhook.server.web import (
    deliveries,
    health,
    jobs,
    live,
    redeliveries,
    runs,
    scopes,
    settings,
    webhooks,
)
from runhook.server.web.errors import show_error
from runhook.server.web.visits import provide_visit

router = Router(
    "/accounts/{account_id:int}",
    route_handlers=[
        *webhooks.handlers,
        *deliveries.handlers,
        *redeliveries.handlers,
        *runs.handlers,
        *jobs.handlers,
        *scopes.handlers,
        *settings.handlers,
        *health.handlers,
        *live.handlers,
    ],
    guards=[authorize],
    dependencies={"visit": Provide(provide_visit)},
    exception_handlers={Exception: show_error},
)
