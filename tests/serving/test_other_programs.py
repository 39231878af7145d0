"""A database of another program is left as it is, and told from one of ours."""

import os
import sqlite3
import stat
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path

import asyncpg
import pytest

from runhook.cli.main import main
from runhook.storage.engine.refusals import BROKEN
from tests.support.databases import PostgresqlDatabases, an_empty_database
from tests.support.program import runhook

MAKING = [["init"], ["serve", "--port", "0"]]
BESIDE = [["tokens", "list"], ["migrate"], ["backup", "there"], ["keys", "list"]]
WITHOUT_REVISIONS = ["CREATE TABLE orders (id INTEGER)"]
OF_ALEMBIC = [
    "CREATE TABLE dag (id INTEGER)",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)",
    "INSERT INTO alembic_version VALUES ('5f2621c13b39')",
]
RELATIONS = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace ORDER BY 1"
OF_BRANCHES = [*OF_ALEMBIC, "INSERT INTO alembic_version VALUES ('0001')"]

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """A command on a database, in an empty folder; its exit code and what it says is wrong."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("RUNHOOK_URL", "http://127.0.0.1:1")

    def run_on(address: str, command: Sequence[str]) -> tuple[int, str]:
        monkeypatch.setenv("RUNHOOK_DATABASE_URL", address)
        code = main(command)
        said = capsys.readouterr()
        assert said.out == ""
        return code, said.err

    return run_on


def seen(path: Path) -> tuple[bytes, int, list[str]]:
    """What a file holds, who may read it, and what lies beside it."""
    beside = sorted(one.name for one in path.parent.iterdir())
    return path.read_bytes(), stat.S_IMODE(path.stat().st_mode), beside


@pytest.mark.parametrize("command", MAKING + BESIDE, ids=" ".join)
@pytest.mark.parametrize("statements", [WITHOUT_REVISIONS, OF_ALEMBIC, OF_BRANCHES])
def test_a_file_of_another_program_is_left_as_it_is(
    tmp_path: Path, run: Run, statements: list[str], command: list[str]
):
    path = tmp_path / "there" / "theirs.db"
    path.parent.mkdir()
    with closing(sqlite3.connect(path)) as theirs:
        for one in statements:
            theirs.execute(one)
        theirs.commit()
    path.chmod(0o644)
    before = seen(path)

    code, told = run(f"sqlite:///{path}", command)

    assert code == 1
    assert str(path) in told.splitlines()[-1]
    assert "Traceback" not in told
    assert seen(path) == before


@pytest.mark.parametrize("command", MAKING + BESIDE, ids=" ".join)
def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path, run: Run, command: list[str]):
    path = tmp_path / "there" / "notes.txt"
    path.parent.mkdir()
    path.write_bytes(os.urandom(8192))
    path.chmod(0o644)
    before = seen(path)

    code, told = run(f"sqlite:///{path}", command)

    assert (code, BROKEN in told) == (1, True)
    assert seen(path) == before


@pytest.mark.parametrize("command", MAKING + BESIDE, ids=" ".join)
@pytest.mark.parametrize(
    ("statements", "tables"),
    [
        (["CREATE TABLE users (id INTEGER)", "CREATE VIEW runs AS SELECT 1"], "runs, users"),
        (OF_ALEMBIC, "alembic_version"),
        (OF_BRANCHES, "alembic_version"),
    ],
)
async def test_a_servers_database_with_tables_of_another_program_is_left_as_it_is(
    tmp_path: Path,
    postgresql_databases: PostgresqlDatabases,
    statements: list[str],
    tables: str,
    command: list[str],
):
    async with an_empty_database(postgresql_databases.url) as url:
        connection = await asyncpg.connect(url)
        for one in statements:
            await connection.execute(one)
        before = await connection.fetch(RELATIONS)
        ended = await runhook(
            *command,
            folder=tmp_path,
            environment={"RUNHOOK_DATABASE_URL": url, "RUNHOOK_URL": "http://127.0.0.1:1"},
        )
        after = await connection.fetch(RELATIONS)
        await connection.close()

    assert (ended.code, ended.out, after) == (1, "", before)
    if tables == "alembic_version" or command in MAKING:
        assert ended.err.splitlines()[-1] == (
            f"runhook {command[0]}: The database has another program's tables ({tables}), and "
            "nothing in it was changed. Give Runhook a database of its own (RUNHOOK_DATABASE_URL)."
        )
    else:
        assert "There are no tables of a service in " in ended.err


async def test_a_servers_database_may_have_tables_of_other_names(
    tmp_path: Path, postgresql_databases: PostgresqlDatabases
):
    async with an_empty_database(postgresql_databases.url) as url:
        connection = await asyncpg.connect(url)
        await connection.execute("CREATE TABLE orders (id INTEGER)")
        await connection.close()
        made = await runhook("init", folder=tmp_path, environment={"RUNHOOK_DATABASE_URL": url})

    assert (made.code, made.err) == (0, "")
