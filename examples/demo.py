"""The main job, end to end: a real dbt project runs, and its signed webhooks arrive.

`make demo` shows it step by step and leaves everything running; `make demo ONCE=1` stops at the
end, and fails unless all of it happened. Like any user it needs no more than `runhook serve`,
`runhook run`, `runhook.verify` and the API. All its files go into a new folder in `.demo/`.
"""

import argparse
import asyncio
import hmac
import os
import secrets
import shlex
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from aiohttp.test_utils import RawTestServer

import runhook

REPOSITORY = Path(__file__).resolve().parent.parent
SHOP = REPOSITORY / "examples" / "shop"
DBT_BIN = REPOSITORY / ".venv-dbt" / "bin"
SERVE = "runhook serve --allow-networks 127.0.0.0/8 --retry-schedule 1,1,1,1,1"
RUN = "runhook run --job nightly --project shop --environment demo -- dbt build"
TOKEN = secrets.token_urlsafe(24)
EVENTS = [f"job.run.{one}" for one in ("started", "completed", "errored", "canceled")]
HOW_TO_GO_ON = f"""
The service and both receivers go on until Ctrl-C. Runs of another terminal arrive here:
  export RUNHOOK_URL=%s RUNHOOK_TOKEN={TOKEN} PATH={shlex.quote(str(DBT_BIN))}:$PATH
  cd {shlex.quote(str(SHOP))} && {RUN}"""
API = "/api/v3/accounts/1/webhooks/"
say = partial(print, "  ", flush=True)
passed: list[str] = []


async def main(folder: Path) -> None:
    parser = argparse.ArgumentParser(description="Run a dbt project and watch its webhooks arrive.")
    parser.add_argument("--once", action="store_true", help="stop at the end")
    arguments = parser.parse_args()
    authorization = {"Authorization": f"Token {TOKEN}"}
    async with (
        service(folder, port=0 if arguments.once else 8580) as url,
        ClientSession(f"{url}{API}", headers=authorization, raise_for_status=True) as api,
    ):
        await asyncio.wait_for(show(api, partial(run, folder, url)), timeout=1800)
        print(f"\nAll {len(passed)} checks passed.")
        if not arguments.once:
            print(HOW_TO_GO_ON % url)
            await asyncio.Event().wait()


@asynccontextmanager
async def service(folder: Path, *, port: int) -> AsyncIterator[str]:
    """The URL of a service that serves as long as the block lasts, and this process lives."""
    print(f"\n1  The service starts, on SQLite; all files are in {folder}")
    say(f"$ {SERVE}")
    # The shell becomes the service, and is ended when the other end of its standard input closes.
    guarded = f"exec 3<&0; (read -r _ <&3; kill $$) & exec {SERVE} --port {port} 3<&- </dev/null"
    serving = await asyncio.create_subprocess_shell(
        f"{guarded} 2>service.log",
        cwd=folder,
        env=environment(REPOSITORY / ".venv" / "bin", RUNHOOK_BOOTSTRAP_TOKEN=TOKEN),
        stdin=PIPE,
        stdout=PIPE,
        process_group=0,
    )
    try:
        assert serving.stdout is not None
        first_line = await serving.stdout.readline()
        if not first_line:
            raise SystemExit("The demo failed: `runhook serve` has ended; service.log says why")
        url = first_line.decode().split()[-1]
        say(f"ready at {url}")
        yield url
    finally:
        await serving.communicate(b"")  # which closes its standard input


async def show(api: ClientSession, dbt: Callable[..., Awaitable[None]]) -> None:
    """Do all of it; exit with an error where something else happens."""
    print("\n2  A webhook for all four events, and a receiver that checks both signatures")
    alerts = Receiver("Alerts", api)
    await alerts.open(payload_version="2022-05")

    print("\n3  A run that succeeds")
    await dbt("", exit_code=0)
    await alerts.expect("started", "completed")

    print("\n4  A run with a failing test: errored at once, completed with its results")
    await dbt("--vars 'lose_a_payment: true'", exit_code=1)
    await alerts.expect("started", "errored", "completed")

    print("\n5  A run interrupted half-way by SIGTERM, as schedulers send it")
    await dbt("--vars 'forecast_samples: 50_000_000'", exit_code=2, stop_in="revenue_forecast")
    await alerts.expect("started", "canceled")

    print("\n6  A second webhook, in dbt Cloud's newer format; its endpoint fails at first")
    pager = Receiver("Pager", api, fail_first=2)
    await pager.open(payload_version="2023-02")
    await dbt("", exit_code=0)
    await alerts.expect("started", "completed")
    await pager.expect("started", "completed")

    print("\n7  The deliveries, as the service recorded them")
    await alerts.compare_with_log()
    await pager.compare_with_log()


async def run(folder: Path, url: str, flags: str, *, exit_code: int, stop_in: str = "") -> None:
    """Run dbt to its end, or send SIGTERM while it runs a model's query."""
    say(f"$ {RUN} {flags}")
    log = Path(tempfile.mkdtemp(dir=folder)) / "dbt.log"
    settings = environment(
        DBT_BIN,
        RUNHOOK_URL=url,
        RUNHOOK_TOKEN=TOKEN,
        SHOP_DATABASE=str(folder / "shop.duckdb"),
        DBT_TARGET_PATH=str(folder / "target"),
        DBT_LOG_PATH=str(log.parent),
        DBT_LOG_LEVEL="warn",
        DBT_LOG_LEVEL_FILE="debug",
        DBT_USE_COLORS="false",
    )
    wrapper = await asyncio.create_subprocess_shell(f"exec {RUN} {flags}", cwd=SHOP, env=settings)
    if stop_in:
        query = f"On model.shop.{stop_in}: /*"
        while not (log.exists() and query in log.read_text()):  # noqa: ASYNC110 - dbt's file
            await asyncio.sleep(0.1)
        await asyncio.sleep(1)  # until the database has begun, an interrupt is lost
        say("SIGTERM to `runhook run`, now that the query is running")
        wrapper.terminate()
    check(f"exit code {exit_code}, as dbt's own", await wrapper.wait(), exit_code)


class Receiver:
    """A webhook, its endpoint, and what has arrived there."""

    def __init__(self, name: str, api: ClientSession, *, fail_first: int = 0) -> None:
        self.name, self.api, self.fail_first = name, api, fail_first
        self.deliveries: dict[str, list[tuple[str, bytes]]] = {}
        """Event and body of each attempt, by the delivery's id."""
        self.accepted = asyncio.Queue[str]()

    async def open(self, *, payload_version: str) -> None:
        """Listen at a free port, and create a webhook that is sent there."""
        endpoint = RawTestServer(self.receive)
        await endpoint.start_server()
        wanted = {"name": self.name, "event_types": EVENTS, "payload_version": payload_version}
        wanted["client_url"] = str(endpoint.make_url("/"))
        async with self.api.post("subscriptions", json=wanted) as answer:
            self.webhook = (await answer.json())["data"]
        say(f"created {self.webhook['id']}, {self.name}: payload {payload_version}")

    async def receive(self, request: web.BaseRequest) -> web.Response:
        """Check both signatures, note and show the attempt, and accept it or fail."""
        body, headers, secret = await request.read(), request.headers, self.webhook["hmac_secret"]
        payload = runhook.verify(body, headers, secret)
        dbt_signature = hmac.digest(secret.encode(), body, "sha256").hex()
        if not hmac.compare_digest(dbt_signature, headers["Authorization"]):
            raise web.HTTPUnauthorized
        event = (payload.get("event_type") or payload["eventType"]).removeprefix("job.run.")
        attempts = self.deliveries.setdefault(headers["webhook-id"], [])
        attempts.append((event, body))
        status = 500 if len(attempts) <= self.fail_first else 200
        say(f"> {self.name}: {event}, attempt {len(attempts)}, answered {status}")
        if len(attempts) == 1:
            say(f"  {body.decode()}")
        if status == 200:
            self.accepted.put_nowait(event)
        return web.Response(status=status)

    async def expect(self, *events: str) -> None:
        """Expect the next deliveries to be of these events."""
        for _ in events:
            await self.accepted.get()
        heard = tuple(attempts[0][0] for attempts in self.deliveries.values())[-len(events) :]
        check(f"{self.name} got {' then '.join(events)}, every signature valid", heard, events)

    async def compare_with_log(self) -> None:
        """Expect the service to list what was heard, and as many attempts."""
        log: list[dict[str, Any]] = []
        while {one["state"] for one in log} != {"succeeded"}:
            path = f"subscription/{self.webhook['id']}/events"
            async with self.api.get(path, params={"limit": 100}) as answer:
                log = (await answer.json())["data"]
        for one in reversed(log):
            say(f"{one['trigger_event_type']:<18} {one['state']} at attempt {one['attempt_count']}")
        recorded = {one["id"]: one["attempt_count"] for one in log}
        heard = {delivery_id: len(attempts) for delivery_id, attempts in self.deliveries.items()}
        check(f"the {len(heard)} deliveries that {self.name} heard, all succeeded", recorded, heard)
        for key, sent in self.deliveries.items():
            if len(sent) > 1:
                check(f"{key} came {len(sent)} times, byte for byte the same", len(set(sent)), 1)


def check(says: str, found: object, expected: object) -> None:
    """Note and show what is as it should be; exit with an error if it is not."""
    if found != expected:
        raise SystemExit(f"The demo failed: expected {says}; found {found}")
    passed.append(says)
    say(f"ok {says}")


def environment(programs: Path, **settings: str) -> dict[str, str]:
    """This environment, with a folder of programs and no settings but these."""
    others = {k: v for k, v in os.environ.items() if not k.startswith(("RUNHOOK_", "DBT_"))}
    return {**others, "PATH": f"{programs}:{os.environ['PATH']}", **settings}


if __name__ == "__main__":
    Path(".demo").mkdir(exist_ok=True)
    with suppress(KeyboardInterrupt):
        asyncio.run(main(Path(tempfile.mkdtemp(dir=".demo")).resolve()))
