"""custom_headers: sent with each request, and never shown."""

import httpx
import pytest
import sqlalchemy as sa

from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import attempts, webhooks
from tests.support.accounts import rows_of
from tests.support.api import Api, data_of, new_run, new_webhook, told
from tests.support.receiver import Received, Receiver

MASK = "********"
PLANTED = "Bearer planted-credential"


def path_of(webhook: dict[str, object], end: str = "") -> str:
    return f"/webhooks/subscription/{webhook['id']}{end}"


async def tried(client: httpx.AsyncClient, webhook: dict[str, object], at: Receiver) -> Received:
    """Send a test, and return what arrived."""
    data_of(await client.get(path_of(webhook, "/test")))
    return at.received[-1]


async def test_they_are_sent_with_each_attempt_as_they_are_then(api: Api, admin: httpx.AsyncClient):
    async with Receiver() as receiver:
        webhook = await new_webhook(
            admin,
            client_url=receiver.url,
            event_types=["job.run.started"],
            custom_headers={"X-Api-Key": "old"},
        )
        await new_run(admin)
        await admin.put(
            path_of(webhook), json={"custom_headers": {"X-Api-Key": "new", "X-Team": "a b"}}
        )
        await api.deliver()

    (request,) = receiver.received
    assert (request.headers["x-api-key"], request.headers["x-team"]) == ("new", "a b")


async def test_their_names_are_sent_as_they_are_spelled(admin: httpx.AsyncClient):
    spelled = {"X-API-key": "1", "x-lower": "2", "X-UPPER": "3"}
    async with Receiver() as receiver:
        webhook = await new_webhook(admin, client_url=receiver.url, custom_headers=spelled)
        request = await tried(admin, webhook, receiver)

    assert spelled.keys() <= set(request.spelled)


async def test_their_values_are_masked_wherever_they_could_be_read(
    api: Api, admin: httpx.AsyncClient, store: Store
):
    async with Receiver() as receiver:
        answers = [
            await admin.post(
                "/webhooks/subscriptions",
                json={
                    "name": "Gate",
                    "client_url": receiver.url,
                    "event_types": ["job.run.started"],
                    "custom_headers": {"X-Api-Key": PLANTED},
                },
            )
        ]
        webhook = data_of(answers[0], 201)
        await new_run(admin)
        await api.deliver()
        await admin.get(path_of(webhook, "/test"))
    events = await admin.get(path_of(webhook, "/events"))
    answers += [events, await admin.get(path_of(webhook)), await admin.get("/audit-log")]
    receipts = [
        await admin.get(path_of(webhook, f"/event/{event['id']}/receipt"))
        for event in data_of(events)
    ]

    assert [one.headers["x-api-key"] for one in receiver.received] == [PLANTED] * 2
    assert webhook["custom_headers"] == {"X-Api-Key": MASK}
    assert [f"X-Api-Key: {MASK}" in one.text for one in receipts] == [True, True]
    assert [PLANTED in one.text for one in [*answers, *receipts]] == [False] * 6
    stored = str(await rows_of(store, webhooks)) + str(await rows_of(store, attempts))
    assert PLANTED not in stored


async def test_a_masked_value_that_is_sent_back_keeps_the_one_that_is_there(
    admin: httpx.AsyncClient,
):
    async with Receiver() as receiver:
        webhook = await new_webhook(
            admin, client_url=receiver.url, custom_headers={"X-One": "1", "X-Two": "2"}
        )
        seen = data_of(await admin.get(path_of(webhook)))
        changed = {**seen, "custom_headers": {"x-two": MASK, "X-Three": "3"}}

        answer = data_of(await admin.put(path_of(webhook), json=changed))
        request = await tried(admin, webhook, receiver)

    assert answer["custom_headers"] == {"x-two": MASK, "X-Three": MASK}
    assert (request.headers["x-two"], request.headers["x-three"]) == ("2", "3")
    assert "x-one" not in request.headers


@pytest.mark.parametrize("kept", [{}, {"custom_headers": None}])
async def test_left_out_they_stay(admin: httpx.AsyncClient, kept: dict[str, object]):
    async with Receiver() as receiver:
        webhook = await new_webhook(
            admin, client_url=receiver.url, custom_headers={"X-Api-Key": "1"}
        )
        await admin.put(path_of(webhook), json={"name": "Another", **kept})
        request = await tried(admin, webhook, receiver)

    assert request.headers["x-api-key"] == "1"


async def test_none_at_all_takes_them_away(admin: httpx.AsyncClient, store: Store):
    async with Receiver() as receiver:
        webhook = await new_webhook(
            admin, client_url=receiver.url, custom_headers={"X-Api-Key": "1"}
        )
        answer = data_of(await admin.put(path_of(webhook), json={"custom_headers": {}}))
        request = await tried(admin, webhook, receiver)

    assert answer["custom_headers"] == {}
    assert "x-api-key" not in request.headers


ILLEGAL_OR_RESERVED = [
    {"Authorization": "Bearer x"},
    {"content-type": "text/plain"},
    {"Content-Length": "0"},
    {"Webhook-Signature": "v1,x"},
    {"Host": "elsewhere"},
    {"Transfer-Encoding": "chunked"},
    {"Cookie": "a=b"},
    {"X Space": "1"},
    {"X-Colon:": "1"},
    {"X-Line\r\nX-Other": "1"},
    {"": "1"},
    {"X-Käse": "1"},
    {"X-Line": "1\r\nX-Other: 2"},
    {"X-Line": "1\n"},
    {"X-Nul": "1\x00"},
    {"X-Empty": ""},
    {"X-Spaces": " 1"},
    {"X-Umlaut": "ü"},
    {"X-Long": "1" * 4_001},
    {"X" * 101: "1"},
    {"X-Twice": "1", "x-twice": "2"},
    {"X-Mask": MASK},
    {f"X-{number}": "1" for number in range(21)},
    {"X-Number": 1},
    ["X-List"],
]


async def test_what_is_no_legal_header_or_is_reserved_is_refused(
    admin: httpx.AsyncClient, store: Store, subtests: pytest.Subtests
):
    webhook = await new_webhook(admin)
    for headers in ILLEGAL_OR_RESERVED:
        with subtests.test(headers=str(headers)):
            answer = await admin.put(
                path_of(webhook), json={"name": "Changed?", "custom_headers": headers}
            )

            assert "custom_headers" in told(answer, 400)
            (row,) = await rows_of(store, webhooks)
            assert (row.name, row.custom_headers_ciphertext) == (webhook["name"], None)


async def test_a_refused_value_is_not_repeated(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin)

    answer = await admin.put(
        path_of(webhook), json={"custom_headers": {"X-Api-Key": f"{PLANTED}\n"}}
    )

    assert "planted" not in told(answer, 400)


async def test_the_audit_log_tells_names_and_which_values_are_new(admin: httpx.AsyncClient):
    webhook = await new_webhook(admin, custom_headers={"X-One": "1", "X-Two": "2"})
    await admin.put(path_of(webhook), json={"custom_headers": {"X-One": "changed", "X-Two": MASK}})

    changed, created = data_of(await admin.get("/audit-log", params={"subject": webhook["id"]}))

    assert created["after"]["header_names"] == ["X-One", "X-Two"]
    assert (changed["before"], changed["after"]) == ({}, {"new_header_values": ["X-One"]})


async def test_a_deleted_webhook_leaves_no_secret_behind(admin: httpx.AsyncClient, store: Store):
    webhook = await new_webhook(admin, custom_headers={"X-Api-Key": "1"})
    await admin.post(path_of(webhook, "/secret"), json={"grace_days": 7})
    await admin.delete(path_of(webhook))

    async with store.read() as tx:
        rows = await tx.execute(
            sa.select(
                webhooks.c.secret_ciphertext,
                webhooks.c.previous_secret_ciphertext,
                webhooks.c.custom_headers_ciphertext,
            )
        )
        assert rows.one() == (None, None, None)
