"""Two accounts that report runs."""

import pytest

from runhook.storage.engine.store import Store
from tests.support.accounts import Tenant, a_tenant
from tests.support.clock import ManualClock


@pytest.fixture
async def tenant(store: Store, clock: ManualClock) -> Tenant:
    return await a_tenant(store, clock)


@pytest.fixture
async def stranger(store: Store, clock: ManualClock, tenant: Tenant) -> Tenant:
    """Another account on the same service."""
    return await a_tenant(store, clock, account_id=2)
