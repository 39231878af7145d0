"""A job that fails and is well again, in real processes: each incident is told once."""

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.api import new_run, new_webhook
from tests.support.patience import PATIENCE
from tests.support.program import Front, Service
from tests.support.receiver import Receiver, status
from tests.support.running import account_of, let_leases_end

ENDS = ["job.run.completed", "job.run.errored"]
ROUTING_KEY = "0123456789abcdef0123456789abcdef"
RUNS = 20
FLAPS = RUNS // 4
KILLS = 4


async def end(api: httpx.AsyncClient, number: int, ending: str) -> None:
    """Report a run from its start to its end."""
    run = await new_run(api, run_key=f"run-{number}")
    answer = await api.post(f"/runs/{run['id']}/finish", json={"status": ending})
    assert answer.is_success, answer.text


def ending_of(number: int) -> str:
    """It fails in two runs, and is well in the two after them."""
    return "success" if number // 2 % 2 else "error"


def told(receiver: Receiver, path: str) -> list[str]:
    """What came to a path, in its order: the event's type, or what to do with the incident."""
    bodies = [json.loads(one.body) for one in receiver.received if one.path == path]
    return [one.get("event_action") or one["event_type"] for one in bodies]


async def test_many_runs_give_what_each_setting_says_and_nothing_more(
    start: Callable[[], Service], client: httpx.AsyncClient
):
    async with Receiver(status(202)) as receiver, start() as service:
        api = account_of(service, client)
        for notify in ("failures", "changes"):
            await new_webhook(
                api, client_url=receiver.url_of(f"/{notify}"), event_types=ENDS, notify=notify
            )
        await new_webhook(
            api, client_url=receiver.url_of("/held"), event_types=ENDS, notify="changes", hold=60
        )
        await new_webhook(
            api,
            client_url=receiver.url_of("/pager"),
            format="pagerduty",
            format_settings={"routing_key": ROUTING_KEY},
        )
        for number in range(RUNS):
            await end(api, number, ending_of(number))
        # Each failed run, and twice a failure and a recovery for each time that it flapped.
        await receiver.wait_for(RUNS // 2 + 2 * 2 * FLAPS)
        await service.stop()

    assert told(receiver, "/failures") == ["job.run.errored"] * (RUNS // 2)
    changes = sorted(told(receiver, "/changes"))
    assert changes == ["job.run.completed"] * FLAPS + ["job.run.errored"] * FLAPS
    assert told(receiver, "/pager") == ["trigger", "resolve"] * FLAPS
    assert told(receiver, "/held") == []


async def test_a_service_that_is_killed_in_between_tells_each_incident_once(
    start: Callable[[], Service], client: httpx.AsyncClient, database: str
):
    async with Receiver(status(202)) as receiver:
        for number in range(KILLS):
            async with start() as service:
                api = account_of(service, client)
                if number == 0:
                    await new_webhook(
                        api, client_url=receiver.url, event_types=ENDS, notify="changes"
                    )
                await end(api, number, ending_of(number))
                # What was not recorded before the last kill comes again, with the same id.
                while len(ids_in(receiver)) < 1 + number // 2:
                    await receiver.wait_for(len(receiver.received) + 1)
                await service.kill()
            await let_leases_end(database)

    told_once = [one["event_type"] for one in ids_in(receiver).values()]
    assert told_once == ["job.run.errored", "job.run.completed"]


def ids_in(receiver: Receiver) -> dict[str, dict[str, Any]]:
    """What was received, by ids."""
    return {one.headers["webhook-id"]: json.loads(one.body) for one in receiver.received}


@pytest.mark.parametrize("ending", ["error", "success"])
async def test_two_replicas_tell_of_the_same_job_once(
    tmp_path: Path, postgresql_environment: dict[str, str], ending: str
):
    runs = 20
    headers = {"Authorization": f"Token {postgresql_environment['RUNHOOK_BOOTSTRAP_TOKEN']}"}
    async with (
        Receiver() as receiver,
        Service(folder=tmp_path, environment=postgresql_environment) as first,
        Front(folder=tmp_path, environment=postgresql_environment) as second,
        httpx.AsyncClient(headers=headers, timeout=PATIENCE) as one,
        httpx.AsyncClient(headers=headers, timeout=PATIENCE) as other,
    ):
        apis = [account_of(first, one), account_of(second, other)]
        await new_webhook(apis[0], client_url=receiver.url, event_types=ENDS, notify="changes")
        if ending == "success":
            await end(apis[0], runs, "error")
        await asyncio.gather(*(end(apis[number % 2], number, ending) for number in range(runs)))
        expected = ["job.run.errored", "job.run.completed"][: 1 + (ending == "success")]
        await receiver.wait_for(len(expected))
        await first.stop()

    assert told(receiver, "/hook") == expected
