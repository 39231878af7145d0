"""Who may call: tokens, accounts and permission sets, over the routes that the app really has.

What is checked for every route is generated from the app's own table of routes, so that a new one
is checked from its first day.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest
from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import HTTPRoute

from runhook.clock import SystemClock
from runhook.domain.destinations import AddressPolicy
from runhook.domain.permissions import Permission, PermissionSet
from runhook.operations.publish import Publisher
from runhook.server.app import create_app
from runhook.server.services import Services
from runhook.storage.store import Store
from tests.support.api import ORIGIN, OTHER_ACCOUNT, Api, data_of, told
from tests.support.databases import VAULT

LIST = "/webhooks/subscriptions"


@dataclass(frozen=True)
class Route:
    """One method of one path of the API."""

    method: str
    path: str
    handler: HTTPRouteHandler

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    def url(self, account_id: int) -> str:
        """Return the path with values in its places."""
        path = self.path.replace("{account_id:int}", str(account_id))
        return ORIGIN + re.sub(r"\{\w+:\w+\}", "1", path)


def routes_of(app: Litestar) -> Iterator[Route]:
    """Yield each route under /api; OPTIONS is the framework's own."""
    for route in app.routes:
        if isinstance(route, HTTPRoute) and route.path.startswith("/api"):
            for handler in route.route_handlers:
                for method in handler.http_methods - {"OPTIONS"}:
                    yield Route(method, route.path, handler)


def an_app() -> Litestar:
    """Return the application over a database that nobody connects to."""
    store = Store.open("sqlite:///never-opened.db", vault=VAULT)
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
EVERY_ROUTE = pytest.mark.parametrize("route", ROUTES, ids=str)


def test_there_are_routes_to_check():
    assert len(ROUTES) >= 11


@EVERY_ROUTE
def test_every_route_says_which_permission_it_needs(route: Route):
    assert isinstance(route.handler.opt.get("permission"), Permission)


@EVERY_ROUTE
async def test_without_credentials_every_route_is_401(api: Api, route: Route):
    answer = await api.client().request(route.method, route.url(1))

    told(answer, 401)
    assert answer.headers["www-authenticate"] == "Token"


@EVERY_ROUTE
async def test_another_accounts_token_finds_nothing_on_any_route(api: Api, route: Route):
    theirs = await api.add_other_account()

    told(await theirs.request(route.method, route.url(1)), 404)


@EVERY_ROUTE
async def test_an_account_that_is_not_there_is_404_on_every_route(
    admin: httpx.AsyncClient, route: Route
):
    told(await admin.request(route.method, route.url(404)), 404)
    told(await admin.request(route.method, route.url(10**30)), 404)


@EVERY_ROUTE
async def test_a_set_without_the_permission_is_403_and_one_with_it_is_let_in(
    api: Api, route: Route
):
    needed = route.handler.opt["permission"]

    for permission_set in PermissionSet:
        client = await api.client_with(permission_set)
        answer = await client.request(route.method, route.url(1))
        if needed in permission_set.permissions:
            assert answer.status_code not in (401, 403)
        else:
            message = told(answer, 403)
            assert permission_set in message
            assert needed in message


@pytest.mark.parametrize(
    ("permission_set", "may"),
    [
        ("account_admin", {"read webhooks", "write webhooks", "report runs", "cancel runs"}),
        ("webhooks_only", {"read webhooks", "write webhooks"}),
        ("job_runner", {"report runs", "cancel runs"}),
        ("read_only", {"read webhooks"}),
    ],
)
async def test_what_each_permission_set_may_do(api: Api, permission_set: str, may: set[str]):
    client = await api.client_with(PermissionSet(permission_set))

    answers = {
        "read webhooks": await client.get(LIST),
        "write webhooks": await client.post(LIST, json={}),
        "report runs": await client.post("/runs", json={}),
        "cancel runs": await client.post("/runs/1/cancel"),
    }

    assert {name for name, answer in answers.items() if answer.status_code != 403} == may


@pytest.mark.parametrize("scheme", ["Token {}", "Bearer {}", "token {}", "BEARER {}", "Token  {} "])
async def test_a_token_may_come_with_either_word(api: Api, scheme: str):
    client = api.client(scheme.format(await api.token()))

    assert data_of(await client.get(LIST)) == []


@pytest.mark.parametrize(
    "header",
    [
        "{}",
        "Basic {}",
        "Token",
        "Token ",
        "Token{}",
        "Token rh_unknown",
        "Token {}x",
        "Token é",
        "",
    ],
)
async def test_anything_else_is_401_and_says_what_to_send(api: Api, header: str):
    value = header.format(await api.token()).encode("latin-1")

    answer = await api.client().get(LIST, headers={"Authorization": value})

    assert "`Authorization: Token <token>`" in told(answer, 401)


async def test_a_token_speaks_for_its_own_account_only(api: Api):
    theirs = await api.add_other_account()

    assert data_of(await theirs.get(LIST)) == []
    told(await theirs.get(f"{ORIGIN}/api/v3/accounts/1{LIST}"), 404)
    told(await theirs.get(f"{ORIGIN}/api/v3/accounts/{OTHER_ACCOUNT}0{LIST}"), 404)


@EVERY_ROUTE
async def test_the_methods_of_a_path_are_no_secret_and_nothing_more_is_told(api: Api, route: Route):
    answer = await api.client().options(route.url(1))

    assert (answer.status_code, answer.content) == (204, b"")
