"""A new service is made by `serve` and `init`, and not by a command beside it."""

import io
from pathlib import Path

import pytest

from runhook.cli.main import main
from runhook.domain.secrets.shown_addresses import without_password
from tests.support.databases import PostgresqlDatabases, an_empty_database
from tests.support.program import Service, runhook

BESIDE_A_SERVICE = [
    ["tokens", "create", "--name", "me"],
    ["tokens", "list"],
    ["tokens", "revoke", "1"],
    ["accounts", "create", "Shop"],
    ["accounts", "list"],
    ["accounts", "invite"],
    ["users", "set-password", "ada@example.com"],
    ["users", "reset-password", "ada@example.com"],
    ["users", "reset-second-factor", "ada@example.com"],
    ["keys", "list"],
    ["keys", "rotate"],
    ["keys", "rotate", "--prepare"],
    ["migrate"],
    ["backup", "there"],
    ["copy", "--to", "sqlite:///there.db"],
]
NOWHERE = {"RUNHOOK_URL": "http://127.0.0.1:1"}


@pytest.mark.parametrize("command", BESIDE_A_SERVICE, ids=" ".join)
def test_a_command_beside_a_service_makes_none(
    tmp_path: Path,
    command: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNHOOK_URL", NOWHERE["RUNHOOK_URL"])
    monkeypatch.setattr("sys.stdin", io.StringIO())

    code = main(command)

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert said.err == (
        f"runhook {command[0]}: There is no service in {tmp_path}/runhook-data/runhook.db. Give "
        "RUNHOOK_DATA_DIR or RUNHOOK_DATABASE_URL (--data-dir, --database-url) as the service has "
        "it, or go to the folder that it was started in. Nothing was made here; `runhook serve` "
        "or `runhook init` makes a new service.\n"
    )
    assert [*tmp_path.iterdir()] == []


async def test_a_file_without_a_service_is_none_either(tmp_path: Path):
    (tmp_path / "empty.db").touch()
    environment = {**NOWHERE, "RUNHOOK_DATABASE_URL": f"sqlite:///{tmp_path}/empty.db"}

    ended = await runhook("accounts", "list", folder=tmp_path, environment=environment)

    assert (ended.code, ended.out) == (1, "")
    assert f"There is no service in {tmp_path}/empty.db. " in ended.err
    assert (tmp_path / "empty.db").stat().st_size == 0


async def test_an_empty_database_of_a_server_is_named_without_its_password(
    tmp_path: Path, postgresql_databases: PostgresqlDatabases
):
    async with an_empty_database(postgresql_databases.url) as url:
        environment = {**NOWHERE, "RUNHOOK_DATABASE_URL": url}
        ended = await runhook("migrate", folder=tmp_path, environment=environment)
        made = await runhook("init", folder=tmp_path, environment=environment)
        migrated = await runhook("migrate", folder=tmp_path, environment=environment)

    assert (ended.code, ended.out) == (1, "")
    assert f"There are no tables of a service in {without_password(url)}. " in ended.err
    assert (made.code, migrated.code) == (0, 0)


async def test_a_process_that_only_delivers_makes_no_tables(
    tmp_path: Path, postgresql_databases: PostgresqlDatabases
):
    async with an_empty_database(postgresql_databases.url) as url:
        environment = {**NOWHERE, "RUNHOOK_DATABASE_URL": url}
        ended = await runhook("dispatch", folder=tmp_path, environment=environment)
        after = await runhook("accounts", "list", folder=tmp_path, environment=environment)

    assert (ended.code, ended.out) == (1, "")
    assert f"There are no tables of a service in {without_password(url)}. " in ended.err
    assert "There are no tables of a service" in after.err
    assert [*tmp_path.iterdir()] == []


async def test_a_service_that_runs_elsewhere_is_told(tmp_path: Path):
    (tmp_path / "there").mkdir()
    (tmp_path / "here").mkdir()
    async with Service(folder=tmp_path / "there", environment={}) as service:
        ended = await runhook(
            *["tokens", "create", "--name", "me"],
            folder=tmp_path / "here",
            environment={"RUNHOOK_URL": service.url},
        )

    assert ended.code == 1
    assert f" A service answers at {service.url} (RUNHOOK_URL)" in ended.err
    assert [*(tmp_path / "here").iterdir()] == []


async def test_init_makes_a_service_once_and_commands_work_from_then_on(tmp_path: Path):
    first = await runhook("init", folder=tmp_path)
    key = (tmp_path / "runhook-data" / "master.key").read_bytes()
    second = await runhook("init", folder=tmp_path)
    listed = await runhook("accounts", "list", folder=tmp_path)

    assert (first.code, second.code, listed.code) == (0, 0, 0)
    place = f"sqlite:///{tmp_path}/runhook-data/runhook.db"
    assert first.out == (
        f"A new service is in {place}.\n"
        f"Its master key is {tmp_path}/runhook-data/master.key: keep a copy of it.\n"
    )
    assert second.out.startswith(f"There is a service in {place}.\n")
    assert (tmp_path / "runhook-data" / "master.key").read_bytes() == key
    assert listed.out == "     1  Default\n"


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("postgresql://me:hush@db:5432/name", "postgresql://me:*****@db:5432/name"),
        ("postgresql://me@db/name", "postgresql://me@db/name"),
        ("postgresql://me:h/u@s:h#@a:1,b:2/name?x=1", "postgresql://me:*****@a:1,b:2/name?x=1"),
        ("postgresql:///n?password=hush&host=/run", "postgresql:///n?password=*****&host=/run"),
        ("postgresql://db?sslpassword=hush", "postgresql://db?sslpassword=*****"),
        ("sqlite:////srv/runhook.db", "sqlite:////srv/runhook.db"),
        ("smtps://me%40x:hush@mail:465", "smtps://me%40x:*****@mail:465"),
        ("hush", "*****"),
    ],
)
def test_an_address_is_shown_without_its_password(address: str, shown: str):
    assert without_password(address) == shown
