"""A loop that finds nothing to do asks with statements that it has built before.

Building a statement costs several times what the database does with it, and a service that idles
does nothing else.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest

from runhook.clock import DatabaseClock
from runhook.domain.service.replicas import Replica, ReplicaRole
from runhook.operations.deliveries.attempt import look, rescue
from runhook.operations.deliveries.redeliver_step import take_step
from runhook.operations.runs.watch_jobs import tell_of_missed_runs
from runhook.operations.runs.watch_runs import give_up_silent_runs
from runhook.operations.service.keep_time import hear, keep_time
from runhook.operations.service.presence import look_around, show_life
from runhook.storage.engine.store import Store
from tests.support.clock import START, ManualClock
from tests.support.statements import built_statements

REPLICA = Replica(
    name="first", host="a-host", roles=(ReplicaRole.DISPATCHER,), version="1.0", started_at=START
)
LOOKS: dict[str, Callable[[Store, ManualClock], Awaitable[object]]] = {
    "for due deliveries": lambda store, _: look(store),
    "for claims that are over": lambda store, _: rescue(store),
    "for redeliveries": take_step,
    "for duties": lambda store, _: show_life(store, REPLICA, ["pruner"], timedelta(seconds=15)),
    "for other processes": lambda store, _: look_around(store),
    "at the database's clock": lambda store, _: hear(store, DatabaseClock(START)),
    "for a clock that jumped": lambda store, _: keep_time(store),
    "for silent runs": give_up_silent_runs,
    "for missed runs": tell_of_missed_runs,
}


@pytest.mark.parametrize("looked", LOOKS)
async def test_a_look_in_vain_builds_no_statement(store: Store, clock: ManualClock, looked: str):
    look_again = LOOKS[looked]
    with built_statements() as before:
        await look_again(store, clock)
        await look_again(store, clock)
    known = {id(one) for one in before}

    with built_statements() as asked:
        await look_again(store, clock)

    assert asked
    assert [str(one) for one in asked if id(one) not in known] == []
