"""The pages of an account: who may see them, and what goes wrong on them."""

from litestar import Router
from litestar.di import Provide

from runhook.server.access.authentication import authorize
from runhook.server.web import overview
from runhook.server.web.deliveries import pages as deliveries
from runhook.server.web.deliveries import redeliveries
from runhook.server.web.page import live
from runhook.server.web.page.errors import show_error
from runhook.server.web.page.visits import provide_visit
from runhook.server.web.people import settings
from runhook.server.web.runs import board, jobs, scopes
from runhook.server.web.runs import pages as runs
from runhook.server.web.service import health
from runhook.server.web.webhooks import events, form_pages
from runhook.server.web.webhooks import pages as webhooks

router = Router(
    "/accounts/{account_id:int}",
    route_handlers=[
        *overview.handlers,
        *webhooks.handlers,
        *form_pages.handlers,
        *events.handlers,
        *deliveries.handlers,
        *redeliveries.handlers,
        *runs.handlers,
        *board.handlers,
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
