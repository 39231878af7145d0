"""Results are found wherever this step's dbt has written them, and no others are taken for them."""

import json
import os
import re
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from runhook.client.dbt.artifacts import LARGEST_RESULTS, Traces, trace_artifacts
from runhook.client.dbt.log import error_in, was_written_in
from runhook.client.wrapper.lookout import Lookout
from tests.support.patience import look_until
from tests.wrapping.support import RUNHOOK, StubService, Wrapper, finish_waiting, next_line

WAITED = re.compile(r"^voluntary_ctxt_switches:\s+(\d+)$", re.MULTILINE)
SOME_LOOKS = 5
"""More often than any other thread waits while nothing is told."""
ALL_SCRIPTS = {
    "a shell goes into the project": ["sh", "-c", "cd shop && dbt fail"],
    "a flag names the project": ["dbt", "fail", "--project-dir", "shop"],
    "a script names it": ["sh", "-c", "DBT_PROJECT_DIR=shop dbt fail; exit 1"],
    "a script names the target": ["sh", "-c", "cd shop; export DBT_TARGET_PATH=a/b; dbt fail"],
    "a target path is given": ["sh", "-c", "cd shop && exec dbt fail --target-path out"],
    "the environment is dropped": ["sh", "-c", 'cd shop && env -i PATH="$PATH" dbt fail'],
    "a script of its own": ["./nightly"],
    "a script named dbt that goes elsewhere": ["sh", "-c", "./dbt build"],
    "a program in Python": [sys.executable, "program.py"],
}
FILES = {
    "nightly": "#!/bin/sh\nwhere=sh; cd ${where}op\ndbt fail\n",
    "dbt": '#!/bin/sh\ncd "$(dirname "$0")/shop" && PATH="${PATH#*:}:/x" exec "$STUB" fail\n',
    "program.py": "import os, subprocess\nos.chdir('sh' + 'op')\n"
    "raise SystemExit(subprocess.call(['d' + 'bt', 'fail']))\n",
}


@pytest.fixture
def project(wrapper: Wrapper) -> Wrapper:
    """A dbt project below the folder where we are, and scripts beside it."""
    shop = wrapper.folder / "shop"
    shop.mkdir()
    (shop / "dbt_project.yml").write_text("name: shop_of_ours\n")
    for name, content in FILES.items():
        (wrapper.folder / name).write_text(content)
        (wrapper.folder / name).chmod(0o755)
    return wrapper.with_variables(STUB=str(wrapper.folder / "bin" / "dbt"))


def results_at(path: Path, *, at: datetime, env: dict[str, str] | None = None) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    node = {"unique_id": "model.stale.old", "status": "error", "message": "old"}
    metadata = {"generated_at": at.isoformat(), "env": env or {}, "dbt_version": "1.0.0"}
    path.write_text(json.dumps({"metadata": metadata, "results": [node], "elapsed_time": 1}))


def told(service: StubService) -> dict[str, Any]:
    return service.body("finish")["results"]


@pytest.mark.parametrize("script", ALL_SCRIPTS)
def test_finds_results_that_the_command_line_does_not_name(
    project: Wrapper, service: StubService, script: str
):
    ended = project.run(*ALL_SCRIPTS[script])

    assert ended.returncode == 1
    assert told(service)["counts"] == {"success": 1, "error": 1, "fail": 1, "skipped": 1}
    assert service.body("finish")["outcome"] == "failed"
    assert service.body("runs")["project_name"] == "shop_of_ours"


def test_finds_results_where_only_jinja_says_it(project: Wrapper, service: StubService):
    file = project.folder / "shop" / "dbt_project.yml"
    file.write_text("name: shop\ntarget-path: \"{{ env_var('OUT', 'target') }}\"\n")

    project.run("sh", "-c", "cd shop && dbt fail --target-path $OUT", flags=[])
    project.with_variables(OUT="here/there").run(
        "sh", "-c", "cd shop; DBT_TARGET_PATH=$OUT dbt fail"
    )

    ends = [one.body for one in service.requests if one.verb == "finish"]
    assert ends[1]["results"]["total"] == 4


@pytest.mark.parametrize("seconds", [-3600, -1, 3600])
@pytest.mark.parametrize("env", [{}, {"RUNHOOK_STEP": "another"}])
@pytest.mark.parametrize(
    "command", [["sh", "-c", "cd shop; env -i /bin/sh -c 'exit 3'"], ["sudo", "dbt", "exit", "3"]]
)
def test_results_of_another_time_or_run_are_never_taken(
    project: Wrapper,
    service: StubService,
    seconds: int,
    env: dict[str, str],
    command: list[str],
):
    sudo = project.folder / "bin" / "sudo"
    sudo.write_text('#!/bin/sh\nexec env -i PATH="$PATH" "$@"\n')
    sudo.chmod(0o755)
    for folder in (project.folder, project.folder / "shop"):
        stale = folder / "target" / "run_results.json"
        results_at(stale, at=datetime.now(UTC) + timedelta(seconds=seconds), env=env)

    ended = project.run(*command)

    assert ended.returncode == 3
    assert told(service)["available"] is False
    assert service.body("finish")["status_message"] == f"{command[0]} exited with code 3"


def test_results_without_a_tag_are_not_ours_if_our_dbt_had_one(
    project: Wrapper, service: StubService
):
    """Somebody else's dbt wrote them, in the same folder and at the same time."""
    write = (
        "import json, sys, datetime\n"
        "now = datetime.datetime.now(datetime.timezone.utc).isoformat()\n"
        "json.dump({'metadata': {'generated_at': now}, 'results': []}, sys.stdout)"
    )
    script = f'mkdir -p target; {sys.executable} -c "$WRITE" > target/run_results.json; dbt exit 1'

    project.with_variables(WRITE=write).run("sh", "-c", script)

    assert told(service)["available"] is False


def test_of_several_results_the_last_one_is_taken_and_named(project: Wrapper, service: StubService):
    script = "(cd shop && dbt warn); mkdir other; cd other && dbt deaf"
    with project.start("sh", "-c", script) as process:
        assert [next_line(process), next_line(process)] == ["stub dbt: warn", "ready"]
        service.wait_for("runs")
        wait_until_it_has_looked(process.pid)
        assert finish_waiting(process) == 0

    assert told(service)["counts"] == {"success": 1, "pass": 1}
    place = project.folder / "other" / "target"
    assert service.body("finish")["status_message"].endswith(
        f"results of {place}, the last of 2 that were written"
    )


def test_a_command_that_timeout_ends_is_told_as_that(wrapper: Wrapper, service: StubService):
    wrapper.run("sh", "-c", "timeout 0.2 dbt stubborn; exit $?")

    assert service.body("finish")["status_message"] == "timed out by timeout(1)"


def wait_until_it_has_looked(wrapper: int) -> None:
    """Wait until a wrapper has looked at its processes: one of its threads does so by turns."""
    before = turns_of(wrapper)
    look_until(lambda: max((turns_of(wrapper) - before).values(), default=0) >= SOME_LOOKS)


def turns_of(process: int) -> Counter[str]:
    """How often each thread of a process but the main one has waited for something so far."""
    threads = [one for one in Path(f"/proc/{process}/task").iterdir() if one.name != str(process)]
    return Counter(
        {
            one.name: int(found[1])
            for one in threads
            if (found := WAITED.search((one / "status").read_text()))
        }
    )


def wait_until_dbt_is_seen(lookout: Lookout) -> None:
    look_until(lambda: any(one.is_dbt for one in lookout.seen()))


def test_a_dbt_without_our_environment_is_seen_where_it_runs(project: Wrapper):
    """A script that we do not see goes there and drops our variables."""
    shop = project.folder / "shop"
    lookout = Lookout("DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP")
    began = datetime.now(UTC)
    with subprocess.Popen(
        ["dbt", "deaf"], env=dict(project.environ), cwd=shop, stdin=subprocess.PIPE
    ) as process:
        lookout.start()
        wait_until_dbt_is_seen(lookout)
        assert process.stdin is not None
        process.stdin.write(b"\n")
    lookout.stop()

    (seen,) = [one for one in lookout.seen() if one.is_dbt]
    life = (began, datetime.now(UTC))
    traces = Traces(tag="RUNHOOK_STEP", step="ours", calls=[seen.call()], life=life)
    assert not seen.has_tag
    found = trace_artifacts(traces)
    assert found.results is not None
    assert found.results.total == 2
    assert trace_artifacts(replace(traces, life=None)).results is None


def test_a_folder_that_is_removed_meanwhile_hides_no_end(wrapper: Wrapper, service: StubService):
    """The wrapper's own working directory, too."""
    (wrapper.folder / "gone").mkdir()

    subprocess.run(
        [*RUNHOOK, "run", "--", "sh", "-c", "rmdir ../gone; dbt exit 3"],
        env=wrapper.environ,
        cwd=wrapper.folder / "gone",
        check=False,
    )

    assert service.body("finish")["status_message"] == "sh exited with code 3"


LOCKED = """10:34:00 [error] [MainThread]: Encountered an error:
an older one
=============== 10:34:02 | f8116d85 ===============
\x1b[0m10:34:02.1 [info ] [MainThread]: Running with dbt=1.11.16
\x1b[0m10:34:02.2 [error] [MainThread]: Encountered an error:
IO Error: Could not set lock on file "/db.duckdb": Conflicting lock is held in python (PID 7)
\x1b[0m10:34:02.3 [debug] [MainThread]: Resource report
"""
UNREADABLE = """10:34:02 [info ] [MainThread]: Running with dbt=1.11.16
10:34:02 [error] [MainThread]: Encountered an error:
Runtime Error
  at path ['version']: password=Vq7-x1

Error in project
10:34:02.3 [debug] [MainThread]: Resource report
"""

NO_PROJECT = """21:27:13 [info ] [MainThread]: Running with dbt=1.11.16
21:27:13 [error] [MainThread]: Encountered an error:
Runtime Error
  No dbt_project.yml found at expected path /srv/dbt_project.yml
"""


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (LOCKED, "; another process holds the lock"),
        (
            UNREADABLE,
            "; dbt's log says: Runtime Error at path ['version']: password=***** Error in project",
        ),
        ("10:34:02 [info ] [MainThread]: Running with dbt=1.11.16\n", ""),
    ],
)
def test_what_dbts_log_says_is_told_as_its_words(
    project: Wrapper, service: StubService, log: str, words: str
):
    script = 'cd shop; mkdir logs; printf %s "$LOG" > logs/dbt.log; dbt exit 2'

    project.with_variables(LOG=log).run("sh", "-c", script)

    assert service.body("finish")["status_message"] == f"sh exited with code 2{words}"


V2 = """=================== 2026-11-29T16:23:51Z | 01a2281e-bd42-7553-9ff4-ff943a5a2b29 ==========
16:23:51.1 [error]: [InvalidConfig (dbt1005)]: an older one
=================== 2026-11-29T16:23:53Z | 01a2281e-ca8a-79b1-9fec-e50061c402ce ==========
16:23:53.218034 [info ]: dbt-fusion 2.0.0-preview.196
16:23:55.256190 [error]: [DependencyNotFound (dbt1048)]: Ref 'nowhere' not found in project.
  --> models/broken.sql:1:15
   0: <unknown>
  14: start_thread
             at ./nptl/pthread_create.c:442:8

16:23:55.257637 [info ]: Finished parsing [  1.83s]
"""
V2_WORDS = """[DependencyNotFound (dbt1048)]: Ref 'nowhere' not found in project.
  --> models/broken.sql:1:15"""
JSON = "\n".join(
    json.dumps({"info": {"level": level, "msg": message}})
    for level, message in [
        ("error", "an older one"),
        ("info", "Running with dbt=1.11.16"),
        ("error", "Encountered an error:\nRuntime Error\n  no profile"),
        ("info", "bye"),
    ]
)


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (V2, V2_WORDS),
        (JSON, "Runtime Error\n  no profile"),
        (UNREADABLE, "Runtime Error\n  at path ['version']: password=Vq7-x1\nError in project"),
        ("", ""),
        ("{\n[1]\n{}", ""),
    ],
    ids=["v2", "JSON", "Core", "empty", "anything"],
)
def test_reads_an_error_in_the_log_of_each_engine(log: str, words: str):
    assert error_in(log) == words


def test_the_step_has_all_words_up_to_4_kb(project: Wrapper, service: StubService):
    log = UNREADABLE.replace("Error in project", "é" * 9_000)
    script = 'cd shop; mkdir logs; printf %s "$LOG" > logs/dbt.log; dbt exit 2'

    project.with_variables(LOG=log).run("sh", "-c", script)

    (step,) = service.body("finish")["steps"]
    _, _, words = step["logs"].partition("\nRuntime Error\n")
    assert words.startswith("  at path ['version']: password=*****\néééé")
    assert 4_000 < len(words.encode()) < 4_100


def test_a_log_that_is_stamped_with_the_tick_before_the_start_is_of_this_command(tmp_path: Path):
    log = tmp_path / "dbt.log"
    log.write_text(LOCKED)
    written_at = datetime.fromtimestamp(log.stat().st_mtime, UTC)
    ended_at = written_at + timedelta(seconds=1)

    assert was_written_in(log, (written_at + timedelta(milliseconds=9), ended_at))
    assert not was_written_in(log, (written_at + timedelta(milliseconds=20), ended_at))


def test_an_older_log_and_one_that_is_nobodys_business_are_not_told(
    project: Wrapper, service: StubService
):
    (project.folder / "shop" / "logs").mkdir()
    file = project.folder / "shop" / "logs" / "dbt.log"
    file.write_text(LOCKED)
    os.utime(file, (1, 1))

    project.run("sh", "-c", "cd shop; dbt exit 3")
    project.run("sh", "-c", "cd shop; touch logs/dbt.log; dbt exit 3", flags=["--no-messages"])

    ends = [one.body for one in service.requests if one.verb == "finish"]
    assert {one["status_message"] for one in ends} == {"sh exited with code 3"}


def test_what_dbt_logs_where_there_is_no_project_is_told(wrapper: Wrapper, service: StubService):
    script = 'mkdir logs; printf %s "$LOG" > logs/dbt.log; dbt exit 2'

    wrapper.with_variables(LOG=NO_PROJECT).run("sh", "-c", script)

    assert service.body("finish")["status_message"] == (
        "sh exited with code 2; dbt's log says: Runtime Error No dbt_project.yml found at "
        "expected path /srv/dbt_project.yml"
    )


READ = """
import resource, sys
from pathlib import Path
from runhook.client.dbt.artifacts import read_results_file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
results = read_results_file(Path(sys.argv[1]), "RUNHOOK_STEP")
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(results.total, results.failed_total, results.counts["skipped"], after - before)
"""


def test_large_results_are_counted_exactly_and_held_in_pieces(tmp_path: Path):
    """Mapped pages are the kernel's to take back, so the limit is on what is allocated."""
    path = tmp_path / "run_results.json"
    node = {"unique_id": "model.shop.m", "message": "x" * 500, "compiled_code": "select 1\n" * 400}
    nodes = [json.dumps({**node, "status": one}) for one in ("success", "error", "skipped")]
    with path.open("w") as file:
        file.write('{"metadata": {"env": {}}, "results": [')
        file.write(",".join(nodes * 5_500))
        file.write('], "elapsed_time": 1.5, "args": {}}')
    assert path.stat().st_size > 70 << 20

    read = subprocess.run(
        [
            "/bin/sh",
            "-c",
            'ulimit -d 65536; exec "$@"',
            "sh",
            sys.executable,
            "-c",
            READ,
            str(path),
        ],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "MALLOC_ARENA_MAX": "1"},
    )

    assert read.stdout.split()[:3] == ["16500", "5500", "5500"]


def test_a_bound_that_remains_is_named(wrapper: Wrapper, service: StubService):
    script = "mkdir target; printf '{\"metadata\": {}' > target/run_results.json; "
    script += f"truncate -s {LARGEST_RESULTS + (1 << 20)} target/run_results.json; dbt exit 1"

    wrapper.run("sh", "-c", script)

    assert told(service)["reason"] == (
        "run_results.json cannot be read: it has 513 MiB, and at most 512 MiB are read"
    )
    assert service.body("finish")["status_message"] == "sh exited with code 1"
