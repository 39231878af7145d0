"""The lines that put the client beside dbt, each typed in an environment of its own."""

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from runhook.domain.version import VERSION
from tests.docs.documents import REPOSITORY, block_with, table_rows
from tests.support.station import LONG

PAGE = (REPOSITORY / "docs" / "installing.md").read_text()
LINES = {cells[0].strip("`"): cells[2].strip("`") for cells in table_rows(PAGE)}
PROJECT = '[project]\nname = "shop"\nversion = "0"\nrequires-python = ">=3.11"\n'
REQUIREMENTS = "requirements.txt"
WHEEL = block_with(PAGE, "sh", "pip wheel") + "pip install --no-index wheels/*.whl"


@pytest.mark.parametrize(
    ("line", "version"),
    [
        (LINES["pip"], "runhook --version"),
        (LINES["uv, in an environment"], "runhook --version"),
        (LINES["uv, in a project"], "uv run runhook --version"),
        (f"pip install -r {REQUIREMENTS}", "runhook --version"),
        (WHEEL, "runhook --version"),
    ],
    ids=["pip", "uv pip", "uv add", "requirements", "wheel"],
)
def test_the_client_is_beside_dbt(tmp_path: Path, line: str, version: str):
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True, symlinks=True)
    (tmp_path / REQUIREMENTS).write_text(filled_in(LINES[REQUIREMENTS]))
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    path = [str(environment / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
    own = {"PATH": os.pathsep.join(path), "VIRTUAL_ENV": str(environment)}

    done = subprocess.run(
        ["bash", "-ec", f"{filled_in(line)}\n{version}"],
        cwd=tmp_path,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"runhook {VERSION}"


def filled_in(line: str) -> str:
    return line.replace("/src/runhook", str(REPOSITORY))
