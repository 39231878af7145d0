"""`runhook.run`: a run that is reported from Python."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import runhook
from tests.docs.documents import REPOSITORY, block_with
from tests.support.patience import PATIENCE
from tests.wrapping.support import RUNHOOK, StubService, Wrapper, refused

REPORTING = (REPOSITORY / "docs" / "reporting.md").read_text()
DBT = REPOSITORY / ".venv-dbt" / "bin"


@pytest.fixture
def place(wrapper: Wrapper, monkeypatch: pytest.MonkeyPatch) -> Wrapper:
    """This process, in the wrapper's folder and environment."""
    monkeypatch.chdir(wrapper.folder)
    for name in [name for name in os.environ if name != "PATH"]:
        monkeypatch.delenv(name)
    for name, value in wrapper.environ.items():
        monkeypatch.setenv(name, value)
    return wrapper


def follow(words: str, **names: object) -> None:
    """Do what the one example with these words in it says."""
    exec(block_with(REPORTING, "python", words), names)


def steps_in(service: StubService) -> list[tuple[str, str]]:
    return [(one["name"], one["status"]) for one in service.body("finish")["steps"]]


def test_the_first_example_reports_a_run_with_a_step(place: Wrapper, service: StubService):
    loaded: list[str] = []

    follow("load_orders()", load_orders=lambda: loaded.append("orders"))

    assert loaded == ["orders"]
    assert service.verbs() == ["runs", "finish"]
    start, end = service.body("runs"), service.body("finish")
    assert (start["job_name"], start["heartbeats"]) == ("nightly", True)
    assert (end["status"], end["outcome"], end["status_message"]) == ("success", "complete", None)
    assert steps_in(service) == [("load orders", "success")]
    assert [*place.spool.iterdir()] == []


def test_the_second_example_has_the_results_of_a_dbt_of_its_own(
    place: Wrapper, service: StubService
):
    follow("subprocess.run")

    assert service.body("runs")["project_name"] == "shop"
    assert service.body("finish")["results"]["counts"] == {"success": 1, "pass": 1}
    assert service.body("finish")["dbt_version"] == "1.12.6"


def test_a_dbt_that_fails_in_a_step_is_why_the_run_failed(place: Wrapper, service: StubService):
    with (
        pytest.raises(subprocess.CalledProcessError),
        runhook.run() as run,
        run.step("dbt build") as step,
    ):
        subprocess.run(["dbt", "fail"], env=step.environ, check=True, capture_output=True)

    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "failed")
    assert end["status_message"] == "2 of 4 nodes failed: customers, orders_id"


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (ValueError("no hunter22\nhere"), ("error", "errored", "ValueError: no ***** here")),
        (KeyError(), ("error", "errored", "KeyError")),
        (KeyboardInterrupt(), ("canceled", None, "canceled by KeyboardInterrupt")),
        (SystemExit(3), ("error", "errored", "SystemExit: 3")),
        (SystemExit(0), ("success", "complete", None)),
    ],
    ids=["an exception", "one without words", "Ctrl-C", "an exit code", "exit code 0"],
)
def test_an_exception_goes_on_its_way_and_is_told(
    place: Wrapper,
    service: StubService,
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
    expected: tuple[str, str | None, str | None],
):
    monkeypatch.setenv("DB_PASSWORD", "hunter22")

    with pytest.raises(type(error)) as raised, runhook.run():
        raise error

    assert raised.value is error
    end = service.body("finish")
    assert (end["status"], end.get("outcome"), end["status_message"]) == expected


def test_a_run_can_be_told_to_have_failed(place: Wrapper, service: StubService):
    with runhook.run(messages=False) as run:
        run.fail("3 rows of Mrs Smith's")

    end = service.body("finish")
    assert (end["status"], end["status_message"]) == ("error", None)


def test_steps_of_other_processes_are_steps_of_the_run(place: Wrapper, service: StubService):
    with runhook.run() as run:
        command = [*RUNHOOK, "step", "--", "dbt", "warn"]
        subprocess.run(command, env=run.environ, check=True, capture_output=True)
        with run.step("publish"):
            pass

    assert steps_in(service) == [("Invoke dbt with `dbt warn`", "success"), ("publish", "success")]


def test_a_run_within_a_wrapped_program_is_steps_of_that(place: Wrapper, service: StubService):
    program = (
        "import runhook\n"
        "with runhook.run() as run, run.step('load'): pass\n"
        "with runhook.run(): pass\n"
    )

    ended = place.run(sys.executable, "-c", program)

    assert ended.returncode == 0
    assert service.verbs() == ["runs", "finish"]
    assert steps_in(service) == [("load", "success"), ("Python", "success")]


def test_a_service_that_takes_nothing_is_logged_and_kept(
    place: Wrapper, service: StubService, caplog: pytest.LogCaptureFixture
):
    service.answer = lambda _request, _position: refused(401)

    with caplog.at_level(logging.WARNING, "runhook"), runhook.run() as run:
        pass

    assert "answered 401" in (run.trouble or "")
    assert [record.message for record in caplog.records] == [run.trouble]
    assert len([*place.spool.iterdir()]) == 1


@pytest.mark.parametrize("token", ["", "not a token"])
def test_settings_that_cannot_be_used_do_not_stop_the_program(
    place: Wrapper, service: StubService, monkeypatch: pytest.MonkeyPatch, token: str
):
    monkeypatch.setenv("RUNHOOK_TOKEN", token)

    with runhook.run() as run, run.step("load"):
        pass

    assert "this run was not reported" in (run.trouble or "")
    assert service.verbs() == []


def test_a_run_that_nothing_names_says_so_and_runs(
    place: Wrapper,
    service: StubService,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
):
    monkeypatch.delenv("RUNHOOK_JOB")
    monkeypatch.setattr(sys, "stdin", None)

    with runhook.run() as run:
        pass

    assert service.body("runs")["job_name"] == "unnamed (dbt)"
    assert run.trouble is None
    assert "set RUNHOOK_JOB" in caplog.text


def an_event(name: str, invocation: str = "5f3c", **data: object) -> Any:
    values = {
        key: SimpleNamespace(**value) if isinstance(value, dict) else value
        for key, value in data.items()
    }
    return SimpleNamespace(
        info=SimpleNamespace(name=name, invocation_id=invocation), data=SimpleNamespace(**values)
    )


def test_nodes_that_are_over_are_told_while_dbt_runs(place: Wrapper, service: StubService):
    node = SimpleNamespace(status="success", message="OK", execution_time=0.1)
    with runhook.run() as run:
        with run.step("load"):
            service.wait_for("runs")
        run.callback(an_event("MainReportVersion", version="=1.12.0"))
        run.callback(an_event("LogStartLine", index=1, total=2))
        for name in ("orders", "customers", "ephemeral"):
            unique_id = {"unique_id": f"model.shop.{name}"}
            event = an_event("NodeFinished", node_info=unique_id)
            event.data.run_result = node
            run.callback(event)
        with run.step("meanwhile"):
            pass
        service.wait_for("progress")
        told = run._progress()

    assert told is not None
    assert [step["name"] for step in told["steps"]][-1] == "Invoke dbt with `dbt`"
    assert (told["nodes_done"], told["nodes_total"]) == (2, 2)


def test_a_command_that_dbt_does_not_end_was_interrupted(place: Wrapper, service: StubService):
    with pytest.raises(KeyboardInterrupt), runhook.run() as run:
        run.callback(an_event("MainReportVersion", version="=1.12.0"))
        raise KeyboardInterrupt

    end = service.body("finish")
    assert (end["status"], end["dbt_version"]) == ("canceled", "1.12.0")
    assert steps_in(service) == [("Invoke dbt with `dbt`", "canceled")]


def test_variables_of_a_command_are_not_told(place: Wrapper, service: StubService):
    with runhook.run() as run:
        command = "cli build --vars '{key: s3cret}'"
        run.callback(an_event("CommandCompleted", command=command, success=True))
        run.callback(an_event("CommandCompleted", "6a4d", command="cli 'oops", success=False))

    assert "s3cret" not in json.dumps(service.body("finish"))
    assert steps_in(service) == [
        ("Invoke dbt with `dbt build --vars ...`", "success"),
        ("Invoke dbt with `dbt`", "error"),
    ]


def failing_node(unique_id: str) -> Any:
    event = an_event("NodeFinished", node_info={"unique_id": unique_id})
    event.data.run_result = SimpleNamespace(status="error", message="no", execution_time=0.1)
    return event


@pytest.mark.parametrize(("invocation", "owners"), [("5f3c", [{"name": "Ann"}]), ("another", None)])
@pytest.mark.parametrize("is_told_where", [True, False])
def test_a_callback_tells_whose_the_nodes_are_that_failed(
    place: Wrapper,
    service: StubService,
    *,
    invocation: str,
    owners: object,
    is_told_where: bool,
):
    folder = place.folder / "out"
    folder.mkdir()
    orders = {"unique_id": "model.shop.orders", "meta": {"owner": "Ann"}}
    metadata = {"invocation_id": invocation, "env": {}}
    manifest = {"metadata": metadata, "nodes": {"model.shop.orders": orders}}
    (folder / "manifest.json").write_text(json.dumps(manifest))
    command = "cli build" if is_told_where else f"cli build --target-path {folder}"

    with runhook.run() as run:
        run.callback(failing_node("model.shop.orders"))
        if is_told_where:
            path = str(folder / "manifest.json")
            run.callback(an_event("ArtifactWritten", artifact_path=path))
        run.callback(an_event("CommandCompleted", command=command, success=False))

    assert service.body("finish")["results"]["failed"][0].get("owners") == owners


def test_a_folder_that_somebody_names_holds_the_results_of_a_block(
    place: Wrapper, service: StubService
):
    """As with dagster-dbt, which starts dbt without our environment."""
    with runhook.run() as run, run.step("dbt build") as step:
        step.target = place.folder / "target"
        subprocess.run(["dbt", "fail"], env=place.environ, cwd=place.folder, check=False)

    assert service.body("finish")["results"]["failed_total"] == 2
    assert steps_in(service) == [("dbt build", "error")]


class Hostile:
    """Raises whatever is asked of it."""

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


@pytest.mark.parametrize(
    "event",
    [
        None,
        Hostile(),
        an_event("NodeFinished"),
        an_event("NodeFinished", node_info={}, run_result={"status": Hostile()}),
        an_event([], "5f3c"),
        an_event("CommandCompleted", Hostile()),
    ],
    ids=["nothing", "hostile", "no data", "hostile data", "a name of another kind", "hostile id"],
)
def test_whatever_dbt_says_nothing_is_raised_into_it(
    place: Wrapper, service: StubService, event: object
):
    with runhook.run() as run:
        run.callback(event)

    assert run.trouble is None
    assert service.body("finish")["status"] == "success"


WITH_DBT = """
import json, os, sys

example, invocations = json.loads(sys.argv[1])
ends = []
for url, arguments in invocations:
    os.environ["RUNHOOK_URL"] = url
    names = {}
    exec(example.replace('["build"]', json.dumps(arguments)), names)
    ends.append([names["result"].success, names["run"].trouble is None])
print(json.dumps(ends))
"""
"""Follows the example once for each invocation."""


def test_a_real_dbt_runner_is_told_of_and_never_held_up(
    place: Wrapper, service: StubService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """One process, as most of its time is dbt's import; the second service is not there."""
    shop = REPOSITORY / "examples" / "shop"
    where = ["--project-dir", str(shop), "--profiles-dir", str(shop)]
    build = ["--quiet", "build", "--vars", "{lose_a_payment: true}", *where]
    example = block_with(REPORTING, "python", "dbtRunner")
    invocations = [
        [service.url, build],
        ["http://127.0.0.1:9", ["ls", *where]],
        [service.url, ["buidl"]],
    ]

    ended = subprocess.run(
        [DBT / "python", "-c", WITH_DBT, json.dumps([example, invocations])],
        env={
            **place.environ,
            "DBT_TARGET_PATH": str(tmp_path / "target"),
            "DBT_LOG_PATH": str(tmp_path / "logs"),
            "DBT_SEND_ANONYMOUS_USAGE_STATS": "0",
            "DBT_PROFILES_DIR": str(shop),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout.splitlines()[-1]) == [
        [False, True],
        [True, False],
        [False, True],
    ]
    built, refused_by_dbt = [one.body for one in service.requests if one.verb == "finish"]
    counts = built["results"]["counts"]
    assert (built["outcome"], counts["fail"], built["results"]["failed_total"]) == ("failed", 1, 1)
    assert (counts["skipped"], built["results"]["project_name"]) == (5, "shop")
    assert built["steps"][0]["name"].startswith("Invoke dbt with `dbt build")
    assert refused_by_dbt["status"] == "error"
    assert "buidl" in refused_by_dbt["status_message"]
