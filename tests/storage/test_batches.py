"""Many rows in one statement, without SQLAlchemy between each row and the driver."""

from datetime import timedelta

import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import AttemptTrigger
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import attempts
from tests.support.accounts import Tenant, a_tenant, rows_of
from tests.support.clock import START, ManualClock

INSERT = sa.insert(attempts)
FIRST = {
    "number": 1,
    "trigger": AttemptTrigger.SCHEDULED,
    "sent_at": START,
    "duration": timedelta(milliseconds=20),
    "phases": {AttemptPhase.WAIT: timedelta(milliseconds=5)},
    "http_status_code": 500,
    "failure": FailureReason.HTTP_STATUS,
    "error": "The endpoint answered 500.",
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


async def test_a_batch_writes_what_a_statement_for_each_row_writes(
    store: Store, delivery_ids: list[str]
):
    one, other = delivery_ids
    async with store.write() as tx:
        await tx.execute_many(INSERT, [{"delivery_id": one, **row} for row in (FIRST, SECOND)])
        await tx.execute(INSERT, [{"delivery_id": other, **row} for row in (FIRST, SECOND)])

    written = [row._mapping for row in await rows_of(store, attempts)]

    for_one = [{**row, "delivery_id": "same"} for row in written if row["delivery_id"] == one]
    for_other = [{**row, "delivery_id": "same"} for row in written if row["delivery_id"] == other]
    assert len(for_one) == 2
    assert for_one == for_other


async def test_what_a_statement_holds_itself_is_the_same_for_each_row(
    store: Store, delivery_ids: list[str]
):
    failed = (
        sa.update(attempts)
        .where(attempts.c.delivery_id == sa.bindparam("one"))
        .values(failure=FailureReason.TLS_FAILED, error=sa.bindparam("sentence"))
    )
    async with store.write() as tx:
        await tx.execute_many(INSERT, [{"delivery_id": one, **FIRST} for one in delivery_ids])
        await tx.execute_many(failed, [{"one": one, "sentence": one} for one in delivery_ids])

    for row in await rows_of(store, attempts):
        assert (row.failure, row.error) == (FailureReason.TLS_FAILED, row.delivery_id)


async def test_a_row_that_lacks_a_value_writes_nothing(store: Store, delivery_ids: list[str]):
    one, _ = delivery_ids
    with pytest.raises(KeyError, match="number"):
        async with store.write() as tx:
            await tx.execute_many(INSERT, [{"delivery_id": one, **FIRST}, {"delivery_id": one}])

    assert await rows_of(store, attempts) == []


async def test_a_statement_reads_its_clock_each_time(
    store: Store, clock: ManualClock, delivery_ids: list[str]
):
    touched = (
        sa.update(attempts)
        .where(attempts.c.delivery_id == sa.bindparam("one"))
        .values(sent_at=clock.as_sql())
    )
    for one in delivery_ids:
        clock.advance(timedelta(seconds=1))
        async with store.write() as tx:
            await tx.execute_many(INSERT, [{"delivery_id": one, **FIRST}])
            await tx.execute_many(touched, [{"one": one}])

    sent = {row.delivery_id: row.sent_at for row in await rows_of(store, attempts)}
    assert [sent[one] - START for one in delivery_ids] == [
        timedelta(seconds=1),
        timedelta(seconds=2),
    ]


async def test_the_next_statement_sees_what_a_batch_wrote(store: Store, delivery_ids: list[str]):
    count = sa.select(sa.func.count()).select_from(attempts)
    async with store.write() as tx:
        await tx.execute_many(INSERT, [{"delivery_id": one, **FIRST} for one in delivery_ids])
        seen = (await tx.execute(count)).scalar_one()

    assert seen == 2


@pytest.mark.parametrize("is_last", [True, False])
async def test_a_batch_that_is_refused_fails_its_transaction_and_no_other(
    store: Store, delivery_ids: list[str], *, is_last: bool
):
    one, other = delivery_ids
    with pytest.raises(sa.exc.IntegrityError):
        async with store.write() as tx:
            await tx.execute_many(INSERT, [{"delivery_id": other, **FIRST}])
            await tx.execute_many(INSERT, [{"delivery_id": one, **FIRST}] * 2)
            if not is_last:
                await tx.execute_many(INSERT, [{"delivery_id": other, **SECOND}])
    assert await rows_of(store, attempts) == []

    async with store.write() as tx:
        await tx.execute_many(INSERT, [{"delivery_id": one, **FIRST}])

    assert [row.delivery_id for row in await rows_of(store, attempts)] == [one]


async def test_a_batch_before_an_error_of_our_own_writes_nothing(
    store: Store, delivery_ids: list[str]
):
    one, _ = delivery_ids
    with pytest.raises(ZeroDivisionError):
        async with store.write() as tx:
            await tx.execute_many(INSERT, [{"delivery_id": one, **FIRST}])
            raise ZeroDivisionError

    async with store.write() as tx:
        await tx.execute_many(INSERT, [{"delivery_id": one, **SECOND}])

    assert [row.number for row in await rows_of(store, attempts)] == [2]
