"""The manifests that real engines wrote of the project in `tests/support/owned.py`, in part."""

from pathlib import Path

import pytest

from runhook.domain.dbt.manifests import facts_in
from runhook.domain.dbt.node_facts import Exposure, NodeFacts, Owner

MANIFESTS = sorted((Path(__file__).parent / "manifests").glob("*.json"))
PAYMENTS = "model.owned.payments"
NOT_NULL = "test.owned.not_null_orders_id.84ef11d8fe"
UNIQUE = "test.owned.unique_customers_id.70f3d3fd20"


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.stem)
def test_every_engine_says_whose_a_node_is(path: Path):
    with path.open("rb") as file:
        found = facts_in(file, [PAYMENTS, NOT_NULL, UNIQUE], lambda text: text)

    # The engines have the tags in orders of their own.
    tags = {unique_id: set(facts.tags) for unique_id, facts in found.items()}
    assert tags == {PAYMENTS: {"nightly"}, NOT_NULL: {"core", "nightly"}, UNIQUE: {"nightly"}}
    assert found[PAYMENTS] == NodeFacts(
        groups=("finance",),
        owners=(Owner(email="finance@example.com", group="finance"),),
        tags=found[PAYMENTS].tags,
        path="models/finance/payments.sql",
        package="owned",
        exposures=(Exposure(name="revenue", owner_name="Board", owner_email="board@example.com"),),
    )
    assert found[NOT_NULL] == NodeFacts(
        groups=("sales",),
        owners=(
            Owner(
                name="Sales team",
                email="sales@example.com",
                group="sales",
                more={"slack": "#sales"},
            ),
        ),
        tags=found[NOT_NULL].tags,
        path="models/sales/orders.sql",
        package="owned",
        attached_to=("model.owned.orders",),
    )
    assert found[UNIQUE] == NodeFacts(
        owners=(Owner(name="Ann"),),
        tags=found[UNIQUE].tags,
        path="models/customers.sql",
        package="owned",
        attached_to=("model.owned.customers",),
        exposures=(Exposure(name="traffic", owner_email="web@example.com"),),
    )
