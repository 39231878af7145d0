"""Consumers fetch their deliveries: in order, again until acknowledged, each for itself."""

import asyncio
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from standardwebhooks.webhooks import Webhook as Verifier

from runhook.dispatcher.consumer_watcher import INTERVAL, ConsumerWatcher
from runhook.dispatcher.pruner import INTERVAL as BETWEEN_PRUNINGS
from runhook.dispatcher.pruner import Pruner
from runhook.domain.errors import LimitedError
from runhook.domain.people.permissions import PermissionSet
from runhook.domain.people.quotas import Quotas
from runhook.domain.webhooks.consumers import LARGEST_READ, MOST_ACKNOWLEDGED, UNREAD_FOR
from runhook.operations.people.begin import begin_service
from runhook.server.http.arrivals import Arrivals
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import deliveries
from tests.support.api import Api, data_of, new_run, new_webhook, shared_app, told
from tests.support.clock import ManualClock, trust_the_clock
from tests.support.patience import work_off

STARTED, COMPLETED = "job.run.started", "job.run.completed"
EARLIER = "wev_0"
"""The id of a delivery that sorts before all others."""
COPIED = ", ".join(one.name for one in deliveries.c if one.name != "id")
ADD_EARLIER_COPY = sa.text(
    f"INSERT INTO deliveries (id, {COPIED}) SELECT '{EARLIER}', {COPIED} FROM deliveries"
)
EVENTS = "/consumers/laptop/events"
ACKNOWLEDGE = "/consumers/laptop/acknowledge"


async def new_consumer(client: httpx.AsyncClient, name: str = "laptop", **fields: object) -> Any:
    """Create a consumer of started and completed runs."""
    return await new_webhook(
        client, client_url=f"consume:{name}", **{"event_types": [STARTED, COMPLETED], **fields}
    )


async def finish(client: httpx.AsyncClient, run: Mapping[str, Any]) -> None:
    data_of(await client.post(f"/runs/{run['id']}/finish", json={"status": "success"}))


async def new_reader(client: httpx.AsyncClient, name: str = "laptop") -> int:
    """Take a consumer over; return the number of its reader."""
    answer = data_of(await client.post(f"/consumers/{name}/readers"), 201)
    number: int = answer["reader"]
    return number


def run_in(event: Mapping[str, Any]) -> int:
    """The id of the run that an event tells of."""
    return int(json.loads(event["body"])["data"]["run_id"])


async def fetched(client: httpx.AsyncClient, path: str = EVENTS) -> list[Any]:
    events: list[Any] = data_of(await client.get(path))
    return events


async def acknowledge(client: httpx.AsyncClient, *ids: str, path: str = ACKNOWLEDGE) -> int:
    answer = data_of(await client.post(path, json={"ids": list(ids)}))
    count: int = answer["acknowledged"]
    return count


async def test_a_runs_events_are_fetched_in_order_with_what_a_request_would_have(
    admin: httpx.AsyncClient, clock: ManualClock
):
    webhook = await new_consumer(admin, custom_headers={"X-Team": "data"})
    run = await new_run(admin)
    clock.advance(timedelta(milliseconds=1))
    await finish(admin, run)

    events = await fetched(admin)

    assert [one["event_type"] for one in events] == [STARTED, COMPLETED]
    verifier = Verifier(webhook["hmac_secret"])
    for one in events:
        headers = one["headers"]
        at = ManualClock().now()
        assert headers["webhook-id"] == one["id"]
        assert headers["X-Team"] == "data"
        assert headers["Content-Type"] == "application/json"
        assert verifier.sign(one["id"], at, one["body"]) == headers["webhook-signature"]


async def test_a_runs_events_stay_in_order_though_the_clock_goes_back_between_them(
    admin: httpx.AsyncClient, clock: ManualClock
):
    await new_consumer(admin)
    run = await new_run(admin, run_key="before")
    clock.advance(-timedelta(minutes=5))
    await finish(admin, run)
    clock.advance(timedelta(seconds=1))
    await new_run(admin, run_key="after")

    events = await fetched(admin)
    (first,) = await fetched(admin, f"{EVENTS}?limit=1")
    await acknowledge(admin, first["id"])
    (second,) = await fetched(admin, f"{EVENTS}?limit=1")

    assert [(one["event_type"], run_in(one) == run["id"]) for one in events] == [
        (STARTED, True),
        (COMPLETED, True),
        (STARTED, False),
    ]
    assert [first["id"], second["id"]] == [one["id"] for one in events[:2]]


async def test_a_runs_events_of_one_moment_are_in_order(admin: httpx.AsyncClient):
    await new_consumer(admin)
    runs = [await new_run(admin, run_key=f"run-{number}") for number in range(8)]
    for run in runs:
        await finish(admin, run)

    events = await fetched(admin)

    for run in runs:
        mine = [one["event_type"] for one in events if run_in(one) == run["id"]]
        assert mine == [STARTED, COMPLETED]


async def test_a_clock_that_went_back_is_no_obstacle_behind_the_end_of_a_page(
    admin: httpx.AsyncClient, clock: ManualClock
):
    """Runs end, by the clock, before any has started: the first page has none that may be read."""
    await new_consumer(admin)
    runs = [await new_run(admin, run_key=f"run-{number}") for number in range(4)]
    clock.advance(-timedelta(minutes=5))
    for run in runs:
        await finish(admin, run)

    read: list[tuple[int, str]] = []
    while page := await fetched(admin, f"{EVENTS}?limit=3"):
        read += [(run_in(one), one["event_type"]) for one in page]
        await acknowledge(admin, *(one["id"] for one in page))

    assert len(read) == len(set(read)) == 2 * len(runs)
    for run in runs:
        assert read.index((run["id"], STARTED)) < read.index((run["id"], COMPLETED))


async def test_a_reader_that_takes_over_ends_the_one_before(admin: httpx.AsyncClient):
    await new_consumer(admin)
    await new_run(admin)
    first, second = [await new_reader(admin) for _ in range(2)]

    (event,) = await fetched(admin, f"{EVENTS}?reader={second}")
    done = {"ids": [event["id"]], "reader": first}

    assert "one reader at a time" in told(await admin.get(f"{EVENTS}?reader={first}"), 409)
    assert "Another program reads" in told(await admin.post(ACKNOWLEDGE, json=done), 409)
    assert len(await fetched(admin)) == 1
    answer = await admin.post(ACKNOWLEDGE, json={**done, "reader": second})
    assert data_of(answer) == {"acknowledged": 1}


async def test_a_reader_that_waits_hears_that_another_took_over(admin: httpx.AsyncClient):
    await new_consumer(admin)
    reader = await new_reader(admin)
    waiting = asyncio.create_task(admin.get(f"{EVENTS}?reader={reader}&wait=30"))
    await asyncio.sleep(0)

    await new_reader(admin)

    assert "Another program reads" in told(await waiting, 409)


async def test_readers_are_numbered_for_each_consumer(api: Api, admin: httpx.AsyncClient):
    await new_consumer(admin)
    await new_consumer(admin, "tests")
    other = await api.add_other_account()

    assert [await new_reader(admin) for _ in range(2)] == [1, 2]
    assert await new_reader(admin, "tests") == 1
    assert "no consumer laptop" in told(await other.post("/consumers/laptop/readers"), 404)
    assert await new_reader(admin) == 3


async def test_what_is_not_acknowledged_is_fetched_again_and_the_rest_is_not(
    admin: httpx.AsyncClient,
):
    await new_consumer(admin)
    for number in range(3):
        await new_run(admin, run_key=f"run-{number}")
    first, second, third = await fetched(admin)

    count = await acknowledge(admin, first["id"], third["id"])

    assert count == 2
    assert [(one["id"], one["body"]) for one in await fetched(admin)] == [
        (second["id"], second["body"])
    ]
    log = data_of(await admin.get(f"/webhooks/event/{first['id']}"))
    assert log["state"] == "succeeded"


async def test_acknowledging_twice_or_what_is_not_there_does_no_harm(admin: httpx.AsyncClient):
    await new_consumer(admin)
    await new_run(admin)
    (event,) = await fetched(admin)

    assert await acknowledge(admin, event["id"], "wev_nothing") == 1
    assert await acknowledge(admin, event["id"]) == 0
    assert await fetched(admin) == []


async def test_consumers_are_independent(admin: httpx.AsyncClient):
    await new_consumer(admin)
    await new_consumer(admin, "tests", event_types=[STARTED], payload_version="2023-02")
    await new_run(admin)
    (event,) = await fetched(admin)
    (other,) = await fetched(admin, "/consumers/tests/events")

    assert await acknowledge(admin, other["id"]) == 0
    assert await acknowledge(admin, event["id"]) == 1

    assert [one["id"] for one in await fetched(admin, "/consumers/tests/events")] == [other["id"]]
    assert '"eventType"' in other["body"]
    assert '"event_type"' in event["body"]


async def test_nothing_is_sent_and_nothing_counts_as_due(api: Api, admin: httpx.AsyncClient):
    webhook = await new_consumer(admin)
    await new_run(admin)

    await api.deliver()

    (event,) = data_of(await admin.get(f"/webhooks/subscription/{webhook['id']}/events"))
    assert event["state"] == "pending"
    health = data_of(await admin.get("/health"))
    assert (health["waiting"], health["due"]) == (1, 0)


async def test_an_event_that_commits_after_later_ones_were_acknowledged_is_not_skipped(
    store: Store, admin: httpx.AsyncClient
):
    """Of SQLite's one writer the first commits first; PostgreSQL holds both transactions open."""
    await new_consumer(admin)
    await new_run(admin, run_key="the first")
    (first,) = await fetched(admin)
    committing, late = asyncio.Event(), asyncio.Event()

    async def commit_late() -> None:
        async with store.write() as tx:
            await tx.execute(ADD_EARLIER_COPY)
            late.set()
            if store.file is None:
                await committing.wait()

    held_open = asyncio.create_task(commit_late())
    await late.wait()
    if store.file is not None:
        await held_open
    await new_run(admin, run_key="the second")
    read = await fetched(admin)
    await acknowledge(admin, *(one["id"] for one in read if one["id"] != EARLIER))
    committing.set()
    await held_open

    assert [one["id"] for one in await fetched(admin)] == [EARLIER]
    assert first["id"] in [one["id"] for one in read]
    assert (EARLIER in [one["id"] for one in read]) is (store.file is not None)


async def test_a_read_that_waits_is_answered_once_something_comes(
    api: Api, admin: httpx.AsyncClient
):
    await new_consumer(admin)
    arrivals: Arrivals = api.app.state["services"].arrivals
    listening = asyncio.create_task(api.store.notifier.listen(arrivals.ring))
    waiting = asyncio.create_task(fetched(admin, f"{EVENTS}?wait=30"))
    await asyncio.sleep(0)

    await new_run(admin)

    (event,) = await waiting
    listening.cancel()
    assert event["event_type"] == STARTED


async def test_a_read_waits_no_longer_than_asked_for(admin: httpx.AsyncClient):
    await new_consumer(admin)

    assert await fetched(admin, f"{EVENTS}?wait=1") == []
    told(await admin.get(f"{EVENTS}?wait=31"), 400)


async def test_a_service_that_stops_lets_nothing_wait(api: Api, admin: httpx.AsyncClient):
    await new_consumer(admin)
    arrivals: Arrivals = api.app.state["services"].arrivals
    waiting = asyncio.create_task(fetched(admin, f"{EVENTS}?wait=30"))
    await asyncio.sleep(0)

    arrivals.close()

    assert await waiting == []


async def test_a_page_has_as_many_as_asked_for_and_says_if_there_are_more(
    admin: httpx.AsyncClient,
):
    await new_consumer(admin)
    for number in range(3):
        await new_run(admin, run_key=f"run-{number}")

    page = await admin.get(f"{EVENTS}?limit=2")
    rest = await admin.get(f"{EVENTS}?limit=3")

    assert (len(data_of(page)), page.json()["extra"]["more"]) == (2, True)
    assert (len(data_of(rest)), rest.json()["extra"]["more"]) == (3, False)


async def test_a_page_of_large_bodies_ends_early_and_none_is_too_large(
    api: Api, admin: httpx.AsyncClient
):
    await new_consumer(admin)
    for number in range(3):
        await new_run(admin, run_key=f"run-{number}")
    async with api.store.write() as tx:
        large = b'"' + b"x" * (LARGEST_READ - 100) + b'"'
        await tx.execute(sa.update(deliveries).values(body=large))

    page = await admin.get(EVENTS)

    assert len(data_of(page)) == 1
    assert page.json()["extra"]["more"] is True


async def test_too_many_ids_at_once_are_refused(admin: httpx.AsyncClient):
    await new_consumer(admin)
    ids = [f"wev_{number}" for number in range(MOST_ACKNOWLEDGED + 1)]

    assert await acknowledge(admin, *ids[1:]) == 0
    assert told(await admin.post(ACKNOWLEDGE, json={"ids": ids}), 400).startswith("ids:")


async def test_no_other_account_reads_a_consumer_or_acknowledges_for_it(
    api: Api, admin: httpx.AsyncClient
):
    await new_consumer(admin)
    await new_run(admin)
    (event,) = await fetched(admin)
    other = await api.add_other_account()

    assert "no consumer laptop" in told(await other.get(EVENTS), 404)
    told(await other.post(ACKNOWLEDGE, json={"ids": [event["id"]]}), 404)
    await new_consumer(other)
    assert await acknowledge(other, event["id"]) == 0
    assert await fetched(other) == []
    assert len(await fetched(admin)) == 1


@pytest.mark.parametrize(
    ("permission_set", "code"),
    [
        (PermissionSet.CONSUMER, 200),
        (PermissionSet.WEBHOOKS_ONLY, 200),
        (PermissionSet.READ_ONLY, 403),
        (PermissionSet.JOB_RUNNER, 403),
    ],
)
async def test_a_token_may_read_and_acknowledge_if_it_may_consume(
    api: Api, admin: httpx.AsyncClient, permission_set: PermissionSet, code: int
):
    await new_consumer(admin)
    client = await api.client_with(permission_set)

    assert (await client.get(EVENTS)).status_code == code
    assert (await client.post(ACKNOWLEDGE, json={"ids": []})).status_code == code


async def test_a_consumers_token_sees_nothing_else(api: Api, admin: httpx.AsyncClient):
    webhook = await new_consumer(admin)
    client = await api.client_with(PermissionSet.CONSUMER)

    for path in ("/webhooks/subscriptions", f"/webhooks/subscription/{webhook['id']}", "/runs"):
        assert (await client.get(path)).status_code in (403, 405)


async def test_a_consumer_that_is_not_active_says_why(admin: httpx.AsyncClient):
    webhook = await new_consumer(admin)
    await admin.put(f"/webhooks/subscription/{webhook['id']}", json={"active": False})

    assert "Set inactive by a user." in told(await admin.get(EVENTS), 409)


async def test_a_deleted_consumer_is_gone_and_its_name_is_free(admin: httpx.AsyncClient):
    webhook = await new_consumer(admin)
    await new_run(admin)
    data_of(await admin.delete(f"/webhooks/subscription/{webhook['id']}"))

    told(await admin.get(EVENTS), 404)
    await new_consumer(admin)
    assert await fetched(admin) == []


async def test_a_name_is_taken_once_in_an_account(admin: httpx.AsyncClient):
    await new_consumer(admin)

    again = await admin.post(
        "/webhooks/subscriptions",
        json={"name": "x", "client_url": "consume:laptop", "event_types": [STARTED]},
    )

    assert "has a consumer laptop" in told(again, 409)


async def test_an_account_has_only_so_many_consumers(store: Store, clock: ManualClock):
    await begin_service(store, bootstrap_token=None, clock=clock)
    api = Api(store=store, clock=clock, app=shared_app(), quotas=Quotas(consumers=1))
    admin = api.client(f"Token {await api.token()}")
    await new_consumer(admin)

    answer = await admin.post(
        "/webhooks/subscriptions",
        json={"name": "x", "client_url": "consume:two", "event_types": [STARTED]},
    )

    assert "RUNHOOK_MAX_CONSUMERS" in told(answer, 409)
    await new_webhook(admin)


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"client_url": "consume:"}, "client_url"),
        ({"client_url": "consume:My Laptop"}, "client_url"),
        ({"client_url": "consume:" + "x" * 64}, "client_url"),
        ({"format": "slack"}, "format"),
        ({"hold": 5, "notify": "failures"}, "notify"),
        ({"notify": "failures"}, "notify"),
        ({"rate_limit": "10/second"}, "rate_limit"),
        ({"retry_schedule": [1]}, "retry_schedule"),
        ({"attempt_timeout": 5}, "attempt_timeout"),
        ({"verify_tls": False}, "verify_tls"),
    ],
)
async def test_what_a_consumer_has_no_use_for_is_refused(
    admin: httpx.AsyncClient, fields: dict[str, object], named: str
):
    webhook = {"name": "x", "client_url": "consume:laptop", "event_types": [STARTED], **fields}

    answer = await admin.post("/webhooks/subscriptions", json=webhook)

    assert told(answer, 400).startswith(f"{named}:")


async def test_a_consumer_never_becomes_an_endpoint_nor_an_endpoint_a_consumer(
    admin: httpx.AsyncClient,
):
    consumer, webhook = await new_consumer(admin), await new_webhook(admin)

    for one, url in (
        (consumer, "https://receiver.example.com/dbt"),
        (consumer, "consume:another"),
        (webhook, "consume:another"),
    ):
        path = f"/webhooks/subscription/{one['id']}"
        assert "create another" in told(await admin.put(path, json={"client_url": url}), 400)
    kept = await admin.put(f"/webhooks/subscription/{consumer['id']}", json={"name": "Renamed"})
    assert data_of(kept)["client_url"] == "consume:laptop"


@pytest.mark.parametrize("format_name", ["standard_webhooks", "cloudevents", "cloudevents_binary"])
async def test_formats_for_programs_can_be_fetched(admin: httpx.AsyncClient, format_name: str):
    await new_consumer(admin, format=format_name)
    await new_run(admin)

    (event,) = await fetched(admin)

    assert event["headers"]["webhook-signature"].startswith("v1,")


async def test_a_test_waits_for_its_consumer_and_is_marked(admin: httpx.AsyncClient):
    webhook = await new_consumer(admin)
    path = f"/webhooks/subscription/{webhook['id']}/test"

    tried = data_of(await admin.get(f"{path}?event_type=job.run.errored"))

    (event,) = await fetched(admin)
    assert tried["verification_error"] is None
    assert (event["id"], event["event_type"]) == (tried["event_id"], "job.run.errored")
    assert event["is_test"] is True
    assert await acknowledge(admin, event["id"]) == 1
    assert "did you mean `job.run.errored`" in told(
        await admin.get(f"{path}?event_type=job.run.error"), 400
    )


async def test_a_delivery_that_was_acknowledged_can_be_redelivered(admin: httpx.AsyncClient):
    webhook = await new_consumer(admin)
    await new_run(admin)
    (event,) = await fetched(admin)
    await acknowledge(admin, event["id"])

    data_of(
        await admin.post(f"/webhooks/subscription/{webhook['id']}/event/{event['id']}/redeliver")
    )

    (again,) = await fetched(admin)
    assert (again["id"], again["body"]) == (event["id"], event["body"])


async def test_what_is_older_than_the_retention_is_told_as_missed(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    webhook = await new_consumer(admin)
    for number in range(2):
        await new_run(admin, run_key=f"run-{number}")
    clock.advance(timedelta(days=31))
    await new_run(admin, run_key="recent")
    await trust_the_clock(api.store)
    pruner = Pruner(api.store, retention=timedelta(days=30), steady=clock.steady)
    await work_off(pruner.tick, idle=BETWEEN_PRUNINGS)

    answer = await admin.get(EVENTS)

    missed = answer.json()["extra"]["missed"]
    (recent,) = data_of(answer)
    assert missed["count"] == 2
    assert missed["until"] < recent["created_at"]
    log = data_of(await admin.get(f"/webhooks/subscription/{webhook['id']}/events"))
    assert [one["id"] for one in log] == [recent["id"]]


async def test_consumers_have_time_to_come_back_after_the_service_was_away(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    await new_consumer(admin)
    clock.advance(UNREAD_FOR + timedelta(hours=1))
    await trust_the_clock(api.store)
    watcher = ConsumerWatcher(api.store, clock)

    assert await watcher.tick() == INTERVAL
    assert await fetched(admin) == []
    await watcher.tick()

    assert await fetched(admin) == []


async def test_an_unread_consumer_ends_at_the_second_look(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    unread = await new_consumer(admin, "unread")
    await new_consumer(admin)
    await new_run(admin)
    clock.advance(UNREAD_FOR + timedelta(hours=1))
    await fetched(admin)
    await trust_the_clock(api.store)
    watcher = ConsumerWatcher(api.store, clock)

    await watcher.tick()
    await watcher.tick()

    assert "has not been read for 7 days" in told(await admin.get("/consumers/unread/events"), 409)
    assert len(await fetched(admin)) == 1
    path = f"/webhooks/subscription/{unread['id']}"
    (waiting,) = data_of(await admin.get(f"{path}/events"))
    assert waiting["state"] == "canceled"
    data_of(await admin.put(path, json={"active": True}))
    assert await fetched(admin, "/consumers/unread/events") == []


async def test_consumers_are_listed_by_name(admin: httpx.AsyncClient):
    await new_consumer(admin)
    other = await new_consumer(admin, "ci.1")

    listed = data_of(await admin.get("/consumers/"))

    assert [one["name"] for one in listed] == ["ci.1", "laptop"]
    assert listed[0] == {
        "name": "ci.1",
        "webhook_id": other["id"],
        "active": True,
        "deactivate_reason": None,
        "read_at": listed[0]["read_at"],
        "missed": {"count": 0, "until": None},
    }


async def test_only_so_many_reads_of_an_account_wait_at_once():
    arrivals = Arrivals(of_one=1)
    looked = asyncio.Event()

    async def look() -> bool:
        looked.set()
        return False

    async def wait(account_id: int) -> bool:
        return await arrivals.wait_for(account_id, look, is_there=bool, seconds=30)

    waiting = asyncio.create_task(wait(1))
    await looked.wait()

    with pytest.raises(LimitedError, match="wait=0"):
        await wait(1)

    other = asyncio.create_task(wait(2))
    arrivals.close()
    assert await asyncio.gather(waiting, other) == [False, False]
