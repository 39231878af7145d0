"""Commands that cannot be started: a sentence, a shell's exit code, and a run that is ended."""

import subprocess
import sys

import pytest

from tests.support.patience import PATIENCE
from tests.wrapping.support import StubService, Wrapper

START = """
import os, signal, sys
from runhook.client.wrapper.process import Child, NotStartedError
from runhook.client.wrapper.signals import HandledSignals

class Unrestorable(HandledSignals):
    def restore_in_child(self):
        raise ValueError("a secret")

signals = {"usual": HandledSignals, "unrestorable": Unrestorable}[sys.argv[1]]([signal.SIGCHLD])
try:
    Child(["true", "x" * int(sys.argv[2])], os.environ, signals)
except NotStartedError as error:
    print(error.code, error.message)
"""


@pytest.mark.parametrize(
    ("signals", "size", "told"),
    [
        ("unrestorable", "1", "126 true: the process could not be prepared for it\n"),
        ("usual", "200000", "126 true: Argument list too long\n"),
    ],
)
def test_a_child_that_cannot_be_made_is_told_in_a_sentence(signals: str, size: str, told: str):
    ended = subprocess.run(
        [sys.executable, "-c", START, signals, size],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE,
    )

    assert (ended.stdout, ended.stderr) == (told, "")


@pytest.mark.parametrize(
    ("name", "code", "told"),
    [
        ("./bin", 126, "./bin: Permission denied"),
        ("bin/dbt/x", 126, "bin/dbt/x: Not a directory"),
        ("no/such", 127, "no/such: command not found"),
        ("n" * 300, 126, f"{'n' * 300}: File name too long"),
        ("./binary", 126, "./binary: Exec format error"),
    ],
)
def test_what_is_no_program_ends_its_run(
    wrapper: Wrapper, service: StubService, name: str, code: int, told: str
):
    (wrapper.folder / "binary").write_bytes(b"\x7fELF\0\0")
    (wrapper.folder / "binary").chmod(0o755)

    ended = wrapper.run(name)

    assert (ended.returncode, ended.stderr.decode()) == (code, f"runhook: {told}\n")
    assert service.verbs() == ["runs", "finish"]
    assert service.body("finish")["status"] == "error"
    assert service.body("finish")["status_message"].startswith(told[:100])


def test_a_script_that_names_no_interpreter_is_the_shells_as_it_is_without_us(
    wrapper: Wrapper, service: StubService
):
    (wrapper.folder / "bin" / "nightly").write_text('dbt exit "$1"\n')
    (wrapper.folder / "bin" / "nightly").chmod(0o755)

    assert wrapper.run("nightly", "7").returncode == 7

    assert service.body("finish")["status"] == "error"


def test_a_folder_that_is_gone_changes_nothing(wrapper: Wrapper, service: StubService):
    gone = ["sh", "-c", 'mkdir gone; cd gone; rmdir ../gone; exec "$@"', "sh"]

    ended = wrapper.run("dbt", "exit", "3", launcher=gone)

    assert (ended.returncode, ended.stderr) == (3, b"")
    assert service.verbs() == ["runs", "finish"]
