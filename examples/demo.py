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
import sys
import tempfile
from asyncio import StreamReader
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, cast

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
The service and both receivers go on until Ctrl-C. In another terminal:
  export RUNHOOK_URL=%s RUNHOOK_TOKEN={TOKEN} PATH={shlex.quote(str(DBT_BIN))}:$PATH
  cd {shlex.quote(str(SHOP))} && {RUN}
Its payloads arrive below."""


async def main() -> None:
    parser = argparse.ArgumentParser(description="Run a dbt project and watch its webhooks arrive.")
    parser.add_argument("--once", action="store_true", help="stop at the end")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".demo", help="for all files")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=arguments.folder.resolve()))
    print(f"\n1  The service starts, on SQLite; all files are in {folder}")
    async with (
        asyncio.timeout(1800) as limit,
        service(folder, port=0 if arguments.once else 8580) as url,
        ClientSession(headers={"Authorization": f"Token {TOKEN}"}) as session,
    ):
        demo = Demo(folder, url, session)
        await demo.show()
        print(f"\nAll {demo.checks} checks passed.")
        if not arguments.once:
            print(HOW_TO_GO_ON % url)
            limit.reschedule(None)
            await asyncio.Event().wait()


@asynccontextmanager
async def service(folder: Path, *, port: int) -> AsyncIterator[str]:
    """The URL of a service that serves as long as the block lasts, and this process lives."""
    say(f"$ {SERVE}")
    command = shlex.split(f"{SERVE} --port {port} --data-dir {shlex.quote(str(folder / 'data'))}")
    # The shell becomes the service. It is ended when the other end of its standard input closes.
    guarded = 'exec 3<&0; (read -r _ <&3; kill $$) & exec "$@" 3<&- </dev/null'
    with (folder / "service.log").open("w") as log:
        serving = await asyncio.create_subprocess_exec(
            *("sh", "-c", guarded, "sh", *command),
            env=environment(REPOSITORY / ".venv" / "bin", RUNHOOK_BOOTSTRAP_TOKEN=TOKEN),
            stdin=PIPE,
            stdout=PIPE,
            stderr=log,
            process_group=0,
        )
    try:
        first_line = await cast(StreamReader, serving.stdout).readline()
        if not first_line:
            sys.exit("The demo failed: `runhook serve` has ended; service.log says why")
        url = first_line.decode().split()[-1]
        say(f"ready at {url}")
        yield url
    finally:
        await serving.communicate(b"")  # which closes its standard input


class Demo:
    """What is asked of the service, and what has been checked so far."""

    def __init__(self, folder: Path, url: str, session: ClientSession) -> None:
        self.folder, self.url, self.session, self.checks = folder, url, session, 0

    async def show(self) -> None:
        """Do all of it; exit with an error where something else happens."""
        print("\n2  A webhook for all four events, and a receiver that checks both signatures")
        alerts = Receiver(self, "Alerts")
        await alerts.open(payload_version="2022-05")

        print("\n3  A run that succeeds")
        await self.run("", exit_code=0)
        await alerts.expect("started", "completed")

        print("\n4  A run with a failing test: errored at once, completed with its results")
        await self.run("--vars 'lose_a_payment: true'", exit_code=1)
        await alerts.expect("started", "errored", "completed")

        print("\n5  A run interrupted half-way by SIGTERM, as schedulers send it")
        slow = "--vars 'forecast_samples: 50_000_000'"
        await self.run(slow, exit_code=2, stop_in="revenue_forecast")
        await alerts.expect("started", "canceled")

        print("\n6  A second webhook, in dbt Cloud's newer format; its endpoint fails at first")
        pager = Receiver(self, "Pager", fail_first=2)
        await pager.open(payload_version="2023-02")
        await self.run("", exit_code=0)
        await alerts.expect("started", "completed")
        await pager.expect("started", "completed")

        print("\n7  The deliveries, as the service recorded them")
        await alerts.compare_with_log()
        await pager.compare_with_log()

    async def run(self, flags: str, *, exit_code: int, stop_in: str = "") -> None:
        """Run dbt to its end, or send SIGTERM while it runs a model's query."""
        say(f"$ {RUN} {flags}")
        log = Path(tempfile.mkdtemp(dir=self.folder)) / "dbt.log"
        settings = environment(
            DBT_BIN,
            RUNHOOK_URL=self.url,
            RUNHOOK_TOKEN=TOKEN,
            SHOP_DATABASE=str(self.folder / "shop.duckdb"),
            DBT_TARGET_PATH=str(self.folder / "target"),
            DBT_LOG_PATH=str(log.parent),
            DBT_LOG_LEVEL="warn",
            DBT_LOG_LEVEL_FILE="debug",
            DBT_USE_COLORS="false",
        )
        command = shlex.split(f"{RUN} {flags}")
        wrapper = await asyncio.create_subprocess_exec(*command, cwd=SHOP, env=settings)
        if stop_in:
            query = f"On model.shop.{stop_in}: /*"
            while not (log.exists() and query in log.read_text()):  # noqa: ASYNC110 - dbt's file
                await asyncio.sleep(0.1)
            await asyncio.sleep(1)  # until the database has begun, an interrupt is lost
            say("SIGTERM to `runhook run`, now that the query is running")
            wrapper.terminate()
        self.check(f"exit code {exit_code}, as dbt's own", await wrapper.wait(), exit_code)

    async def ask(self, method: str, path: str, body: object = None) -> Any:
        """Call the API of webhooks; return its answer's `data`."""
        url = f"{self.url}/api/v3/accounts/1/webhooks/{path}"
        async with self.session.request(method, url, json=body, raise_for_status=True) as answer:
            return (await answer.json())["data"]

    def check(self, says: str, found: object, expected: object) -> None:
        """Count and show what is as it should be; exit with an error if it is not."""
        if found != expected:
            sys.exit(f"The demo failed: expected {says}; found {found}")
        self.checks += 1
        say(f"ok {says}")


class Receiver:
    """A webhook, its endpoint, and what has arrived there."""

    def __init__(self, demo: Demo, name: str, *, fail_first: int = 0) -> None:
        self.demo, self.name, self.failures_left = demo, name, fail_first
        self.deliveries: dict[str, list[tuple[str, bytes]]] = {}
        """Event and body of each attempt, by the delivery's id."""
        self.accepted = asyncio.Queue[str]()

    async def open(self, *, payload_version: str) -> None:
        """Listen at a free port, and create a webhook that is sent there."""
        endpoint = RawTestServer(self.receive)
        await endpoint.start_server()
        wanted = {"name": self.name, "event_types": EVENTS, "payload_version": payload_version}
        wanted["client_url"] = str(endpoint.make_url("/"))
        self.webhook = await self.demo.ask("POST", "subscriptions", wanted)
        say(f"created {self.webhook['id']}, {self.name}: payload {payload_version}")

    async def receive(self, request: web.BaseRequest) -> web.Response:
        """Check both signatures, note and show the attempt, and accept it or fail."""
        body, headers, secret = await request.read(), request.headers, self.webhook["hmac_secret"]
        payload = runhook.verify(body, headers, secret)
        dbt_signature = hmac.digest(secret.encode(), body, "sha256").hex()
        if not hmac.compare_digest(dbt_signature, headers["Authorization"]):
            raise web.HTTPUnauthorized
        # The payload versions spell the key differently.
        event = (payload.get("event_type") or payload["eventType"]).removeprefix("job.run.")
        attempts = self.deliveries.setdefault(headers["webhook-id"], [])
        attempts.append((event, body))
        self.failures_left -= 1
        status = 500 if self.failures_left >= 0 else 200
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
        said = " then ".join(events)
        self.demo.check(f"{self.name} got {said}, every signature valid", heard, events)

    async def compare_with_log(self) -> None:
        """Expect the service to list what was heard, and as many attempts."""
        path = f"subscription/{self.webhook['id']}/events?limit=100"
        log: list[dict[str, Any]] = []
        while {one["state"] for one in log} != {"succeeded"}:
            log = (await self.demo.ask("GET", path))[::-1]
        for one in log:
            say(f"{one['trigger_event_type']:<18} {one['state']} at attempt {one['attempt_count']}")
        recorded = {one["id"]: one["attempt_count"] for one in log}
        heard = {delivery_id: len(attempts) for delivery_id, attempts in self.deliveries.items()}
        says = f"the {len(heard)} deliveries that {self.name} heard, and all succeeded"
        self.demo.check(says, recorded, heard)
        for delivery_id, attempts in self.deliveries.items():
            if len(attempts) > 1:
                says = f"{delivery_id} came {len(attempts)} times, byte for byte the same"
                self.demo.check(f"{says}, until accepted", len(set(attempts)), 1)


def environment(programs: Path, **settings: str) -> dict[str, str]:
    """This environment, with a folder of programs and no settings but these."""
    others = {k: v for k, v in os.environ.items() if not k.startswith(("RUNHOOK_", "DBT_"))}
    path = f"{programs}{os.pathsep}{others.get('PATH', os.defpath)}"
    return {**others, "PATH": path, **settings}


def say(text: str) -> None:
    """Print a part of a step."""
    print(f"   {text}", flush=True)


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
