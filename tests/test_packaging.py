"""What is published: one wheel that a dbt environment can take in without noticing."""

import email
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from runhook.cli.main import COMMANDS
from tests.support.patience import PATIENCE

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", "-qq"]
SERVER_MODULES = {
    *("aiohappyeyeballs", "alembic", "asyncpg", "cryptography", "ksuid", "litestar"),
    *("msgspec", "sqlalchemy", "structlog", "uvicorn", "uvloop"),
}
CLIENT_PACKAGES = {
    "runhook",
    "runhook.domain",
    "runhook.secret_files",
    "runhook.client",
    "runhook.cli",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [*PIP, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, ROOT],
        check=True,
        timeout=PATIENCE,
    )
    (built,) = folder.iterdir()
    return built


@pytest.fixture(scope="module")
def bare(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The commands of an environment that has nothing but the wheel."""
    folder = tmp_path_factory.mktemp("bare")
    venv.create(folder, symlinks=True)
    subprocess.run(
        [*PIP, "--python", folder / "bin/python", "install", "--no-deps", "--no-index", wheel],
        check=True,
        timeout=PATIENCE,
    )
    return folder / "bin"


def run(*command: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, env={}, capture_output=True, text=True, timeout=PATIENCE, check=False
    )


def test_the_same_sources_make_the_same_bytes_wherever_and_whenever(tmp_path: Path):
    first = built(tmp_path / "first", 0o022, time=1_000_000_000)
    second = built(tmp_path / "a second one", 0o077, time=1_700_000_000)

    assert [path.suffix for path in first] == [".whl", ".gz"]
    assert [path.name for path in first] == [path.name for path in second]
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]


def built(folder: Path, mask: int, *, time: int) -> list[Path]:
    """Copy the sources as somebody else has them, and build wheel and sdist from that."""
    files = ("README.md", "LICENSE", "CHANGELOG.md", "pyproject.toml", ".gitignore")
    for name in ("src", "docs", *files):
        source, copy = ROOT / name, folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, copy, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, copy)
    for path in folder.rglob("*"):
        path.chmod((0o777 if path.is_dir() else 0o666) & ~mask)
        os.utime(path, (time, time))
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build"],
        cwd=folder,
        env={"SOURCE_DATE_EPOCH": "1767225600"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        umask=mask,
        check=True,
        timeout=PATIENCE,
    )
    return sorted((folder / "dist").iterdir(), key=lambda path: path.suffix, reverse=True)


def test_the_wheel_depends_on_nothing_outside_its_extras(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        metadata = email.message_from_bytes(archive.read(name))

    required = metadata.get_all("Requires-Dist")
    assert [
        one for one in required if not re.search(r"; extra == '(server|postgres|otel)'$", one)
    ] == []
    assert {"server", "postgres", "otel"} <= set(metadata.get_all("Provides-Extra"))


def test_the_wheel_holds_what_the_service_reads_and_no_tests(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    assert "runhook/py.typed" in names
    assert "runhook/storage/migrations/env.py" in names
    assert {"runhook/docs/api.md", "runhook/docs/formats/slack.md"} <= names
    assert any(name.startswith("runhook/storage/migrations/versions/0001") for name in names)
    assert {name.split("/")[0].split("-")[0] for name in names} == {"runhook"}


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["run", "--help"]])
def test_the_client_works_with_nothing_else_installed(
    bare: Path, tmp_path: Path, arguments: list[str]
):
    ended = run(bare / "runhook", *arguments, folder=tmp_path)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert "runhook" in ended.stdout


@pytest.mark.parametrize("arguments", [["serve"], ["migrate"], ["tokens", "create", "--name", "x"]])
def test_the_service_says_what_to_install(bare: Path, tmp_path: Path, arguments: list[str]):
    ended = run(bare / "runhook", *arguments, folder=tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr.startswith(f"runhook {arguments[0]} needs the service: ")
    assert "pip install 'runhook[server]'" in ended.stderr
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "code",
    ["import runhook", "from runhook import *", "import runhook.client", "import runhook.cli.main"],
)
def test_the_package_loads_nothing_of_the_server(tmp_path: Path, code: str):
    """In our own environment, where everything that could be loaded is there."""
    assert_bare(loaded_by(code, tmp_path))


OF_THE_CLIENT = [name for name, one in COMMANDS.items() if not one.needs_server]
SLOW_TO_LOAD = {
    *("asyncio", "concurrent.futures", "logging", "multiprocessing", "sqlite3", "tempfile"),
    *("unittest", "urllib.request"),
}
"""Parts of the standard library that nothing of the client needs."""
NETWORK = {"email", "http.client", "json", "ssl"}
"""What a report is made and sent with; dbt does not wait for that."""


@pytest.mark.parametrize(
    "command", [name for name, one in COMMANDS.items() if not one.needs_server]
)
def test_a_clients_command_loads_nothing_of_the_server(tmp_path: Path, command: str):
    loaded = loaded_by(asking_help_of(command), tmp_path)

    # The doctor knows the service's settings, to tell which variable somebody meant.
    settings = {"runhook.settings", "runhook.telemetry", "runhook.telemetry.choices"}
    assert_bare(loaded - settings if command == "doctor" else loaded)
    assert loaded & SLOW_TO_LOAD == set()


@pytest.mark.parametrize("command", ["run", "step"])
def test_what_starts_dbt_loads_nothing_of_the_network_before(tmp_path: Path, command: str):
    assert loaded_by(asking_help_of(command), tmp_path) & NETWORK == set()


def test_a_wrapped_run_loads_nothing_of_the_server(tmp_path: Path):
    code = "from runhook.cli.main import main; main(['run', '--job', 'x', '--', 'true'])"

    assert_bare(loaded_by(code, tmp_path))


def assert_bare(loaded: set[str]) -> None:
    ours = {name for name in loaded if name.partition(".")[0] == "runhook"}
    assert loaded & SERVER_MODULES == set()
    assert {".".join(name.split(".")[:2]) for name in ours} <= CLIENT_PACKAGES


SERVES = {"serve", "dispatch"}
ADMINISTRATES = [name for name, one in COMMANDS.items() if one.needs_server and name not in SERVES]
MAILS = {"accounts"}
"""These mail the links of invitations that they make."""
UNNEEDED_BY_ADMINISTRATORS = {
    *("aiosmtplib", "alembic", "asyncpg", "httptools", "jinja2", "litestar", "prometheus_client"),
    *("sqlalchemy.orm", "uvicorn", "uvloop"),
    *("runhook.dispatcher", "runhook.outbound", "runhook.server", "runhook.wiring"),
}
PASSWORDS = {"accounts", "users"}


@pytest.mark.parametrize("command", ADMINISTRATES)
def test_an_administrators_command_loads_nothing_that_serves(tmp_path: Path, command: str):
    loaded = loaded_by(asking_help_of(command), tmp_path)

    sends = {"aiosmtplib", "runhook.outbound"} if command in MAILS else set()
    assert loaded & UNNEEDED_BY_ADMINISTRATORS <= sends
    if command not in PASSWORDS:
        assert "argon2" not in loaded
    if command == "settings":
        assert loaded & {"sqlalchemy", "msgspec", "cryptography", "runhook.storage"} == set()


@pytest.mark.parametrize("command", sorted(SERVES))
def test_a_service_loads_no_migrations_and_no_other_database_to_begin_with(
    tmp_path: Path, command: str
):
    loaded = loaded_by(asking_help_of(command), tmp_path)

    assert loaded & {"alembic", "asyncpg", "sqlalchemy.orm"} == set()


def asking_help_of(command: str) -> str:
    """Code that loads a command, and all that it declares its flags with."""
    return (
        "import contextlib; from runhook.cli.main import main\n"
        f"with contextlib.suppress(SystemExit): main(['{command}', '--help'])"
    )


def loaded_by(code: str, folder: Path) -> set[str]:
    """Names of the modules that are loaded once some code has run."""
    listing = f"{code}\nimport sys\nprint(*sys.modules, file=sys.stderr)"
    ended = run(sys.executable, "-I", "-c", listing, folder=folder)
    assert ended.returncode == 0, ended.stderr
    return set(ended.stderr.splitlines()[-1].split())
