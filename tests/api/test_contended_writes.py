"""A write that stood in another transaction's way is done again, and no caller hears of it.

What programs call to write is called while the server ends transactions as it ends deadlocks. Pages
lead to the same operations.
"""

import ast
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

import runhook.operations
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.storage.engine.tables import metadata
from tests.api.routes import Route
from tests.api.test_access import call, client_with
from tests.api.test_permission_holds import OF_A_USER, OF_AN_ACCOUNT
from tests.support.api import Api
from tests.support.databases import PostgresqlDatabases
from tests.support.world import World, a_world

TWICE = """
CREATE FUNCTION end_as_a_deadlock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
    IF nextval('ended') <= 2 THEN RAISE 'deadlock detected' USING ERRCODE = '40P01'; END IF;
    RETURN NULL;
END $$
"""
"""The first two transactions that write are ended: a sequence is not undone with them."""
EACH_TABLE = """
CREATE TRIGGER end_as_a_deadlock AFTER INSERT OR UPDATE OR DELETE ON {}
FOR EACH STATEMENT EXECUTE FUNCTION end_as_a_deadlock()
"""
STILL_REFERRED_TO = (
    "/jobs/{job_id:int}",
    "/environments/{environment_id:int}",
    "/projects/{project_id:int}",
)
"""What is at these paths cannot be deleted in a world where everything is made use of."""
NOT_OFFERED = ("/run", "/rerun", "/retry")
"""dbt Cloud starts runs at these paths, and Runhook says that it does not."""
ROUTES = [
    route
    for route in (*OF_AN_ACCOUNT, *OF_A_USER)
    if route.is_api
    and "/v2/" not in route.path
    and not route.path.endswith(NOT_OFFERED)
    and not (route.method == "DELETE" and route.path.endswith(STILL_REFERRED_TO))
]
NOT_REPEATED = {
    "note_use": "says when a token was used, and is done with the next use",
    "resume": "says when a session was used, and is done with the next use",
    "record": "is written by a recorder, which repeats it",
    "_publish": "is written by a group commit, which repeats it",
}
WRITING = re.compile(r"store\.(write\(\)|commit\()")


@pytest.fixture
def database_url(postgresql_databases: PostgresqlDatabases, tmp_path: Path) -> Iterator[str]:
    """SQLite has one writer, which stands in no other's way."""
    with postgresql_databases.new(tmp_path) as url:
        yield url


@pytest.fixture
async def world(api: Api) -> AsyncIterator[World]:
    """A world in which the next two transactions that write are ended."""
    made = await a_world(api)
    statements = ["CREATE SEQUENCE ended", TWICE]
    statements += [EACH_TABLE.format(table.name) for table in metadata.sorted_tables]
    async with api.store.write() as tx:
        for statement in statements:
            await tx.execute(sa.text(statement))
    yield made
    async with api.store.write() as tx:
        await tx.execute(sa.text("DROP FUNCTION end_as_a_deadlock CASCADE"))
        await tx.execute(sa.text("DROP SEQUENCE ended"))


async def test_a_write_that_stood_in_anothers_way_is_repeated(
    world: World, subtests: pytest.Subtests
):
    for route in ROUTES:
        with subtests.test(route=str(route)):
            async with world.undone():
                await is_repeated(world, route)


async def is_repeated(world: World, route: Route) -> None:
    allowed = next((one for one in PermissionSet if route.permission in one.permissions), None)
    client = client_with(world, allowed or Role.OWNER)
    async with world.api.store.write() as tx:
        await tx.execute(sa.text("ALTER SEQUENCE ended RESTART"))

    answer = await call(client, route, world)

    assert answer.status_code < 400, answer.text
    async with world.api.store.read() as tx:
        ended = await tx.execute(sa.text("SELECT last_value FROM ended"))
    assert ended.scalar_one() >= 2


def test_every_operation_repeats_what_it_writes():
    """Those that need not are listed, with the reason."""
    folder = Path(*runhook.operations.__path__)
    writing = {
        function.name: [ast.unparse(one) for one in function.decorator_list]
        for path in folder.rglob("*.py")
        for function in ast.walk(ast.parse(path.read_text()))
        if isinstance(function, ast.AsyncFunctionDef) and WRITING.search(ast.unparse(function))
    }

    assert len(writing) > 40
    assert {
        name for name, decorators in writing.items() if "repeats_contended" not in decorators
    } == set(NOT_REPEATED)
