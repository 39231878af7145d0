"""A terminal, in which a test types what a document shows."""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support.filling_in import filled_in
from tests.support.patience import PATIENCE

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class Terminal:
    """Types blocks of shell, in one folder, with what was exported before."""

    def __init__(self, *, folder: Path, environ: Mapping[str, str], replaced: dict[str, str]):
        self.folder = folder
        self.environ = dict(environ)
        self.replaced = replaced

    def output_of(self, block: str, *, keep_variables: bool = False) -> str:
        """Type a block, wait for its end, and return what it printed to standard output."""
        exported = self.folder / "exported"
        script = f"set -eu\n{self.filled_in(block)}\nenv -0 > {exported}"
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environ,
            capture_output=True,
            text=True,
            # It may be dbt that is typed.
            timeout=4 * PATIENCE,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        if keep_variables:
            variables = exported.read_text().split("\0")
            self.environ = dict(one.split("=", 1) for one in variables if "=" in one)
        return done.stdout

    @contextmanager
    def running(self, block: str) -> Iterator[subprocess.Popen[str]]:
        """Type a block whose last command goes on, and interrupt that in the end."""
        # With exec, the last command is the process that is interrupted.
        words, _, last = self.filled_in(block).strip().rpartition("\n")
        assignments, _, program = last.rpartition("runhook ")
        script = f"{words}\n{assignments} exec runhook {program}"
        with subprocess.Popen(
            ["bash", "-c", script],
            cwd=self.folder,
            env=self.environ,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            try:
                yield process
            finally:
                process.terminate()
                process.communicate(timeout=PATIENCE)
        assert process.returncode == 0

    def filled_in(self, block: str) -> str:
        """The block with a reader's own values in place of the README's."""
        return filled_in(block, self.replaced)


def wait_for_line(process: subprocess.Popen[str], words: str) -> str:
    """Read what a process prints until a line has ``words`` in it."""
    assert process.stdout is not None
    lines = iter(process.stdout.readline, "")
    found = next((line for line in lines if words in line), None)
    assert found is not None, f"it ended before it said `{words}`"
    return re.sub(r"\s+", " ", found).strip()


def a_terminal(
    folder: Path, replaced: dict[str, str], *, programs: Sequence[Path] = ()
) -> Terminal:
    """Open a terminal with the programs of the system and of ``programs`` on its path."""
    inherited = {name: text for name, text in os.environ.items() if "RUNHOOK" not in name}
    path = os.pathsep.join([*map(str, programs), SYSTEM_PATH])
    return Terminal(folder=folder, environ={**inherited, "PATH": path}, replaced=replaced)
