"""One account's webhooks do not delay another's reports: batches are bounded and take turns."""

import asyncio

from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.topics import topics_of_event
from runhook.operations.commits.queues import FairQueue
from runhook.operations.runs.publish import Publisher
from runhook.operations.runs.reports import Start
from runhook.operations.webhooks.subscribe import WebhookChange
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries
from runhook.storage.webhooks.rows import interested_webhooks
from tests.support.accounts import Tenant, a_start_report, rows_of
from tests.support.clock import ManualClock


def a_queue(*items: str) -> FairQueue[str]:
    """A queue of items such as `a1:5`: the first of lane a, which weighs 5."""
    queue: FairQueue[str] = FairQueue(
        lambda one: one[0], lambda one: int(one.partition(":")[2]), heaviest=10
    )
    for item in items:
        queue.append(item)
    return queue


def batches_of(queue: FairQueue[str], limit: int = 100) -> list[list[str]]:
    """Take out everything."""
    batches = []
    while queue:
        batches.append(queue.take(limit))
    return batches


def test_light_items_of_all_lanes_share_a_batch_and_stay_in_order():
    queue = a_queue("a1:1", "a2:1", "a3:1", "b1:1", "c1:1")

    assert batches_of(queue) == [["a1:1", "b1:1", "c1:1", "a2:1", "a3:1"]]


def test_a_heavy_item_goes_alone_and_others_wait_for_one_of_them():
    queue = a_queue("a1:50", "a2:50", "a3:50", "b1:1", "b2:1", "c1:1")

    assert batches_of(queue) == [["a1:50"], ["b1:1", "c1:1", "b2:1"], ["a2:50"], ["a3:50"]]


def test_a_lane_that_found_no_room_comes_first_in_the_next_batch():
    queue = a_queue("b1:1", "a1:10", "b2:1", "b3:1")

    assert batches_of(queue) == [["b1:1", "b2:1", "b3:1"], ["a1:10"]]
    queue = a_queue("b1:5", "a1:10", "b2:5", "b3:5")
    assert batches_of(queue) == [["b1:5", "b2:5"], ["a1:10"], ["b3:5"]]


def test_a_batch_has_so_many_items_at_most():
    assert [len(batch) for batch in batches_of(a_queue(*["a1:0"] * 7), limit=3)] == [3, 3, 1]


async def test_a_report_waits_for_one_of_another_accounts_large_ones_at_most(
    store: Store, clock: ManualClock, tenant: Tenant, stranger: Tenant
):
    for number in range(20):
        await tenant.webhook(name=f"webhook {number}")
    publisher = Publisher(store, clock, heaviest=10)
    order: list[str] = []

    async def report(sender: Tenant, name: str) -> None:
        await publisher.publish(Start(sender.account_id, a_start_report(name)))
        order.append(name)

    await report(tenant, "known by its first report")
    await report(stranger, "likewise")
    await asyncio.gather(
        *(report(tenant, f"large {number}") for number in range(5)), report(stranger, "small")
    )

    assert order.index("small") <= 3
    assert len(await rows_of(store, deliveries)) == 6 * 20


NARROWED = {
    "to nothing": {},
    "to the job": {"job_ids": "job"},
    "to the environment": {"environment_ids": "environment"},
    "to the project": {"project_ids": "project"},
    "to the job and the project": {"job_ids": "job", "project_ids": "project"},
    "to another job": {"job_ids": "other"},
    "to another job and the project": {"job_ids": "other", "project_ids": "project"},
    "to the other one's job, changed to this one": {"job_ids": "other"},
}


async def test_who_hears_of_a_run_is_found_whatever_webhooks_are_narrowed_to(
    store: Store, tenant: Tenant, stranger: Tenant
):
    job = (await tenant.start("job")).job
    other = (await tenant.start("other", job_name="other", environment_name="other")).job
    ids: dict[str, list[int]] = {
        "job": [job.id],
        "other": [other.id],
        "environment": [job.environment_id],
        "project": [job.project_id],
    }
    made = {
        name: await tenant.webhook(
            name=name, **{key: ids[which] for key, which in narrowed.items()}
        )
        for name, narrowed in NARROWED.items()
    }
    made["deleted"] = await tenant.webhook(name="deleted")
    made["of other events"] = await tenant.webhook(
        name="of other events", event_types=["job.run.canceled"]
    )
    made["a stranger's"] = await stranger.webhook(name="a stranger's")
    changed = made["to the other one's job, changed to this one"]
    await tenant.change(changed, WebhookChange(job_ids=[job.id]))
    await tenant.remove(made["deleted"])

    await tenant.start("run")

    by_id = {webhook.id: name for name, webhook in made.items()}
    assert {by_id[row.webhook_id] for row in await rows_of(store, deliveries)} == {
        "to nothing",
        "to the job",
        "to the environment",
        "to the project",
        "to the job and the project",
        "to the other one's job, changed to this one",
    }


async def test_a_report_reads_no_webhook_that_cannot_want_it(store: Store, tenant: Tenant):
    other = (await tenant.start("other", job_name="other")).job
    for number in range(5):
        await tenant.webhook(name=f"webhook {number}", job_ids=[other.id])
    wanted = await tenant.webhook(name="of another job")
    job = (await tenant.start("run")).job

    async with store.read() as tx:
        topics = topics_of_event(tenant.account_id, EventType.STARTED, job)
        found = await interested_webhooks(tx, topics)

    assert [one.webhook.id for one in found[tenant.account_id]] == [wanted.id]
