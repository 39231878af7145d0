"""The operator's commands beside `serve`: settings, tokens and migrate."""

import asyncio
import re
from pathlib import Path

import pytest

from runhook.cli.main import main
from runhook.clock import SystemClock
from runhook.domain.errors import UnauthorizedError
from runhook.domain.people.callers import Caller
from runhook.domain.people.permissions import PermissionSet
from runhook.operations.people.authenticate import Authenticator, token_digest
from runhook.storage.engine.schema import NEWEST
from runhook.storage.engine.tables import audit_entries
from tests.support.accounts import rows_of
from tests.support.databases import open_store

HUSH = "hush-hush-hush-hush"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def database(database_url: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database that the environment names."""
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", database_url)
    monkeypatch.setenv("RUNHOOK_DATA_DIR", str(folder / "data"))
    return database_url


def caller_with(text: str, database_url: str) -> Caller:
    """Whom a token speaks for, as the service would find it."""

    async def look_up() -> Caller:
        store = open_store(database_url)
        try:
            authenticator = Authenticator(store, SystemClock())
            return await authenticator.authenticate(token_digest(text), address=None)
        finally:
            await store.close()

    return asyncio.run(look_up())


def entries_of(database_url: str) -> list[tuple[str, str, str]]:
    """Who did what to what, as the audit log tells it."""

    async def look_up() -> list[tuple[str, str, str]]:
        store = open_store(database_url)
        try:
            rows = await rows_of(store, audit_entries)
        finally:
            await store.close()
        return [(row.actor_kind.value, row.action.value, row.subject_id) for row in rows]

    return asyncio.run(look_up())


def set_schema(database_url: str, revision: str) -> None:
    """Write which schema the database claims to have."""

    async def write() -> None:
        store = open_store(database_url)
        async with store.write() as tx:
            await tx.connection.exec_driver_sql(
                f"UPDATE alembic_version SET version_num = '{revision}'"
            )
        await store.close()

    asyncio.run(write())


def test_settings_shows_each_value_and_its_place_but_no_secret(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    (folder / "runhook.toml").write_text('host = "0.0.0.0"\nretention_days = 7\n')
    monkeypatch.setenv("RUNHOOK_PORT", "1")
    monkeypatch.setenv("RUNHOOK_RETENTION_DAYS", "14")
    monkeypatch.setenv("RUNHOOK_RETRY_SCHEDULE", "")
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", f"postgresql://me:{HUSH}@host/db")
    monkeypatch.setenv("RUNHOOK_BOOTSTRAP_TOKEN", HUSH)
    monkeypatch.setenv("RUNHOOK_TOKNE", HUSH)
    monkeypatch.setenv("https_proxy", f"http://me:{HUSH}@proxy.example:3128")

    code = main(["settings", "--port", "9000"])

    shown = capsys.readouterr()
    lines = dict(line.split(maxsplit=1) for line in shown.out.splitlines())
    assert code == 0
    assert shown.err.splitlines()[-1] == (
        "runhook settings: RUNHOOK_TOKNE is not a variable of Runhook; did you mean RUNHOOK_TOKEN?"
    )
    assert HUSH not in shown.out + shown.err
    assert lines["RUNHOOK_HOST"] == f"0.0.0.0  [{folder}/runhook.toml]"
    assert lines["RUNHOOK_PORT"] == "9000  [--port]"
    assert lines["RUNHOOK_DATA_DIR"] == "runhook-data  [default]"
    assert lines["RUNHOOK_DATABASE_URL"] == (
        "postgresql://me:*****@host/db  [RUNHOOK_DATABASE_URL]"
    )
    assert lines["RUNHOOK_PUBLIC_URL"] == "(unset)  [default]"
    assert lines["RUNHOOK_BOOTSTRAP_TOKEN"] == "(hidden)  [RUNHOOK_BOOTSTRAP_TOKEN]"
    assert lines["RUNHOOK_RETRY_SCHEDULE"] == "(empty)  [RUNHOOK_RETRY_SCHEDULE]"
    assert lines["RUNHOOK_RETENTION_DAYS"] == "14  [RUNHOOK_RETENTION_DAYS]"
    assert lines["HTTPS_PROXY"] == "http://proxy.example:3128  [environment]"


@pytest.mark.parametrize(
    "command", [["settings"], ["migrate"], ["serve"], ["tokens", "create", "--name", "x"]]
)
def test_a_setting_that_is_not_valid_ends_a_command_with_a_sentence(
    folder: Path, capsys: pytest.CaptureFixture[str], command: list[str]
):
    (folder / "runhook.toml").write_text("prot = 1")

    code = main(command)

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert said.err == (
        f"runhook {command[0]}: {folder}/runhook.toml: `prot` is not a setting; "
        "did you mean `port`?\n"
    )


@pytest.mark.parametrize(
    "permission_set", ["account_admin", "webhooks_only", "job_runner", "read_only"]
)
def test_a_token_is_printed_and_does_what_it_was_made_for(
    database: str, capsys: pytest.CaptureFixture[str], permission_set: str
):
    code = main(["tokens", "create", "--name", "ci", "--permission", permission_set])

    said = capsys.readouterr()
    caller = caller_with(said.out.strip(), database)
    assert (code, said.err) == (0, "")
    assert (caller.account_id, caller.actor.name) == (1, "ci")
    assert caller.permissions == PermissionSet(permission_set).permissions


def test_a_token_may_only_read_unless_told_otherwise(
    database: str, capsys: pytest.CaptureFixture[str]
):
    main(["tokens", "create", "--name", "me"])

    said = capsys.readouterr()
    caller = caller_with(said.out.strip(), database)
    assert caller.permissions == PermissionSet.READ_ONLY.permissions
    assert said.err.startswith("It may only read (read_only). Others: --permission job_runner ")


def test_tokens_are_listed_with_all_but_their_text(
    database: str, capsys: pytest.CaptureFixture[str]
):
    main(["tokens", "create", "--name", "ci", "--permission", "job_runner"])
    main(["tokens", "create", "--name", "for a week", "--expires-in-days", "7"])
    text = capsys.readouterr().out.split()[0]

    code = main(["tokens", "list"])

    said = capsys.readouterr()
    heading, second, first = said.out.splitlines()
    assert (code, said.err) == (0, "")
    assert heading.split()[:3] == ["ID", "NAME", "PERMISSION"]
    assert first.split()[:4] == ["1", "ci", "job_runner", "runhook"]
    assert first.endswith("never      until revoked")
    assert second.split()[:5] == ["2", "for", "a", "week", "read_only"]
    assert re.search(r"until \d{4}-\d\d-\d\d \d\d:\d\dZ$", second)
    assert text not in said.out


def test_a_revoked_token_is_refused_and_the_list_says_since_when(
    database: str, capsys: pytest.CaptureFixture[str]
):
    main(["tokens", "create", "--name", "ci"])
    text = capsys.readouterr().out.strip()

    codes = [main(["tokens", "revoke", "1"]), main(["tokens", "list"])]

    said = capsys.readouterr().out.splitlines()
    assert codes == [0, 0]
    assert said[0] == "Token 1 is revoked."
    assert "revoked 2" in said[2]
    with pytest.raises(UnauthorizedError):
        caller_with(text, database)


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["revoke", "404"], "There is no token 404 in this account."),
        (["revoke", "9" * 30], f"There is no token {'9' * 30} in this account."),
        (["revoke", "1", "--account", "2"], "There is no token 1 in this account."),
        (["list", "--account", "2"], "There is no account 2."),
        (
            ["create", "--name", "x", "--expires-in-days", "0"],
            "expires_in_days: give 1 to 3650 days",
        ),
        (
            ["create", "--name", "x", "--expires-in-days", "9" * 30],
            "expires_in_days: give 1 to 3650 days",
        ),
        (["create", "--name", " "], "name: say what the token is for"),
    ],
)
def test_what_cannot_be_done_with_tokens_is_said_in_a_sentence(
    database: str, capsys: pytest.CaptureFixture[str], command: list[str], sentence: str
):
    main(["tokens", "create", "--name", "ci"])
    capsys.readouterr()

    code = main(["tokens", *command])

    said = capsys.readouterr()
    assert (code, said.out, said.err) == (1, "", f"runhook tokens: {sentence}\n")


def test_what_is_done_to_tokens_by_command_is_noted_as_such(
    database: str, capsys: pytest.CaptureFixture[str]
):
    main(["tokens", "create", "--name", "ci"])
    main(["tokens", "revoke", "1"])

    assert entries_of(database) == [
        ("command line", "token.created", "1"),
        ("command line", "token.revoked", "1"),
    ]


@pytest.mark.parametrize("account", ["404", "0", "-1", "9" * 30])
def test_a_token_of_an_account_that_is_not_there_is_refused(
    database: str, capsys: pytest.CaptureFixture[str], account: str
):
    code = main(["tokens", "create", "--name", "x", f"--account={account}"])

    said = capsys.readouterr()
    assert (code, said.out) == (1, "")
    assert said.err == f"runhook tokens: There is no account {account}.\n"


def test_a_token_on_a_command_line_could_be_read_by_others_so_there_is_no_such_flag(
    capsys: pytest.CaptureFixture[str],
):
    with pytest.raises(SystemExit) as ended:
        main(["serve", "--bootstrap-token", HUSH])

    assert ended.value.code == 2
    assert "unrecognized arguments" in capsys.readouterr().err


def test_migrate_says_that_a_database_is_at_this_version(
    database: str, capsys: pytest.CaptureFixture[str]
):
    assert main(["migrate"]) == 0

    assert capsys.readouterr().out.startswith("The database is already at schema ")


def test_commands_that_need_no_secret_make_no_folder_and_no_key(database: str, folder: Path):
    codes = [main(["migrate"]), main(["tokens", "create", "--name", "me"])]

    assert codes == [0, 0]
    assert not (folder / "data").exists()


def test_a_database_of_a_newer_version_is_left_alone(
    database: str, capsys: pytest.CaptureFixture[str]
):
    set_schema(database, "9999")
    try:
        codes = [main(["migrate"]), main(["tokens", "create", "--name", "x"])]
    finally:
        set_schema(database, NEWEST)

    said = capsys.readouterr()
    assert (codes, said.out) == ([1, 1], "")
    assert said.err.count("schema 9999, which a newer Runhook made; upgrade Runhook.\n") == 2
