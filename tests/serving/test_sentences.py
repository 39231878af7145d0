"""What a command meets that is no bug of ours is told in one sentence, without a traceback."""

import os
import signal
import socket
import subprocess
from pathlib import Path

import pytest

from tests.support.measuring import MEASURED
from tests.support.patience import PATIENCE
from tests.support.program import RUNHOOK, Service, runhook

FULL = Path("/dev/full")
COMMANDS = [["serve", "--port", "0"], ["migrate"], ["accounts", "list"], ["keys", "list"], ["init"]]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
async def test_a_file_that_is_no_database_is_told_with_what_to_do(
    tmp_path: Path, command: list[str]
):
    (tmp_path / "runhook.db").write_bytes(b"a text that is no database" * 400)
    environment = {"RUNHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/runhook.db"}

    ended = await runhook(*command, folder=tmp_path, environment=environment)

    assert (ended.code, ended.out) == (1, "")
    assert ended.err.splitlines()[-1] == (
        f"runhook {command[0]}: The database file is damaged, or is not a SQLite database. Stop "
        f"the service, and restore a backup. ({tmp_path}/runhook.db)"
    )
    assert "Traceback" not in ended.err


async def test_a_database_with_pages_of_garbage_is_told_likewise(tmp_path: Path):
    async with Service(folder=tmp_path, environment={}) as service:
        assert await service.stop() == 0
    path = tmp_path / "runhook-data" / "runhook.db"
    content = path.read_bytes()
    path.write_bytes(content[:4096] + os.urandom(len(content) - 4096))

    ended = await runhook("accounts", "list", folder=tmp_path)

    assert ended.code == 1
    assert ended.err.splitlines()[-1].startswith("runhook accounts: The database file is damaged")
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", ["settings", "tokens list"])
def test_a_reader_that_goes_away_ends_a_command_quietly(tmp_path: Path, command: str):
    subprocess.run([RUNHOOK, "init"], cwd=tmp_path, env=MEASURED, capture_output=True, check=True)
    reading, writing = os.pipe()
    os.close(reading)

    ended = subprocess.run(
        [RUNHOOK, *command.split()],
        cwd=tmp_path,
        env=MEASURED,
        stdout=writing,
        stderr=subprocess.PIPE,
        check=False,
    )
    os.close(writing)

    assert (ended.returncode, ended.stderr) == (141, b"")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a service's data."""
    folder = tmp_path_factory.mktemp("made")
    subprocess.run([RUNHOOK, "init"], cwd=folder, env=MEASURED, capture_output=True, check=True)
    return folder


def name_of(command: str) -> str:
    return command.partition(" ")[0]


def in_shell(script: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a script, for which the program is $RUNHOOK."""
    return subprocess.run(
        ["bash", "-c", script],
        cwd=folder,
        env={**MEASURED, "RUNHOOK": str(RUNHOOK)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )


@pytest.mark.parametrize("command", ["--help", "settings", "tokens list"])
def test_output_that_cannot_be_written_is_told(made: Path, command: str):
    ended = in_shell(f"$RUNHOOK {command} >{FULL}", made)

    who = "runhook" if command == "--help" else f"runhook {name_of(command)}"
    assert ended.stderr == f"{who}: What it prints cannot be written: No space left on device.\n"
    assert ended.returncode == 1


def test_help_ends_quietly_with_its_reader(made: Path):
    ended = in_shell("set -o pipefail; $RUNHOOK --help | exec true", made)

    assert (ended.returncode, ended.stderr) in [(141, ""), (0, "")]


@pytest.mark.parametrize("command", ["settings", "tokens list", "migrate"])
@pytest.mark.parametrize("streams", ["2>&-", ">&-", "<&-", f"2>{FULL}", "<&- >&- 2>&-"])
def test_a_command_does_its_work_whatever_its_streams_are(made: Path, command: str, streams: str):
    ended = in_shell(f"$RUNHOOK {command} {streams}", made)

    assert (ended.returncode, ended.stderr) == (0, "")


def test_what_is_wrong_is_no_output_where_errors_cannot_be_written(made: Path):
    ended = in_shell("$RUNHOOK tokens revoke 404 2>&-", made)

    assert (ended.returncode, ended.stdout) == (1, "")


def test_a_name_that_the_terminal_cannot_show_is_escaped(made: Path):
    in_shell("$RUNHOOK tokens create --name データ", made)

    ended = in_shell("PYTHONIOENCODING=ascii $RUNHOOK tokens list", made)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert r"\u30c7\u30fc\u30bf" in ended.stdout


@pytest.mark.parametrize("command", ["settings", "tokens list", "serve", "init"])
def test_a_folder_that_was_removed_is_told(tmp_path: Path, command: str):
    ended = in_shell(f"mkdir gone && cd gone && rmdir ../gone && $RUNHOOK {command}", tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"runhook {name_of(command)}: This folder was removed; start it in another one.\n"
    )


@pytest.mark.parametrize(
    "command", ["tokens list", "migrate", "init", "dispatch", "copy --to sqlite:///there.db"]
)
def test_a_database_that_is_away_is_told_in_one_line(tmp_path: Path, command: str):
    with socket.socket() as held:  # no other program can begin to listen there
        held.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{held.getsockname()[1]}/db"
        ended = in_shell(
            f"RUNHOOK_DATABASE_URL=postgresql://me:hush@{place} $RUNHOOK {command}", tmp_path
        )

    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"runhook {name_of(command)}: The database postgresql://me:*****@{place} is not "
        "available: Connection refused.\n"
    )


@pytest.mark.parametrize("blocks", [0, 1])
@pytest.mark.parametrize("command", ["backup there", "keys rotate", "restore backup", "init"])
def test_files_that_cannot_be_written_are_told_and_not_left_half(
    tmp_path: Path, command: str, blocks: int
):
    """The system's limit does what a full disk does, to whatever is longer."""
    if command != "init":
        in_shell("$RUNHOOK init && $RUNHOOK backup backup", tmp_path)
    if command.startswith("restore"):
        in_shell("rm -r runhook-data", tmp_path)
    before = sorted(one.name for one in tmp_path.rglob("*"))

    # Python would keep what it has compiled of our modules cut off, and no measurement can be kept.
    unmeasured = f"unset {' '.join(MEASURED)}" if MEASURED else "true"
    limit = f"export PYTHONDONTWRITEBYTECODE=1; {unmeasured}; ulimit -f {blocks}"
    ended = in_shell(f"{limit}; $RUNHOOK {command}", tmp_path)

    assert (ended.returncode, ended.stdout) == (1, "")
    *_, sentence = ended.stderr.splitlines()
    assert sentence.startswith(f"runhook {name_of(command)}: ")
    assert "Traceback" not in ended.stderr
    made = {one.name for one in tmp_path.rglob("*")} - {*before}
    assert made <= {"runhook-data", "master.key", "runhook.db", "runhook.db-wal", "runhook.db-shm"}


def test_ctrl_c_ends_a_command_as_it_ends_any_other(made: Path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"postgresql://me@127.0.0.1:{silent.getsockname()[1]}/db"
        with subprocess.Popen(
            [RUNHOOK, "tokens", "list", "--database-url", address],
            cwd=made,
            env=MEASURED,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as command:
            # It waits for a server that says nothing.
            connection, _ = silent.accept()
            command.send_signal(signal.SIGINT)
            said = command.communicate(timeout=PATIENCE)
            connection.close()

    assert (command.returncode, said) == (-signal.SIGINT, (b"", b""))
