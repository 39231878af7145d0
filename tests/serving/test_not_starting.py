"""Why a service does not start: always a sentence on standard error and exit code 1."""

import json
import shutil
import socket
from base64 import b64encode
from collections.abc import Callable
from pathlib import Path

import pytest

from runhook.cli.main import main
from runhook.storage.service.data_folder import open_vault
from tests.support.accounts import a_tenant
from tests.support.clock import ManualClock
from tests.support.databases import open_store
from tests.support.program import Finished, Service, runhook
from tests.support.running import on_sqlite


def assert_told(ended: Finished, *words: str) -> None:
    assert (ended.code, ended.out) == (1, "")
    *logged, sentence = ended.err.splitlines()
    assert all(json.loads(line)["event"] for line in logged)
    assert sentence.startswith("runhook serve: ")
    for word in words:
        assert word in sentence


Serve = Callable[..., Finished]


@pytest.fixture
def serve(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Serve:
    """The command in an empty folder and in this process, to which it comes back at once."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNHOOK_PORT", "0")

    def run(*flags: str, **variables: str) -> Finished:
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        code = main(["serve", *flags])
        said = capsys.readouterr()
        return Finished(code, said.out, said.err)

    return run


def test_a_port_that_is_taken_is_named_with_what_to_do(serve: Serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = serve("--port", str(port))

    assert_told(ended, f"Cannot listen on 127.0.0.1:{port}: ", "RUNHOOK_PORT")


def test_a_host_that_is_not_ours_is_named(serve: Serve):
    ended = serve("--host", "192.0.2.1")

    assert_told(ended, "Cannot listen on 192.0.2.1:0: ", "RUNHOOK_HOST")


def test_a_database_that_is_away_is_told_without_its_password(serve: Serve):
    with socket.socket() as held:  # no other program can begin to listen there
        held.bind(("127.0.0.1", 0))
        place = f"127.0.0.1:{held.getsockname()[1]}/db"
        ended = serve(RUNHOOK_DATABASE_URL=f"postgresql://me:hush@{place}")

    assert_told(
        ended, f"The database postgresql://me:*****@{place} is not available: Connection refused."
    )
    assert "hush" not in ended.err


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("mysql://host/db", "`mysql` is not supported"),
        ("runhook.db", "RUNHOOK_DATABASE_URL is not a database address"),
        ("sqlite://", "RUNHOOK_DATABASE_URL: SQLite needs a file"),
        ("sqlite:///not-there/runhook.db", "The database cannot be made: there is no folder /"),
    ],
)
def test_an_address_that_is_no_database_is_told_with_the_setting(
    serve: Serve, address: str, words: str
):
    assert_told(serve(RUNHOOK_DATABASE_URL=address), words)


def test_a_key_file_without_a_key_is_told(tmp_path: Path, serve: Serve):
    (tmp_path / "runhook-data").mkdir()
    (tmp_path / "runhook-data" / "master.key").write_text("not a key")

    assert_told(serve(), "master.key does not hold a master key.")


def test_a_file_that_holds_no_secret_is_told(tmp_path: Path, serve: Serve):
    ended = serve(RUNHOOK_BOOTSTRAP_TOKEN_FILE=str(tmp_path))

    assert_told(ended, f"RUNHOOK_BOOTSTRAP_TOKEN_FILE: the file {tmp_path} is not a regular file")


def test_a_master_key_that_is_none_is_told_without_showing_it(serve: Serve):
    ended = serve(RUNHOOK_MASTER_KEY="hush")

    assert_told(ended, "RUNHOOK_MASTER_KEY does not hold a master key: give 32 random bytes")
    assert "hush" not in ended.err


async def test_what_is_said_leaves_the_process_with_its_exit_code(tmp_path: Path):
    environment = {"RUNHOOK_DATABASE_URL": "runhook.db"}
    ended = await runhook("serve", folder=tmp_path, environment=environment)

    assert_told(ended, "RUNHOOK_DATABASE_URL is not a database address")


async def test_a_second_process_on_one_sqlite_folder_is_refused_until_the_first_is_dead(
    tmp_path: Path,
):
    async with Service(folder=tmp_path, environment={}) as first:
        second = await runhook("serve", "--port", "0", folder=tmp_path)
        await first.kill()
    async with Service(folder=tmp_path, environment={}) as third:
        assert await third.stop() == 0

    assert_told(second, "Another Runhook already serves ", "RUNHOOK_DATABASE_URL")


async def test_a_second_process_on_one_sqlite_file_is_refused_whatever_its_folder_and_its_address(
    tmp_path: Path,
):
    (tmp_path / "link.db").symlink_to(tmp_path / "runhook.db")
    first = {"RUNHOOK_DATA_DIR": "first", "RUNHOOK_DATABASE_URL": "sqlite:///runhook.db"}
    second = {
        "RUNHOOK_DATA_DIR": "second",
        "RUNHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/link.db",
    }

    async with Service(folder=tmp_path, environment=first):
        ended = await runhook("serve", "--port", "0", folder=tmp_path, environment=second)

    assert_told(ended, f"Another Runhook already serves {tmp_path}/runhook.db. ")


@on_sqlite
async def test_another_master_key_than_the_one_of_the_stored_secrets_is_refused(
    tmp_path: Path, database_url: str, clock: ManualClock
):
    key = tmp_path / "first" / "master.key"
    store = open_store(database_url, vault=open_vault(key.parent))
    await (await a_tenant(store, clock)).webhook()
    await store.close()
    environment = {"RUNHOOK_DATABASE_URL": database_url}

    ended = await runhook("serve", "--port", "0", folder=tmp_path, environment=environment)
    shutil.copy(key, tmp_path / "runhook-data")
    async with Service(folder=tmp_path, environment=environment) as service:
        assert await service.stop() == 0

    assert_told(
        ended,
        "The key runhook-data/master.key is not the one that this database's secrets were ",
        "the content of master.key in its data folder",
    )


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_a_replica_with_a_key_of_its_own_is_refused_before_there_is_any_secret(
    tmp_path: Path, database_url: str
):
    environment = {"RUNHOOK_DATABASE_URL": database_url}
    first, second = ({**environment, "RUNHOOK_DATA_DIR": name} for name in ("first", "second"))
    async with Service(folder=tmp_path, environment=first) as service:
        assert await service.stop() == 0

    refused = await runhook("serve", "--port", "0", folder=tmp_path, environment=second)
    theirs, ours = (tmp_path / name / "master.key" for name in ("first", "second"))
    ours.write_text(theirs.read_text() + ours.read_text())
    rotated = await runhook("keys", "rotate", folder=tmp_path, environment=second)
    async with Service(folder=tmp_path, environment=second) as service:
        assert await service.stop() == 0
    late = await runhook("serve", "--port", "0", folder=tmp_path, environment=first)

    assert_told(refused, "The key second/master.key is not the one", "that one's line first")
    assert rotated.code == 0
    assert_told(late, "The key first/master.key is not the one")


@on_sqlite
async def test_another_master_key_than_that_of_the_settings_is_refused(
    tmp_path: Path, database_url: str, clock: ManualClock
):
    first, other = (b64encode(bytes([number]) * 32).decode() for number in (251, 2))
    store = open_store(database_url, vault=open_vault(tmp_path, first))
    await (await a_tenant(store, clock)).webhook()
    await store.close()
    environment = {"RUNHOOK_DATABASE_URL": database_url, "RUNHOOK_PORT": "0"}

    with_other = {**environment, "RUNHOOK_MASTER_KEY": other}
    ended = await runhook("serve", folder=tmp_path, environment=with_other)
    (tmp_path / "key").write_text(f"{other}\r\n{first} prepared\n", newline="")
    with_both = {**environment, "RUNHOOK_MASTER_KEY_FILE": str(tmp_path / "key")}
    async with Service(folder=tmp_path, environment=with_both) as service:
        assert await service.stop() == 0

    assert_told(ended, "The key in RUNHOOK_MASTER_KEY is not the one that this database's secrets")
    assert other not in ended.err
    assert not (tmp_path / "runhook-data").exists()
