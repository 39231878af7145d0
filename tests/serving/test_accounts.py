"""`runhook accounts`: accounts made and listed by command, and their owners invited."""

import asyncio
import os
import pty
import subprocess
from pathlib import Path

import pytest

from runhook.cli.main import main
from runhook.clock import SystemClock
from runhook.operations.people.invite import Acceptance, accept
from runhook.storage.engine.tables import accounts, audit_entries, invitations, members
from tests.formats.services.email import text_of
from tests.support.accounts import rows_of
from tests.support.databases import open_store
from tests.support.mail_server import RealMailServer
from tests.support.people import BROWSER, PASSWORD, fast_passwords
from tests.support.ports import a_port_where_nobody_listens
from tests.support.program import RUNHOOK


@pytest.fixture(autouse=True)
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database that the environment names, and an empty folder to be in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", database_url)
    return database_url


def rows(database_url: str, table) -> list:
    async def look_up() -> list:
        store = open_store(database_url)
        try:
            return await rows_of(store, table)
        finally:
            await store.close()

    return asyncio.run(look_up())


def join(database_url: str, link: str, email: str) -> None:
    """Accept an invitation, as the page of its link would."""

    async def accepted() -> None:
        store = open_store(database_url)
        try:
            await accept(
                store,
                link.rpartition("/")[2],
                Acceptance(email=email, name="Ada", password=PASSWORD),
                browser=BROWSER,
                passwords=fast_passwords(),
                clock=SystemClock(),
            )
        finally:
            await store.close()

    asyncio.run(accepted())


def test_a_new_account_is_printed_with_the_link_of_its_first_owner(
    database: str, capsys: pytest.CaptureFixture[str]
):
    code = main(["accounts", "create", "Shop", "--public-url", "https://runhook.example.com"])

    said = capsys.readouterr()
    head, _, link = said.out.splitlines()
    assert (code, said.err) == (0, "")
    assert head == "Account 2. New webhooks send payload version 2022-05."
    assert link.startswith("  https://runhook.example.com/invitations/")
    assert [(row.id, row.name) for row in rows(database, accounts)] == [(1, "Default"), (2, "Shop")]
    join(database, link, "ada@example.com")
    assert [(row.account_id, row.role) for row in rows(database, members)] == [(2, "owner")]


def test_new_accounts_get_the_payload_version_that_is_set(
    database: str, monkeypatch: pytest.MonkeyPatch
):
    assert main(["accounts", "create", "By flag", "--default-payload-version", "2023-02"]) == 0
    monkeypatch.setenv("RUNHOOK_DEFAULT_PAYLOAD_VERSION", "2023-02")
    assert main(["accounts", "create", "By environment"]) == 0
    assert main(["accounts", "create", "Other", "--default-payload-version", "2022-05"]) == 0

    versions = [row.default_payload_version for row in rows(database, accounts)]
    assert versions == ["2023-02", "2023-02", "2023-02", "2022-05"]


@pytest.mark.parametrize(
    ("typed", "version"),
    [("2023-02\n", "2023-02"), ("\n", "2022-05"), ("2023\n 2023-02 \n", "2023-02")],
)
def test_people_at_a_terminal_are_asked_which_payload_their_consumers_read(
    database: str, tmp_path: Path, typed: str, version: str
):
    ours, theirs = pty.openpty()
    os.write(ours, typed.encode())
    made = subprocess.run(
        [RUNHOOK, "accounts", "create", "Shop"],
        check=False,
        stdin=theirs,
        capture_output=True,
        text=True,
    )

    assert made.returncode == 0, made.stderr
    assert "Choose 2023-02 if your consumers come from dbt Cloud." in made.stderr
    assert ("is not a payload version" in made.stderr) == typed.startswith("2023\n")
    assert rows(database, accounts)[1].default_payload_version == version


def test_accounts_are_listed_in_the_order_of_their_numbers(capsys: pytest.CaptureFixture[str]):
    for name in ("Shop", "\x1b[2JSchool"):
        main(["accounts", "create", name])
    refused = capsys.readouterr().err
    main(["accounts", "create", "School"])
    capsys.readouterr()

    assert main(["accounts", "list"]) == 0

    assert "name: some of its characters cannot be shown" in refused
    assert capsys.readouterr().out.split() == ["1", "Default", "2", "Shop", "3", "School"]


def test_an_owner_can_be_invited_by_command_whoever_has_lost_their_password(
    database: str, capsys: pytest.CaptureFixture[str]
):
    code = main(["accounts", "invite", "--email", "Ada@example.com", "--port", "80"])

    link = capsys.readouterr().out.strip()
    assert code == 0
    assert link.startswith("http://127.0.0.1:80/invitations/")
    (invitation,) = rows(database, invitations)
    assert (invitation.email, invitation.role) == ("ada@example.com", "owner")
    (entry,) = rows(database, audit_entries)
    assert (entry.actor_kind, entry.action) == ("command line", "member.invited")
    join(database, link, "")


def test_an_owner_who_is_invited_by_command_gets_the_link_by_mail_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("RUNHOOK_PUBLIC_URL", "https://runhook.example.com")
    monkeypatch.setenv("RUNHOOK_SMTP_FROM", "runhook@example.com")
    with RealMailServer() as server:
        monkeypatch.setenv("RUNHOOK_SMTP_URL", f"smtp://localhost:{server.port}?tls=none")
        assert main(["accounts", "invite", "--email", "ada@example.com"]) == 0
        letter = server.letter()

    said = capsys.readouterr()
    assert said.out.startswith("https://runhook.example.com/invitations/")
    assert said.err == "Mailed to ada@example.com.\n"
    assert said.out.strip() in text_of(letter.body)


def test_a_mail_server_that_is_down_costs_no_invitation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("RUNHOOK_PUBLIC_URL", "https://runhook.example.com")
    monkeypatch.setenv("RUNHOOK_SMTP_FROM", "runhook@example.com")
    with a_port_where_nobody_listens() as port:
        monkeypatch.setenv("RUNHOOK_SMTP_URL", f"smtp://localhost:{port}?tls=none")
        assert main(["accounts", "invite", "--email", "ada@example.com"]) == 0

    said = capsys.readouterr()
    assert said.out.startswith("https://runhook.example.com/invitations/")
    assert said.err.startswith("Not mailed: No connection to localhost:")


@pytest.mark.parametrize(
    ("command", "sentence"),
    [
        (["create", " "], "name: give a name"),
        (["create", "x" * 256], "name: 255 characters at most"),
        (["invite", "--account", "404"], "There is no account 404."),
        (["invite", "--account=-1"], "There is no account -1."),
        (["invite", "--account", "9" * 30], f"There is no account {'9' * 30}."),
        (["invite", "--email", "ada"], "email: give an e-mail address, such as ada@example.com"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    database: str, capsys: pytest.CaptureFixture[str], command: list[str], sentence: str
):
    code = main(["accounts", *command])

    said = capsys.readouterr()
    assert (code, said.out, said.err) == (1, "", f"runhook accounts: {sentence}\n")
    assert rows(database, invitations) == []
