"""A secret that is kept by its mask stays with the origin that it was given for."""

import httpx
import pytest
import sqlalchemy as sa

from runhook.domain.people.permissions import PermissionSet
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import webhooks
from tests.support.api import Api, data_of, new_run, new_webhook, told
from tests.support.receiver import Receiver, echo

MASK = "********"
KEPT = {"X-Api-Key": MASK}
PLANTED = "planted-credential"


def path_of(webhook: dict[str, object], end: str = "") -> str:
    return f"/webhooks/subscription/{webhook['id']}{end}"


async def a_webhook_with_a_secret(client: httpx.AsyncClient, url: str) -> dict[str, object]:
    return await new_webhook(
        client,
        client_url=url,
        event_types=["job.run.started"],
        custom_headers={"X-Api-Key": PLANTED},
    )


OTHER_ORIGINS = [
    "https://127.0.0.1:{port}/hook",
    "http://127.0.0.1:1{port}/hook",
    "http://127.0.0.1/hook",
    "http://127.0.0.2:{port}/hook",
    "http://localhost:{port}/hook",
    "http://127.0.0.1.example.com:{port}/hook",
    "http://hooks.example.com:{port}/127.0.0.1",
]
WITH_WHAT = [{}, {"custom_headers": KEPT}, {"custom_headers": None}]


async def test_it_is_not_sent_to_another_origin(
    admin: httpx.AsyncClient, subtests: pytest.Subtests
):
    port = 8443
    webhook = await a_webhook_with_a_secret(admin, f"http://127.0.0.1:{port}/hook")
    for kept in WITH_WHAT:
        for elsewhere in OTHER_ORIGINS:
            with subtests.test(kept=str(kept), elsewhere=elsewhere):
                answer = await admin.put(
                    path_of(webhook), json={"client_url": elsewhere.format(port=port), **kept}
                )

                sentence = told(answer, 400)
                assert sentence.startswith(
                    "client_url: this moves the webhook from http://127.0.0.1:8443 to "
                )
                assert "give `custom_headers.X-Api-Key` again" in sentence
                assert (
                    data_of(await admin.get(path_of(webhook)))["client_url"]
                    == webhook["client_url"]
                )


@pytest.mark.parametrize(
    "same", ["http://127.0.0.1:80/other?x=1", "HTTP://127.0.0.1/hook#f", "http://127.0.0.1"]
)
async def test_it_stays_while_the_origin_does(admin: httpx.AsyncClient, store: Store, same: str):
    webhook = await a_webhook_with_a_secret(admin, "http://127.0.0.1/hook")
    before = await ciphertext_of(store)

    changed = data_of(await admin.put(path_of(webhook), json={"client_url": same, "name": "New"}))

    assert changed["custom_headers"] == KEPT
    assert await ciphertext_of(store) == before


@pytest.mark.parametrize("headers", [{"X-Api-Key": "another"}, {}])
async def test_given_again_or_taken_away_it_lets_the_webhook_move(
    admin: httpx.AsyncClient, headers: dict[str, str]
):
    async with Receiver() as receiver:
        webhook = await a_webhook_with_a_secret(admin, "http://127.0.0.1:9/hook")

        moved = {"client_url": receiver.url, "custom_headers": headers}
        data_of(await admin.put(path_of(webhook), json=moved))
        data_of(await admin.get(path_of(webhook, "/test")))

    (request,) = receiver.received
    assert request.headers.get("x-api-key") == headers.get("X-Api-Key")


async def test_no_detour_takes_it_along(api: Api, admin: httpx.AsyncClient):
    """One who may change webhooks, but has never seen the secret, tries it step by step."""
    thief = await api.client_with(PermissionSet.WEBHOOKS_ONLY)
    async with Receiver() as receiver, Receiver() as own:
        webhook = await a_webhook_with_a_secret(admin, receiver.url)
        stolen = {"client_url": own.url}
        copied = {**data_of(await thief.get(path_of(webhook))), **stolen}
        answers = [
            await thief.put(path_of(webhook), json={**stolen, "active": False}),
            await thief.put(path_of(webhook), json={"active": False}),
            await thief.put(path_of(webhook), json=stolen),
            await thief.put(path_of(webhook), json=copied),
            await thief.put(
                path_of(webhook), json={**stolen, "custom_headers": {"x-api-key": MASK}}
            ),
            await thief.post("/webhooks/subscriptions", json=copied),
            await thief.put(path_of(webhook), json={"active": True}),
        ]
        await new_run(admin)
        await api.deliver()
        data_of(await thief.get(path_of(webhook, "/test")))

    assert [one.status_code for one in answers] == [400, 200, 400, 400, 400, 400, 200]
    assert own.received == []
    assert {one.headers["x-api-key"] for one in receiver.received} == {PLANTED}


async def test_the_audit_log_tells_of_the_new_origin(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, client_url="http://127.0.0.1:9/hook")
    await admin.put(path_of(webhook), json={"client_url": "http://127.0.0.1:9/other"})
    await admin.put(path_of(webhook), json={"client_url": "http://127.0.0.1:10/other"})

    entries = data_of(await admin.get("/audit-log", params={"subject": webhook["id"]}))

    assert [one["after"].get("new_origin") for one in entries] == [
        "http://127.0.0.1:10",
        None,
        None,
    ]


async def ciphertext_of(store: Store) -> bytes:
    async with store.read() as tx:
        rows = await tx.execute(sa.select(webhooks.c.custom_headers_ciphertext))
        return bytes(rows.scalar_one())


async def lose_the_key(store: Store) -> None:
    """Make what is secret unreadable, as if its master key were gone."""
    async with store.write() as tx:
        await tx.execute(sa.update(webhooks).values(custom_headers_ciphertext=b"of another key"))


@pytest.mark.parametrize(
    "change",
    [
        {"name": "Renamed"},
        {"name": "Renamed", "custom_headers": KEPT},
        {"client_url": "http://127.0.0.1:9/another-path"},
        {"client_url": "http://127.0.0.1:10/hook", "custom_headers": {"X-Api-Key": "again"}},
        {"custom_headers": {"X-Api-Key": "again", "X-New": "1"}},
        {"custom_headers": {}},
    ],
)
async def test_a_webhook_whose_key_is_gone_can_be_changed(
    admin: httpx.AsyncClient, store: Store, change: dict[str, object]
):
    webhook = await a_webhook_with_a_secret(admin, "http://127.0.0.1:9/hook")
    await lose_the_key(store)

    changed = data_of(await admin.put(path_of(webhook), json=change))

    assert changed["name"] == change.get("name", webhook["name"])


@pytest.mark.parametrize("headers", [{**KEPT, "X-New": "1"}, {"X-New": "1", **KEPT}])
async def test_what_is_lost_with_its_key_has_to_be_given_again(
    admin: httpx.AsyncClient, store: Store, headers: dict[str, str]
):
    webhook = await a_webhook_with_a_secret(admin, "http://127.0.0.1:9/hook")
    await lose_the_key(store)

    answer = await admin.put(path_of(webhook), json={"custom_headers": headers})

    sentence = told(answer, 400)
    assert sentence.startswith("custom_headers: ")
    assert "master key" in sentence
    assert "again" in sentence


async def test_no_reader_of_the_log_can_send_a_delivery_again_that_verifies(
    api: Api, admin: httpx.AsyncClient
):
    """Not even if the endpoint repeats in its answer what it got."""
    reader = await api.client_with(PermissionSet.READ_ONLY)

    async with Receiver(echo) as receiver:
        webhook = await a_webhook_with_a_secret(admin, receiver.url)
        await new_run(admin)
        await api.deliver()
        await admin.get(path_of(webhook, "/test"))
    events = data_of(await reader.get(path_of(webhook, "/events")))
    receipts = [
        await reader.get(path_of(webhook, f"/event/{event['id']}/receipt")) for event in events
    ]

    assert len(receipts) == len(receiver.received) == 2
    for request in receiver.received:
        for name in ("authorization", "webhook-signature", "x-api-key"):
            assert not any(request.headers[name] in one.text for one in receipts), name
