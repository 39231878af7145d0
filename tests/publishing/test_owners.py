"""A failure goes to those whose nodes failed, with these nodes only."""

import json
from typing import Any

from runhook.domain.runs.run import RunStatus
from runhook.domain.webhooks.webhook import Webhook
from tests.support.accounts import Tenant

ERRORED = ["job.run.errored"]
SALES, FINANCE = (
    {
        "unique_id": f"model.shop.{group}",
        "resource_type": "model",
        "status": "error",
        "message": f"{group} is broken",
        "groups": [group],
    }
    for group in ("sales", "finance")
)
RESULTS = {
    "counts": {"success": 3, "error": 2},
    "failed_total": 2,
    "failed": [SALES, FINANCE],
}


async def owned_by(tenant: Tenant, group: str, **more: Any) -> Webhook:
    return await tenant.webhook(
        event_types=ERRORED, include_results=True, node_filter={"groups": [group], **more}
    )


async def told(tenant: Tenant, webhook: Webhook) -> list[dict[str, Any]]:
    return [json.loads(one.body)["data"] for one in await tenant.deliveries(webhook)]


async def test_each_owner_is_told_of_their_own_nodes(tenant: Tenant):
    sales, finance, web = [
        await owned_by(tenant, group, catch_all=group == "web")
        for group in ("sales", "finance", "web")
    ]
    run = await tenant.start("run-1")

    await tenant.finish(run, RunStatus.ERROR, results=RESULTS)

    (to_sales,), (to_finance,) = await told(tenant, sales), await told(tenant, finance)
    assert [one["unique_id"] for one in to_sales["failed_nodes"]] == ["model.shop.sales"]
    assert [one["message"] for one in to_finance["failed_nodes"]] == ["finance is broken"]
    assert to_finance["node_counts"] == {"error": 1}
    assert "sales" not in json.dumps(to_finance)
    assert await told(tenant, web) == []


async def test_a_failure_without_nodes_goes_to_who_catches_all_and_who_has_no_filter(
    tenant: Tenant,
):
    plain = await tenant.webhook(event_types=ERRORED)
    sales = await owned_by(tenant, "sales")
    catching = await owned_by(tenant, "web", catch_all=True)
    run = await tenant.start("run-1")

    await tenant.finish(run, RunStatus.ERROR, results=None)

    counts = [len(await told(tenant, one)) for one in (plain, sales, catching)]
    assert counts == [1, 0, 1]
