"""What goes into a column comes out of it, and the database's clock tells the time."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.dialects import postgresql, sqlite

from runhook.domain.runs.run import FinishReport, RunStatus
from runhook.operations.runs.reports import Finish
from runhook.storage.engine.columns import Duration, UtcDateTime
from runhook.storage.engine.store import DatabaseNow, Store
from tests.support.accounts import Tenant
from tests.support.patience import PATIENCE

DIALECTS = (sqlite.dialect(), postgresql.dialect())
MOMENTS = [
    datetime(2026, 3, 1, 12, 0, 0, 123_456, tzinfo=UTC),
    datetime(1970, 1, 1, tzinfo=UTC),
    datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
]
PAUSES = [timedelta(), timedelta(microseconds=1), timedelta(days=7), timedelta(seconds=-1)]


async def stored_and_read(store: Store, value: object, type_: sa.types.TypeEngine) -> object:
    """Send a value to the database and read it back."""
    sent = sa.cast(sa.bindparam("value", value, type_=type_), sa.BigInteger)
    async with store.read() as tx:
        return (await tx.execute(sa.select(sa.type_coerce(sent, type_)))).scalar_one()


async def test_moments_come_back_to_the_microsecond_and_in_utc(store: Store):
    read = [await stored_and_read(store, moment, UtcDateTime()) for moment in MOMENTS]

    assert read == MOMENTS
    assert {moment.tzinfo for moment in read} == {UTC}


async def test_a_moment_of_another_time_zone_is_the_same_moment(store: Store):
    noon_in_delhi = datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=30)))

    read = await stored_and_read(store, noon_in_delhi, UtcDateTime())

    assert read == noon_in_delhi
    assert read.tzinfo is UTC


async def test_durations_come_back_to_the_microsecond(store: Store):
    assert [await stored_and_read(store, pause, Duration()) for pause in PAUSES] == PAUSES


@given(st.datetimes(timezones=st.just(UTC)), st.timedeltas())
def test_any_moment_and_any_duration_is_a_whole_number_that_tells_it(
    moment: datetime, pause: timedelta
):
    for dialect in DIALECTS:
        stored = UtcDateTime().process_bind_param(moment, dialect)
        assert UtcDateTime().process_result_value(stored, dialect) == moment
        stored = Duration().process_bind_param(pause, dialect)
        assert Duration().process_result_value(stored, dialect) == pause


def test_a_moment_without_a_time_zone_is_a_mistake():
    with pytest.raises(TypeError):
        UtcDateTime().process_bind_param(datetime(2026, 3, 1), DIALECTS[0])  # noqa: DTZ001 - on purpose


async def test_the_databases_clock_tells_the_present_and_goes_forward(real_time_store: Store):
    async with real_time_store.read() as tx:
        first = (await tx.execute(sa.select(DatabaseNow()))).scalar_one()
        # Within one transaction too: a long one must not stop the clock.
        later = first
        async with asyncio.timeout(PATIENCE):
            while later == first:
                later = (await tx.execute(sa.select(DatabaseNow()))).scalar_one()

    assert abs(first - datetime.now(UTC)) < timedelta(minutes=5)
    assert later > first


async def test_results_come_back_as_they_were_reported(tenant: Tenant):
    run = await tenant.start()
    results = {"models": [{"name": "čeština", "seconds": 1.5, "rows": None}], "passed": True}
    report = FinishReport(status=RunStatus.SUCCESS, results=results)

    await tenant.publisher.publish(Finish(tenant.account_id, run.id, report))
    again = await tenant.publisher.publish(Finish(tenant.account_id, run.id, report))

    assert again.run.results == results
