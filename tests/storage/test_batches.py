"""Many rows in one statement, which gets them as parameters."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import AttemptTrigger
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.storage.engine.batches import Batch, columns_like
from runhook.storage.engine.store import FEW, Store, Transaction
from runhook.storage.engine.tables import attempts
from tests.support.accounts import Tenant, a_tenant, rows_of
from tests.support.clock import START, ManualClock

FIRST = {
    "number": 1,
    "trigger": AttemptTrigger.SCHEDULED,
    "sent_at": START,
    "duration": timedelta(milliseconds=20),
    "phases": {AttemptPhase.WAIT: timedelta(milliseconds=5)},
    "http_status_code": 500,
    "failure": FailureReason.HTTP_STATUS,
    "error": 'The "endpoint" answered 500: \\u0041 ☃\n\t',
    "request_headers": {"webhook-id": "wev_1", "x-name": "Ångström ☃"},
    "response_headers": {},
    "response_body": b"\x00\xff",
}
SECOND = {
    **FIRST,
    "number": 2,
    "sent_at": START + timedelta(seconds=10),
    "http_status_code": None,
    "failure": FailureReason.TIMED_OUT,
    "response_body": b"",
}


@pytest.fixture
async def tenant(store: Store, clock: ManualClock) -> Tenant:
    return await a_tenant(store, clock)


@pytest.fixture
async def delivery_ids(tenant: Tenant) -> list[str]:
    """Two deliveries of one run."""
    webhooks = [await tenant.webhook() for _ in range(2)]
    await tenant.start()
    return [(await tenant.delivery(webhook)).id for webhook in webhooks]


def changing(tx: Transaction, **values: object) -> Batch:
    """Batch that writes the errors of deliveries' attempts, and these values."""
    given = tx.database.rows_given("given", columns_like(attempts, ("delivery_id", "error")))
    statement = (
        sa.update(attempts)
        .where(attempts.c.delivery_id == given.table.c.delivery_id)
        .values(error=given.table.c.error, **values)
    )
    return Batch(statement, given)


async def test_a_batch_writes_what_a_statement_for_each_row_writes(
    store: Store, delivery_ids: list[str]
):
    one, other = delivery_ids
    async with store.write() as tx:
        await tx.insert_many(attempts, [{"delivery_id": one, **row} for row in (FIRST, SECOND)])
        await tx.execute(
            sa.insert(attempts), [{"delivery_id": other, **row} for row in (FIRST, SECOND)]
        )

    written = [row._mapping for row in await rows_of(store, attempts)]

    for_one = [{**row, "delivery_id": "same"} for row in written if row["delivery_id"] == one]
    for_other = [{**row, "delivery_id": "same"} for row in written if row["delivery_id"] == other]
    assert len(for_one) == 2
    assert for_one == for_other


async def test_what_a_statement_holds_itself_is_the_same_for_each_row(
    store: Store, delivery_ids: list[str]
):
    async with store.write() as tx:
        failed = changing(tx, failure=FailureReason.TLS_FAILED)
        await tx.insert_many(attempts, [{"delivery_id": one, **FIRST} for one in delivery_ids])
        await tx.execute_many(failed, [{"delivery_id": one, "error": one} for one in delivery_ids])

    for row in await rows_of(store, attempts):
        assert (row.failure, row.error) == (FailureReason.TLS_FAILED, row.delivery_id)


async def test_a_row_that_lacks_a_value_writes_nothing(store: Store, delivery_ids: list[str]):
    one, _ = delivery_ids
    with pytest.raises(KeyError, match="number"):
        async with store.write() as tx:
            await tx.insert_many(attempts, [{"delivery_id": one, **FIRST}, {"delivery_id": one}])

    assert await rows_of(store, attempts) == []


async def test_a_statement_reads_its_clock_each_time(
    store: Store, clock: ManualClock, delivery_ids: list[str]
):
    now = clock.as_sql()
    for one in delivery_ids:
        clock.advance(timedelta(seconds=1))
        async with store.write() as tx:
            await tx.insert_many(attempts, [{"delivery_id": one, **FIRST}])
            await tx.execute_many(
                changing(tx, sent_at=now), [{"delivery_id": one, "error": "It is late."}]
            )

    sent = {row.delivery_id: row.sent_at for row in await rows_of(store, attempts)}
    assert [sent[one] - START for one in delivery_ids] == [
        timedelta(seconds=1),
        timedelta(seconds=2),
    ]


async def test_the_next_statement_sees_what_a_batch_wrote(store: Store, delivery_ids: list[str]):
    count = sa.select(sa.func.count()).select_from(attempts)
    async with store.write() as tx:
        await tx.insert_many(attempts, [{"delivery_id": one, **FIRST} for one in delivery_ids])
        seen = (await tx.execute(count)).scalar_one()

    assert seen == 2


@pytest.mark.parametrize("is_last", [True, False])
async def test_a_batch_that_is_refused_fails_its_transaction_and_no_other(
    store: Store, delivery_ids: list[str], *, is_last: bool
):
    one, other = delivery_ids
    with pytest.raises(sa.exc.IntegrityError):
        async with store.write() as tx:
            await tx.insert_many(attempts, [{"delivery_id": other, **FIRST}])
            await tx.insert_many(attempts, [{"delivery_id": one, **FIRST}] * 2)
            if not is_last:
                await tx.insert_many(attempts, [{"delivery_id": other, **SECOND}])
    assert await rows_of(store, attempts) == []

    async with store.write() as tx:
        await tx.insert_many(attempts, [{"delivery_id": one, **FIRST}])

    assert [row.delivery_id for row in await rows_of(store, attempts)] == [one]


async def test_a_batch_before_an_error_of_our_own_writes_nothing(
    store: Store, delivery_ids: list[str]
):
    one, _ = delivery_ids
    with pytest.raises(ZeroDivisionError):
        async with store.write() as tx:
            await tx.insert_many(attempts, [{"delivery_id": one, **FIRST}])
            raise ZeroDivisionError

    async with store.write() as tx:
        await tx.insert_many(attempts, [{"delivery_id": one, **SECOND}])

    assert [row.number for row in await rows_of(store, attempts)] == [2]


async def plans_kept(tx: Transaction) -> bool:
    """Whether the database may use the plan that it made for another number of rows."""
    if tx.connection.dialect.name == "sqlite":
        return True
    mode = await tx.execute(sa.text("SHOW plan_cache_mode"))
    return mode.scalar_one() != "force_custom_plan"


async def test_a_statement_for_many_rows_is_planned_for_as_many(
    store: Store, delivery_ids: list[str]
):
    """PostgreSQL compared each of two thousand rows with each, by the plan that it had for ten."""
    is_kept = []
    one, _ = delivery_ids
    rows = [{"delivery_id": one, **FIRST, "number": number} for number in range(1, 2 * FEW + 2)]
    for some in (rows[:FEW], rows[FEW:], []):
        async with store.write() as tx:
            if some:
                await tx.insert_many(attempts, some)
            is_kept.append(await plans_kept(tx))
            is_on_sqlite = tx.connection.dialect.name == "sqlite"

    assert is_kept == [True, is_on_sqlite, True]
    assert len(await rows_of(store, attempts)) == len(rows)
