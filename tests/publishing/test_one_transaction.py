"""A run, its events and the deliveries owed for them are committed together or not at all."""

import pytest
import sqlalchemy as sa

from runhook.domain.errors import UnavailableError
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries, environments, events, jobs, projects, runs
from tests.support.accounts import Tenant, a_start_report, rows_of
from tests.support.clock import ManualClock
from tests.support.databases import VAULT
from tests.support.triggers import accept_writes, change_schema, refuse_writes
from tests.support.waking import listening_to

WRITTEN_BY_A_REPORT = (projects, environments, jobs, runs, events, deliveries)

REFUSED = ("INSERT ON deliveries", "no deliveries today")


@pytest.fixture
async def refusing_store(store: Store):
    """A store in which every insert of a delivery fails."""
    await refuse_writes(store, *REFUSED)
    yield store
    await accept_writes(store)


async def test_a_report_writes_its_run_its_event_and_its_deliveries(tenant: Tenant, store: Store):
    await tenant.webhook()

    await tenant.start()

    written = {table.name: len(await rows_of(store, table)) for table in WRITTEN_BY_A_REPORT}
    assert set(written.values()) == {1}


async def test_nothing_of_a_start_is_left_if_its_deliveries_cannot_be_written(
    tenant: Tenant, refusing_store: Store
):
    await tenant.webhook()

    async with listening_to(refusing_store) as wakes:
        with pytest.raises(sa.exc.DBAPIError, match="no deliveries today"):
            await tenant.start()

    for table in WRITTEN_BY_A_REPORT:
        assert await rows_of(refusing_store, table) == []
    assert wakes.count == 0


async def test_a_run_goes_on_if_the_deliveries_of_its_end_cannot_be_written(
    tenant: Tenant, store: Store
):
    run = await tenant.start()
    await tenant.webhook()
    before = await rows_of(store, runs)
    await refuse_writes(store, *REFUSED)

    with pytest.raises(sa.exc.DBAPIError, match="no deliveries today"):
        await tenant.finish(run)

    assert await rows_of(store, runs) == before
    assert len(await rows_of(store, events)) == 1
    await accept_writes(store)
    await tenant.finish(run)
    assert len(await rows_of(store, deliveries)) == 1


async def test_a_report_to_a_database_that_is_away_is_refused_as_such(clock: ManualClock):
    store = Store.open("postgresql://runhook@127.0.0.1:1/runhook", vault=VAULT)
    publisher = Publisher(store, clock)

    with pytest.raises(UnavailableError):
        await publisher.publish(Start(1, a_start_report()))
    await store.close()


async def test_nothing_is_written_by_a_database_that_goes_away_before_the_commit(
    database_url: str, tenant: Tenant, store: Store
):
    await tenant.webhook()
    await change_schema(store, LEAVE_AT_DELIVERIES)

    with pytest.raises(UnavailableError):
        await tenant.start()

    await accept_writes(store)
    for table in WRITTEN_BY_A_REPORT:
        assert await rows_of(store, table) == []

    await tenant.start()
    assert len(await rows_of(store, deliveries)) == 1


LEAVE_AT_DELIVERIES = {
    # SQLite's disk is full: no page can be added to the file.
    "sqlite": [
        (
            "CREATE TRIGGER refuse BEFORE INSERT ON deliveries BEGIN "
            "INSERT INTO tokens "
            "(account_id, name, permission_set, digest, created_by, created_at) "
            "VALUES (1, zeroblob(10000000), '', '', '', 0); END"
        ),
        "PRAGMA max_page_count = 1000",
    ],
    "postgresql": [
        (
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
            "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$"
        ),
        "CREATE TRIGGER refuse BEFORE INSERT ON deliveries EXECUTE FUNCTION refuse()",
    ],
}
