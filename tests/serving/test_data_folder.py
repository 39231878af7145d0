"""The data folder and its key, and the mark of the process that serves a database file."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from runhook.domain.errors import InvalidError
from runhook.domain.webhooks.signature import Secret
from runhook.storage.service.data_folder import keep_private, open_vault, prepare_folder, sole_owner
from tests.support.program import Service, runhook

SECRET = Secret.from_bytes(bytes(32))
HOLD_UNTIL_KILLED = """
import sys
from pathlib import Path
from runhook.storage.service.data_folder import sole_owner
with sole_owner(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_folder_is_made_for_its_owner_only(tmp_path: Path):
    folder = tmp_path / "deeper" / "data"

    prepare_folder(folder)

    assert mode(folder) == 0o700


def test_a_folder_that_is_there_is_used_as_it_is(tmp_path: Path):
    (tmp_path / "kept").write_text("mine")

    prepare_folder(tmp_path)

    assert (tmp_path / "kept").read_text() == "mine"


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path):
    (tmp_path / "data").write_text("a file")

    with pytest.raises(InvalidError, match=r"The data folder .*/data cannot be made: "):
        prepare_folder(tmp_path / "data")


def test_the_key_is_made_for_its_owner_only_and_nothing_else_is_left(tmp_path: Path):
    open_vault(tmp_path)

    assert mode(tmp_path / "master.key") == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["master.key"]


def test_the_folder_is_made_with_its_key(tmp_path: Path):
    open_vault(tmp_path / "data")

    assert mode(tmp_path / "data") == 0o700


def test_the_key_is_used_again(tmp_path: Path):
    ciphertext = open_vault(tmp_path).encrypt(SECRET)

    assert open_vault(tmp_path).decrypt(ciphertext) == SECRET


@pytest.mark.parametrize(
    "content", [b"", b"\n", b"not a key", b"a" * 44, b"\xff" * 44, b"QUJD\n", b"\0"]
)
def test_a_file_that_holds_no_key_is_refused_and_left_as_it_is(tmp_path: Path, content: bytes):
    path = tmp_path / "master.key"
    path.write_bytes(content)

    with pytest.raises(InvalidError) as error:
        open_vault(tmp_path)

    assert str(error.value) == f"The file {path} does not hold a master key."
    assert path.read_bytes() == content


def test_a_folder_in_the_keys_place_is_refused(tmp_path: Path):
    (tmp_path / "master.key").mkdir()

    with pytest.raises(InvalidError, match=r"The master key .*/master.key cannot be read: "):
        open_vault(tmp_path)


def test_a_database_file_has_one_owner_at_a_time(tmp_path: Path):
    database = tmp_path / "runhook.db"

    with sole_owner(database), pytest.raises(InvalidError) as error, sole_owner(database):
        pass
    with sole_owner(database):
        pass

    assert str(error.value).startswith(f"Another Runhook already serves {database}.")
    assert "RUNHOOK_DATABASE_URL" in str(error.value)


def test_the_mark_of_a_process_that_was_killed_does_not_block(tmp_path: Path):
    database = tmp_path / "runhook.db"
    with subprocess.Popen(
        [sys.executable, "-c", HOLD_UNTIL_KILLED, database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as owner:
        assert owner.stdout.readline() == b"held\n"
        with pytest.raises(InvalidError), sole_owner(database):
            pass
        owner.kill()
        owner.wait()

    with sole_owner(database):
        pass
    assert (tmp_path / "runhook.db.serving").exists()


def test_two_databases_in_one_folder_may_have_two_owners(tmp_path: Path):
    with sole_owner(tmp_path / "one.db"), sole_owner(tmp_path / "two.db"):
        pass


def test_a_mark_that_cannot_be_made_is_told_with_its_place(tmp_path: Path):
    mark = tmp_path / "not-there" / "runhook.db.serving"

    with pytest.raises(InvalidError) as error, sole_owner(tmp_path / "not-there" / "runhook.db"):
        pass

    assert str(error.value) == f"The file {mark} cannot be locked: No such file or directory."


async def test_every_command_works_in_a_folder_whatever_its_name(tmp_path: Path):
    name = "50% off? no#1 & 'so' \"on\" データ 🚀 %20"
    environment = {"RUNHOOK_DATA_DIR": name}

    async with Service(folder=tmp_path, environment=environment) as service:
        made = await runhook(
            *["tokens", "create", "--name", "mine"], folder=tmp_path, environment=environment
        )
        assert await service.stop() == 0
    told = [
        await runhook(*words, folder=tmp_path, environment=environment)
        for words in (["migrate"], ["keys", "rotate"], ["keys", "list"], ["settings"])
    ]

    assert (made.code, [one.code for one in told]) == (0, [0] * 4)
    assert {path.name for path in (tmp_path / name).iterdir()} >= {"master.key", "runhook.db"}
    assert [path.name for path in tmp_path.iterdir()] == [name]


async def test_nobody_else_reads_the_database_whatever_the_folder_and_the_umask_are(tmp_path: Path):
    folder = tmp_path / "open to all"
    folder.mkdir()
    folder.chmod(0o777)
    environment = {"RUNHOOK_DATABASE_URL": f"sqlite:///{folder}/runhook.db"}
    before = os.umask(0)
    try:
        async with Service(folder=tmp_path, environment=environment):
            modes = {path.name: mode(path) for path in folder.iterdir()}
    finally:
        os.umask(before)

    assert {"runhook.db", "runhook.db-wal", "runhook.db-shm", "runhook.db.serving"} <= {*modes}
    assert set(modes.values()) == {0o600}


async def test_a_database_that_others_could_read_is_narrowed_and_that_is_told(tmp_path: Path):
    environment = {"RUNHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/runhook.db"}
    made = await runhook("init", folder=tmp_path, environment=environment)
    (tmp_path / "runhook.db").chmod(0o644)

    told = await runhook("migrate", folder=tmp_path, environment=environment)

    assert (made.code, told.code) == (0, 0)
    assert "Others could read this file" in told.err
    assert mode(tmp_path / "runhook.db") == 0o600


def test_a_file_that_cannot_be_made_is_left_to_who_opens_it(tmp_path: Path):
    assert keep_private(tmp_path / "no folder" / "runhook.db") == []
