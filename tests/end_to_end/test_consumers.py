"""`runhook listen --forward`, `trigger` and `sample` as processes, with a service and without."""

import asyncio
import json
import random
import signal
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from runhook import verify
from runhook.domain.formats import FORMATS
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.runs.events import EventType
from tests.soak.consumers import SECRET, kill_consumers
from tests.support.api import data_of, new_run, new_webhook
from tests.support.ports import free_port
from tests.support.program import Running, Service, runhook
from tests.support.receiver import Receiver, status
from tests.support.running import TOKEN, account_of, on_sqlite

KILLS = 5
STARTED, COMPLETED = "job.run.started", "job.run.completed"


class Forwarder(Running):
    """`runhook listen --forward` with flags of the test's."""

    greeting = "runhook listen: reading events"

    def __init__(self, folder: Path, url: str, *flags: str, **variables: str) -> None:
        environment = {"RUNHOOK_URL": url, "RUNHOOK_TOKEN": TOKEN, **variables}
        super().__init__(folder=folder, environment=environment)
        self.command = ("listen", *flags)


async def consumers_of(api: httpx.AsyncClient) -> list[str]:
    return [one["name"] for one in data_of(await api.get("consumers/"))]


async def test_a_consumer_that_is_killed_again_and_again_loses_nothing(
    tmp_path: Path, start: Callable[[], Service]
):
    async with start() as service:
        killed = await kill_consumers(service, tmp_path, KILLS, random.Random(1))

    assert killed.published > KILLS
    assert killed.problems(KILLS) == []


async def test_events_are_passed_on_in_order_signed_as_a_webhooks_would_be(
    tmp_path: Path, start: Callable[[], Service], client: httpx.AsyncClient
):
    async with Receiver() as receiver, start() as service:
        api = account_of(service, client)
        async with Forwarder(tmp_path, service.url, "--forward", receiver.url) as shown:
            secret = (await shown.says("shown this once")).rpartition(" ")[2]
            run = await new_run(api)
            await api.post(f"runs/{run['id']}/finish", json={"status": "success"})
            await receiver.wait_for(2)
            line = await shown.says(f"{COMPLETED}  wev_")
            code = await shown.stop(signal.SIGINT)
        left = await consumers_of(api)

    payloads = [verify(one.body, one.headers, secret) for one in receiver.received]
    assert [one["event_type"] for one in payloads] == [STARTED, COMPLETED]
    assert receiver.received[0].path == "/hook"
    assert "  200 in " in line
    assert (code, left) == (0, [])
    assert "Traceback" not in shown.output


@on_sqlite
async def test_a_receiver_that_is_down_gets_everything_in_order_once_it_is_back(
    tmp_path: Path, start: Callable[[], Service], client: httpx.AsyncClient
):
    port = free_port()
    flags = ("--forward", f"http://127.0.0.1:{port}/hook", "--consumer", "mine")
    async with start() as service:
        api = account_of(service, client)
        async with Forwarder(tmp_path, service.url, *flags, RUNHOOK_WEBHOOK_SECRET=SECRET) as shown:
            for number in range(3):
                await new_run(api, run_key=f"run-{number}")
            await shown.says("connection refused.*waiting for the receiver")
            async with Receiver(port=port) as receiver:
                await receiver.wait_for(3)
                await shown.says("  200 in ")
            code = await shown.stop()
        left = await consumers_of(api)

    runs = [verify(one.body, one.headers, SECRET)["data"]["run_id"] for one in receiver.received]
    assert runs == sorted(runs, key=int)
    assert (code, left) == (0, ["mine"])


@on_sqlite
async def test_an_event_that_a_receiver_refuses_again_and_again_is_given_up(
    tmp_path: Path, start: Callable[[], Service], client: httpx.AsyncClient
):
    async with Receiver(*[status(500)] * 3, status(200)) as receiver, start() as service:
        api = account_of(service, client)
        async with Forwarder(tmp_path, service.url, "--forward", receiver.url) as shown:
            await new_run(api, run_key="refused")
            await shown.says("500 in .*given up")
            await new_run(api, run_key="taken")
            await shown.says("  200 in ")

    ids = [one.headers["webhook-id"] for one in receiver.received]
    assert len(ids) == 4
    assert len(set(ids)) == 2


@on_sqlite
async def test_it_goes_on_where_it_was_though_the_service_is_restarted(
    tmp_path: Path,
    environment: dict[str, str],
    client: httpx.AsyncClient,
):
    environment["RUNHOOK_PORT"] = str(free_port())
    async with Receiver() as receiver:
        async with Service(folder=tmp_path, environment=environment) as service:
            api = account_of(service, client)
            shown = Forwarder(
                tmp_path, service.url, "--forward", receiver.url, "--consumer", "mine"
            )
            await shown.__aenter__()
            await new_run(api, run_key="before")
            await receiver.wait_for(1)
            await service.stop()
        await shown.says("trying again")
        async with Service(folder=tmp_path, environment=environment) as service:
            await new_run(account_of(service, client), run_key="after")
            await receiver.wait_for(2)
            code = await shown.stop()
    await shown.__aexit__()

    assert code == 0
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 2


async def test_a_second_reader_takes_a_consumer_over_and_the_first_one_says_so_and_ends(
    tmp_path: Path, start: Callable[[], Service], client: httpx.AsyncClient
):
    async with Receiver() as first, Receiver() as second, start() as service:
        api = account_of(service, client)
        named = ("--consumer", "mine", "--forward")
        async with Forwarder(tmp_path, service.url, *named, first.url) as before:
            await new_run(api, run_key="before")
            await before.says("  200 in ")
            async with Forwarder(tmp_path, service.url, *named, second.url) as after:
                code = await before.end()
                await new_run(api, run_key="after")
                await after.says("  200 in ")
                stopped = await after.stop()
        told = await before.says("Another program reads the consumer mine now")

    assert (code, stopped) == (1, 0)
    assert "consumer of its own" in told
    assert "Traceback" not in before.output
    assert [len(first.received), len(second.received)] == [1, 1]


@on_sqlite
async def test_only_events_that_were_asked_for_are_passed_on(
    tmp_path: Path, start: Callable[[], Service], client: httpx.AsyncClient
):
    async with Receiver() as receiver, start() as service:
        api = account_of(service, client)
        flags = ("--forward", receiver.url, "--events", "completed", "--json")
        async with Forwarder(tmp_path, service.url, *flags) as shown:
            run = await new_run(api)
            await api.post(f"runs/{run['id']}/finish", json={"status": "success"})
            line = json.loads(await shown.says('"event_type"'))

    assert (line["event_type"], line["status"], line["error"]) == (COMPLETED, 200, "")
    assert len(receiver.received) == 1


@on_sqlite
async def test_an_event_is_triggered_for_all_consumers_or_for_a_webhook(
    tmp_path: Path, start: Callable[[], Service], client: httpx.AsyncClient
):
    async with Receiver() as receiver, start() as service:
        api = account_of(service, client)
        shell = {
            "folder": tmp_path,
            "environment": {"RUNHOOK_URL": service.url, "RUNHOOK_TOKEN": TOKEN},
        }
        alone = await runhook("trigger", "job.run.errored", **shell)
        async with Forwarder(tmp_path, service.url, "--consumer", "mine") as shown:
            sent = await runhook("trigger", "job.run.errored", **shell)
            line = await shown.says("job.run.errored")
        webhook = await new_webhook(api, client_url=receiver.url, event_types=[STARTED])
        to_it = await runhook("trigger", "missed", "--webhook", webhook["id"], **shell)
        unknown = await runhook("trigger", "job.run.error", **shell)

    assert (alone.code, sent.code, to_it.code, unknown.code) == (1, 0, 0, 1)
    assert "there is no active consumer" in alone.err
    assert line.endswith("  test")
    payload = verify(
        receiver.received[0].body, receiver.received[0].headers, webhook["hmac_secret"]
    )
    assert payload["event_type"] == "job.run.missed"
    assert "did you mean `job.run.errored`" in unknown.err


@pytest.mark.parametrize("version", PayloadVersion)
async def test_a_sample_of_each_event_verifies(tmp_path: Path, version: PayloadVersion):
    async with Receiver() as receiver:
        for event in EventType:
            flags = ("--event", event.value, "--payload-version", version.value)
            done = await runhook(
                "sample", *flags, "--secret", SECRET, "--send", receiver.url, folder=tmp_path
            )
            assert done.code == 0, done.err

    payloads = [verify(one.body, one.headers, SECRET) for one in receiver.received]
    key = "event_type" if version is PayloadVersion.V2022_05 else "eventType"
    assert [one[key] for one in payloads] == [one.value for one in EventType]


@pytest.mark.parametrize("format_name", FORMATS)
async def test_a_sample_of_each_format_is_printed(tmp_path: Path, format_name: str):
    done = await runhook("sample", "--event", "errored", "--format", format_name, folder=tmp_path)

    headers, _, body = done.out.partition("\n\n")
    assert done.code == 0, done.err
    assert "Content-Type: " in headers
    assert body.strip()
    assert done.err.startswith("runhook sample: signed with whsec_")


async def test_a_sample_is_printed_as_a_command_that_sends_it(tmp_path: Path):
    async with Receiver() as receiver:
        done = await runhook("sample", "--secret", SECRET, "--curl", receiver.url, folder=tmp_path)
        process = await asyncio_shell(done.out, tmp_path)
        assert process == 0

    assert verify(receiver.received[0].body, receiver.received[0].headers, SECRET)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (("--event", "job.run.eror"), "did you mean `job.run.errored`"),
        (("--format", "slak"), "did you mean `slack`"),
        (("--payload-version", "2024"), "choose from 2022-05, 2023-02"),
        (("--secret", ""), "the secret is empty"),
        (("--secret", "WHSEC_abc"), "should begin with `whsec_`"),
        (("--secret", "of dbt Cloud"), "only a secret that begins with `whsec_` can sign"),
        (("--send", "ftp://x"), "not an http or https address"),
        (("--send", "http://127.0.0.1:1/"), "connection refused"),
    ],
)
async def test_a_sample_that_cannot_be_made_says_why_in_one_line(
    tmp_path: Path, flags: tuple[str, ...], sentence: str
):
    done = await runhook("sample", *flags, folder=tmp_path)

    assert done.code == 1
    assert sentence in done.err
    assert "Traceback" not in done.err


async def asyncio_shell(line: str, folder: Path) -> int:
    """Exit code of a line typed into a shell."""
    process = await asyncio.create_subprocess_shell(
        line, cwd=folder, stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()
