"""What a command meets that is no bug of ours is told in one sentence, without a traceback."""

import os
import subprocess
from pathlib import Path

import pytest

from tests.support.measuring import MEASURED
from tests.support.program import RUNHOOK, Service, runhook

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
