"""Time that moves only when a test says so, for our code and for the database alike."""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from runhook.domain.service.timekeeping import first_look
from runhook.storage.engine.columns import UtcDateTime
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import timekeeping
from runhook.storage.service.timekeeping import moment_of, write_timekeeping

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class ManualClock:
    """A clock that a test moves."""

    def __init__(self, moment: datetime = START) -> None:
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def advance(self, pause: timedelta) -> None:
        self.moment += pause

    def steady(self) -> float:
        """The seconds since some moment, as the steady clock of a machine does."""
        return self.moment.timestamp()

    def as_sql(self) -> sa.ColumnElement[datetime]:
        """This clock as the expression that stands for the database's clock."""
        moment = sa.bindparam("now", type_=UtcDateTime, callable_=self.now)
        return sa.type_coerce(sa.cast(moment, sa.BigInteger), UtcDateTime)


async def trust_the_clock(store: Store) -> None:
    """Let the database's clock be right about the present moment, however it came to be."""
    async with store.write() as tx:
        await tx.execute(sa.delete(timekeeping))
        await write_timekeeping(tx, first_look(await moment_of(tx)), is_first=True)
