"""The application's own table of routes, which what holds for every route is generated from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from runhook.domain.people.permissions import Permission
from runhook.server.access.authentication import Access
from runhook.storage.engine.store import Store
from tests.support.api import A_WEBHOOK, ORIGIN, Api
from tests.support.clock import ManualClock
from tests.support.databases import VAULT
from tests.support.people import PASSWORD
from tests.support.world import MARK

PLACE = re.compile(r"\{(\w+):\w+\}")

BODIES = {
    "POST /webhooks/subscriptions": A_WEBHOOK,
    "PUT /webhooks/subscription/{webhook_id:str}": {"name": "Changed"},
    "POST /webhooks/subscription/{webhook_id:str}/secret": {"grace_days": 1},
    "POST /consumers/{name:str}/acknowledge": {"ids": ["wev_2uzvPNwHlN2wL7xNb9HXZ6nQ0rA"]},
    "POST /runs/{run_id:int}/progress": {},
    "POST /webhooks/redeliveries": {"since": "2026-03-01T00:00:00Z"},
    "POST /webhooks/redeliveries/preview": {"since": "2026-03-01T00:00:00Z"},
    "POST /runs": {"job_name": "weekly"},
    "POST /runs/{run_id:int}/finish": {"status": "success"},
    "POST /jobs": {"job_name": "weekly"},
    "PUT /jobs/{job_id:int}/expectation": {"every": "1 day"},
    "POST /jobs/{job_id:int}": {"every": "1 day", "grace": "1 hour"},
    "POST /tokens": {"name": "new", "permission_set": "read_only"},
    "PUT /": {"name": "Changed"},
    "PUT /members/{user_id:int}": {"role": "member"},
    "POST /invitations": {"role": "viewer"},
    "PUT /api/v3/user": {"name": "Changed"},
    "POST /webhooks/new": {**A_WEBHOOK, "payload_version": "2022-05"},
    "POST /webhooks/{webhook_id:str}/edit": {**A_WEBHOOK, "payload_version": "2022-05"},
    "POST /webhooks/{webhook_id:str}/secret": {"grace_days": "1"},
    "POST /webhooks/{webhook_id:str}/delete": {"name": f"webhook {MARK}"},
    "POST /jobs/{job_id:int}/delete": {"name": f"job {MARK}"},
    "POST /environments/{environment_id:int}/delete": {"name": f"environment {MARK}"},
    "POST /projects/{project_id:int}/delete": {"name": f"project {MARK}"},
    "POST /settings": {"name": "Changed", "default_payload_version": "2022-05"},
    "POST /graphql": {},
    "POST /profile": {"name": "Changed"},
    "POST /profile/password": {"current_password": PASSWORD, "password": "another horse battery"},
    "POST /profile/second-factor/confirm": {"code": "000000"},
    "POST /profile/second-factor/recovery-codes": {"code": "000000"},
    "POST /profile/second-factor/remove": {"password": PASSWORD, "last_code": "000000"},
    "POST /welcome": {"default_payload_version": "2022-05"},
    "POST /settings/invitations": {"email": "", "role": "viewer"},
    "POST /settings/members/{user_id:int}": {"role": "member"},
    "POST /settings/tokens": {"name": "new", "permission_set": "read_only"},
}
"""What each path needs at least to do what it is for."""


@dataclass(frozen=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    handler: HTTPRouteHandler

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def permission(self) -> Permission | None:
        """What its caller must be allowed in the account that the path names."""
        return self.handler.opt.get("permission")

    @property
    def access(self) -> Access | None:
        """Who may use it, if it belongs to no account."""
        return self.handler.opt.get("access")

    @property
    def handler_path(self) -> str:
        """The path as the API's description has it."""
        return PLACE.sub(r"{\1}", self.path)

    @property
    def body(self) -> Mapping[str, object]:
        """What it needs at least to do what it is for."""
        suffix = self.path.partition("/accounts/{account_id:int}")[2] or self.path
        return BODIES.get(f"{self.method} {suffix}", {})

    @property
    def is_api(self) -> bool:
        """Whether it answers in JSON; else it is a page."""
        return self.path.startswith("/api/")

    @property
    def is_offered(self) -> bool:
        """Whether it does anything; else it only says what to do instead."""
        return self.handler.status_code != 501

    @property
    def only_reads(self) -> bool:
        """Whether it changes nothing."""
        return self.method == "GET" and not self.handler.opt.get("acts")

    @property
    def places(self) -> list[str]:
        """The names of the account's things that the path holds; event types are no account's."""
        return [
            name for name in PLACE.findall(self.path) if name not in {"account_id", "event_type"}
        ]

    def url(self, account_id: int, ids: Mapping[str, object] | None = None) -> str:
        """The path with an account's id and these in its places, 1 in all others."""
        known = {"account_id": account_id, **(ids or {})}
        return ORIGIN + PLACE.sub(lambda place: str(known.get(place[1], 1)), self.path)


def routes_of(app: Litestar) -> Iterator[Route]:
    """Yield each route; OPTIONS and HEAD are the framework's own."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS", "HEAD"}:
                    yield Route(method, route.path, handler)


@cache
def an_app() -> Litestar:
    """The application over a database without a server."""
    store = Store.open("sqlite:///nobody-connects.db", vault=VAULT)
    return Api(store=store, clock=ManualClock()).app


ROUTES = sorted(routes_of(an_app()), key=str)
