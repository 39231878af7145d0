"""Paths with and without a slash at the end, and paths and methods that are not there."""

import httpx
import pytest

from tests.api.routes import ROUTES
from tests.support.api import A_WEBHOOK, ORIGIN, Api, data_of, new_run, new_webhook, told

NOT_THERE = [
    "/api",
    "/api/v3/accounts/1/webhooks",
    "/api/v3/accounts/abc/webhooks/subscriptions",
    "/api/v3/accounts/-1/webhooks/subscriptions",
    "/api/v3/accounts/" + "9" * 5_000 + "/webhooks/subscriptions",
    "/api/v3/accounts/1/webhooks/subscription",
    "/api/v3/accounts/1/webhooks/subscription/a/b",
    "/api/v4/accounts/1/webhooks/subscriptions",
    "/%00",
    "/%ff",
    "/é",
    "/schema",
]
NOT_TAKEN = [
    ("PATCH", "/webhooks/subscriptions"),
    ("DELETE", "/webhooks/subscriptions"),
    ("PUT", "/webhooks/subscriptions"),
    ("POST", "/webhooks/subscription/wsu_1"),
    ("GET", "/runs/1/finish"),
    ("DELETE", "/runs"),
    ("TRACE", "/runs"),
    ("NONSENSE", "/runs"),
]


async def test_every_route_is_there_with_and_without_a_slash_at_its_end_and_no_redirect_between(
    api: Api,
):
    client = api.client()
    for route in ROUTES:
        bare, slashed = [
            await client.options(route.url(1).rstrip("/") + end, follow_redirects=False)
            for end in ("", "/")
        ]
        assert (bare.status_code, slashed.status_code) == (204, 204), route
        assert route.method in bare.headers["allow"].split(", "), route
        assert set(slashed.headers["allow"].split(", ")) == set(bare.headers["allow"].split(", "))


@pytest.mark.parametrize("end", ["", "/"])
async def test_a_webhooks_and_a_runs_paths_do_the_same_with_and_without_a_slash_at_its_end(
    admin: httpx.AsyncClient, end: str
):
    webhook = await new_webhook(admin, event_types=["job.run.started"])
    run = await new_run(admin)
    one = f"/webhooks/subscription/{webhook['id']}"
    (event,) = data_of(await admin.get(f"{one}/events"))

    answers = [
        await admin.get(f"/webhooks/subscriptions{end}"),
        await admin.get(f"/webhooks/subscriptions{end}?limit=5"),
        await admin.post(f"/webhooks/subscriptions{end}", json=A_WEBHOOK),
        await admin.get(f"{one}{end}"),
        await admin.put(f"{one}{end}", json={}),
        await admin.get(f"{one}/events{end}"),
        await admin.get(f"{one}/event/{event['id']}/receipt{end}"),
        await admin.post(f"{one}/event/{event['id']}/redeliver{end}"),
        await admin.get(f"/webhooks/events{end}"),
        await admin.get(f"/webhooks/event/{event['id']}{end}"),
        await admin.get(f"/webhooks/event/{event['id']}/receipts{end}"),
        await admin.post(f"{one}/secret{end}", json={"grace_days": 1}),
        await admin.delete(f"{one}{end}"),
        await admin.post(f"/runs{end}", json={"job_name": "nightly"}),
        await admin.post(f"/runs/{run['id']}/heartbeat{end}"),
        await admin.post(f"/runs/{run['id']}/canceling{end}"),
        await admin.post(f"/runs/{run['id']}/cancel{end}"),
        await admin.post(f"/runs/{run['id']}/finish{end}", json={"status": "success"}),
    ]

    assert [answer.status_code for answer in answers] == [
        *(200, 200, 201, 200, 200, 200, 200),
        *(200, 200, 200, 200, 200, 200),
        *(201, 200, 200, 200, 200),
    ]


async def test_a_path_that_is_not_there_is_404_in_the_envelope(admin: httpx.AsyncClient):
    for path in NOT_THERE:
        told(await admin.get(ORIGIN + path), 404)


async def test_a_method_that_a_path_does_not_take_is_405_in_the_envelope(
    admin: httpx.AsyncClient,
):
    for method, path in NOT_TAKEN:
        answer = await admin.request(method, path)
        told(answer, 405)
        taken = (await admin.options(path)).headers["allow"]
        assert sorted(answer.headers["allow"].split(", ")) == sorted(taken.split(", "))
        assert method not in taken
