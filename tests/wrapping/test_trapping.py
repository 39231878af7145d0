"""`eval "$(runhook start --trap)"`: a script's run is finished however the script ends."""

import shlex
import signal
import subprocess

import pytest

from tests.support.patience import PATIENCE
from tests.wrapping.support import RUNHOOK, StubService, Wrapper

COMMAND = shlex.join(RUNHOOK)
BEGIN = f'eval "$({COMMAND} start --trap)"'
STEP = f"{COMMAND} step -- dbt"


@pytest.fixture(params=["dash", "bash", "bash --posix"])
def shell(request: pytest.FixtureRequest) -> list[str]:
    words: list[str] = request.param.split()
    return words


def run(wrapper: Wrapper, shell: list[str], script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*shell, "-c", script, "nightly", "an argument"],
        env=wrapper.environ,
        cwd=wrapper.folder,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_a_script_that_goes_well(wrapper: Wrapper, service: StubService, shell: list[str]):
    ended = run(wrapper, shell, f"set -eu\n{BEGIN}\n{STEP} build\n{STEP} warn")

    assert (ended.returncode, ended.stdout) == (0, "stub dbt: build\nstub dbt: warn\n")
    assert service.verbs() == ["runs", "runs", "finish"]
    assert (service.body("finish")["status"], service.body("finish")["results"]["total"]) == (
        "success",
        4,
    )
    assert [*wrapper.spool.iterdir()] == []


def test_a_step_that_fails_ends_the_script_and_the_run(
    wrapper: Wrapper, service: StubService, shell: list[str]
):
    ended = run(wrapper, shell, f"set -eu\n{BEGIN}\n{STEP} fail\necho never")

    assert (ended.returncode, ended.stdout) == (1, "stub dbt: fail\n")
    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "failed")


@pytest.mark.parametrize(
    ("words", "code"),
    [("exit 7", 7), ("false", 1), ('echo "$nothing"', None), ("no_such_command", 127), ("exit", 0)],
)
def test_whatever_ends_the_script_is_the_runs_end(
    wrapper: Wrapper, service: StubService, shell: list[str], words: str, code: int | None
):
    ended = run(wrapper, shell, f"set -eu\n{BEGIN}\n{words}")

    assert ended.returncode == code or (code is None and ended.returncode != 0)
    assert service.body("finish")["status"] == ("success" if code == 0 else "error")


@pytest.mark.parametrize("options", ["", "set -e", "set -eu", "set -euC"])
def test_traps_of_the_script_are_done_as_before(
    wrapper: Wrapper, service: StubService, shell: list[str], options: str
):
    script = (
        f"{options}\ntrap 'echo \"it'\\''s $? of $0 with $1\";\necho and more' EXIT\n"
        f"trap 'echo interrupted' INT\n{BEGIN}\nkill -s INT $$\nexit 3"
    )

    ended = run(wrapper, shell, script)

    assert (ended.returncode, ended.stderr) == (3, "")
    assert ended.stdout == "interrupted\nit's 3 of nightly with an argument\nand more\n"
    assert service.body("finish")["status"] == "error"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_ends_the_script_as_before_and_the_run_as_canceled(
    wrapper: Wrapper, service: StubService, shell: list[str], number: signal.Signals
):
    script = f"trap 'echo cleaned' EXIT\n{BEGIN}\nkill -s {number.name[3:]} $$\necho never"

    ended = run(wrapper, shell, script)

    assert (ended.returncode, ended.stdout) == (-number, "cleaned\n")
    assert service.body("finish")["status"] == "canceled"


def test_a_run_that_is_finished_is_not_finished_again(
    wrapper: Wrapper, service: StubService, shell: list[str]
):
    ended = run(wrapper, shell, f"{BEGIN}\n{COMMAND} finish --status canceled\nexit 4")

    assert (ended.returncode, ended.stdout, ended.stderr) == (4, "", "")
    assert service.verbs() == ["runs", "runs", "finish"]
    assert service.body("finish")["status"] == "canceled"


def test_it_is_finished_wherever_the_script_has_gone(
    wrapper: Wrapper, service: StubService, shell: list[str]
):
    begin = f'eval "$({COMMAND} start --trap --account-id 7)"'
    wrapper = wrapper.with_variables(RUNHOOK_SPOOL_DIR="spool")

    ended = run(wrapper, shell, f"{begin}\nunset RUNHOOK_RUN\ncd /\nPATH=/nowhere\nexit 5")

    assert (ended.returncode, ended.stderr) == (5, "")
    assert service.requests[-1].path == "/api/v3/accounts/7/runs/42/finish"
    assert service.body("finish")["status"] == "error"


def test_within_a_run_nothing_is_begun_and_nothing_trapped(
    wrapper: Wrapper, service: StubService, shell: list[str]
):
    script = f"{BEGIN}\n{STEP} build\ntrap"

    ended = wrapper.run(*shell, "-c", script)

    assert (ended.returncode, ended.stdout) == (0, b"stub dbt: build\n")
    assert service.verbs() == ["runs", "finish"]


def test_what_cannot_be_begun_ends_no_script(wrapper: Wrapper, shell: list[str]):
    lost = wrapper.with_variables(RUNHOOK_SPOOL_DIR="/proc/nowhere")

    ended = run(lost, shell, f"set -eu\n{BEGIN}\necho on; exit 6")

    assert (ended.returncode, ended.stdout) == (6, "on\n")
