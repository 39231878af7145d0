"""The application's own table of routes, which what holds for every route is generated from."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from runhook.clock import SystemClock
from runhook.domain.destinations import AddressPolicy
from runhook.operations.publish import Publisher
from runhook.server.app import create_app
from runhook.server.services import Services
from runhook.storage.store import Store
from tests.support.api import ORIGIN
from tests.support.databases import VAULT

PLACE = re.compile(r"\{(\w+):\w+\}")


@dataclass(frozen=True)
class Route:
    """One method of one path."""

    method: str
    path: str
    handler: HTTPRouteHandler

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, account_id: int, ids: Mapping[str, object] | None = None) -> str:
        """Return the path with an account's id and these in its places, 1 in all others."""
        known = {"account_id": account_id, **(ids or {})}
        return ORIGIN + PLACE.sub(lambda place: str(known.get(place[1], 1)), self.path)


def routes_of(app: Litestar) -> Iterator[Route]:
    """Yield each route; OPTIONS is the framework's own."""
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS"}:
                    yield Route(method, route.path, handler)


def an_app() -> Litestar:
    """Return the application over a database that nobody connects to."""
    store = Store.open("sqlite:///nobody-connects.db", vault=VAULT)
    clock = SystemClock()
    publisher = Publisher(store, clock, on_published=lambda: None)
    return create_app(
        Services(
            store=store,
            publisher=publisher,
            policy=AddressPolicy(),
            clock=clock,
            is_delivering=lambda: True,
        )
    )


ROUTES = sorted(routes_of(an_app()), key=str)
