"""The main job, end to end: a real dbt project runs, and its signed webhooks arrive.

`make demo` tells it step by step and leaves everything running; `make demo ONCE=1` stops at the
end, and fails unless all of it happened. Like any user it needs no more than the `runhook` commands
and the API. All its files go into a new folder in `.demo/`.
"""

import argparse
import hashlib
import hmac
import json
import os
import re
import secrets
import shlex
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import time
import urllib.request
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Self, TextIO

REPOSITORY = Path(__file__).resolve().parent.parent
SHOP = REPOSITORY / "examples" / "shop"
SERVICE_BIN = REPOSITORY / ".venv" / "bin"
DBT_BIN = REPOSITORY / ".venv-dbt" / "bin"

USUAL_PORT = 8580
API = "/api/v3/accounts/1/webhooks"
TOKEN = secrets.token_urlsafe(24)
STARTED, COMPLETED = "job.run.started", "job.run.completed"
ERRORED, CANCELED = "job.run.errored", "job.run.canceled"
JOB = ("--job", "nightly", "--project", "shop", "--environment", "demo")

TICK = 0.1
PATIENCE = 180


class UnmetError(Exception):
    """Something that the demo promises did not happen."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a dbt project and watch its webhooks arrive.")
    parser.add_argument("--once", action="store_true", help="stop at the end")
    parser.add_argument("--folder", type=Path, default=REPOSITORY / ".demo", help="for all files")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with Stage(Path(tempfile.mkdtemp(dir=arguments.folder.resolve()))) as stage:
        try:
            demonstrate(stage, port=0 if arguments.once else USUAL_PORT)
            print(f"\nAll {stage.checks} checks passed, in {time.monotonic() - began:.0f} s.")
            if not arguments.once:
                explain_how_to_go_on(stage.url)
                stage.until(lambda: False, "Ctrl-C", within=float("inf"))
        except (UnmetError, OSError) as error:
            print(f"\nThe demo failed: {error}\nThe logs are in {stage.folder}.")
            return 1
    return 0


def demonstrate(stage: "Stage", *, port: int) -> None:
    """Run all of it, and raise UnmetError where something else happens."""
    print("\n1  The service starts, on SQLite")
    start_service(stage, port)

    print("\n2  A webhook for all four events, and a receiver that checks both signatures")
    alerts = subscribe(stage, "Alerts", payload_version="2022-05")

    print("\n3  A run that succeeds")
    exit_code = run_dbt(stage, "dbt build")
    stage.check("exit code 0, as dbt's own", so=exit_code == 0, found=exit_code)
    expect_events(stage, alerts, 1, [STARTED, COMPLETED], status="complete")

    print("\n4  A run with a failing test: errored at once, completed with its results")
    exit_code = run_dbt(stage, "dbt build --vars 'lose_a_payment: true'")
    stage.check("exit code 1, as dbt's own", so=exit_code == 1, found=exit_code)
    expect_events(stage, alerts, 2, [STARTED, ERRORED, COMPLETED], status="failed")

    print("\n5  A run interrupted half-way by SIGTERM, as schedulers send it")
    slow = "dbt build --vars 'forecast_samples: 50_000_000'"
    exit_code = run_dbt(stage, slow, interrupt_in="revenue_forecast")
    stage.check(f"exit code {exit_code}, as dbt's own", so=exit_code != 0, found=exit_code)
    expect_events(stage, alerts, 3, [STARTED, CANCELED])

    print("\n6  A second webhook, in dbt Cloud's newer format; its endpoint fails at first")
    pager = subscribe(stage, "Pager", payload_version="2023-02", fail_first=2)
    exit_code = run_dbt(stage, "dbt build")
    stage.check("exit code 0, as dbt's own", so=exit_code == 0, found=exit_code)
    expect_events(stage, alerts, 4, [STARTED, COMPLETED], status="complete")
    expect_events(stage, pager, 1, [STARTED, COMPLETED], status="Success")
    expect_retries(stage, pager, refusals=2)

    print("\n7  The deliveries, as the service recorded them")
    for receiver in (alerts, pager):
        expect_records(stage, receiver)


def explain_how_to_go_on(url: str) -> None:
    print(f"""
The service and both receivers go on until Ctrl-C. In another terminal:

  export RUNHOOK_URL={url} RUNHOOK_TOKEN={TOKEN}
  export PATH={shlex.quote(str(DBT_BIN))}:$PATH
  cd {shlex.quote(str(SHOP))}
  runhook run {shlex.join(JOB)} -- dbt build
  runhook run {shlex.join(JOB)} -- dbt build --vars 'lose_a_payment: true'
  curl -H "Authorization: Token $RUNHOOK_TOKEN" $RUNHOOK_URL{API}/subscriptions

Their payloads arrive below.""")


def ask(stage: "Stage", path: str, body: object = None) -> Any:
    """Call the API of webhooks, with POST if there is a body; return its answer's `data`."""
    headers = {"Authorization": f"Token {TOKEN}", "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{stage.url}{API}{path}", data, headers)
    # Without the proxy that the environment may name.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=10) as answer:
        return json.load(answer)["data"]


def start_service(stage: "Stage", port: int) -> None:
    began = time.monotonic()
    service = stage.start(
        [SERVICE_BIN / "runhook", "serve"],
        greeting="Runhook listens on ",
        RUNHOOK_DATA_DIR=str(stage.folder / "data"),
        RUNHOOK_PORT=str(port),
        RUNHOOK_BOOTSTRAP_TOKEN=TOKEN,
        RUNHOOK_ALLOW_NETWORKS="127.0.0.0/8",
        RUNHOOK_RETRY_SCHEDULE="1,1,1,1,1",
    )
    stage.url = service.greeted
    stage.say(f"ready at {stage.url} after {time.monotonic() - began:.1f} s")


def subscribe(
    stage: "Stage", name: str, *, payload_version: str, fail_first: int = 0
) -> "Receiver":
    """Create a webhook, then start its receiver: one has the secret, the other needs it."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    wanted = {
        "name": name,
        "client_url": f"http://127.0.0.1:{port}/",
        "event_types": [STARTED, COMPLETED, ERRORED, CANCELED],
        "payload_version": payload_version,
    }
    webhook = ask(stage, "/subscriptions", wanted)
    receiver = Receiver(stage, name, webhook["id"], webhook["hmac_secret"])
    stage.say(f"created {webhook['id']}, {name}: payload {payload_version} to port {port}")

    refusing = ["--status", "500", "--fail-first", str(fail_first)] if fail_first else []
    stage.start(
        [SERVICE_BIN / "runhook", "listen", "--port", str(port), "--json", *refusing],
        greeting="listening on ",
        hear=receiver.hear,
        RUNHOOK_WEBHOOK_SECRET=receiver.secret,
    )
    return receiver


class Attempt:
    """One request of a delivery, read from a line of `runhook listen --json`."""

    def __init__(self, line: str, secret: str) -> None:
        heard = json.loads(line)
        headers = {name.lower(): value for name, value in heard["headers"].items()}
        self.at = time.monotonic()
        self.delivery_id = headers["webhook-id"]
        self.payload, self.raw, self.answered = heard["body"], heard["raw"], heard["answered"]
        # The two versions of payloads spell their keys differently.
        data = self.payload["data"]
        self.event = self.payload.get("event_type") or self.payload["eventType"]
        self.run_id = data.get("run_id") or data["runId"]
        self.run_status = data.get("run_status") or data.get("runStatus")
        # `runhook listen` is held to its word with the check that dbt Cloud documents.
        expected = hmac.new(secret.encode(), self.raw.encode(), hashlib.sha256).hexdigest()
        verified = heard["authorization"] == heard["standard"] == "valid"
        if not (verified and hmac.compare_digest(expected, headers["authorization"])):
            raise UnmetError(f"the signature of {self.delivery_id} is not valid")


class Receiver:
    """A webhook, and what the `runhook listen` at its endpoint heard: attempts by delivery."""

    def __init__(self, stage: "Stage", name: str, webhook_id: str, secret: str) -> None:
        self.stage, self.name, self.webhook_id, self.secret = stage, name, webhook_id, secret
        self.attempts: dict[str, list[Attempt]] = {}

    def hear(self, line: str) -> None:
        attempt = Attempt(line, self.secret)
        earlier = self.attempts.setdefault(attempt.delivery_id, [])
        earlier.append(attempt)
        again = f" attempt {len(earlier)}," if attempt is not earlier[0] else ""
        about = f"> {self.name}: {attempt.event},{again} signatures valid,"
        self.stage.say(f"{about} answered {attempt.answered}")
        if attempt is earlier[0]:
            for part in textwrap.wrap(json.dumps(attempt.payload), 95, break_on_hyphens=False):
                self.stage.say(f"  {part}")
        elif attempt.raw == earlier[0].raw:
            about = f"  {attempt.delivery_id} again, the same {len(attempt.raw)} characters"
            self.stage.say(f"{about}, {attempt.at - earlier[-2].at:.1f} s later")

    def last_attempts(self, nth: int) -> list[Attempt]:
        """Of the nth run heard of, each delivery's last attempt, in the order of the first ones."""
        last = [attempts[-1] for attempts in self.attempts.values()]
        runs = list(dict.fromkeys(attempt.run_id for attempt in last))
        return [attempt for attempt in last if attempt.run_id in runs[nth - 1 : nth]]


def run_dbt(stage: "Stage", dbt: str, *, interrupt_in: str | None = None) -> int:
    """Run dbt to its end, or interrupt it in a model's query; return the exit code."""
    dbt_log = stage.folder / f"dbt-{len(stage.programs)}" / "dbt.log"
    quoted = re.compile(
        r"\d\d:\d\d:\d\d  (Running with|Found|\d+ of \d+ (WARN|FAIL|ERROR|SKIP|CANCEL)"
        rf"|CANCEL|Failure|Exited|Done|.*{interrupt_in})"
    )
    wrapper = stage.start(
        [DBT_BIN / "runhook", "run", *JOB, "--", *shlex.split(dbt)],
        folder=SHOP,
        hear=lambda line: stage.say(f"| {line}") if quoted.match(line) else None,
        PATH=f"{DBT_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
        RUNHOOK_URL=stage.url,
        RUNHOOK_TOKEN=TOKEN,
        SHOP_DATABASE=str(stage.folder / "shop.duckdb"),
        DBT_TARGET_PATH=str(stage.folder / "target"),
        DBT_LOG_PATH=str(dbt_log.parent),
        DBT_USE_COLORS="false",
        DBT_USE_COLORS_FILE="false",
    )
    if interrupt_in:
        # Until the database has begun, an interrupt is lost. So the query must be the last entry of
        # the log, and have been so for a moment.
        for _ in range(2):
            stage.until(partial(ends_in_query_of, interrupt_in, dbt_log), f"dbt in {interrupt_in}")
            time.sleep(TICK)
        stage.say("SIGTERM to `runhook run`, now that the query is running")
        wrapper.process.terminate()
    stage.until(lambda: wrapper.is_over, "`runhook run` to end")
    return wrapper.process.wait()


def ends_in_query_of(model: str, log: Path) -> bool:
    text = log.read_text(errors="replace") if log.exists() else ""
    return f"On model.shop.{model}: /*" in re.split(r"(?m)^\d\d:\d\d:\d\d\.\d+ ", text)[-1]


def expect_events(
    stage: "Stage", receiver: Receiver, nth: int, events: Sequence[str], *, status: str = ""
) -> None:
    """Expect the nth run that the receiver heard of to have told these events, in this order."""

    def all_accepted() -> bool:
        attempts = receiver.last_attempts(nth)
        return len(attempts) >= len(events) and all(one.answered == 200 for one in attempts)

    stage.until(all_accepted, f"{receiver.name} to accept {events}")
    attempts = receiver.last_attempts(nth)
    heard = [attempt.event for attempt in attempts]
    said = " then ".join(event.removeprefix("job.run.") for event in events)
    says = f"{receiver.name} got {said}, every signature valid"
    stage.check(says, so=heard == list(events), found=heard)
    if status:
        found = attempts[-1].run_status
        stage.check(f"its payload says {status}", so=found == status, found=found)


def expect_retries(stage: "Stage", receiver: Receiver, *, refusals: int) -> None:
    retried = {
        delivery_id: [attempt.answered for attempt in attempts]
        for delivery_id, attempts in receiver.attempts.items()
        if len(attempts) > 1
    }
    refused = sum(answers.count(500) for answers in retried.values())
    stage.check(f"{refusals} attempts were refused", so=refused == refusals, found=retried)
    for delivery_id, answers in retried.items():
        is_same = len({attempt.raw for attempt in receiver.attempts[delivery_id]}) == 1
        says = f"{delivery_id} came {len(answers)} times, byte for byte the same, until accepted"
        stage.check(says, so=is_same and answers[-1] == 200, found=answers)


def expect_records(stage: "Stage", receiver: Receiver) -> None:
    """Expect the service to list what the receiver heard, and no other delivery."""
    of_webhook = f"/subscription/{receiver.webhook_id}"
    records: list[dict[str, Any]] = []

    def all_succeeded() -> bool:
        records[:] = reversed(ask(stage, f"{of_webhook}/events?limit=100"))
        return all(record["state"] == "succeeded" for record in records)

    stage.until(all_succeeded, f"every delivery to {receiver.name} to succeed")
    row = "{:<19} {:<5} {:<10} {:<9} {}".format
    stage.say(receiver.name)
    stage.say(row("event", "run", "state", "attempts", "answers"))
    for record in records:
        receipts = ask(stage, f"{of_webhook}/event/{record['id']}/receipt")
        answers = [f"{one['http_status_code']} at {sent_at(one)}" for one in receipts]
        data = json.loads(record["payload"])["data"]
        about = (record["trigger_event_type"], data.get("run_id") or data["runId"], record["state"])
        stage.say(row(*about, len(answers), ", ".join(answers)))
    told = {record["id"]: record["attempt_count"] for record in records}
    heard = {delivery_id: len(attempts) for delivery_id, attempts in receiver.attempts.items()}
    says = f"the {len(heard)} deliveries that {receiver.name} heard, and all succeeded"
    stage.check(says, so=told == heard, found=told)


def sent_at(receipt: dict[str, Any]) -> str:
    return f"{datetime.fromtimestamp(int(receipt['dispatched_at']) / 1e6, UTC):%H:%M:%S}"


@dataclass
class Program:
    """A child process that writes into a log, and what hears its lines."""

    process: subprocess.Popen[bytes]
    log: TextIO
    hear: Callable[[str], None]
    greeting: str
    """How the line begins that says that it is ready, if it is to run until the demo ends."""
    greeted: str = ""
    unfinished: str = ""
    is_over: bool = False

    def look(self) -> None:
        """Hear the lines that are new."""
        ended = self.process.poll() is not None
        *lines, self.unfinished = (self.unfinished + self.log.read()).split("\n")
        for line in lines:
            if self.greeting and line.startswith(self.greeting):
                self.greeted = line.removeprefix(self.greeting)
            else:
                self.hear(line)
        self.is_over = ended


class Stage:
    """Starts the programs, shows what they do, and ends them whatever happens."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = ""  # of the service
        self.programs: list[Program] = []
        self.stopped_by: list[int] = []
        self.checks = 0

    def __enter__(self) -> Self:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # `until` sees it, so that no program is started and not known.
            signal.signal(signum, lambda *heard: self.stopped_by.append(heard[0]))
        # This shell hears which programs to end should the demo be killed.
        end_them = 'while read -r pid; do pids="$pids $pid"; done; kill $pids'
        self.survivor = subprocess.Popen(
            ["sh", "-c", end_them], stdin=subprocess.PIPE, text=True, bufsize=1, process_group=0
        )
        return self

    def start(
        self,
        command: Sequence[str | Path],
        *,
        folder: Path | None = None,
        hear: Callable[[str], None] = lambda _: None,
        greeting: str = "",
        **environment: str,
    ) -> Program:
        """Start a program, out of reach of the terminal's Ctrl-C, and await its greeting."""
        self.say(f"$ runhook {shlex.join(map(str, command[1:]))}")
        neutral = {k: v for k, v in os.environ.items() if not k.startswith(("RUNHOOK_", "DBT_"))}
        log = self.folder / f"{len(self.programs)}-{command[1]}.log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                cwd=folder or self.folder,
                env=neutral | environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        program = Program(process, log.open(errors="replace"), hear, greeting)
        self.programs.append(program)
        if greeting:
            print(process.pid, file=self.survivor.stdin)
            self.until(lambda: bool(program.greeted), f"`runhook {command[1]}` to be ready")
        return program

    def until(self, so: Callable[[], bool], awaiting: str, *, within: float = PATIENCE) -> None:
        """Hear the programs until something is so; raise UnmetError if it takes too long."""
        deadline = time.monotonic() + within
        while not so():
            for program in self.programs:
                program.look()
            if self.stopped_by:
                sys.exit(128 + self.stopped_by[0])
            if any(one.greeting and one.is_over for one in self.programs):
                raise UnmetError("a program that should go on has ended")
            if time.monotonic() > deadline:
                raise UnmetError(f"waited {within:.0f} s for {awaiting}")
            time.sleep(TICK)

    def say(self, text: str) -> None:
        print(f"   {text}", flush=True)

    def check(self, says: str, *, so: bool, found: object) -> None:
        """Count and show what is as it should be; raise UnmetError if it is not."""
        if not so:
            raise UnmetError(f"expected that {says}; found {found}")
        self.checks += 1
        self.say(f"ok {says}")

    def __exit__(self, *_: object) -> None:
        """End what was started, last first, so that the service outlives those who need it."""
        for program in reversed(self.programs):
            # `runhook run` passes a second SIGTERM on to dbt as it is.
            for signum in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                program.process.send_signal(signum)
                with suppress(subprocess.TimeoutExpired):
                    program.process.wait(5)
                    break
        self.survivor.kill()
        self.survivor.communicate()


if __name__ == "__main__":
    sys.exit(main())
