"""A service is copied whole from any database to any other one, and compared there."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest
import sqlalchemy as sa

from runhook.clock import SystemClock
from runhook.domain.errors import ConflictError, InvalidError, NotFoundError
from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.operations.people.begin import begin_service
from runhook.operations.service.copy_service import Compared, copy_service, service_to_copy
from runhook.operations.service.presence import show_life
from runhook.storage.engine.schema import NEWEST, migrate
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import (
    accounts,
    copying,
    deliveries,
    metadata,
    projects,
    replicas,
)
from runhook.storage.service.contents import MOST_CHARACTERS, MOST_ROWS, TABLES, count_within
from runhook.storage.service.copying import begin_here
from tests.storage.calls import some_rows
from tests.support.accounts import rows_of
from tests.support.copies import copy_delivery

MANY = MOST_ROWS + 500
LIVING = Replica(
    name="host:1:a",
    host="host",
    roles=(ReplicaRole.API,),
    version="0.1.0",
    started_at=SystemClock().now(),
)


class StoppedError(Exception):
    """As a power cut would, between two batches."""


async def copy(source: Store, target: Store, stops_at: str = "") -> Sequence[Compared]:
    """Copy until all is compared, or until rows of a table have come."""

    def told(table: str, _rows: int) -> None:
        if table == stops_at:
            raise StoppedError

    return await copy_service(source, target, await service_to_copy(source), told)


async def contents(store: Store) -> Mapping[str, list[sa.Row]]:
    """All that is copied, as the service reads it."""
    return {name: await rows_of(store, metadata.tables[name]) for name in TABLES}


def differing(compared: Sequence[Compared]) -> list[str]:
    return [one.name for one in compared if not one.is_same]


async def test_every_row_is_there_as_the_service_reads_it(source: Store, target: Store):
    await some_rows(source)
    await copy_delivery(source, MANY)

    compared = await copy(source, target)

    assert differing(compared) == []
    assert {one.name: one.target.rows for one in compared}["deliveries"] == MANY + 1
    assert await contents(target) == await contents(source)


async def test_what_processes_did_stays_with_them(source: Store, target: Store):
    await some_rows(source)
    await show_life(source, LIVING, ["prune"], duration=SystemClock().now() - SystemClock().now())
    await forget_life(source)

    await copy(source, target)

    assert await rows_of(target, replicas) == []
    assert set(metadata.tables) - set(TABLES) == {"replicas", "duties", "copying"}


async def test_a_number_that_was_given_is_never_given_again(source: Store, target: Store):
    await some_rows(source)
    async with source.write() as tx:
        last = await add_project(tx, "the last")
        await tx.execute(sa.delete(projects).where(projects.c.id == last))

    await copy(source, target)

    async with target.write() as tx:
        assert await add_project(tx, "the next") == last + 1


async def add_project(tx, name: str) -> int:
    """Add a row that the database numbers."""
    added = sa.insert(projects).values(
        account_id=1, name=name, created_at=SystemClock().now(), used_at=SystemClock().now()
    )
    return (await tx.execute(added.returning(projects.c.id))).scalar_one()


@pytest.mark.parametrize("table", ["accounts", "webhooks", "deliveries"])
async def test_a_copy_that_was_stopped_goes_on_where_it_was(
    source: Store, target: Store, table: str
):
    await some_rows(source)
    await copy_delivery(source, MANY)
    with pytest.raises(StoppedError):
        await copy(source, target, stops_at=table)

    compared = await copy(source, target)

    assert differing(compared) == []
    assert await contents(target) == await contents(source)


async def test_a_database_that_a_copy_is_half_in_is_not_to_be_served(source: Store, target: Store):
    await some_rows(source)
    with pytest.raises(StoppedError):
        await copy(source, target, stops_at="runs")

    with pytest.raises(InvalidError, match="is not finished"):
        await begin_here(target)


async def test_a_copy_that_is_whole_can_be_compared_again_until_it_is_served(
    source: Store, target: Store
):
    await some_rows(source)
    first = await copy(source, target)
    again = await copy(source, target)
    await begin_here(target)

    assert again == first
    assert await rows_of(target, copying) == []
    with pytest.raises(ConflictError, match="The target holds a service already"):
        await copy(source, target)


@pytest.mark.parametrize("side", ["source", "target"])
async def test_a_row_that_changed_meanwhile_is_found(source: Store, target: Store, side: str):
    await some_rows(source)
    with pytest.raises(StoppedError):
        await copy(source, target, stops_at="deliveries")
    async with (source if side == "source" else target).write() as tx:
        await tx.execute(sa.update(accounts).values(name="Another name"))

    assert differing(await copy(source, target)) == ["accounts"]

    with pytest.raises(InvalidError, match="is not finished"):
        await begin_here(target)


async def test_a_row_that_is_gone_is_found(source: Store, target: Store):
    await some_rows(source)
    await copy_delivery(source, 3)
    with pytest.raises(StoppedError):
        await copy(source, target, stops_at="deliveries")
    async with target.write() as tx:
        await tx.execute(sa.delete(deliveries).where(deliveries.c.id == "wev_02"))

    assert differing(await copy(source, target)) == ["deliveries"]


async def test_a_target_with_another_service_is_refused(source: Store, target: Store):
    await some_rows(source)
    await migrate(target)
    await begin_service(target, bootstrap_token=None, clock=SystemClock())
    before = await contents(target)

    with pytest.raises(ConflictError, match="The target holds a service already"):
        await copy(source, target)

    assert await contents(target) == before


async def test_a_target_with_a_copy_of_another_service_is_refused(source: Store, target: Store):
    await some_rows(source)
    with pytest.raises(StoppedError):
        await copy(source, target, stops_at="accounts")
    async with source.write() as tx:
        await tx.execute(sa.update(accounts).values(identifier="act_other"))

    with pytest.raises(ConflictError, match="holds a copy of another service"):
        await copy(source, target)


async def test_of_two_that_copy_into_one_database_one_goes_on(source: Store, target: Store):
    await some_rows(source)
    await copy_delivery(source, MANY)

    ended = await asyncio.gather(copy(source, target), copy(source, target), return_exceptions=True)

    refused = [one for one in ended if isinstance(one, BaseException)]
    assert [str(one) for one in refused] == [
        "Another process is copying into the same database already."
    ]
    assert await contents(target) == await contents(source)


async def test_a_copy_that_is_not_finished_is_no_source(source: Store, target: Store):
    await some_rows(source)
    with pytest.raises(StoppedError):
        await copy(source, target, stops_at="runs")

    with pytest.raises(InvalidError, match="a copy that is not finished"):
        await service_to_copy(target)


async def test_a_source_without_a_service_is_refused(source: Store):
    with pytest.raises(NotFoundError, match="there is nothing to copy"):
        await service_to_copy(source)


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ("0000", f"at schema 0000, and this Runhook's is {NEWEST}: bring the source there with"),
        ("9999", "at schema 9999, which a newer Runhook made: copy it with that version"),
    ],
)
async def test_a_source_of_another_schema_is_refused(source: Store, schema: str, told: str):
    await some_rows(source)
    await set_schema(source, schema)
    try:
        with pytest.raises(InvalidError, match=told):
            await service_to_copy(source)
    finally:
        await set_schema(source, NEWEST)


async def set_schema(store: Store, schema: str) -> None:
    async with store.write() as tx:
        await tx.execute(
            sa.text("UPDATE alembic_version SET version_num = :schema"), {"schema": schema}
        )


async def forget_life(store: Store) -> None:
    """As if the processes had been silent for long."""
    async with store.write() as tx:
        await tx.execute(sa.text("UPDATE replicas SET seen_at = 0"))


def test_as_many_rows_are_read_at_once_as_memory_is_meant_for():
    half = MOST_CHARACTERS // 2

    assert count_within([]) == 0
    assert count_within([1] * 10) == 10
    assert count_within([half, half, 1]) == 2
    assert count_within([half, half + 1]) == 1
    assert count_within([3 * half, 1]) == 1
