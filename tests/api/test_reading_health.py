"""Administrators see how much waits to be sent, and the processes that send."""

from datetime import timedelta

import httpx
import pytest

from runhook.domain.people.permissions import PermissionSet
from runhook.domain.service.replicas import LONGEST_SILENCE, Replica, ReplicaRole
from runhook.operations.people.begin import FIRST_ACCOUNT
from runhook.operations.service.presence import show_life
from runhook.storage.deliveries.backlog import COUNTED
from runhook.storage.webhooks.rows import pause_sealed
from tests.storage.claiming import claim
from tests.support.accounts import Tenant
from tests.support.api import OTHER_ACCOUNT, Api, data_of, told
from tests.support.clock import START, ManualClock
from tests.support.copies import copy_delivery

NOTHING = {
    "waiting": 0,
    "due": 0,
    "counted_all": True,
    "oldest_due_seconds": None,
    "sending": 0,
    "paused": 0,
    "attempts_per_second": 0,
    "replicas": [],
}


@pytest.fixture
async def admin(api: Api) -> httpx.AsyncClient:
    return await api.client_with(PermissionSet.ACCOUNT_ADMIN)


async def health_of(client: httpx.AsyncClient) -> dict[str, object]:
    """What is shown, but for the size of the database, which is no round number."""
    health = data_of(await client.get("/health"))
    assert health.pop("database_bytes") >= 100_000
    return health


async def test_nothing_waits_at_first(admin: httpx.AsyncClient):
    assert await health_of(admin) == NOTHING


async def test_what_is_due_what_waits_for_later_and_what_is_being_sent_are_told_apart(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    tenant = Tenant(api.store, clock)
    webhook = await tenant.webhook()
    await tenant.start("run-1")
    clock.advance(timedelta(minutes=5))
    for number in range(2, 5):
        await tenant.start(f"run-{number}")
    await claim(api.store, {webhook.id: 1})
    clock.advance(timedelta(seconds=90))

    health = await health_of(admin)

    assert health == {**NOTHING, "waiting": 3, "due": 3, "oldest_due_seconds": 90, "sending": 1}


async def test_what_waits_for_its_retry_is_not_due(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    tenant = Tenant(api.store, clock)
    await tenant.webhook()
    await tenant.start()
    # Nothing listens there.
    await api.deliver()

    health = await health_of(admin)

    assert health == {**NOTHING, "waiting": 1}


async def test_another_accounts_deliveries_are_not_counted(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    await api.add_other_account()
    other = Tenant(api.store, clock, OTHER_ACCOUNT)
    webhook = await other.webhook()
    await other.start("run-1")
    await other.start("run-2")
    await claim(api.store, {webhook.id: 1})

    assert await health_of(admin) == NOTHING


async def test_the_processes_are_shown_with_their_last_sign_of_life(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    for name, roles in {"dead": [ReplicaRole.API], "living": list(ReplicaRole)}.items():
        replica = Replica(
            name=name, host="a-host", roles=tuple(roles), version="1.0", started_at=clock.now()
        )
        await show_life(api.store, replica, (), LONGEST_SILENCE)
        clock.advance(LONGEST_SILENCE / 2)

    replicas = data_of(await admin.get("/health"))["replicas"]

    assert [(one["name"], one["roles"], one["is_alive"]) for one in replicas] == [
        ("dead", ["api"], False),
        ("living", ["api", "dispatcher"], True),
    ]
    assert replicas[0] == {
        "name": "dead",
        "host": "a-host",
        "roles": ["api"],
        "version": "1.0",
        "started_at": START.isoformat().replace("+00:00", "Z"),
        "seen_at": START.isoformat().replace("+00:00", "Z"),
        "is_alive": False,
    }


async def test_what_the_living_processes_did_in_the_last_minute_is_told_by_the_second(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    for name in ("dead", "living", "living too"):
        replica = Replica(name=name, host="a-host", roles=(), version="1.0", started_at=clock.now())
        await show_life(api.store, replica, (), LONGEST_SILENCE, attempts_lately=90)
        clock.advance(LONGEST_SILENCE / 3)

    assert (await health_of(admin))["attempts_per_second"] == 3


async def test_endpoints_that_are_paused_are_counted(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    await api.add_other_account()
    for account_id in (FIRST_ACCOUNT, OTHER_ACCOUNT):
        tenant = Tenant(api.store, clock, account_id)
        for _ in range(2):
            webhook = await tenant.webhook()
            async with api.store.write() as tx:
                await pause_sealed(tx, [webhook.id], timedelta(minutes=1))
    mine = Tenant(api.store, clock)
    await mine.webhook(event_types=["job.run.completed"])
    await mine.start()
    clock.advance(timedelta(seconds=30))

    assert await health_of(admin) == {**NOTHING, "paused": 2, "waiting": 2}


async def test_of_very_many_only_so_many_are_counted(
    api: Api, admin: httpx.AsyncClient, clock: ManualClock
):
    tenant = Tenant(api.store, clock)
    await tenant.webhook()
    await tenant.start()
    await copy_delivery(api.store, COUNTED)

    health = await health_of(admin)

    assert (health["waiting"], health["due"], health["counted_all"]) == (COUNTED, COUNTED, False)


@pytest.mark.parametrize(
    "permission_set", set(PermissionSet) - {PermissionSet.ACCOUNT_ADMIN}, ids=str
)
async def test_only_administrators_see_it(api: Api, permission_set: PermissionSet):
    client = await api.client_with(permission_set)

    assert "read the service's health" in told(await client.get("/health"), 403)
