"""The audit log by the API: who changed what, from where, with which values before and after."""

from datetime import timedelta

import httpx
import pytest

from runhook.operations.service.prune import prune_step
from runhook.storage.engine.tables import audit_entries
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_webhook, told
from tests.support.clock import trust_the_clock


async def log_of(client: httpx.AsyncClient, **query: str) -> list[dict]:
    return data_of(await client.get("/audit-log", params=query))


async def test_an_entry_tells_who_did_what_from_where(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)

    changed = (await log_of(admin))[0]

    assert changed == {
        "id": changed["id"],
        "at": "2026-03-01T12:00:00Z",
        "actor": {"kind": "token", "id": 1, "name": "a test's", "address": "127.0.0.1"},
        "action": "webhook.created",
        "subject_id": webhook["id"],
        "before": None,
        "after": {**changed["after"], "name": "Tell the team"},
    }


async def test_of_a_change_what_differs_is_told_before_and_after(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, name="Old")
    await admin.put(f"/webhooks/subscription/{webhook['id']}", json={"name": "New"})

    changed = (await log_of(admin))[0]

    assert (changed["action"], changed["before"], changed["after"]) == (
        "webhook.changed",
        {"name": "Old"},
        {"name": "New"},
    )


async def test_tokens_are_noted_when_they_are_made_and_revoked(admin: httpx.AsyncClient):
    body = {"name": "airflow", "permission_set": "job_runner", "expires_in_days": 1}
    token = data_of(await admin.post("/tokens", json=body), 201)
    await admin.delete(f"/tokens/{token['id']}")

    revoked, created, by_hand = await log_of(admin)

    facts = {
        "name": "airflow",
        "permission_set": "job_runner",
        "expires_at": "2026-03-02T12:00:00+00:00",
    }
    assert (created["action"], created["subject_id"]) == ("token.created", str(token["id"]))
    assert (created["before"], created["after"]) == (None, facts)
    assert (revoked["action"], revoked["subject_id"]) == ("token.revoked", str(token["id"]))
    assert (revoked["before"], revoked["after"]) == (facts, None)
    assert by_hand["actor"] == {
        "kind": "command line",
        "id": None,
        "name": "runhook",
        "address": None,
    }


CHOICES = [
    ({}, ["c", "b", "a", "a test's"]),
    ({"action": "webhook.created"}, ["c", "b"]),
    ({"action": "token.created"}, ["a", "a test's"]),
    ({"actor": "runhook"}, ["a test's"]),
    ({"actor": "nobody"}, []),
    ({"subject": "2"}, ["a"]),
    ({"since": "2026-03-01T12:01:00Z"}, ["c", "b"]),
    ({"since": "2026-03-01T13:01:00+01:00"}, ["c", "b"]),
    ({"until": "2026-03-01T12:01:00Z"}, ["a", "a test's"]),
    ({"since": "2026-03-01T12:00:30Z", "until": "2026-03-01T12:01:30Z"}, ["b"]),
    ({"action": "webhook.created", "actor": "runhook"}, []),
    ({"limit": "2"}, ["c", "b"]),
    ({"limit": "2", "offset": "1"}, ["b", "a"]),
]


async def test_entries_can_be_chosen(api: Api, admin: httpx.AsyncClient, subtests: pytest.Subtests):
    await admin.post("/tokens", json={"name": "a", "permission_set": "read_only"})
    for name in "bc":
        api.clock.advance(timedelta(minutes=1))
        await new_webhook(admin, name=name)
    for query, names in CHOICES:
        with subtests.test(query=query):
            assert [entry["after"]["name"] for entry in await log_of(admin, **query)] == names


async def test_the_count_is_of_all_that_were_chosen(admin: httpx.AsyncClient):
    for _ in range(3):
        await new_webhook(admin)

    answer = await admin.get("/audit-log?action=webhook.created&limit=2")

    assert answer.json()["extra"]["pagination"] == {"count": 2, "total_count": 3}


@pytest.mark.parametrize(
    "query",
    [
        "action=webhook.eaten",
        "since=yesterday",
        "until=2026-03-01T12:00:00",
        "since=1e300",
        "actor=%00",
    ],
)
async def test_a_choice_that_cannot_be_read_is_refused_by_its_name(
    admin: httpx.AsyncClient, query: str
):
    answer = await admin.get(f"/audit-log?{query}")

    assert query.partition("=")[0] in told(answer, 400)


async def test_an_account_sees_its_own_log_only(api: Api, admin: httpx.AsyncClient):
    theirs = await api.add_other_account()
    await new_webhook(admin)

    assert [entry["action"] for entry in await log_of(theirs)] == ["token.created"]


async def test_entries_are_kept_as_long_as_deliveries(api: Api, admin: httpx.AsyncClient):
    await new_webhook(admin)
    month = timedelta(days=30)
    api.clock.advance(month)
    await trust_the_clock(api.store)
    await prune_step(api.store, month)
    assert len(await rows_of(api.store, audit_entries)) == 2

    api.clock.advance(timedelta(microseconds=1))
    await trust_the_clock(api.store)
    await prune_step(api.store, month)

    assert await rows_of(api.store, audit_entries) == []
