"""The lines that put the client beside dbt, typed as they stand, with a release in a folder.

From a checkout they are typed in `tests/integrations`, since what builds the package is fetched.
"""

import os
import subprocess
import sys
import venv
from collections.abc import Mapping
from pathlib import Path

import pytest

from runhook.domain.version import VERSION
from tests.docs.documents import README, REPOSITORY, block_with, links, name_of, table_rows
from tests.support.patience import PATIENCE

PAGE = REPOSITORY / "docs" / "installing.md"
TUTORIAL = REPOSITORY / "docs" / "tutorial.md"
GUIDES = sorted((REPOSITORY / "docs" / "guides").glob("*.md"))
WITHOUT_THE_CLIENT = {"README.md", "dbt-upload.md", "from-dbt-cloud.md"}
SCRIPTS = Path(sys.executable).parent


def lines_of(document: Path, column: int) -> dict[str, str]:
    """The lines of a document's first table of ways to install, by the way."""
    rows = table_rows(document.read_text())
    [first] = [number for number, cells in enumerate(rows) if "from a release" in cells][:1]
    found = {}
    for cells in rows[first + 1 :]:
        if cells[0].strip("`") in found:
            break
        found[cells[0].strip("`")] = cells[column].strip("`")
    return found


RELEASED = lines_of(PAGE, 1)
FROM_DOCKERFILE = RELEASED["Dockerfile"].removeprefix("RUN ")
WHEEL_FROM_DOCKERFILE = (
    block_with(PAGE.read_text(), "dockerfile", "COPY wheels/ /tmp/wheels/")
    .partition("RUN ")[2]
    .replace("/tmp/wheels/", "$PIP_FIND_LINKS/")
)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that has a release."""
    folder = tmp_path_factory.mktemp("release")
    subprocess.run(
        [
            *(sys.executable, "-m", "pip", "--disable-pip-version-check", "-qq", "wheel"),
            *("--no-deps", "--no-build-isolation", "--wheel-dir", folder, REPOSITORY),
        ],
        check=True,
        timeout=4 * PATIENCE,
    )
    return folder


@pytest.fixture
def own(release: Path, tmp_path: Path) -> Mapping[str, str]:
    """The variables of a user with an active environment, where packages come from that folder."""
    environment = tmp_path / "environment"
    venv.create(environment, symlinks=True)
    # What a reader has on the path, without our own `runhook`.
    programs = tmp_path / "programs"
    programs.mkdir()
    for program in ("uv", "pipx"):
        (programs / program).symlink_to(SCRIPTS / program)
    # To put a pip of its own into an environment takes longer than all else here.
    pip = programs / "pip"
    pip.write_text(
        f'#!/bin/sh\nexec {sys.executable} -m pip --python {environment}/bin/python "$@"\n'
    )
    pip.chmod(0o755)
    settings_of_uv = tmp_path / "uv.toml"
    settings_of_uv.write_text(f'no-index = true\nfind-links = ["{release}"]\n')
    path = [environment / "bin", tmp_path / "home/.local/bin", programs, "/usr/bin", "/bin"]
    return {
        "PATH": os.pathsep.join(map(str, path)),
        "HOME": str(tmp_path / "home"),
        "VIRTUAL_ENV": str(environment),
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(release),
        "UV_CONFIG_FILE": str(settings_of_uv),
    }


@pytest.mark.parametrize(
    ("line", "version"),
    [
        (RELEASED["pip"], "runhook --version"),
        (RELEASED["uv, in an environment"], "runhook --version"),
        (RELEASED["uv, in a project"], "uv run runhook --version"),
        (RELEASED["pipx"], "runhook --version"),
        ("pip install -r requirements.txt", "runhook --version"),
        (FROM_DOCKERFILE, "runhook --version"),
        (WHEEL_FROM_DOCKERFILE, "runhook --version"),
    ],
    ids=["pip", "uv pip", "uv add", "pipx", "requirements", "Dockerfile", "a wheel"],
)
def test_the_client_is_beside_dbt(own, tmp_path, line, version):
    project = tmp_path / "shop"
    project.mkdir()
    (project / "requirements.txt").write_text(RELEASED["requirements.txt"])
    (project / "pyproject.toml").write_text(
        '[project]\nname = "shop"\nversion = "0"\nrequires-python = ">=3.11"\n'
    )

    done = subprocess.run(
        ["bash", "-ec", f"{line}\n{version}"],
        cwd=project,
        env=own,
        capture_output=True,
        text=True,
        timeout=4 * PATIENCE,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == f"runhook {VERSION}"


@pytest.mark.parametrize("column", [1, 2])
def test_the_readme_shows_lines_of_the_page(column):
    assert f"`{lines_of(PAGE, column)['pip']}`" in README.read_text()


@pytest.mark.parametrize(
    "guide", [one for one in GUIDES if one.name not in WITHOUT_THE_CLIENT], ids=name_of
)
def test_every_guide_says_how_the_client_gets_there(guide):
    text = guide.read_text()
    [line] = [one for one in text.split("\n- ") if one.startswith("**The client**")] or [text]

    assert any(command in line for command in RELEASED.values())
    assert "/src/runhook" in line or "../installing.md#a-wheel" in links(text)


@pytest.mark.parametrize("column", [1, 2])
def test_the_tutorial_installs_both_halves_as_the_page_does(column):
    service, client = (
        block_with(TUTORIAL.read_text(), "sh", words)
        for words in ("venv runhook-env", "venv dbt-env")
    )
    lines = lines_of(PAGE, column)

    package = lines["pip"].split()[-1]
    assert f'"{package}[server]"' in service
    assert f"dbt-duckdb {package}\n" in client


def test_what_the_readme_installs_is_the_service():
    block = block_with(README.read_text(), "sh", "venv runhook-env")

    assert 'pip install ".[server]"' in block
    assert 'pip install "runhook[server]"' in block
