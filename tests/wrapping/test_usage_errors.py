"""A command line that dbt does not take is told with dbt's reason where that can be read."""

import json
import subprocess
from pathlib import Path

import pytest

from runhook.client.dbt.printed import error_in_print
from runhook.client.wrapper.streams import MOST_BYTES
from tests.support.patience import PATIENCE
from tests.wrapping.support import RUNHOOK, StubService, Wrapper
from tests.wrapping.terminal import at_a_terminal

CLICK = """Usage: dbt build [OPTIONS]
Try 'dbt build --help' for help.

Error: No such option '--selct'. (Did you mean one of: '--select', '--selector'?)
"""
CLAP = """\x1b[1m\x1b[31merror:\x1b[0m unexpected argument '--selct' found

  tip: a similar argument exists: '--select'


For more information, try 'dbt build --select --help'.
"""
V2 = """
=================== Errors and Warnings ====================
[error] [IoError (dbt1001)]: Cannot open file /nowhere/dbt_project.yml
Hint: `cd` into it
   0: <unknown>
  15: start_thread
             at ./nptl/pthread_create.c:442:8

"""
TRACEBACK = """Traceback (most recent call last):
  File "/bin/dbt", line 3, in <module>
    from dbt.cli.main import cli
ModuleNotFoundError: No module named 'dbt.adapters.duckdb'
"""
CORE_VARIABLES = """Error: Invalid value for '--vars': String '{a: hunter

22' is not valid YAML
"""
V2_VARIABLES = "error: invalid value '{a: hunter\n\n22' for '--vars <VARS>': Invalid YAML/JSON\n"


@pytest.mark.parametrize(
    ("printed", "words"),
    [
        (CLICK, "No such option '--selct'. (Did you mean one of: '--select', '--selector'?)"),
        (
            CLAP,
            "unexpected argument '--selct' found\n  tip: a similar argument exists: '--select'",
        ),
        (
            V2,
            "[IoError (dbt1001)]: Cannot open file /nowhere/dbt_project.yml\nHint: `cd` into it",
        ),
        (TRACEBACK, "ModuleNotFoundError: No module named 'dbt.adapters.duckdb'"),
        (f"Error: an older one\n{CLICK}bye\n", CLICK.splitlines()[-1].removeprefix("Error: ")),
        (CORE_VARIABLES, "Invalid value for '--vars': String '...' is not valid YAML"),
        (V2_VARIABLES, "invalid value '...' for '--vars <VARS>': Invalid YAML/JSON"),
        ("Done. PASS=1\n", ""),
    ],
    ids=["click", "clap", "v2", "Python", "the last", "Core's vars", "v2's vars", "none"],
)
def test_finds_the_error_in_what_each_engine_prints(printed: str, words: str):
    assert error_in_print(printed, []) == words


def test_leaves_out_a_value_that_dbt_repeats_in_words_of_its_own():
    assert error_in_print("Error: bad {a: 1}\n", ["{a: 1}"]) == "bad ..."


@pytest.fixture
def project(wrapper: Wrapper) -> Wrapper:
    """A dbt project, and a dbt that prints and exits as two variables say."""
    (wrapper.folder / "dbt_project.yml").write_text("name: shop\n")
    program = wrapper.folder / "bin" / "dbt"
    program.write_text('#!/bin/sh\nprintf %s "$PRINTED" >&2\nexit 2\n')
    return wrapper.with_variables(PRINTED=CLICK)


def into_file(wrapper: Wrapper, redirection: str, *command: str) -> int:
    """Run the wrapper with its streams redirected as a shell does; return the exit code."""
    ended = subprocess.run(
        ["sh", "-c", f'exec "$@" {redirection}', "sh", *RUNHOOK, "run", *command],
        env=wrapper.environ,
        cwd=wrapper.folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return ended.returncode


SAID = "No such option '--selct'. (Did you mean one of: '--select', '--selector'?)"


@pytest.mark.parametrize("redirection", ["2> out", ">> out 2>&1", "> out 2>&1", "2>> out"])
def test_reads_the_reason_where_stderr_is_a_file(
    project: Wrapper, service: StubService, redirection: str
):
    before = "Error: of an earlier run\n" if ">>" in redirection else ""
    (project.folder / "out").write_text(before)

    code = into_file(project, redirection, "--", "dbt", "build", "--selct", "x")

    assert code == 2
    assert (project.folder / "out").read_text() == before + CLICK
    end = service.body("finish")
    assert end["status_message"] == f"dbt exited with code 2; its output says: {SAID}"
    (step,) = end["steps"]
    assert step["logs"].endswith(f"\n{SAID}\n")


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", "cd . && dbt build --selct x"],
        ["timeout", "60", "dbt", "build", "--selct", "x"],
        ["sh", "-c", 'env -i PATH="$PATH" PRINTED="$PRINTED" dbt build --selct x'],
    ],
    ids=["a shell", "timeout", "env -i"],
)
def test_reads_it_behind_what_starts_dbt(
    project: Wrapper, service: StubService, command: list[str]
):
    into_file(project, "2> out", "--", *command)

    assert service.body("finish")["status_message"] == (
        f"{command[0]} exited with code 2; its output says: {SAID}"
    )


def test_a_file_that_others_write_to_at_length_is_read_from_its_end(
    project: Wrapper, service: StubService
):
    filled = project.with_variables(PRINTED=CLICK)
    program = project.folder / "bin" / "dbt"
    program.write_text(
        f'#!/bin/sh\nhead -c {2 * MOST_BYTES} /dev/zero >&2\necho >&2\nprintf %s "$PRINTED" >&2\n'
        "exit 2\n"
    )

    into_file(filled, "2> out", "--", "dbt", "build")

    assert SAID in service.body("finish")["status_message"]


def test_secrets_in_it_are_replaced(project: Wrapper, service: StubService):
    leaking = project.with_variables(
        PRINTED="Error: Got unexpected extra arguments (hunter22 {k: s3cret})\n",
        DB_PASSWORD="hunter22",
    )

    into_file(leaking, "2> out", "--", "dbt", "build", "hunter22", "--vars", "{k: s3cret}")

    end = json.dumps(service.body("finish"))
    assert "Got unexpected extra arguments (***** ...)" in end
    assert "hunter22" not in end
    assert "s3cret" not in end


def test_it_is_left_out_where_messages_are(project: Wrapper, service: StubService):
    into_file(project, "2> out", "--no-messages", "--", "dbt", "build")

    assert service.body("finish")["status_message"] == "dbt exited with code 2"


def test_what_another_program_prints_is_not_told(project: Wrapper, service: StubService):
    into_file(project, "2> out", "--", "sh", "-c", "echo Error: a secret >&2; exit 2")

    assert service.body("finish")["status_message"] == "sh exited with code 2"


def test_an_output_that_cannot_be_read_again_is_left_alone(project: Wrapper, service: StubService):
    """It was emptied meanwhile."""
    program = project.folder / "bin" / "dbt"
    program.write_text(f'#!/bin/sh\nprintf %s "$PRINTED" >&2\n: > "{project.folder}/out"\nexit 2\n')

    code = into_file(project, "2> out", "--", "dbt", "build")

    assert code == 2
    assert service.body("finish")["status_message"].startswith("dbt exited with code 2; dbt wrote")


COMMAND_SAID = (
    "dbt exited with code 2; dbt wrote nothing to its log, as after a wrong command line: "
    "dbt build --selct x"
)


def test_behind_a_pipe_the_command_line_is_told(project: Wrapper, service: StubService):
    ended = project.run("dbt", "build", "--selct", "x")

    assert (ended.returncode, ended.stderr) == (2, CLICK.encode())
    assert service.body("finish")["status_message"] == COMMAND_SAID


def test_at_a_terminal_the_command_line_is_told(project: Wrapper, service: StubService):
    with at_a_terminal(project, "dbt", "build", "--selct", "x") as terminal:
        terminal.see(b"Did you mean")
        service.wait_for("finish")

    assert service.body("finish")["status_message"] == COMMAND_SAID


def test_the_command_line_is_told_without_secrets_and_without_what_starts_dbt(
    project: Wrapper, service: StubService
):
    project.with_variables(DB_PASSWORD="hunter22").run(
        "sh", "-c", "dbt build --selct hunter22 --vars '{k: s3cret}'"
    )

    assert service.body("finish")["status_message"] == (
        "sh exited with code 2; dbt wrote nothing to its log, as after a wrong command line: "
        "dbt build --selct '*****' --vars ..."
    )


def test_a_dbt_in_a_container_may_have_a_log_that_is_not_seen(
    project: Wrapper, service: StubService
):
    docker = project.folder / "bin" / "docker"
    docker.write_text("#!/bin/sh\nexit 2\n")
    docker.chmod(0o755)

    project.run("docker", "run", "image", "dbt", "build")

    assert service.body("finish")["status_message"] == "docker exited with code 2"


def test_reading_leaves_the_file_and_its_position_as_they_are(project: Wrapper, tmp_path: Path):
    """What the next program of a script writes stands behind what dbt wrote."""
    script = f'( "$@"; printf %s after ) > {tmp_path / "both"} 2>&1'
    subprocess.run(
        ["sh", "-c", script, "sh", *RUNHOOK, "run", "--", "dbt", "build"],
        env=project.environ,
        cwd=project.folder,
        timeout=PATIENCE,
        check=True,
    )

    assert (tmp_path / "both").read_text() == CLICK + "after"
