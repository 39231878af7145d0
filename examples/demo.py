"""The main job, end to end: a real dbt project runs, and its signed webhooks arrive.

`make demo` tells it step by step and leaves everything running; `make demo ONCE=1` stops at the
end, and fails unless all of it happened. Like any user it needs no more than the `runhook` commands
and the API. All its files go into one folder, `.demo/`.
"""

import argparse
import contextlib
import fcntl
import hashlib
import hmac
import io
import json
import math
import os
import queue
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, ClassVar, Self

REPOSITORY = Path(__file__).resolve().parent.parent
SHOP = REPOSITORY / "examples" / "shop"
FOLDER = REPOSITORY / ".demo"
SERVICE_BIN = REPOSITORY / ".venv" / "bin"
DBT_BIN = REPOSITORY / ".venv-dbt" / "bin"

USUAL_PORT = 8580
WEBHOOKS_API = "/api/v3/accounts/1/webhooks"
STARTED, COMPLETED = "job.run.started", "job.run.completed"
ERRORED, CANCELED = "job.run.errored", "job.run.canceled"
JOB = ("--job", "nightly", "--project", "shop", "--environment", "demo")

TICK = 0.1
PATIENCE = 60.0
PATIENCE_WITH_DBT = 180.0  # it may take ten seconds only to start
PATIENCE_AT_THE_END = 5.0

END_THEM_AFTER_ME = 'while read -r pid; do pids="$pids $pid"; done; kill $pids'
"""A shell that hears numbers of processes as long as we live, and ends them if we are killed."""


class UnmetError(Exception):
    """Something that the demo promises did not happen."""


class StopAskedError(Exception):
    """Ctrl-C, or another signal that asks us to end."""

    def __init__(self, signum: int) -> None:
        super().__init__(f"stopped by {signal.Signals(signum).name}")
        self.exit_code = 128 + signum


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a dbt project and watch its webhooks arrive.")
    parser.add_argument("--once", action="store_true", help="stop at the end")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where all files go")
    arguments = parser.parse_args()
    for command in (SERVICE_BIN / "runhook", DBT_BIN / "runhook", DBT_BIN / "dbt"):
        if not command.exists():
            sys.exit(f"{command} is missing: `make demo` creates it.")
    folder = arguments.folder.resolve()
    screen = Screen()
    began = time.monotonic()

    with fresh(folder), Stage(folder, screen) as stage:
        try:
            service = demonstrate(stage, usual_port=not arguments.once)
            screen.verdict(
                f"All {screen.checks} checks passed, in {time.monotonic() - began:.0f} s."
            )
            if not arguments.once:
                explain_how_to_go_on(screen, service)
                with contextlib.suppress(StopAskedError):
                    stage.watch_on()
                screen.say(f"\nStopping; the files stay in {folder}.")
        except UnmetError as error:
            for log in stage.logs_to_blame():
                screen.tail(log)
            screen.verdict(f"The demo failed: {error}", good=False)
            return 1
        except StopAskedError as stop:
            screen.verdict(f"The demo was {stop}.", good=False)
            return stop.exit_code
    return 0


def demonstrate(stage: "Stage", *, usual_port: bool) -> "Service":
    """Tell the whole story, and raise UnmetError where it goes another way."""
    screen = stage.screen

    screen.step("The service starts, on SQLite")
    service = start_service(stage, usual_port=usual_port)

    screen.step("A webhook for all four events, and a receiver that checks both signatures")
    alerts = subscribe(stage, service, name="Alerts", payload_version="2022-05")

    screen.step("A run that succeeds")
    exit_code = run_dbt(stage, service, 1, "dbt build")
    screen.check("exit code 0, as dbt's own", so=exit_code == 0, found=exit_code)
    expect_events(stage, alerts, 1, [STARTED, COMPLETED], status="complete")

    screen.step("A run with a failing test: errored at once, completed with its results")
    exit_code = run_dbt(stage, service, 2, "dbt build --vars 'lose_a_payment: true'")
    screen.check("exit code 1, as dbt's own", so=exit_code == 1, found=exit_code)
    expect_events(stage, alerts, 2, [STARTED, ERRORED, COMPLETED], status="failed")

    screen.step("A run interrupted half-way by SIGTERM, as schedulers send it")
    slow = "dbt build --vars 'forecast_samples: 50_000_000'"
    exit_code = run_dbt(stage, service, 3, slow, interrupt_in="revenue_forecast")
    screen.check(f"exit code {exit_code}, as dbt's own", so=exit_code != 0, found=exit_code)
    expect_events(stage, alerts, 3, [STARTED, CANCELED])

    screen.step("A second webhook, in dbt Cloud's newer format; its endpoint fails at first")
    pager = subscribe(stage, service, name="Pager", payload_version="2023-02", fail_first=2)
    exit_code = run_dbt(stage, service, 4, "dbt build")
    screen.check("exit code 0, as dbt's own", so=exit_code == 0, found=exit_code)
    expect_events(stage, alerts, 4, [STARTED, COMPLETED], status="complete")
    expect_events(stage, pager, 1, [STARTED, COMPLETED], status="Success")
    expect_retries(screen, pager, refusals=2)

    screen.step("The deliveries, as the service recorded them")
    for receiver in (alerts, pager):
        expect_records(stage, service, receiver)
    return service


def explain_how_to_go_on(screen: "Screen", service: "Service") -> None:
    screen.say("\nThe service and both receivers go on until Ctrl-C. In another terminal:\n")
    for line in (
        f"export RUNHOOK_URL={service.url} RUNHOOK_TOKEN={service.token}",
        f"export PATH={shlex.quote(str(DBT_BIN))}:$PATH",
        f"cd {shlex.quote(str(SHOP))}",
        f"runhook run {shlex.join(JOB)} -- dbt build",
        f"runhook run {shlex.join(JOB)} -- dbt build --vars 'lose_a_payment: true'",
        f'curl -H "Authorization: Token $RUNHOOK_TOKEN" $RUNHOOK_URL{WEBHOOKS_API}/subscriptions',
    ):
        screen.say(f"  {line}", "strong")
    screen.say("\nTheir payloads arrive below.")


# The service, a webhook, its receiver.


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """Where the service is, and how to ask it something."""

    url: str
    token: str

    def is_ready(self) -> bool:
        try:
            with LOOPBACK.open(f"{self.url}/readyz", timeout=2):
                return True
        except OSError:
            return False

    def ask(self, method: str, path: str, body: Mapping[str, object] | None = None) -> Any:
        """Call the webhooks API of account 1, and return its answer's `data`."""
        request = urllib.request.Request(
            f"{self.url}{WEBHOOKS_API}{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"Token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with LOOPBACK.open(request, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise UnmetError(f"{method} {path} answered {error.code}: {error.read()!r}") from error
        except OSError as error:
            raise UnmetError(f"{method} {path} was not answered: {error}") from error


# Without the proxy that the environment may name.
LOOPBACK = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def start_service(stage: "Stage", *, usual_port: bool) -> Service:
    port = free_port(USUAL_PORT if usual_port else 0)
    service = Service(url=f"http://127.0.0.1:{port}", token=secrets.token_urlsafe(24))
    began = time.monotonic()
    stage.start(
        "service",
        [str(SERVICE_BIN / "runhook"), "serve"],
        shown="runhook serve",
        environment={
            "RUNHOOK_DATA_DIR": str(stage.folder / "data"),
            "RUNHOOK_PORT": str(port),
            "RUNHOOK_BOOTSTRAP_TOKEN": service.token,
            "RUNHOOK_ALLOW_NETWORKS": "127.0.0.0/8",
            "RUNHOOK_RETRY_SCHEDULE": "1,1,1,1,1",
        },
        stays=True,
    )
    stage.watch(service.is_ready, within=PATIENCE, awaiting=f"{service.url}/readyz to answer 200")
    stage.screen.note(f"ready at {service.url} after {time.monotonic() - began:.1f} s")
    return service


def subscribe(
    stage: "Stage", service: Service, *, name: str, payload_version: str, fail_first: int = 0
) -> "Receiver":
    """Create a webhook, then start its receiver: one has the secret, the other needs it."""
    port = free_port()
    webhook = service.ask(
        "POST",
        "/subscriptions",
        {
            "name": name,
            "client_url": f"http://127.0.0.1:{port}/",
            "event_types": [STARTED, COMPLETED, ERRORED, CANCELED],
            "payload_version": payload_version,
        },
    )
    receiver = Receiver(name, webhook["id"], webhook["hmac_secret"], stage.screen)
    stage.screen.note(f"created {webhook['id']}, {name}: payload {payload_version} to port {port}")

    refusing = ["--status", "500", "--fail-first", str(fail_first)] if fail_first else []
    command = ["listen", "--port", str(port), "--json", *refusing]
    stage.start(
        f"receiver-{name.lower()}",
        [str(SERVICE_BIN / "runhook"), *command],
        shown=f"runhook {shlex.join(command)}",
        environment={"RUNHOOK_WEBHOOK_SECRET": receiver.secret},
        hear=receiver.hear,
        stays=True,
    )
    stage.watch(
        lambda: receiver.is_listening, within=PATIENCE, awaiting="`runhook listen` to listen"
    )
    return receiver


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One request of a delivery, as a receiver saw it, in either payload version."""

    delivery_id: str
    event: str
    run_id: str
    status: str
    payload: Mapping[str, Any]
    raw: bytes
    authorization: str
    verified: bool
    answered: int
    at: float = field(default_factory=time.monotonic)

    @classmethod
    def read(cls, line: str) -> Self:
        """Read one line of `runhook listen --json`."""
        heard = json.loads(line)
        headers = {name.lower(): value for name, value in heard["headers"].items()}
        payload, data = heard["body"], heard["body"]["data"]
        return cls(
            delivery_id=headers["webhook-id"],
            event=payload.get("event_type") or payload["eventType"],
            run_id=data.get("run_id") or data["runId"],
            status=data.get("run_status") or data.get("runStatus", ""),
            payload=payload,
            raw=heard["raw"].encode(),
            authorization=headers["authorization"],
            verified=heard["authorization"] == heard["standard"] == "valid",
            answered=heard["answered"],
        )


@dataclass(slots=True)
class Receiver:
    """A webhook and the `runhook listen` at its endpoint."""

    name: str
    webhook_id: str
    secret: str
    screen: "Screen"
    is_listening: bool = False
    attempts: list[Attempt] = field(default_factory=list)

    def hear(self, line: str) -> None:
        if line.startswith("listening on "):
            self.is_listening = True
            return
        try:
            attempt = Attempt.read(line)
        except (KeyError, TypeError, ValueError) as error:
            raise UnmetError(f"{self.name} got no delivery as documented: {line}") from error
        self.screen.attempt(self.name, attempt, self.attempts_of(attempt.delivery_id))
        self.attempts.append(attempt)
        self.expect_signature(attempt)

    def expect_signature(self, attempt: Attempt) -> None:
        """Hold `runhook listen` to its word with the check that dbt Cloud documents."""
        expected = hmac.new(self.secret.encode(), attempt.raw, hashlib.sha256).hexdigest()
        if not (attempt.verified and hmac.compare_digest(expected, attempt.authorization)):
            raise UnmetError(f"the signature of {attempt.delivery_id} is not valid")

    def attempts_of(self, delivery_id: str) -> list[Attempt]:
        return [attempt for attempt in self.attempts if attempt.delivery_id == delivery_id]

    def last_attempts(self, nth: int) -> list[Attempt]:
        """Of the nth run heard of, each delivery's last attempt, in the order of the first ones."""
        runs: dict[str, dict[str, Attempt]] = {}
        for attempt in self.attempts:
            runs.setdefault(attempt.run_id, {})[attempt.delivery_id] = attempt
        return list(list(runs.values())[nth - 1].values()) if len(runs) >= nth else []


# A run of dbt.


def run_dbt(
    stage: "Stage", service: Service, number: int, dbt: str, *, interrupt_in: str = ""
) -> int:
    """Run dbt to its end, or interrupt it in a model's query; return the exit code."""
    dbt_logs = stage.folder / f"dbt-logs-{number}"
    wrapper = stage.start(
        f"run-{number}",
        [str(DBT_BIN / "runhook"), "run", *JOB, "--", *shlex.split(dbt)],
        shown=f"runhook run {shlex.join(JOB)} -- {dbt}",
        environment={
            "PATH": f"{DBT_BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}",
            "RUNHOOK_URL": service.url,
            "RUNHOOK_TOKEN": service.token,
            "SHOP_DATABASE": str(stage.folder / "shop.duckdb"),
            "DBT_TARGET_PATH": str(stage.folder / "target"),
            "DBT_LOG_PATH": str(dbt_logs),
            "DBT_USE_COLORS": "false",
            "DBT_USE_COLORS_FILE": "false",
        },
        folder=SHOP,
        hear=lambda line: quote_dbt(stage.screen, line, also=interrupt_in),
    )
    if interrupt_in:
        query = QueryWatch(dbt_logs / "dbt.log", interrupt_in)
        stage.watch(
            lambda: query.is_running() or wrapper.is_over,
            within=PATIENCE_WITH_DBT,
            awaiting=f"dbt to run the query of {interrupt_in}",
        )
        stage.screen.note("SIGTERM to `runhook run`, now that the query is running")
        wrapper.process.terminate()
    stage.watch(lambda: wrapper.is_over, within=PATIENCE_WITH_DBT, awaiting="`runhook run` to end")
    return wrapper.process.returncode


TELLING = re.compile(
    r"Running with|Found|\d+ of \d+ (WARN|FAIL|ERROR|SKIP|CANCEL)|CANCEL|Failure|Exited|Done"
)


def quote_dbt(screen: "Screen", line: str, *, also: str) -> None:
    """Show how dbt fares, and what it says of the model named; the run's log has all of it."""
    stamped = re.match(r"\d\d:\d\d:\d\d  (\S.*)", line)
    if stamped and (TELLING.match(stamped[1]) or (also and also in line)):
        screen.quote(line)


class QueryWatch:
    """Whether a model's query is running, as dbt's debug log has it.

    An interrupt that comes before the database has begun is lost, and dbt's own output says START
    too early. So the query must be the last entry of the log, and have been so for a moment.
    """

    def __init__(self, log: Path, model: str) -> None:
        self.log = log
        self.query = f"On model.shop.{model}: /*"
        self.seen_at = math.inf

    def is_running(self) -> bool:
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        entries = re.findall(r"^\d\d:\d\d:\d\d\.\d+ .*", text, re.MULTILINE)
        is_last = bool(entries) and self.query in entries[-1]
        self.seen_at = min(self.seen_at, time.monotonic()) if is_last else math.inf
        return time.monotonic() - self.seen_at > TICK


# What must have happened.


def expect_events(
    stage: "Stage", receiver: Receiver, nth: int, events: Sequence[str], *, status: str = ""
) -> None:
    """Expect the nth run that the receiver heard of to have told these events, in this order."""

    def all_accepted() -> bool:
        attempts = receiver.last_attempts(nth)
        return len(attempts) >= len(events) and all(one.answered == 200 for one in attempts)

    came = stage.waits(all_accepted, within=PATIENCE)
    attempts = receiver.last_attempts(nth)
    heard = [attempt.event for attempt in attempts]
    said = " then ".join(event.removeprefix("job.run.") for event in events)
    says = f"{receiver.name} got {said}, every signature valid"
    stage.screen.check(says, so=came and heard == list(events), found=heard)
    if status:
        found = attempts[-1].status
        stage.screen.check(f"its payload says {status}", so=found == status, found=found)


def expect_retries(screen: "Screen", receiver: Receiver, *, refusals: int) -> None:
    refused = [attempt for attempt in receiver.attempts if attempt.answered == 500]
    screen.check(f"{refusals} attempts were refused", so=len(refused) == refusals, found=refused)
    for delivery_id in {attempt.delivery_id for attempt in refused}:
        attempts = receiver.attempts_of(delivery_id)
        bodies = {attempt.raw for attempt in attempts}
        screen.check(
            f"{delivery_id} came {len(attempts)} times, byte for byte the same, until accepted",
            so=len(bodies) == 1 and attempts[-1].answered == 200,
            found=[(attempt.answered, attempt.raw) for attempt in attempts],
        )


def expect_records(stage: "Stage", service: Service, receiver: Receiver) -> None:
    """Expect the service to list what the receiver heard, and no other delivery."""
    events = f"/subscription/{receiver.webhook_id}/events?limit=100"

    def records() -> list[dict[str, Any]]:
        newest_first: list[dict[str, Any]] = service.ask("GET", events)
        return newest_first[::-1]

    def all_succeeded() -> bool:
        return all(record["state"] == "succeeded" for record in records())

    stage.waits(all_succeeded, within=PATIENCE)
    recorded = records()
    rows = []
    for record in recorded:
        path = f"/subscription/{receiver.webhook_id}/event/{record['id']}/receipt"
        rows.append((record, service.ask("GET", path)))
    stage.screen.deliveries(receiver.name, rows)

    told = {record["id"]: len(receipts) for record, receipts in rows}
    heard = Counter(attempt.delivery_id for attempt in receiver.attempts)
    states = {record["state"] for record in recorded}
    stage.screen.check(
        f"the {len(heard)} deliveries that {receiver.name} heard, and all succeeded",
        so=told == heard and states == {"succeeded"},
        found=(told, states),
    )


# The programs, the screen, and the rest.


@dataclass(slots=True)
class Program:
    """A child process; its output goes to a log, and line by line to whoever hears it."""

    name: str
    process: subprocess.Popen[str]
    log: Path
    hear: Callable[[str], None]
    stays: bool
    has_more_to_say: bool = True

    @property
    def is_over(self) -> bool:
        return self.process.poll() is not None and not self.has_more_to_say


class Stage:
    """Starts the programs, hears them all in one thread, and ends them whatever happens.

    A signal only leaves a note that the next look finds, so that nothing is cut off between the
    start of a program and the moment it is known here.
    """

    def __init__(self, folder: Path, screen: "Screen") -> None:
        self.folder = folder
        self.screen = screen
        self.programs: list[Program] = []
        self.lines: queue.SimpleQueue[tuple[Program, str | None]] = queue.SimpleQueue()
        self.stop_asked_by = 0

    def __enter__(self) -> Self:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(signum, self.note_stop)
        self.survivor = subprocess.Popen(
            ["sh", "-c", END_THEM_AFTER_ME],
            stdin=subprocess.PIPE,
            text=True,
            bufsize=1,
            start_new_session=True,
        )
        return self

    def note_stop(self, signum: int, _: FrameType | None) -> None:
        self.stop_asked_by = signum

    def start(
        self,
        name: str,
        command: Sequence[str],
        *,
        shown: str,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        hear: Callable[[str], None] = lambda _: None,
        stays: bool = False,
    ) -> Program:
        """Start a program, in a session of its own: a terminal's Ctrl-C is ours to handle."""
        self.screen.command(shown)
        process = subprocess.Popen(
            command,
            cwd=folder or self.folder,
            env={**neutral_environment(), **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=True,
        )
        program = Program(name, process, self.folder / f"{name}.log", hear, stays)
        self.programs.append(program)
        if stays:
            print(process.pid, file=self.survivor.stdin)
        threading.Thread(target=self.read, args=[program], daemon=True).start()
        return program

    def read(self, program: Program) -> None:
        assert program.process.stdout is not None
        with program.log.open("w", encoding="utf-8") as log:
            for line in program.process.stdout:
                log.write(line)
                log.flush()
                self.lines.put((program, line.rstrip("\n")))
        self.lines.put((program, None))

    def watch(self, until: Callable[[], bool], *, within: float, awaiting: str) -> None:
        """Hear the programs until something is so; raise UnmetError if it takes too long."""
        if not self.waits(until, within=within):
            raise UnmetError(f"waited {within:.0f} s for {awaiting}")

    def waits(self, until: Callable[[], bool], *, within: float) -> bool:
        deadline = time.monotonic() + within
        while not until():
            if time.monotonic() > deadline:
                return False
            self.look()
        return True

    def watch_on(self) -> None:
        """Let the programs be heard until somebody asks to stop."""
        while True:
            self.look()

    def look(self) -> None:
        """Hear one line, or none within a tick, and see that all is well."""
        with contextlib.suppress(queue.Empty):
            program, line = self.lines.get(timeout=TICK)
            if line is None:
                program.has_more_to_say = False
            else:
                program.hear(line)
        if self.stop_asked_by:
            raise StopAskedError(self.stop_asked_by)
        for program in self.programs:
            if program.stays and program.is_over:
                code = program.process.returncode
                raise UnmetError(f"the {program.name} ended by itself, with exit code {code}")

    def logs_to_blame(self) -> list[Path]:
        """The service's log, and that of the program started last."""
        return list(
            dict.fromkeys(program.log for program in self.programs[:1] + self.programs[-1:])
        )

    def __exit__(self, *_: object) -> None:
        """End what was started, last first, so that the service outlives those who need it."""
        for program in reversed(self.programs):
            # `runhook run` passes a second SIGTERM on to dbt as it is.
            for signum in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
                program.process.send_signal(signum)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    program.process.wait(PATIENCE_AT_THE_END)
                    break
        self.survivor.kill()
        self.survivor.communicate()


class Screen:
    """What the reader sees: plain lines, coloured only where a terminal may be."""

    STYLES: ClassVar = {"strong": 1, "dim": 2, "bad": 31, "good": 32, "event": 36}

    def __init__(self) -> None:
        assert isinstance(sys.stdout, io.TextIOWrapper)
        sys.stdout.reconfigure(line_buffering=True, errors="replace")
        self.is_coloured = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        self.width = min(max(shutil.get_terminal_size((100, 24)).columns, 60), 120)
        self.steps = 0
        self.checks = 0

    def styled(self, text: str, style: str) -> str:
        return f"\x1b[{self.STYLES[style]}m{text}\x1b[0m" if self.is_coloured else text

    def say(self, text: str, style: str = "") -> None:
        print(self.styled(text, style) if style else text)

    def step(self, title: str) -> None:
        self.steps += 1
        self.say(f"\n{self.steps}  {title}", "strong")

    def command(self, text: str) -> None:
        self.say(f"   $ {text}")

    def note(self, text: str) -> None:
        self.say(f"   {text}")

    def quote(self, text: str) -> None:
        self.say(f"   | {text}", "dim")

    def attempt(self, receiver: str, attempt: Attempt, earlier: Sequence[Attempt]) -> None:
        signatures = self.styled("valid", "good") if attempt.verified else "invalid"
        answered = self.styled(str(attempt.answered), "good" if attempt.answered == 200 else "bad")
        again = f" attempt {len(earlier) + 1}," if earlier else ""
        self.say(
            f"   > {receiver}: {self.styled(attempt.event, 'event')},{again} "
            f"signatures {signatures}, answered {answered}"
        )
        if not earlier:
            for line in json_lines(attempt.payload, self.width - 5):
                self.say(f"     {line}")
        elif attempt.raw == earlier[0].raw:
            self.say(
                f"     {attempt.delivery_id} again, the same {len(attempt.raw)} bytes, "
                f"{attempt.at - earlier[-1].at:.1f} s later"
            )

    def deliveries(
        self, receiver: str, rows: list[tuple[dict[str, Any], list[dict[str, Any]]]]
    ) -> None:
        self.say(f"   {receiver}", "strong")
        self.say(f"   {'event':<19} {'run':<5} {'state':<10} {'attempts':<9} answers", "dim")
        for record, receipts in rows:
            data = json.loads(record["payload"])["data"]
            answers = ", ".join(
                f"{receipt['http_status_code']} at {clock_time(receipt['dispatched_at'])}"
                for receipt in receipts
            )
            self.say(
                f"   {record['trigger_event_type']:<19} {data.get('run_id') or data['runId']:<5} "
                f"{record['state']:<10} {record['attempt_count']:<9} {answers}"
            )

    def check(self, says: str, *, so: bool, found: object) -> None:
        """Count and show what is as it should be; raise UnmetError if it is not."""
        if not so:
            raise UnmetError(f"expected that {says}; found {found}")
        self.checks += 1
        self.say(f"   {self.styled('ok', 'good')} {says}")

    def tail(self, log: Path, lines: int = 20) -> None:
        self.say(f"\nThe end of {log}:")
        for line in log.read_text(errors="replace").splitlines()[-lines:]:
            self.quote(line)

    def verdict(self, text: str, *, good: bool = True) -> None:
        self.say(f"\n{text}", "good" if good else "bad")


UNBROKEN = "\N{NO-BREAK SPACE}"


def json_lines(payload: Mapping[str, Any], width: int) -> list[str]:
    """A payload in few lines, broken between its keys only."""

    def wrapped(opening: str, pairs: Mapping[str, Any], closing: str) -> list[str]:
        words = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in pairs.items()]
        text = ", ".join(word.replace(" ", UNBROKEN) for word in words) + closing
        lines = textwrap.wrap(
            text, width - len(opening), break_long_words=False, break_on_hyphens=False
        )
        margins = [opening, *[" " * len(opening)] * len(lines)]
        return [
            (margin + line).replace(UNBROKEN, " ")
            for margin, line in zip(margins, lines, strict=False)
        ]

    envelope = {key: value for key, value in payload.items() if key != "data"}
    return [*wrapped("{", envelope, ","), *wrapped(' "data": {', payload["data"], "}}")]


def clock_time(microseconds: str) -> str:
    return datetime.fromtimestamp(int(microseconds) / 1e6, UTC).strftime("%H:%M:%S")


def neutral_environment() -> dict[str, str]:
    """Our environment, without what would point dbt or Runhook elsewhere."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("RUNHOOK_", "DBT_"))
    }


def free_port(wish: int = 0) -> int:
    """The wish if nobody listens there, or any other."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", wish))
        except OSError:
            return free_port()
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def fresh(folder: Path) -> Iterator[None]:
    """Clear away what the last demo left, unless it is still at work there."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        lock(handle, folder)
        clear(folder)
        yield
    finally:
        os.close(handle)


def lock(handle: int, folder: Path) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        sys.exit(f"Another demo is at work in {folder}: stop that one first.")


def clear(folder: Path) -> None:
    left = list(folder.iterdir())
    if left and folder != FOLDER:
        sys.exit(f"{folder} is not empty: the demo clears away nothing but its own {FOLDER}.")
    for path in left:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


if __name__ == "__main__":
    sys.exit(main())
