"""The service as its operators have it: the real program, real signals, real crashes."""

import asyncio
import json
import re
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from runhook import verify
from tests.support.api import A_WEBHOOK, data_of, new_run, new_webhook, told
from tests.support.misbehaving import once
from tests.support.patience import until
from tests.support.program import Service, runhook
from tests.support.proxy import HttpProxy
from tests.support.receiver import Receiver, hang, status
from tests.support.running import TOKEN, account_of, let_leases_end, on_sqlite, states


@on_sqlite
async def test_a_first_start_says_how_to_go_on_and_a_second_one_does_not(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    without_token = {
        name: value for name, value in environment.items() if name != "RUNHOOK_BOOTSTRAP_TOKEN"
    }
    async with Service(folder=tmp_path, environment=without_token) as service:
        hint = await service.says("runhook run --job")
        made = await runhook(
            *("tokens", "create", "--name", "me", "--permission", "account_admin"),
            folder=tmp_path,
            environment=without_token,
        )
        client.headers["Authorization"] = f"Bearer {made.out.strip()}"
        listed = await account_of(service, client).get("/webhooks/subscriptions")
        assert await service.stop() == 0
        first = service.output
    async with Service(folder=tmp_path, environment=without_token) as service:
        assert await service.stop() == 0
        second = service.output

    assert data_of(listed) == []
    assert "runhook tokens create --name me" in first
    assert f"RUNHOOK_URL={service.url.rpartition(':')[0]}" in hint
    assert "/api/v3/accounts/1/webhooks/subscriptions" in first
    assert made.out.strip() not in first
    assert "runhook tokens create" not in second


async def test_a_runs_events_arrive_signed_and_are_counted(
    start: Callable[[], Service], client: httpx.AsyncClient, environment: dict[str, str]
):
    environment["RUNHOOK_METRICS_PORT"] = "0"
    async with Receiver() as receiver, start() as service:
        api = account_of(service, client)
        webhook = await new_webhook(
            api,
            client_url=receiver.url,
            event_types=["job.run.started", "job.run.errored", "job.run.completed"],
        )
        run = await new_run(api)
        await receiver.wait_for(1)
        await api.post(f"/runs/{run['id']}/finish", json={"status": "error"})
        received = await receiver.wait_for(3)
        metrics = await client.get(re.search(r"http\S+/metrics", await service.says("metrics"))[0])
        closed = await client.get(f"{service.url}/metrics")
        assert await service.stop() == 0

    assert 'runhook_attempts_total{outcome="succeeded"}' in metrics.text
    assert "runhook_reports_accepted_total 2.0" in metrics.text
    assert (TOKEN in metrics.text, closed.status_code) == (False, 404)
    assert "runhook tokens create" not in service.output
    assert TOKEN not in service.output
    for request in received:
        verify(request.body, request.headers, webhook["hmac_secret"])
    assert Counter(json.loads(request.body)["event_type"] for request in received) == {
        "job.run.started": 1,
        "job.run.errored": 1,
        "job.run.completed": 1,
    }


@on_sqlite
async def test_an_attempt_goes_through_the_environments_proxy_and_ends_in_the_settings_time(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    async with (
        Receiver(status(202)) as receiver,
        HttpProxy({"hooks.example": "127.0.0.1"}) as it,
    ):
        settings = {**environment, "HTTP_PROXY": it.url, "RUNHOOK_ATTEMPT_TIMEOUT": "1"}
        async with Service(folder=tmp_path, environment=settings) as service:
            account = account_of(service, client)
            webhook = await new_webhook(account, client_url=receiver.url_at("hooks.example"))
            path = f"/webhooks/subscription/{webhook['id']}/test"

            # A second may be too short for the way to the endpoint.
            async def is_accepted() -> bool:
                tested = data_of(await account.get(path))
                return tested["verification_status_code"] == "202"

            async def is_left_at_its_time() -> bool:
                tested = data_of(await account.get(path))
                return tested["verification_error"].startswith(
                    f"hooks.example:{receiver.port} (by the proxy {it.place}) "
                    "did not answer within 1 s;"
                )

            await until(is_accepted)
            receiver.answers = [hang]
            await until(is_left_at_its_time)


@on_sqlite
async def test_loopback_is_refused_unless_the_setting_allows_it(
    tmp_path: Path, environment: dict[str, str], client: httpx.AsyncClient
):
    del environment["RUNHOOK_ALLOW_NETWORKS"]
    async with Service(folder=tmp_path, environment=environment) as service:
        for url in ("http://127.0.0.1:8581/", "http://localhost/", "http://[::1]/"):
            answer = await account_of(service, client).post(
                "/webhooks/subscriptions", json={**A_WEBHOOK, "client_url": url}
            )
            message = told(answer, 400)
            assert message.startswith("client_url: address_refused: ")
            assert "RUNHOOK_ALLOW_NETWORKS" in message


@on_sqlite
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=lambda one: one.name)
async def test_what_is_being_sent_at_the_end_is_finished_and_recorded(
    start: Callable[[], Service],
    client: httpx.AsyncClient,
    database: str,
    number: signal.Signals,
):
    released = asyncio.Event()
    async with Receiver(once(released, status(200))) as receiver, start() as service:
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api)
        await receiver.wait_for(1)
        service.send(number)
        await service.says("stopping")
        released.set()
        code = await service.end()

    assert code == 0
    assert "Traceback" not in service.output
    assert await states(database) == {"succeeded": 1}
    assert len(receiver.received) == 1


@on_sqlite
async def test_a_second_signal_ends_it_at_once(
    start: Callable[[], Service], client: httpx.AsyncClient
):
    async with Receiver(once(asyncio.Event(), status(200))) as receiver, start() as service:
        api = account_of(service, client)
        await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
        await new_run(api)
        await receiver.wait_for(1)
        service.send(signal.SIGTERM)
        await service.says("stopping")
        code = await service.stop(signal.SIGTERM)

    assert code == -signal.SIGTERM


async def test_a_delivery_in_flight_at_a_crash_arrives_again_with_the_same_id_and_bytes(
    start: Callable[[], Service], client: httpx.AsyncClient, database: str
):
    held = once(asyncio.Event(), status(200))
    async with Receiver(held, status(200)) as receiver:
        async with start() as service:
            api = account_of(service, client)
            webhook = await new_webhook(
                api, client_url=receiver.url, event_types=["job.run.started"]
            )
            await new_run(api)
            await receiver.wait_for(1)
            await service.kill()
        assert await states(database) == {"sending": 1}
        await let_leases_end(database)

        async with start() as service:
            api = account_of(service, client)
            first, second = await receiver.wait_for(2)
            events = f"/webhooks/subscription/{webhook['id']}/events"

            async def recorded() -> bool:
                (event,) = data_of(await api.get(events))
                return event["state"] == "succeeded"

            await until(recorded)
            assert await service.stop() == 0

    assert second.body == first.body
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    assert second.headers["authorization"] == first.headers["authorization"]
    assert len(receiver.received) == 2


async def test_what_was_answered_with_success_before_a_crash_is_all_there_after_it(
    start: Callable[[], Service], client: httpx.AsyncClient, database: str
):
    answered: dict[str, int] = {}

    async def report(api: httpx.AsyncClient, service: Service, reporter: int) -> None:
        for number in range(1_000):
            key = f"{reporter}-{number}"
            try:
                answer = await api.post("/runs", json={"job_name": "nightly", "run_key": key})
            except httpx.TransportError:
                return
            answered[key] = data_of(answer, 201)["id"]
            if len(answered) == 100:
                await service.kill()

    async with Receiver() as receiver:
        async with start() as service:
            api = account_of(service, client)
            await new_webhook(api, client_url=receiver.url, event_types=["job.run.started"])
            await asyncio.gather(*(report(api, service, number) for number in range(8)))
        await let_leases_end(database)

        async with start() as service:
            api = account_of(service, client)
            for key, run_id in answered.items():
                again = await api.post("/runs", json={"job_name": "nightly", "run_key": key})
                assert data_of(again)["id"] == run_id

            async def all_sent() -> bool:
                return set(await states(database)) == {"succeeded"}

            await until(all_sent)
            assert await service.stop() == 0

    arrived = {json.loads(one.body)["data"]["run_id"] for one in receiver.received}
    assert len(answered) >= 100
    assert arrived >= {str(run_id) for run_id in answered.values()}
