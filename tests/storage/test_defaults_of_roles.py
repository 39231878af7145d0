"""What is set for a role or a database does not change what Runhook does there."""

import asyncio
import uuid
from collections.abc import Callable, Iterator

import pytest
import sqlalchemy as sa

from runhook.domain.errors import InvalidError, UnavailableError
from runhook.storage.engine.schema import migrate
from runhook.storage.engine.store import Store
from tests.support.accounts import a_tenant
from tests.support.clock import ManualClock
from tests.support.databases import VAULT, PostgresqlDatabases, at_database, execute

OWNED = (
    "GRANT CREATE, USAGE ON SCHEMA public TO {role}; CREATE SCHEMA elsewhere AUTHORIZATION {role}"
)


@pytest.fixture
def role(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    """A user who may do nothing yet."""
    name = f"role_{uuid.uuid4().hex}"
    asyncio.run(execute(postgresql_databases.url, f"CREATE ROLE {name} LOGIN"))
    yield name
    asyncio.run(execute(postgresql_databases.url, f"DROP ROLE {name}"))


@pytest.fixture
def directly(postgresql_databases: PostgresqlDatabases) -> Iterator[str]:
    """The address of a new database, for administrators."""
    name = f"new_{uuid.uuid4().hex}"
    asyncio.run(execute(postgresql_databases.url, f"CREATE DATABASE {name}"))
    yield at_database(postgresql_databases.url, name)
    asyncio.run(execute(postgresql_databases.url, f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def open_as_role(role: str, directly: str) -> Callable[[str], Store]:
    """Opens the new database as the role, once statements about it have been run."""

    def open_store(statement: str) -> Store:
        asyncio.run(execute(directly, statement.format(role=role)))
        url = sa.make_url(directly).set(username=role)
        return Store.open(url.render_as_string(hide_password=False), vault=VAULT)

    return open_store


@pytest.mark.parametrize(
    "setting",
    [
        "default_transaction_isolation = 'serializable'",
        "default_transaction_isolation = 'repeatable read'",
        "default_transaction_deferrable = on",
        "search_path = elsewhere",
        "timezone = 'Asia/Kathmandu'",
        "datestyle = 'German, DMY'",
        "intervalstyle = 'iso_8601'",
        "bytea_output = 'escape'",
        "standard_conforming_strings = off",
        "client_encoding = 'LATIN1'",
        "extra_float_digits = -15",
        "row_security = off",
        "jit = on",
        "transform_null_equals = on",
        "array_nulls = off",
        "quote_all_identifiers = on",
        "plan_cache_mode = force_generic_plan",
        "enable_indexscan = off",
    ],
)
def test_it_works_whatever_is_set(
    open_as_role: Callable[[str], Store], clock: ManualClock, setting: str
):
    store = open_as_role(f"{OWNED}; ALTER ROLE {{role}} SET {setting}")

    async def use() -> object:
        await migrate(store)
        tenant = await a_tenant(store, clock)
        webhook = await tenant.webhook("https://example.com/\\'é%s?ü=\\n")
        await tenant.start("nightly \\ 'é'")
        async with store.read() as tx:
            names = await tx.execute(sa.text("SELECT client_url FROM webhooks"))
            level = await tx.execute(sa.text("SHOW transaction_isolation"))
            found = names.scalar_one(), level.scalar_one()
        await store.close()
        return webhook.client_url, *found

    wanted, *found = asyncio.run(use())

    assert found == [wanted, "read committed"]


@pytest.mark.parametrize(
    ("name", "used"),
    [
        ("statement_timeout", "0"),
        ("lock_timeout", "10s"),
        ("idle_in_transaction_session_timeout", "15s"),
        ("idle_session_timeout", "0"),
    ],
)
def test_time_limits_are_our_own(open_as_role: Callable[[str], Store], name: str, used: str):
    store = open_as_role(f"ALTER ROLE {{role}} SET {name} = '5s'")

    assert shown(store, name) == used


def test_commits_wait_for_the_disk_even_if_the_roles_others_do_not(
    open_as_role: Callable[[str], Store],
):
    for given, used in [("off", "on"), ("local", "local"), ("remote_apply", "remote_apply")]:
        store = open_as_role(f"ALTER ROLE {{role}} SET synchronous_commit = {given}")
        assert shown(store, "synchronous_commit") == used


def shown(store: Store, name: str) -> str:
    """What a setting is within a transaction."""

    async def show() -> str:
        async with store.read() as tx:
            value = (await tx.execute(sa.text(f"SHOW {name}"))).scalar_one()
        await store.close()
        return value

    return asyncio.run(show())


def migrated(store: Store) -> None:
    """Migrate, as each process does first."""

    async def run() -> None:
        try:
            await migrate(store)
        finally:
            await store.close()

    asyncio.run(run())


def test_a_role_that_only_reads_is_told_of(open_as_role: Callable[[str], Store]):
    store = open_as_role(f"{OWNED}; ALTER ROLE {{role}} SET default_transaction_read_only = on")

    with pytest.raises(UnavailableError, match="takes no writes: it is a standby, or default_"):
        migrated(store)


@pytest.mark.parametrize("path", ["no_such_schema", "''"])
def test_a_role_without_a_schema_is_told_of(open_as_role: Callable[[str], Store], path: str):
    store = open_as_role(f"{OWNED}; ALTER ROLE {{role}} SET search_path = {path}")

    with pytest.raises(InvalidError, match="has no schema to create tables in"):
        migrated(store)


def test_a_role_that_may_not_create_tables_is_told_what_to_grant(
    open_as_role: Callable[[str], Store],
):
    with pytest.raises(InvalidError, match="GRANT CREATE, USAGE ON SCHEMA public"):
        migrated(open_as_role("SELECT 1"))
