"""Each request has an id, a line in the log, and is counted, by its route and by no name or id."""

from dataclasses import replace

import httpx
import pytest
from structlog.testing import capture_logs

from runhook.domain.network.forwarding import TrustedProxies
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.server.http.requests import RequestWatch
from runhook.telemetry.choices import RequestLog
from tests.support.api import ORIGIN, Api, new_webhook
from tests.support.world import World, a_world


def watching(api: Api, log: RequestLog, **others: object) -> RequestWatch:
    """Let the service log these requests."""
    watch = RequestWatch(log=log)
    api.app.state["services"] = replace(api.app.state["services"], watch=watch, **others)
    return watch


@pytest.fixture
async def world(api: Api) -> World:
    return await a_world(api)


async def lines_of(client: httpx.AsyncClient, path: str, **request: object) -> list[dict]:
    """The lines that a request leaves."""
    with capture_logs() as logged:
        answer = await client.get(path, **request)
    return [one | {"answered": answer} for one in logged if one["event"] == "request"]


async def test_a_line_names_the_route_and_who_asked_and_nothing_that_could_be_secret(world: World):
    watching(world.api, RequestLog.YES)
    client = world.token_client(PermissionSet.ACCOUNT_ADMIN)

    (line,) = await lines_of(client, "/webhooks/subscription/wsu_planted?token=planted")

    assert line["route"] == "/api/v3/accounts/{account_id}/webhooks/subscription/{webhook_id}"
    assert (line["method"], line["status"], line["account"]) == ("GET", 404, 1)
    assert line["by"].startswith("token ")
    assert line["client"] == "127.0.0.1"
    assert line["milliseconds"] > 0
    assert "planted" not in str({**line, "answered": None})


async def test_of_a_browser_it_names_the_user_and_of_a_stranger_none(world: World):
    watching(world.api, RequestLog.YES)

    (of_user,) = await lines_of(world.session_client(Role.OWNER), "/webhooks/subscriptions")
    (of_stranger,) = await lines_of(world.api.client("Token wrong"), "/webhooks/subscriptions")

    assert of_user["by"].startswith("user ")
    assert (of_stranger["by"], of_stranger["account"], of_stranger["status"]) == (None, None, 401)


async def test_health_checks_have_lines_only_if_all_are_wanted(api: Api):
    client = api.client()

    watching(api, RequestLog.YES)
    assert await lines_of(client, f"{ORIGIN}/healthz") == []
    assert len(await lines_of(client, f"{ORIGIN}/nowhere")) == 1
    watching(api, RequestLog.NO)
    assert await lines_of(client, f"{ORIGIN}/nowhere") == []
    watching(api, RequestLog.ALL)
    (line,) = await lines_of(client, f"{ORIGIN}/healthz")
    assert line["route"] == "/healthz"


@pytest.mark.parametrize(
    ("given", "is_kept"),
    [
        ("0af7651916cd43dd8448eb211c80319c", True),
        ("Root=1-67891233-abcdef012345678912345678", True),
        ("a b", False),
        ("<script>", False),
        ("x" * 129, False),
        ("\x1b[31m", False),
        ("", False),
    ],
)
async def test_the_id_of_a_request_is_the_callers_if_it_is_sane(
    api: Api, given: str, is_kept: object
):
    watching(api, RequestLog.YES)

    (line,) = await lines_of(api.client(), f"{ORIGIN}/nowhere", headers={"X-Request-Id": given})

    assert line["answered"].headers["x-request-id"] == line["request_id"]
    assert (line["request_id"] == given) == is_kept
    assert len(line["request_id"]) >= 16


async def test_the_client_is_whom_trusted_proxies_name(api: Api):
    watching(api, RequestLog.YES, trusted_proxies=TrustedProxies.parse("127.0.0.0/8"))
    headers = {"X-Forwarded-For": "198.51.100.7"}

    (line,) = await lines_of(api.client(), f"{ORIGIN}/nowhere", headers=headers)

    assert line["client"] == "198.51.100.7"


async def test_a_head_is_told_as_what_it_is(api: Api):
    watching(api, RequestLog.ALL)

    with capture_logs() as logged:
        await api.client().head(f"{ORIGIN}/healthz")

    (line,) = logged
    assert line["method"] == "HEAD"


async def test_counts_are_by_route_whatever_is_asked_for(world: World):
    watch = watching(world.api, RequestLog.NO)
    client = world.token_client(PermissionSet.ACCOUNT_ADMIN)

    for number in range(5):
        await client.get(f"/webhooks/subscription/wsu_{number}")
        await client.get(f"{ORIGIN}/made-up/{number}")
        await client.request(f"MADE{number}", f"{ORIGIN}/healthz")
    await client.get("/webhooks/subscriptions")

    path = "/api/v3/accounts/{account_id}/webhooks"
    assert watch.tally.answered == {
        ("GET", f"{path}/subscription/{{webhook_id}}", "4xx"): 5,
        ("GET", "none", "4xx"): 5,
        ("other", "none", "4xx"): 5,
        ("GET", f"{path}/subscriptions", "2xx"): 1,
    }
    assert sum(sum(one.counts) for one in watch.tally.durations.values()) == 16
    assert watch.tally.under_way == 0


async def test_changes_are_told_once_they_are_committed(world: World):
    client = world.token_client(PermissionSet.ACCOUNT_ADMIN)

    with capture_logs() as logged:
        webhook = await new_webhook(client, name="planted name")
        await client.put(
            f"/webhooks/subscription/{webhook['id']}", json={"client_url": "http://127.0.0.1/x"}
        )
        await client.put(f"/webhooks/subscription/{webhook['id']}", json={"client_url": "ftp://x"})
        await client.delete(f"/webhooks/subscription/{webhook['id']}")

    told = [one for one in logged if one.get("subject") == webhook["id"]]
    assert [one["event"] for one in told] == [
        "webhook.created",
        "webhook.changed",
        "webhook.deleted",
    ]
    assert "client_url" in told[1]["changed"]
    assert all(one["by"].startswith("token ") for one in told)
    assert "planted" not in str(told)


async def test_refused_tokens_and_a_closed_throttle_are_told_a_few_times(api: Api):
    with capture_logs() as logged:
        for number in range(40):
            await api.client(f"Token rh_wrong_{number}", address="198.51.100.9").get("/runs")

    told = [one["event"] for one in logged]
    assert told.count("token.refused") == 10
    assert told.count("throttle.closed") == 1
    (closed,) = [one for one in logged if one["event"] == "throttle.closed"]
    assert closed["client"] == "198.51.100.9"
    assert "rh_wrong" not in str(logged)
