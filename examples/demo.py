"""The main job, end to end: a real dbt project runs, and its signed webhooks arrive.

`make demo` tells it step by step and leaves everything running; `make demo ONCE=1` stops at the
end, and fails unless all of it happened. Like any user it needs no more than the `runhook` commands
and the API. All its files go into a new folder in `.demo/`.
"""

import argparse
import json
import os
import re
import secrets
import shlex
import signal
import sys
import tempfile
import textwrap
import time
import urllib.request
from pathlib import Path
from typing import Any

from examples.programs import Programs, UnmetError, free_port, say, until

REPOSITORY = Path(__file__).resolve().parent.parent
SHOP = REPOSITORY / "examples" / "shop"
RUNHOOK = REPOSITORY / ".venv" / "bin" / "runhook"
DBT_BIN = REPOSITORY / ".venv-dbt" / "bin"
TOKEN = secrets.token_urlsafe(24)
JOB = "--job nightly --project shop --environment demo"
STARTED, COMPLETED = "job.run.started", "job.run.completed"
ERRORED, CANCELED = "job.run.errored", "job.run.canceled"
HOW_TO_GO_ON = f"""
The service and both receivers go on until Ctrl-C. In another terminal:
  export RUNHOOK_URL=%s RUNHOOK_TOKEN={TOKEN} PATH={shlex.quote(str(DBT_BIN))}:$PATH
  cd {shlex.quote(str(SHOP))} && runhook run {JOB} -- dbt build
Its payloads arrive below."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a dbt project and watch its webhooks arrive.")
    parser.add_argument("--once", action="store_true", help="stop at the end")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".demo", help="for all files")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=arguments.folder.resolve()))
    for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, lambda number, _: sys.exit(128 + number))
    with Programs(SHOP) as programs:
        demo = Demo(programs, folder, port=free_port() if arguments.once else 8580)
        try:
            demo.show()
            print(f"\nAll {demo.checks} checks passed.")
            if not arguments.once:
                print(HOW_TO_GO_ON % demo.url)
                signal.pause()
        except (UnmetError, OSError) as error:
            print(f"\nThe demo failed: {error}\nIts files are in {folder}.")
            return 1
    return 0


class Demo:
    """A service, what is asked of it, and what has been checked so far."""

    def __init__(self, programs: Programs, folder: Path, *, port: int) -> None:
        self.programs, self.folder, self.port = programs, folder, port
        self.url = f"http://127.0.0.1:{port}"
        self.checks = 0

    def show(self) -> None:
        """Run all of it, and raise UnmetError where something else happens."""
        print("\n1  The service starts, on SQLite")
        self.start_service()

        print("\n2  A webhook for all four events, and a receiver that checks both signatures")
        alerts = Receiver(self, "Alerts", payload_version="2022-05")

        print("\n3  A run that succeeds")
        self.run_dbt("dbt build", exit_code=0)
        alerts.expect(STARTED, COMPLETED)

        print("\n4  A run with a failing test: errored at once, completed with its results")
        self.run_dbt("dbt build --vars 'lose_a_payment: true'", exit_code=1)
        alerts.expect(STARTED, ERRORED, COMPLETED)

        print("\n5  A run interrupted half-way by SIGTERM, as schedulers send it")
        slow = "dbt build --vars 'forecast_samples: 50_000_000'"
        self.run_dbt(slow, exit_code=2, interrupt_in="revenue_forecast")
        alerts.expect(STARTED, CANCELED)

        print("\n6  A second webhook, in dbt Cloud's newer format; its endpoint fails at first")
        pager = Receiver(self, "Pager", payload_version="2023-02", fail_first=2)
        self.run_dbt("dbt build", exit_code=0)
        alerts.expect(STARTED, COMPLETED)
        pager.expect(STARTED, COMPLETED)

        print("\n7  The deliveries, as the service recorded them")
        for receiver in (alerts, pager):
            receiver.expect_records()

    def start_service(self) -> None:
        self.programs.serve(
            [RUNHOOK, "serve"],
            self.port,
            RUNHOOK_DATA_DIR=str(self.folder / "data"),
            RUNHOOK_PORT=str(self.port),
            RUNHOOK_BOOTSTRAP_TOKEN=TOKEN,
            RUNHOOK_ALLOW_NETWORKS="127.0.0.0/8",
            RUNHOOK_RETRY_SCHEDULE="1,1,1,1,1",
        )
        say(f"ready at {self.url}")

    def run_dbt(self, dbt: str, *, exit_code: int, interrupt_in: str | None = None) -> None:
        """Run dbt to its end, or interrupt it in a model's query."""
        log = Path(tempfile.mkdtemp(dir=self.folder)) / "dbt.log"
        telling = re.compile(r"[\d:]{8}  (Running|Found|Fail|Exited|CANCEL|Done|.* (FAIL|ERROR) )")
        wrapper = self.programs.start(
            [DBT_BIN / "runhook", "run", *shlex.split(f"{JOB} -- {dbt}")],
            lambda line: say(f"| {line}") if telling.match(line) else None,
            PATH=f"{DBT_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            RUNHOOK_URL=self.url,
            RUNHOOK_TOKEN=TOKEN,
            SHOP_DATABASE=str(self.folder / "shop.duckdb"),
            DBT_TARGET_PATH=str(self.folder / "target"),
            DBT_LOG_PATH=str(log.parent),
            DBT_USE_COLORS="false",
        )
        if interrupt_in is not None:
            query = f"On model.shop.{interrupt_in}: /*"
            until(lambda: log.exists() and query in log.read_text(errors="replace"), "the query")
            time.sleep(1)  # until the database has begun with it, an interrupt is lost
            say("SIGTERM to `runhook run`, now that the query is running")
            wrapper.terminate()
        until(lambda: wrapper.poll() is not None, "`runhook run` to end")
        code = wrapper.returncode
        self.check(f"exit code {code}, as dbt's own", so=code == exit_code, found=code)

    def ask(self, path: str, body: object = None) -> Any:
        """Call the API of webhooks, with POST if there is a body; return its answer's `data`."""
        headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        url = f"{self.url}/api/v3/accounts/1/webhooks{path}"
        # Without the proxy that the environment may name.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(urllib.request.Request(url, data, headers), timeout=10) as answer:
            return json.load(answer)["data"]

    def check(self, says: str, *, so: bool, found: object) -> None:
        """Count and show what is as it should be; raise UnmetError if it is not."""
        if not so:
            raise UnmetError(f"expected that {says}; found {found}")
        self.checks += 1
        say(f"ok {says}")


class Receiver:
    """A webhook, and what the `runhook listen` at its endpoint printed of each delivery."""

    def __init__(self, demo: Demo, name: str, *, payload_version: str, fail_first: int = 0) -> None:
        self.demo, self.name = demo, name
        self.attempts: dict[str, list[dict[str, Any]]] = {}
        self.expected = 0
        port = free_port()
        wanted = {
            "name": name,
            "client_url": f"http://127.0.0.1:{port}/",
            "event_types": [STARTED, COMPLETED, ERRORED, CANCELED],
            "payload_version": payload_version,
        }
        self.webhook = demo.ask("/subscriptions", wanted)
        say(f"created {self.webhook['id']}, {name}: payload {payload_version} to port {port}")
        listen = f"listen --port {port} --json --status 500 --fail-first {fail_first}"
        secret = {"RUNHOOK_WEBHOOK_SECRET": self.webhook["hmac_secret"]}
        demo.programs.serve([RUNHOOK, *listen.split()], port, self.hear, **secret)

    def hear(self, line: str) -> None:
        """Note and show an attempt."""
        if not line.startswith("{"):
            return
        attempt = json.loads(line)
        headers = {name.lower(): value for name, value in attempt["headers"].items()}
        earlier = self.attempts.setdefault(headers["webhook-id"], [])
        earlier.append(attempt)
        says = f"attempt {len(earlier)}, answered {attempt['answered']}"
        lines = [f"> {self.name}: {event_of(attempt)}, {says}"]
        if len(earlier) == 1:
            lines += textwrap.wrap(json.dumps(attempt["body"]), 95, break_on_hyphens=False)
        say("\n     ".join(lines))

    def expect(self, *events: str) -> None:
        """Expect the next deliveries to be of these events, accepted, and genuine."""
        self.expected += len(events)

        def all_accepted() -> bool:
            deliveries = list(self.attempts.values())
            answers = [attempts[-1]["answered"] for attempts in deliveries]
            return len(answers) >= self.expected and set(answers) == {200}

        until(all_accepted, f"{self.name} to accept {events}")
        deliveries = list(self.attempts.values())[self.expected - len(events) :]
        attempts = [attempt for each in deliveries for attempt in each]
        heard = tuple(event_of(each[0]) for each in deliveries)
        proofs = {one[proof] for one in attempts for proof in ("authorization", "standard")}
        said = " then ".join(event.removeprefix("job.run.") for event in events)
        so = heard == events and proofs == {"valid"}
        says = f"{self.name} got {said}, every signature valid"
        self.demo.check(says, so=so, found=(heard, proofs))

    def expect_records(self) -> None:
        """Expect the service to list what was heard, and as many attempts."""
        path = f"/subscription/{self.webhook['id']}/events?limit=100"

        def all_succeeded() -> bool:
            return all(record["state"] == "succeeded" for record in self.demo.ask(path))

        until(all_succeeded, f"every delivery to {self.name} to succeed")
        records = self.demo.ask(path)[::-1]
        for one in records:
            say(f"{one['trigger_event_type']:<18} {one['state']} at attempt {one['attempt_count']}")
        recorded = {one["id"]: one["attempt_count"] for one in records}
        heard = {delivery_id: len(attempts) for delivery_id, attempts in self.attempts.items()}
        says = f"the {len(heard)} deliveries that {self.name} heard, and all succeeded"
        self.demo.check(says, so=recorded == heard, found=recorded)
        for delivery_id, count in heard.items():
            if count > 1:
                bodies = {attempt["raw"] for attempt in self.attempts[delivery_id]}
                says = f"{delivery_id} came {count} times, byte for byte the same, until accepted"
                self.demo.check(says, so=len(bodies) == 1, found=bodies)


def event_of(attempt: dict[str, Any]) -> str:
    """The event, whose key the two payload versions spell differently."""
    event: str = attempt["body"].get("event_type") or attempt["body"]["eventType"]
    return event


if __name__ == "__main__":
    sys.exit(main())
