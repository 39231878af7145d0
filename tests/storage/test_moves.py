"""The table of moves is what the databases of all tests go by."""

import pytest
import sqlalchemy as sa

from runhook.domain.deliveries.delivery import MOVES, DeliveryState
from runhook.storage.engine.columns import EPOCH
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries
from tests.support.accounts import Tenant

LEGAL = {*MOVES, (DeliveryState.PENDING, DeliveryState.PENDING)}
WAYS = {
    DeliveryState.PENDING: (),
    DeliveryState.SENDING: (DeliveryState.SENDING,),
    DeliveryState.SUCCEEDED: (DeliveryState.SENDING, DeliveryState.SUCCEEDED),
    DeliveryState.FAILED: (DeliveryState.SENDING, DeliveryState.FAILED),
    DeliveryState.CANCELED: (DeliveryState.CANCELED,),
    DeliveryState.SUPERSEDED: (DeliveryState.SUPERSEDED,),
}
"""How a delivery that waits comes to a state."""


async def move(store: Store, state: DeliveryState) -> None:
    """Move the only delivery to a state."""
    is_claimed = state is DeliveryState.SENDING
    async with store.write() as tx:
        await tx.execute(
            sa.update(deliveries).values(
                state=state,
                claim_number=deliveries.c.claim_number + int(is_claimed),
                claimed_until=EPOCH if is_claimed else None,
            )
        )


@pytest.mark.parametrize("before", DeliveryState)
async def test_a_move_that_is_not_in_the_table_is_refused(
    tenant: Tenant, store: Store, before: DeliveryState, subtests: pytest.Subtests
):
    if before is DeliveryState.SKIPPED:
        await tenant.deactivate(await tenant.webhook())
    else:
        await tenant.webhook()
    await tenant.start()
    for state in WAYS.get(before, ()):
        await move(store, state)

    for after in DeliveryState:
        if (before, after) not in LEGAL:
            with (
                subtests.test(after=after.value),
                pytest.raises(sa.exc.DBAPIError, match="no legal move"),
            ):
                await move(store, after)


async def test_a_claim_that_does_not_count_is_refused(tenant: Tenant, store: Store):
    await tenant.webhook()
    await tenant.start()

    with pytest.raises(sa.exc.DBAPIError, match="no legal move"):
        async with store.write() as tx:
            await tx.execute(
                sa.update(deliveries).values(state=DeliveryState.SENDING, claimed_until=EPOCH)
            )
