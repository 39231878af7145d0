"""Who may call: over the routes that the application really has, API and pages alike.

What is checked for every route is generated from the application's own table of routes, so that a
new one is checked from its first day. It needs an id in ``tests/support/world.py`` for each new
place in its path, and a body in ``tests/api/routes.py`` that would do what it is for.
"""

import httpx
import pytest

from runhook.domain.people.permissions import Permission, PermissionSet, Role
from runhook.server.access.authentication import Access
from runhook.server.web.runs.dbt_cloud_addresses import PLACES
from tests.api.routes import ROUTES, Route
from tests.support.api import ORIGIN, OTHER_ACCOUNT, Api, data_of, told
from tests.support.people import SAME_ORIGIN
from tests.support.world import MARK, World, a_world

LIST = "/webhooks/subscriptions"
OF_AN_ACCOUNT = [route for route in ROUTES if route.permission]
OF_NO_ACCOUNT = [route for route in ROUTES if route.access and route.access != "anyone"]
NOBODY = ({}, SAME_ORIGIN, {"Cookie": "runhook_session=unknown", **SAME_ORIGIN})
"""What those send who are not signed in: one of them to each route, by turns."""
NO_ACCOUNTS = (404, 0, 10**30)
"""Ids of accounts that are not there, likewise."""

OPEN_TO_ANYONE = {
    "GET /api/openapi.json",
    "GET /favicon.ico",
    "GET /forgotten-password",
    "GET /healthz",
    "GET /help",
    "GET /help/{name:path}",
    "GET /invitations/{secret:str}",
    "GET /new-password/{secret:str}",
    "GET /readyz",
    "GET /sign-in",
    "GET /sign-in/provider",
    "GET /sign-in/provider/callback",
    "GET /static/{file_path:path}",
    "POST /api/graphql",
    "POST /api/v3/invitations/accept",
    "POST /api/v3/session",
    "POST /beta/graphql",
    "POST /forgotten-password",
    "POST /graphql",
    "POST /invitations/{secret:str}",
    "POST /new-password/{secret:str}",
    "POST /sign-in",
    "POST /sign-in/code",
    "POST /theme",
    "PUT /api/private/uploads/{ticket:str}",
    # They lead to the pages of runs and jobs, which ask who reads them.
    *(
        f"GET {place}/{{account_id:int}}/projects/{{project_id:int}}/{page}"
        for place in PLACES
        for page in ("runs/{run_id:int}", "jobs/{job_id:int}")
    ),
}


@pytest.fixture
async def world(api: Api) -> World:
    return await a_world(api)


async def call(
    client: httpx.AsyncClient, route: Route, world: World, account_id: int = 1
) -> httpx.Response:
    """Call a route as it wants to be called, with the first account's things."""
    missing = [name for name in route.places if name not in world.ids]
    assert not missing, f"tests/support/world.py has no {missing}"
    content = body = form = None
    if "/artifacts/" in route.path:
        content = b"{}"
    elif route.method in {"POST", "PUT"}:
        body, form = (route.body, None) if route.is_api else (None, dict(route.body))
    return await client.request(
        route.method, route.url(account_id, world.ids), json=body, data=form, content=content
    )


def test_there_are_routes_to_check():
    assert len(ROUTES) >= 70


def test_every_route_says_which_permission_it_needs_or_whom_it_is_open_to(
    subtests: pytest.Subtests,
):
    for route in ROUTES:
        with subtests.test(route=str(route)):
            if route.permission is None:
                assert isinstance(route.access, Access)
            else:
                assert isinstance(route.permission, Permission)
                assert route.access is None
                assert "{account_id:int}" in route.path


def test_nothing_is_open_to_anyone_that_is_not_meant_to_be():
    opened = {str(route) for route in ROUTES if route.access is Access.ANYONE}

    assert opened == OPEN_TO_ANYONE


async def test_whoever_has_no_right_in_an_account_is_refused_and_changes_nothing(
    world: World, subtests: pytest.Subtests
):
    """One world for all of them, and a look at every row after each."""
    seen = await world.everything()
    for route in OF_AN_ACCOUNT:
        with subtests.test(route=str(route)):
            await nobody_is_asked_who_it_is(world, route)
            await strangers_find_no_account(world, route)
            await members_find_no_account_that_is_not_there(world, route)
            await who_lacks_the_permission_is_told_so(world, route)
            if route.places:
                await strangers_find_nothing_of_ours(world, route, account_id=OTHER_ACCOUNT)
            before, seen = seen, await world.everything()
            assert seen == before


async def test_whoever_is_somebody_else_is_refused_and_changes_nothing(
    world: World, subtests: pytest.Subtests
):
    for route in OF_NO_ACCOUNT:
        with subtests.test(route=str(route)):
            async with world.undone():
                before = await world.everything()
                await nobody_is_asked_who_it_is(world, route)
                await strangers_find_nothing_of_ours(world, route, account_id=1)
                if route.places:
                    assert await world.everything() == before


async def nobody_is_asked_who_it_is(world: World, route: Route) -> None:
    """Without credentials the API answers 401, and a page leads to the sign-in."""
    client = world.api.client()
    client.headers.update(NOBODY[ROUTES.index(route) % len(NOBODY)])
    answer = await call(client, route, world)
    if route.is_api:
        told(answer, 401)
        assert answer.headers["www-authenticate"] == "Token"
    else:
        assert answer.status_code == 303
        assert answer.headers["location"].startswith("/sign-in")


async def strangers_find_no_account(world: World, route: Route) -> None:
    """Another account's path looks like one that is not there."""
    for stranger in world.strangers():
        answer = await call(stranger, route, world)
        assert answer.status_code == 404
        assert MARK not in answer.text


async def strangers_find_nothing_of_ours(world: World, route: Route, account_id: int) -> None:
    """The path is their own account's or no account's, the ids in it are of our things."""
    for stranger in world.strangers():
        answer = await call(stranger, route, world, account_id)
        assert MARK not in answer.text
        if route.places and route.is_offered:
            is_token = "Authorization" in stranger.headers
            refused = {404, 403} if is_token and route.access is Access.ANY_USER else {404}
            assert answer.status_code in refused, answer.text


async def members_find_no_account_that_is_not_there(world: World, route: Route) -> None:
    account_id = NO_ACCOUNTS[ROUTES.index(route) % len(NO_ACCOUNTS)]
    for client in (client_with(world, PermissionSet.ACCOUNT_ADMIN), client_with(world, Role.OWNER)):
        answer = await call(client, route, world, account_id)
        assert answer.status_code == 404


async def who_lacks_the_permission_is_told_so(world: World, route: Route) -> None:
    for grant in (*PermissionSet, *Role):
        if route.permission in grant.permissions:
            continue
        answer = await call(client_with(world, grant), route, world)
        assert answer.status_code == 403, grant
        if route.is_api:
            message = told(answer, 403)
            assert grant in message
            assert route.permission in message


async def test_a_strangers_list_holds_nothing_of_ours(world: World, subtests: pytest.Subtests):
    for route in OF_AN_ACCOUNT:
        if route.places or route.method != "GET":
            continue
        for stranger in world.strangers():
            with subtests.test(route=str(route)):
                answer = await call(stranger, route, world, OTHER_ACCOUNT)
                assert answer.status_code == 200
                assert MARK not in answer.text


async def test_who_has_the_permission_reads_what_is_really_there(
    world: World, subtests: pytest.Subtests
):
    for route in OF_AN_ACCOUNT:
        if route.is_offered and route.only_reads:
            with subtests.test(route=str(route)):
                await who_has_the_permission_is_let_in(world, route)


async def test_who_has_the_permission_changes_what_is_really_there(
    world: World, subtests: pytest.Subtests
):
    for route in OF_AN_ACCOUNT:
        if route.is_offered and not route.only_reads:
            with subtests.test(route=str(route)):
                async with world.undone():
                    await who_has_the_permission_is_let_in(world, route)


async def who_has_the_permission_is_let_in(world: World, route: Route) -> None:
    """The owner comes first, and shows that the ids with which others find nothing are real."""
    owner = await call(client_with(world, Role.OWNER), route, world)
    is_kept = owner.status_code == 409 and MARK in owner.text
    assert owner.status_code < 400 or is_kept, owner.text

    for grant in (*PermissionSet, *Role):
        if route.permission in grant.permissions:
            answer = await call(client_with(world, grant), route, world)
            assert answer.status_code not in {401, 403}, grant


async def test_what_belongs_to_somebody_signed_in_is_theirs_and_no_tokens(
    world: World, subtests: pytest.Subtests
):
    for route in OF_NO_ACCOUNT:
        with subtests.test(route=str(route)):
            async with world.undone():
                await is_theirs_and_no_tokens(world, route)


async def is_theirs_and_no_tokens(world: World, route: Route) -> None:
    token = await call(client_with(world, PermissionSet.ACCOUNT_ADMIN), route, world)
    owner = await call(client_with(world, Role.OWNER), route, world)

    is_kept = owner.status_code == 409 and MARK in owner.text
    has_no_second_factor = owner.status_code == 404 and "There is no second factor" in owner.text
    assert owner.status_code < 400 or is_kept or has_no_second_factor, owner.text
    assert (token.status_code == 403) == (route.access is Access.ANY_USER)


def client_with(world: World, grant: PermissionSet | Role) -> httpx.AsyncClient:
    """A caller of the first account."""
    if isinstance(grant, Role):
        return world.session_client(grant)
    return world.token_client(grant)


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


NO_TOKENS = [
    "{}",
    "Basic {}",
    "Token",
    "Token ",
    "Token{}",
    "Token rh_unknown",
    "Token {}x",
    "Token é",
    "",
]


async def test_anything_else_is_401_and_says_what_to_send(api: Api, subtests: pytest.Subtests):
    token = await api.token()
    for header in NO_TOKENS:
        with subtests.test(header=header):
            value = header.format(token).encode("latin-1")
            answer = await api.client().get(LIST, headers={"Authorization": value})

            assert "`Authorization: Token <token>`" in told(answer, 401)


async def test_a_token_speaks_for_its_own_account_only(api: Api):
    theirs = await api.add_other_account()

    assert data_of(await theirs.get(LIST)) == []
    told(await theirs.get(f"{ORIGIN}/api/v3/accounts/1{LIST}"), 404)
    told(await theirs.get(f"{ORIGIN}/api/v3/accounts/{OTHER_ACCOUNT}0{LIST}"), 404)


async def test_the_methods_of_a_path_are_no_secret_and_nothing_more_is_told(api: Api):
    for route in ROUTES:
        answer = await api.client().options(route.url(1))
        assert (answer.status_code, answer.content) == (204, b""), route
