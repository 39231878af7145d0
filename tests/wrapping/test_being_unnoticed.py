"""dbt's output, input and exit code are what they would be without the wrapper."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.support.patience import PATIENCE
from tests.wrapping.support import RUNHOOK, StubService, Wrapper


@pytest.mark.parametrize("code", [0, 1, 2, 3, 255])
def test_returns_the_exit_code_of_the_command(wrapper: Wrapper, code: int):
    assert wrapper.run("dbt", "exit", str(code)).returncode == code


@pytest.mark.parametrize(
    "number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL, signal.SIGABRT]
)
def test_dies_of_the_signal_that_the_command_died_of(wrapper: Wrapper, number: int):
    assert wrapper.run("dbt", "die", str(int(number))).returncode == -number


def test_passes_every_byte_through_unchanged(wrapper: Wrapper):
    everything = bytes(range(256)) * 1000

    ended = wrapper.run("dbt", "cat", input=everything)

    assert ended.stdout == everything
    assert ended.stderr == b""


def test_adds_nothing_to_either_stream_when_all_is_well(wrapper: Wrapper):
    ended = wrapper.run("dbt", "fail")

    assert ended.stdout == b"stub dbt: fail\n"
    assert ended.stderr == b"to stderr\n"


def test_flags_of_the_command_are_not_taken_for_the_wrappers(
    wrapper: Wrapper, service: StubService
):
    wrapper.run("dbt", "build", "--job", "theirs", "--", "--reason")

    assert service.body("runs")["job_name"] == "nightly"


def test_passes_on_open_descriptors(wrapper: Wrapper):
    """For make's job server and for <(process substitution)."""
    reading, writing = os.pipe()

    wrapper.run("dbt", "descriptor", str(writing), pass_fds=[writing])
    os.close(writing)

    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"written"


def test_adds_no_variables_but_the_tag_and_the_run(wrapper: Wrapper):
    alone = subprocess.run(
        ["dbt", "describe"], env=wrapper.environ, capture_output=True, check=True, timeout=PATIENCE
    )
    wrapped = wrapper.run("dbt", "describe")

    added = set(json.loads(wrapped.stdout)["variables"]) - set(
        json.loads(alone.stdout)["variables"]
    )
    assert added == {"DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP", "RUNHOOK_RUN"}


def test_each_run_has_a_tag_of_its_own(wrapper: Wrapper):
    tags = {json.loads(wrapper.run("dbt", "describe").stdout)["tag"] for _ in range(2)}

    assert len(tags) == 2


def test_a_closed_stderr_does_not_send_our_line_to_stdout(wrapper: Wrapper):
    ended = wrapper.without("RUNHOOK_TOKEN").run(
        "dbt", "cat", launcher=["sh", "-c", 'exec "$@" 2>&-', "sh"], input=b"dbt's own"
    )

    assert ended.returncode == 0
    assert ended.stdout == b"dbt's own"


def test_an_unknown_command_is_127_and_reported(wrapper: Wrapper, service: StubService):
    ended = wrapper.run("dbd", "build")

    assert ended.returncode == 127
    assert ended.stderr == b"runhook: dbd: command not found\n"
    assert service.verbs() == ["runs", "finish"]
    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "errored")
    assert end["status_message"] == "dbd: command not found"


def test_a_command_that_cannot_be_executed_is_126_and_reported(
    wrapper: Wrapper, service: StubService
):
    (wrapper.folder / "bin" / "dbt").chmod(0o644)

    ended = wrapper.run(str(wrapper.folder / "bin" / "dbt"), "build")

    assert ended.returncode == 126
    assert service.body("finish")["status_message"].endswith("dbt: Permission denied")


def test_a_script_without_its_interpreter_is_126(wrapper: Wrapper, service: StubService):
    (wrapper.folder / "bin" / "dbt").write_text("#!/nowhere/python\n")

    ended = wrapper.run("dbt", "build")

    assert ended.returncode == 126
    assert service.body("finish")["status_message"] == "dbt: its interpreter was not found"


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (["dbt", "build"], "unnamed (dbt build)"),
        (["sh", "-c", "dbt --quiet build"], "unnamed (dbt build)"),
        (["true", "x"], "unnamed (true)"),
    ],
)
def test_a_run_without_a_job_name_runs_and_one_line_says_how_to_name_it(
    wrapper: Wrapper, service: StubService, command: list[str], name: str
):
    ended = wrapper.without("RUNHOOK_JOB").run(*command)

    assert ended.stderr.decode().splitlines()[-1] == (
        f"runhook: nothing names this job, so that its runs go under `{name}`; "
        "give --job NAME or set RUNHOOK_JOB"
    )
    assert service.body("runs")["job_name"] == name
    assert service.body("finish") is not None


def test_a_missing_command_is_refused(wrapper: Wrapper):
    ended = wrapper.run()

    assert ended.returncode == 2
    assert b"name the command to run" in ended.stderr


def test_a_negative_grace_is_refused(wrapper: Wrapper):
    ended = wrapper.run("dbt", "build", flags=["--grace", "-1"])

    assert ended.returncode == 2
    assert b"0 or more" in ended.stderr


def test_loads_nothing_of_the_server(wrapper: Wrapper):
    ended = subprocess.run(
        [sys.executable, "-X", "importtime", *RUNHOOK[1:], "run", "--", "true"],
        env=wrapper.environ,
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )

    modules = {line.rpartition("|")[2].strip() for line in ended.stderr.splitlines()}
    assert "runhook.client.reporting.reporter" in modules
    ours = {name.split(".")[1] for name in modules if name.startswith("runhook.")}
    assert ours <= {"cli", "client", "secret_files", "domain"}
    packages = {name.split(".")[0] for name in modules}
    assert not packages & {
        "aiohappyeyeballs",
        "litestar",
        "msgspec",
        "sqlalchemy",
        "structlog",
        "uvicorn",
    }


def test_importing_the_package_loads_nothing_but_its_version():
    script = "import sys, runhook; print(*[m for m in sys.modules if m.startswith('runhook')])"

    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=PATIENCE
    )

    loaded = {"runhook", "runhook.domain", "runhook.domain.version"}
    assert set(ended.stdout.split()) == loaded
