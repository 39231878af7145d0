"""Deliveries by webhook and by account, narrowed by what one looks for, and by their ids."""

from datetime import datetime, timedelta

import httpx
import pytest

from runhook.storage.deliveries.rows import SEARCHED
from tests.support.api import Api, data_of, new_run, new_webhook, told
from tests.support.clock import START, ManualClock
from tests.support.receiver import Receiver, status


def events_of(webhook: dict[str, object]) -> str:
    return f"/webhooks/subscription/{webhook['id']}/events"


def words(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


class Log:
    """A log of two webhooks: one that works, told of all, and one that fails, told of starts."""

    works: dict[str, object]
    fails: dict[str, object]
    nightly: dict[str, object]
    hourly: dict[str, object]


@pytest.fixture
async def log(api: Api, admin: httpx.AsyncClient, clock: ManualClock) -> Log:
    """At the start the nightly job starts, a minute later the hourly; both end after two."""
    made = Log()
    async with Receiver() as works, Receiver(status(500)) as fails:
        made.works = await new_webhook(
            admin,
            client_url=works.url,
            event_types=["job.run.started", "job.run.completed", "job.run.canceled"],
        )
        made.fails = await new_webhook(
            admin, client_url=fails.url, event_types=["job.run.started"], retry_schedule=[]
        )
        made.nightly = await new_run(admin, job_name="nightly")
        clock.advance(timedelta(minutes=1))
        made.hourly = await new_run(admin, job_name="hourly")
        await api.deliver()
        clock.advance(timedelta(minutes=1))
        for run, how in ((made.nightly, "success"), (made.hourly, "canceled")):
            data_of(await admin.post(f"/runs/{run['id']}/finish", json={"status": how}))
            clock.advance(timedelta(milliseconds=1))
    return made


async def found(client: httpx.AsyncClient, path: str, **params: object) -> list[tuple[str, str]]:
    """The runs' ids and the event types of what is listed."""
    listed = data_of(await client.get(path, params=params))
    return [(event["run_id"], event["trigger_event_type"]) for event in listed]


async def test_the_accounts_log_has_every_webhooks_deliveries_newest_first(
    admin: httpx.AsyncClient, log: Log
):
    nightly, hourly = str(log.nightly["id"]), str(log.hourly["id"])

    everything = await found(admin, "/webhooks/events")
    page = await found(admin, "/webhooks/events", limit=2, offset=1)

    assert everything[:2] == [(hourly, "job.run.canceled"), (nightly, "job.run.completed")]
    assert everything[2:4] == [(hourly, "job.run.started")] * 2
    assert everything[4:] == [(nightly, "job.run.started")] * 2
    assert page == everything[1:3]


FILTERS = [
    ({"state": "failed"}, 2),
    ({"state": "succeeded"}, 2),
    ({"state": "pending"}, 2),
    ({"state": "failed, succeeded"}, 4),
    ({"state": "skipped"}, 0),
    ({"event_type": "job.run.started"}, 4),
    ({"event_type": "job.run.canceled,job.run.completed"}, 2),
    ({"event_type": "job.run.started", "state": "failed"}, 2),
    ({"is_test": "true"}, 0),
    ({"is_test": "false"}, 6),
    ({"since": words(START)}, 6),
    ({"since": words(START + timedelta(microseconds=1))}, 4),
    ({"until": words(START)}, 0),
    ({"until": words(START + timedelta(microseconds=1))}, 2),
    ({"since": words(START + timedelta(minutes=1)), "until": "2026-03-01T13:02:00+01:00"}, 2),
    ({"since": "0001-01-01T00:00:00Z", "until": "9999-12-31T23:59:59Z"}, 6),
    ({"state": "", "event_type": ""}, 6),
]


async def test_the_accounts_log_is_narrowed_by_every_filter(
    admin: httpx.AsyncClient, log: Log, subtests: pytest.Subtests
):
    for params, count in FILTERS:
        with subtests.test(params=str(params)):
            assert len(await found(admin, "/webhooks/events", **params)) == count


async def test_the_log_is_narrowed_to_a_job_or_a_run(admin: httpx.AsyncClient, log: Log):
    by_job = await found(admin, "/webhooks/events", job_id=log.hourly["job_id"])
    by_run = await found(admin, "/webhooks/events", run_id=log.hourly["id"])
    of_one = await found(
        admin, events_of(log.works), run_id=log.hourly["id"], event_type="job.run.started"
    )

    assert by_job == by_run
    assert len(by_run) == 3
    assert of_one == [(str(log.hourly["id"]), "job.run.started")]
    assert await found(admin, "/webhooks/events", job_id=2**63 - 1) == []


async def test_a_webhooks_log_is_narrowed_too_and_holds_no_other_ones(
    admin: httpx.AsyncClient, log: Log
):
    assert len(await found(admin, events_of(log.works), state="succeeded")) == 2
    assert await found(admin, events_of(log.works), state="failed") == []
    assert len(await found(admin, events_of(log.fails), state="failed")) == 2


async def test_a_filter_that_nothing_can_match_is_refused_with_what_there_is(
    admin: httpx.AsyncClient,
):
    state = told(await admin.get("/webhooks/events", params={"state": "done"}), 400)
    event_type = told(
        await admin.get("/webhooks/events", params={"event_type": "job.run.started,job.ran"}), 400
    )

    assert state == (
        "state: `done` is unknown; choose from `pending`, `sending`, `succeeded`, `failed`, "
        "`canceled`, `skipped`, `superseded`"
    )
    assert "`job.ran` is unknown" in event_type
    assert "`job.run.errored`" in event_type


OF_WRONG_KIND = [
    ("job_id", "nightly"),
    ("job_id", 0),
    ("run_id", 2**63),
    ("is_test", "perhaps"),
    ("since", "yesterday"),
    ("until", "2026-03-01T12:00:00"),
    ("state", "x" * 501),
]


async def test_a_filter_of_the_wrong_kind_is_refused_by_its_name(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    for key, value in OF_WRONG_KIND:
        with subtests.test(key=key):
            assert key in told(await admin.get("/webhooks/events", params={key: value}), 400)


async def test_tests_are_found_as_such(admin: httpx.AsyncClient, log: Log):
    await admin.get(f"/webhooks/subscription/{log.works['id']}/test")

    (test,) = data_of(await admin.get("/webhooks/events", params={"is_test": True}))

    assert (test["is_test"], test["subscription_id"]) == (True, log.works["id"])


async def test_another_account_finds_nothing(api: Api, log: Log):
    theirs = await api.add_other_account()

    assert await found(theirs, "/webhooks/events") == []
    assert await found(theirs, "/webhooks/events", run_id=log.nightly["id"]) == []
    told(await theirs.get(events_of(log.works), params={"state": "failed"}), 404)


async def test_an_event_and_its_receipts_are_at_dbt_clouds_older_paths(
    admin: httpx.AsyncClient, log: Log
):
    for event in data_of(await admin.get(events_of(log.fails))):
        receipts = data_of(
            await admin.get(f"/webhooks/subscription/{log.fails['id']}/event/{event['id']}/receipt")
        )

        assert data_of(await admin.get(f"/webhooks/event/{event['id']}")) == event
        assert data_of(await admin.get(f"/webhooks/event/{event['id']}/receipts/")) == receipts
        (receipt,) = receipts
        assert data_of(await admin.get(f"/webhooks/receipt/{receipt['id']}")) == receipt


async def test_at_the_older_paths_what_is_not_there_or_not_yours_is_404(
    api: Api, admin: httpx.AsyncClient, log: Log
):
    theirs = await api.add_other_account()
    event = data_of(await admin.get(events_of(log.fails)))[0]
    unknown = "wev_2PK4VE772408oHuYxq9BYDN6ONi"

    for client, event_id in ((admin, unknown), (theirs, event["id"])):
        told(await client.get(f"/webhooks/event/{event_id}"), 404)
        told(await client.get(f"/webhooks/event/{event_id}/receipts"), 404)
        told(await client.get(f"/webhooks/receipt/{event_id}.1"), 404)
    for receipt_id in (event["id"], f"{event['id']}.2", f"{event['id']}.01", f"{event['id']}.x"):
        told(await admin.get(f"/webhooks/receipt/{receipt_id}"), 404)


async def test_paging_the_log_while_rows_are_inserted_neither_repeats_nor_skips_one(
    admin: httpx.AsyncClient, log: Log, clock: ManualClock
):
    for path in ("/webhooks/events", events_of(log.works)):
        there = [event["id"] for event in data_of(await admin.get(path))]
        seen: list[str] = []
        while page := data_of(
            await admin.get(path, params={"limit": 2} | ({"beyond": seen[-1]} if seen else {}))
        ):
            seen += [event["id"] for event in page]
            clock.advance(timedelta(milliseconds=1))
            await new_run(admin, job_name="meanwhile")

        assert len(there) >= 4
        assert seen == there


async def test_a_delivery_that_is_not_there_or_not_yours_is_no_place_in_the_log(
    api: Api, admin: httpx.AsyncClient, log: Log
):
    theirs = await api.add_other_account()
    (event, *_) = data_of(await admin.get("/webhooks/events"))

    for client, beyond in ((admin, "wev_unknown"), (theirs, event["id"])):
        answer = await client.get("/webhooks/events", params={"beyond": beyond})
        assert told(answer, 400).startswith("beyond: ")


async def test_a_log_that_was_searched_to_its_beginning_does_not_say_how_far(
    admin: httpx.AsyncClient, log: Log
):
    answer = await admin.get("/webhooks/events", params={"event_type": "job.run.errored"})

    assert "searched_back_to" not in answer.json()["extra"]
    assert SEARCHED >= 10_000
