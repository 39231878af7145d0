"""Permission is looked at again in the transaction that writes, by every route that writes.

Each is called while a transaction is open that takes the caller's permission away: the request is
let in before that commits, and comes to write after it. What holds for every route is generated
from the application's own table of routes.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

from runhook.domain.people.permissions import Permission, PermissionSet, Role
from runhook.server.access.authentication import Access
from runhook.storage.engine.store import Transaction
from runhook.storage.engine.tables import members, metadata, sessions, tokens, users
from tests.api.routes import ROUTES, Route
from tests.api.test_access import call, client_with
from tests.support.api import ORIGIN, Api, data_of, told
from tests.support.patience import PATIENCE
from tests.support.turns import Turns
from tests.support.world import UNTOUCHED, World, a_world

TakingAway = Callable[[Transaction, Api], Awaitable[object]]
Rows = dict[str, list[tuple[object, ...]]]

INGESTS = "/api/private/accounts/{account_id:int}/environments/{environment_id:str}/ingests"
WRITES_NOTHING = {
    "POST /api/v3/accounts/{account_id:int}/webhooks/redeliveries/preview",
    "POST /accounts/{account_id:int}/redeliveries/picked",
    f"PATCH {INGESTS}/{{ingest_id:str}}",
}


def writes(route: Route) -> bool:
    """Whether a route changes something."""
    return str(route) not in WRITES_NOTHING and not route.only_reads


OF_AN_ACCOUNT = [
    route for route in ROUTES if route.permission and writes(route) and route.is_offered
]
OF_A_USER = [route for route in ROUTES if route.access is Access.ANY_USER and writes(route)]


async def rows_in(tx: Transaction) -> Rows:
    """Every row as a transaction sees them, but for what any use of a token writes."""
    return {
        table.name: [
            tuple(row)
            for row in await tx.execute(
                sa.select(*(c for c in table.c if (table.name, c.name) not in UNTOUCHED)).order_by(
                    *table.primary_key
                )
            )
        ]
        for table in metadata.sorted_tables
    }


@asynccontextmanager
async def letting_in(query: str) -> AsyncIterator[asyncio.Event]:
    """Say when somebody has been looked up by this query."""
    let_in = asyncio.Event()
    loop = asyncio.get_running_loop()

    def note(_connection: object, _cursor: object, sql: str, *_: object) -> None:
        if query in sql and sql.startswith("SELECT"):
            loop.call_soon_threadsafe(let_in.set)

    sa.event.listen(sa.Engine, "after_cursor_execute", note)
    try:
        yield let_in
    finally:
        sa.event.remove(sa.Engine, "after_cursor_execute", note)


async def call_while(
    world: World,
    client: httpx.AsyncClient,
    route: Route,
    take_away: TakingAway,
    *,
    looked_up: str,
) -> tuple[httpx.Response, Rows, Rows]:
    """Call a route so that it is let in before something is taken away, and writes after it.

    Returns:
        the answer, and all rows before the write and after it.
    """
    async with letting_in(looked_up) as let_in:
        async with world.api.store.write() as tx:
            await take_away(tx, world.api)
            before = await rows_in(tx)
            let_in.clear()
            calling = asyncio.create_task(call(client, route, world))
            async with asyncio.timeout(PATIENCE):
                await let_in.wait()
        answer = await calling
    async with world.api.store.read() as tx:
        return answer, before, await rows_in(tx)


async def revoke(tx: Transaction, api: Api) -> None:
    await tx.execute(sa.select(tokens.c.id).with_for_update())
    await tx.execute(sa.update(tokens).values(revoked_at=api.clock.now()))


async def expire(tx: Transaction, api: Api) -> None:
    await tx.execute(sa.select(tokens.c.id).with_for_update())
    await tx.execute(sa.update(tokens).values(expires_at=api.clock.now() - timedelta(days=1)))


async def sign_out(tx: Transaction, _api: Api) -> None:
    await tx.execute(sa.delete(sessions))


async def remove(tx: Transaction, _api: Api) -> None:
    await tx.execute(sa.delete(members))


async def lower(tx: Transaction, _api: Api) -> None:
    await tx.execute(sa.update(members).values(role=Role.VIEWER))


BY_TOKEN = "FROM tokens JOIN accounts"
BY_SESSION = "FROM sessions JOIN users"
BY_MEMBERSHIP = "FROM accounts JOIN members"
TAKEN_AWAY = (tokens, sessions, members)


@dataclass(frozen=True)
class Way:
    """How a permission is taken away, what lets in before that, and what the refusal's code is."""

    take_away: TakingAway
    looked_up: str
    code: int


WAYS_OF_TOKENS = [Way(revoke, BY_TOKEN, 401), Way(expire, BY_TOKEN, 401)]
WAYS_OF_SESSIONS = [
    Way(sign_out, BY_MEMBERSHIP, 401),
    Way(remove, BY_MEMBERSHIP, 404),
    Way(lower, BY_MEMBERSHIP, 403),
]


@pytest.mark.parametrize("permission", {route.permission: None for route in OF_AN_ACCOUNT})
async def test_what_was_taken_away_before_the_write_is_not_used(
    api: Api, permission: Permission, subtests: pytest.Subtests
):
    """One world for all of a permission's routes, as none of them may change it.

    From each route it is taken away once of a token and once of a session, in all ways by turns.
    """
    world = await a_world(api)
    permission_set = next(one for one in PermissionSet if permission in one.permissions)
    of_tokens, of_sessions = Turns(WAYS_OF_TOKENS), Turns(WAYS_OF_SESSIONS)
    for route in OF_AN_ACCOUNT:
        if route.permission is permission:
            with subtests.test(route=str(route)):
                for grant, ways in ((permission_set, of_tokens), (Role.OWNER, of_sessions)):
                    for way in ways.next_few(1):
                        caller = client_with(world, grant)
                        await is_refused_once_it_is_taken_away(world, route, caller, way)


async def is_refused_once_it_is_taken_away(
    world: World, route: Route, caller: httpx.AsyncClient, way: Way
) -> None:
    async with world.undone(*TAKEN_AWAY):
        answer, before, after = await call_while(
            world, caller, route, way.take_away, looked_up=way.looked_up
        )
        assert is_refusal(answer, route, way.code), (way.take_away, answer.text)
        assert after == before


@pytest.mark.parametrize("take_away", [revoke, expire])
async def test_a_token_that_was_valid_a_moment_ago_reports_nothing(
    api: Api, take_away: TakingAway, subtests: pytest.Subtests
):
    """Another process may have taken it away, and nothing told the one that remembers it."""
    world = await a_world(api)
    client = client_with(world, PermissionSet.ACCOUNT_ADMIN)
    for route in OF_AN_ACCOUNT:
        if route.permission in (Permission.REPORT_RUNS, Permission.CANCEL_RUNS):
            with subtests.test(route=str(route)):
                async with world.undone(*TAKEN_AWAY):
                    for _ in range(3):
                        data_of(await client.post("/runs", json={"job_name": "nightly"}), 201)
                    async with api.store.write() as tx:
                        await take_away(tx, api)
                        before = await rows_in(tx)

                    assert is_refusal(await call(client, route, world), route, 401)

                    async with api.store.read() as tx:
                        assert await rows_in(tx) == before


async def test_a_session_that_has_ended_changes_nothing_of_its_user(
    api: Api, subtests: pytest.Subtests
):
    world = await a_world(api)
    ended = Way(sign_out, BY_SESSION, 401)
    for route in OF_A_USER:
        with subtests.test(route=str(route)):
            owner = client_with(world, Role.OWNER)
            await is_refused_once_it_is_taken_away(world, route, owner, ended)


def is_refusal(answer: httpx.Response, route: Route, code: int) -> bool:
    """Whether an answer says that this may not be; pages lead people to the sign-in or say so."""
    if route.is_api or "authorization" in answer.request.headers:
        return bool(told(answer, answer.status_code)) and answer.status_code in {code, 400}
    if code == 401 and answer.status_code != 400:
        return answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
    return answer.status_code in {code, 400}


async def member_id(api: Api, email: str) -> int:
    async with api.store.read() as tx:
        rows = await tx.execute(sa.select(users.c.id).where(users.c.email == email))
        return int(rows.scalar_one())


async def invited_by(client: httpx.AsyncClient, role: str = "viewer") -> str:
    made = data_of(await client.post("/invitations", json={"role": role}), 201)
    return str(made["link"].rpartition("/")[2])


async def join(api: Api, secret: str, email: str) -> httpx.Response:
    body = {"secret": secret, "email": email, "name": "Eve", "password": "correct horse battery"}
    return await api.client().post(f"{ORIGIN}/api/v3/invitations/accept", json=body)


@pytest.mark.parametrize("back_again", [False, True])
async def test_a_removed_members_open_invitations_end_with_them(api: Api, *, back_again: bool):
    owner = await api.client_of(Role.OWNER)
    admin = await api.client_of(Role.ADMIN, email="eve@example.com")
    secret, kept = await invited_by(admin), await invited_by(owner)
    user_id = await member_id(api, "eve@example.com")

    data_of(await owner.delete(f"/members/{user_id}"))
    if back_again:
        again = await invited_by(owner, "admin")
        data_of(
            await admin.post(f"{ORIGIN}/api/v3/invitations/accept", json={"secret": again}), 201
        )

    told(await join(api, secret, "new@example.com"), 404)
    data_of(await join(api, kept, "new@example.com"), 201)


@pytest.mark.parametrize(
    ("role", "ended"),
    [("viewer", {"viewer", "owner"}), ("member", {"viewer", "owner"}), ("admin", {"owner"})],
)
async def test_a_lower_role_ends_the_invitations_that_it_could_not_make(
    api: Api, role: str, ended: set[str]
):
    owner = await api.client_of(Role.OWNER)
    other = await api.client_of(Role.OWNER, email="eve@example.com")
    secrets = {one: await invited_by(other, one) for one in ("viewer", "owner")}
    user_id = await member_id(api, "eve@example.com")

    data_of(await owner.put(f"/members/{user_id}", json={"role": role}))

    for invited_to, secret in secrets.items():
        answer = await join(api, secret, f"{invited_to}@new.example")
        assert answer.status_code == (404 if invited_to in ended else 201)


async def test_a_tokens_open_invitations_end_with_it(api: Api, admin: httpx.AsyncClient):
    def made_as(name: str, **fields: object) -> dict[str, object]:
        return {"name": name, "permission_set": "account_admin", **fields}

    revoked = data_of(await admin.post("/tokens", json=made_as("revoked")), 201)
    expiring = data_of(await admin.post("/tokens", json=made_as("day", expires_in_days=1)), 201)
    secrets = {
        made["name"]: await invited_by(api.client(f"Token {made['token']}"))
        for made in (revoked, expiring)
    }
    kept = await invited_by(admin)

    data_of(await admin.delete(f"/tokens/{revoked['id']}"))
    api.clock.advance(timedelta(days=1))

    told(await join(api, secrets["revoked"], "a@new.example"), 404)
    told(await join(api, secrets["day"], "b@new.example"), 404)
    data_of(await join(api, kept, "c@new.example"), 201)
