"""Both engines through all that can happen to a run, each compared with what should come of it.

    python -m tests.soak.engines [--quick] [--engine core|v2] [--only WORD]

prints a table: what happened, which engine, the exit code of `runhook run`, how the run ended,
and the events that the service tells of it. It ends with 1 if a row is not as expected. dbt Core is
that of `make .venv-dbt/ready`; dbt v2 is installed if its wheel can be had, else left out and said.
"""

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from runhook.client.processes.programs import ProcessRole, role_of
from runhook.domain.runs.events import EVENTS_OF_STATUS
from runhook.domain.runs.run import RunStatus
from runhook.server.api.runs.reporting_wire import STATUS_WORDS
from tests.support.engines import CORE, Engine, prepare_v2, write_project
from tests.wrapping.support import Answer, Request, StubService, Wrapper, a_service, accepted
from tests.wrapping.terminal import CTRL_C, at_a_terminal

PATIENCE = 180.0
LONG = "{rows: 150_000}"
"""A query that goes on for some minutes if it is not stopped."""
ANY = None
BEGUN = "begun.csv"
BUSY_SECONDS = 0.3
"""dbt Core cannot cancel a query that is about to begin; one that has taken so long has begun."""


@dataclass(frozen=True)
class Stage:
    """A project, a service, and the wrapper that knows both."""

    engine: Engine
    folder: Path
    service: StubService
    wrapper: Wrapper
    case: "Case"

    def dbt(self, *words: str) -> None:
        """Run dbt without a wrapper."""
        subprocess.run(
            [self.engine.programs / "dbt", *words],
            env=self.wrapper.environ,
            cwd=self.folder,
            capture_output=True,
            timeout=PATIENCE,
            check=False,
        )

    def wait_until_busy(self, wrapper: int) -> int:
        """Wait until the slow model's query is under way, and return dbt's process."""
        self.wait_for((self.folder / BEGUN).exists)
        dbt = dbt_under(wrapper)
        before = cpu_seconds(dbt)
        self.wait_for(lambda: cpu_seconds(dbt) > before + BUSY_SECONDS)
        return dbt

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Look again and again, for as long as anything may take."""
        give_up_at = time.monotonic() + PATIENCE
        while not condition():
            if time.monotonic() > give_up_at:
                raise TimeoutError(self.case.name)
            time.sleep(0.05)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One row's end."""

    code: int
    status: str
    events: tuple[str, ...]
    has_results: bool
    message: str
    """What is said of the end; empty if that was not told."""


def to_its_end(stage: Stage) -> int:
    """Run it, and return its exit code."""
    case = stage.case
    ended = stage.wrapper.run(*case.command, flags=case.flags, launcher=case.launcher)
    (stage.folder / "output.txt").write_bytes(ended.stdout + ended.stderr)
    return ended.returncode


@dataclass(frozen=True, kw_only=True)
class Case:
    """Something that happens to a run, and what should come of it: exit code and status."""

    name: str
    core: tuple[int | None, str]
    v2: tuple[int | None, str] | None = None
    """If it differs from Core's."""
    command: Sequence[str] = ("dbt", "build")
    flags: Sequence[str] = ()
    launcher: Sequence[str] = ()
    act: Callable[[Stage], int] = to_its_end
    before: Sequence[Sequence[str]] = ()
    """Commands of dbt's that are not reported."""
    answer: Callable[[Request, int], Answer] = accepted
    url: str | None = None
    is_quick: bool = False
    has_results: bool | None = None
    """Whether the results that are told are the run's own, and there at all; None for either."""
    says: Sequence[str] = ()
    """Parts of what is said of the end, with either engine."""

    def expected(self, engine: Engine) -> tuple[int | None, str]:
        """What this engine should make of it."""
        return self.core if engine is CORE or self.v2 is None else self.v2

    def is_met(self, engine: Engine, outcome: "Outcome") -> bool:
        """Whether it came as expected."""
        code, status = self.expected(engine)
        return (
            code in {ANY, outcome.code}
            and status == outcome.status
            and self.has_results in {None, outcome.has_results}
            and all(part in outcome.message for part in self.says)
        )


def signaled(number: int, to: str = "wrapper") -> Callable[[Stage], int]:
    """Send a signal once the query is under way."""

    def act(stage: Stage) -> int:
        case = stage.case
        with stage.wrapper.start(
            *case.command, flags=case.flags, launcher=case.launcher
        ) as process:
            drain(process)
            stage.wait_for((stage.folder / BEGUN).exists)
            wrapper = child_of(process.pid) if case.launcher else process.pid
            dbt = stage.wait_until_busy(wrapper)
            os.kill(dbt if to == "dbt" else wrapper, number)
            code = process.wait(PATIENCE)
            stage.wait_for(lambda: not is_running(dbt))
            return code

    return act


def typed(times: int) -> Callable[[Stage], int]:
    """Type Ctrl-C at a terminal, each time a moment after dbt has heard of the one before."""

    def act(stage: Stage) -> int:
        with at_a_terminal(stage.wrapper, *stage.case.command) as terminal:
            reader = threading.Thread(target=read_on, args=(terminal.see,), daemon=True)
            reader.start()
            stage.wait_until_busy(terminal.process.pid)
            terminal.type(CTRL_C)
            for _ in range(times - 1):
                time.sleep(0.3)
                terminal.type(CTRL_C)
            code: int = terminal.process.wait(PATIENCE)
            return code

    return act


def read_on(see: Callable[[bytes], None]) -> None:
    with contextlib.suppress(OSError):
        see(b"what nobody ever says")


def drain(process: subprocess.Popen[bytes]) -> None:
    """Read what it says, so that it can go on saying it."""
    assert process.stdout is not None
    threading.Thread(target=process.stdout.read, daemon=True).start()


def child_of(process: int) -> int:
    """A process' only child."""
    return int(Path(f"/proc/{process}/task/{process}/children").read_text().split()[0])


def dbt_under(process: int) -> int:
    """The dbt that a process has started, through whatever stands between."""
    while role_of(words_of(process)) is not ProcessRole.DBT:
        process = child_of(process)
    return process


def words_of(process: int) -> Sequence[str]:
    return Path(f"/proc/{process}/cmdline").read_text().split("\0")


def cpu_seconds(process: int) -> float:
    """How long a process has computed; 0 if it has ended."""
    try:
        told = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(told[11]) + int(told[12])) / os.sysconf("SC_CLK_TCK")


def is_running(process: int) -> bool:
    """Whether a process has not ended; one that is not yet reaped has."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def refusing(status: int, content: bytes) -> Callable[[Request, int], Answer]:
    return lambda _request, _position: (status, content, {})


def slow(request: Request, position: int) -> Answer:
    threading.Event().wait(1)
    return accepted(request, position)


def hanging(_request: Request, _position: int) -> Answer:
    threading.Event().wait(PATIENCE)
    return 500, b"", {}


def variables(text: str) -> Sequence[str]:
    return ("dbt", "build", "--vars", text)


NOTHING_ELSE_RUNS = (
    "env -u DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP SOAK_DATABASE=other.duckdb dbt run -s first"
)
UNSHARE = ("unshare",) if os.geteuid() == 0 else ("unshare", "--map-root-user")
IN_A_PID_NAMESPACE = (*UNSHARE, "--pid", "--fork", "--kill-child")
SUCCESS, ERROR, CANCELED = "success", "error", "canceled"
KEPT, LEASE = "kept", "lease"
"""No end is told: it is on the disk, or the service gives the run up."""

INTO_A_FILE = ("sh", "-c", 'exec "$@" > said.txt 2>&1', "sh")
USAGE_ERRORS = (
    ("into a file", ("dbt", "biuld")),
    ("in a shell", ("sh", "-c", "cd . && dbt biuld")),
    ("behind timeout", ("timeout", "60", "dbt", "biuld")),
    ("without an environment", ("sh", "-c", 'env -i "$(command -v dbt)" biuld')),
)
"""Both engines exit with 2 after each of these, and print what is wrong."""

CASES = (
    Case(name="success", has_results=True, core=(0, SUCCESS), is_quick=True),
    Case(name="model error", command=variables("{model_error: true}"), core=(1, ERROR)),
    Case(
        name="failing test",
        command=variables("{test_fails: true}"),
        has_results=True,
        core=(1, ERROR),
        is_quick=True,
    ),
    Case(
        name="warning", command=variables("{test_warns: true}"), has_results=True, core=(0, SUCCESS)
    ),
    Case(
        name="nothing selected",
        command=("dbt", "build", "--select", "typo"),
        has_results=True,
        core=(0, SUCCESS),
    ),
    Case(
        name="compile error",
        command=variables("{compile_error: true}"),
        before=[("build",)],
        core=(2, ERROR),
        v2=(1, ERROR),
    ),
    Case(
        name="usage error",
        command=("dbt", "build", "--no-such-flag"),
        has_results=False,
        says=["as after a wrong command line: dbt build --no-such-flag"],
        core=(2, ERROR),
        v2=(1, ERROR),
        is_quick=True,
    ),
    *(
        Case(
            name=f"usage error {place}",
            command=command,
            launcher=INTO_A_FILE,
            has_results=False,
            says=["its output says: ", "'biuld'"],
            core=(2, ERROR),
        )
        for place, command in USAGE_ERRORS
    ),
    Case(
        name="fail-fast",
        command=(*variables("{model_error: true}"), "--fail-fast"),
        core=(1, ERROR),
    ),
    Case(
        name="Ctrl-C once",
        command=variables(LONG),
        act=typed(1),
        core=(2, CANCELED),
        v2=(1, CANCELED),
        is_quick=True,
    ),
    Case(
        name="Ctrl-C twice",
        command=variables(LONG),
        act=typed(2),
        core=(ANY, CANCELED),  # it dies of SIGINT, or aborts
        v2=(1, CANCELED),
    ),
    Case(
        name="SIGTERM",
        command=variables(LONG),
        act=signaled(signal.SIGTERM),
        has_results=False,
        core=(2, CANCELED),
        v2=(1, CANCELED),
        is_quick=True,
    ),
    Case(
        name="SIGHUP",
        command=variables(LONG),
        act=signaled(signal.SIGHUP),
        core=(2, CANCELED),
        v2=(1, CANCELED),
    ),
    Case(
        name="SIGTERM behind timeout",
        command=("timeout", "600", *variables(LONG)),
        act=signaled(signal.SIGTERM),
        core=(2, CANCELED),
        v2=(1, CANCELED),
    ),
    Case(
        name="SIGTERM behind timeout in the foreground",
        command=("timeout", "--foreground", "600", *variables(LONG)),
        act=signaled(signal.SIGTERM),
        core=(2, CANCELED),
        v2=(1, CANCELED),
    ),
    Case(
        name="SIGTERM behind timeout in a shell",
        command=("sh", "-c", 'timeout 600 "$@"; echo done', "sh", *variables(LONG)),
        act=signaled(signal.SIGTERM),
        core=(-15, CANCELED),
    ),
    Case(
        name="SIGTERM to dbt itself",
        command=variables(LONG),
        act=signaled(signal.SIGTERM, to="dbt"),
        core=(-15, CANCELED),
    ),
    Case(
        name="SIGKILL of dbt",
        command=variables(LONG),
        act=signaled(signal.SIGKILL, to="dbt"),
        core=(-9, ERROR),
    ),
    Case(
        name="SIGKILL of the wrapper",
        command=variables(LONG),
        act=signaled(signal.SIGKILL),
        core=(-9, LEASE),
    ),
    Case(
        name="SIGTERM as PID 1",
        command=variables(LONG),
        launcher=IN_A_PID_NAMESPACE,
        act=signaled(signal.SIGTERM),
        core=(2, CANCELED),
        v2=(1, CANCELED),
    ),
    Case(
        name="--no-write-json",
        command=("dbt", "--no-write-json", "build"),
        before=[("build",)],
        has_results=False,
        core=(0, SUCCESS),
    ),
    Case(
        name="a moved target path",
        command=("dbt", "build", "--target-path", "elsewhere"),
        has_results=True,
        core=(0, SUCCESS),
    ),
    Case(
        name="two runs in one target folder",
        command=("sh", "-c", f"dbt build; code=$?; {NOTHING_ELSE_RUNS}; exit $code"),
        has_results=False,
        core=(0, SUCCESS),
    ),
    Case(
        name="retry",
        command=("dbt", "retry"),
        before=[("build", "--vars", "{model_error: true}")],
        has_results=True,
        core=(1, ERROR),
        v2=(0, SUCCESS),  # it forgets the variables, so that the model succeeds
    ),
    Case(
        name="no network",
        launcher=(*UNSHARE, "--net"),
        core=(0, KEPT),
    ),
    Case(name="service down", url="http://127.0.0.1:9", core=(0, KEPT), is_quick=True),
    Case(name="service slow", answer=slow, has_results=True, core=(0, SUCCESS)),
    Case(name="service hanging", answer=hanging, core=(0, KEPT)),
    Case(name="service answers 401", answer=refusing(401, b"{}"), core=(0, KEPT)),
    Case(name="service answers 500", answer=refusing(500, b""), core=(0, KEPT)),
    Case(name="service answers garbage", answer=refusing(200, b"<html>"), core=(0, KEPT)),
)


@contextmanager
def a_stage(case: Case, engine: Engine, folder: Path) -> Iterator[Stage]:
    """Set up a project and a service for one case."""
    write_project(folder)
    environ = {
        "PATH": f"{engine.programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "RUNHOOK_TOKEN": "a-token",
        "RUNHOOK_JOB": "nightly",
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
        **engine.variables,
    }
    with a_service() as service:
        service.answer = case.answer
        environ["RUNHOOK_URL"] = case.url or service.url
        yield Stage(engine, folder, service, Wrapper(folder, environ), case)


def play(stage: Stage) -> Outcome:
    """Let a case happen, and return its result."""
    for words in stage.case.before:
        stage.dbt(*words)
    with contextlib.suppress(FileNotFoundError):
        (stage.folder / BEGUN).unlink()
    code = stage.case.act(stage)
    return Outcome(
        code=code,
        status=status_of(stage),
        events=tuple(events_of(stage.service)),
        has_results=has_results(stage.service),
        message=message_of(stage.service),
    )


def has_results(service: StubService) -> bool:
    """Whether the end was told with the nodes' results."""
    return "finish" in service.verbs() and bool(service.body("finish")["results"]["available"])


def message_of(service: StubService) -> str:
    """What was said of the end."""
    return service.body("finish")["status_message"] or "" if "finish" in service.verbs() else ""


def status_of(stage: Stage) -> str:
    """How the run ended, as far as the service or the disk knows."""
    if stage.case.url is None and stage.case.answer in {accepted, slow}:
        if "finish" in stage.service.verbs():
            return str(stage.service.body("finish")["status"])
        if "runs" in stage.service.verbs():
            return LEASE
    return KEPT if any(map(tells_of_end, stage.wrapper.spool.glob("*.run"))) else "lost"


def tells_of_end(kept: Path) -> bool:
    """Whether a run's file in the spool has its end."""
    return any(json.loads(line).get("kind") == "finish" for line in kept.read_text().splitlines())


def events_of(service: StubService) -> Iterator[str]:
    """Yield the events that the service tells of what it was told."""
    if service.answer not in {accepted, slow}:
        return
    if "runs" in service.verbs():
        yield from EVENTS_OF_STATUS[RunStatus.RUNNING]
    if "finish" in service.verbs():
        yield from EVENTS_OF_STATUS[STATUS_WORDS[service.body("finish")["status"]]]


def engines(chosen: str | None) -> Iterator[Engine]:
    """Yield the engines that can be had here."""
    if chosen != "core":
        try:
            yield prepare_v2()
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            print(f"dbt v2 cannot be had here, and is left out: {type(error).__name__}")
    if chosen != "v2":
        yield CORE


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak.engines")
    parser.add_argument("--quick", action="store_true", help="a telling part only")
    parser.add_argument("--engine", choices=["core", "v2"], help="one engine only")
    parser.add_argument("--only", default="", help="cases with this word in their name only")
    arguments = parser.parse_args()
    surprises = 0
    print(f"{'case':<30} | engine | exit | {'status':<8} | events")
    for engine in engines(arguments.engine):
        for case in CASES:
            if arguments.only not in case.name or (arguments.quick and not case.is_quick):
                continue
            with (
                tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
                a_stage(case, engine, Path(folder)) as stage,
            ):
                outcome = play(stage)
            surprises += not case.is_met(engine, outcome)
            print(row(case, engine, outcome), flush=True)
    return 1 if surprises else 0


def row(case: Case, engine: Engine, outcome: Outcome) -> str:
    """A line of the table, with what was expected where that is something else."""
    expected = case.expected(engine)
    events = ", ".join(one.rpartition(".")[2] for one in outcome.events) or "none"
    surprise = "" if case.is_met(engine, outcome) else f"   EXPECTED {expected}"
    return (
        f"{case.name:<30} | {engine.name:<6} | {outcome.code:>4} | {outcome.status:<8} | {events}"
        f"{surprise}"
    )


if __name__ == "__main__":
    sys.exit(main())
