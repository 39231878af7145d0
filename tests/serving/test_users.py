"""`runhook users`: an operator of the service helps a user who forgot their password."""

import asyncio
import io
from pathlib import Path

import pytest

from runhook.cli.main import main
from runhook.clock import SystemClock
from runhook.domain.people.permissions import Role
from runhook.domain.people.users import MOST_OPEN_RESETS
from runhook.operations.people.begin import begin_service
from runhook.operations.people.new_passwords import reset_password
from runhook.storage.engine.store import Store
from runhook.storage.engine.tables import sessions, users
from tests.support.accounts import rows_of
from tests.support.databases import VAULT
from tests.support.people import PASSWORD, fast_passwords, session_of_new_user

ADA = "ada@example.com"
ANOTHER = "another battery staple"


@pytest.fixture(autouse=True)
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with one user who is signed in, named by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", database_url)

    async def add_user() -> None:
        store = Store.open(database_url, vault=VAULT)
        await begin_service(store, bootstrap_token=None, clock=SystemClock())
        await session_of_new_user(store, SystemClock(), Role.OWNER, email=ADA)
        await store.close()

    asyncio.run(add_user())
    return database_url


def state_of(database_url: str) -> tuple[str, int]:
    """The user's password hash, and how many sessions they have."""

    async def look_up() -> tuple[str, int]:
        store = Store.open(database_url, vault=VAULT)
        try:
            (user,) = await rows_of(store, users)
            return user.password_hash, len(await rows_of(store, sessions))
        finally:
            await store.close()

    return asyncio.run(look_up())


def says(password: str, hashed: str) -> bool:
    """Whether this is the password that was hashed."""
    return asyncio.run(fast_passwords().check(password, hashed))


def set_password(monkeypatch: pytest.MonkeyPatch, email: str, password: str) -> int:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    return main(["users", "set-password", email])


def test_a_new_password_replaces_the_forgotten_one_and_ends_every_session(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    assert set_password(monkeypatch, "Ada@Example.com", ANOTHER) == 0

    hashed, session_count = state_of(database)
    assert says(ANOTHER, hashed)
    assert session_count == 0
    assert ANOTHER not in "".join(capsys.readouterr())


@pytest.mark.parametrize(
    "refused",
    [
        (ADA, "short", "12 characters at least"),
        ("bob@example.com", ANOTHER, "There is no user bob@example.com."),
        ("nobody", ANOTHER, "give an e-mail address"),
    ],
)
def test_what_will_not_do_is_refused_in_a_sentence_and_changes_nothing(
    database: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    refused: tuple[str, str, str],
):
    email, password, sentence = refused

    assert set_password(monkeypatch, email, password) == 1

    assert sentence in capsys.readouterr().err
    hashed, session_count = state_of(database)
    assert says(PASSWORD, hashed)
    assert session_count == 1


def test_a_link_lets_a_user_choose_another_password_without_mail(
    database: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    """However many links there are already, which strangers may have asked for."""
    monkeypatch.setenv("RUNHOOK_PUBLIC_URL", "https://runhook.example.com")
    for _ in range(MOST_OPEN_RESETS + 1):
        assert main(["users", "reset-password", "Ada@Example.com"]) == 0

    link = capsys.readouterr().out.splitlines()[-1]
    base, _, secret = link.rpartition("/")
    assert base == "https://runhook.example.com/new-password"

    async def choose() -> None:
        store = Store.open(database, vault=VAULT)
        await reset_password(
            store,
            secret,
            ANOTHER,
            address=None,
            passwords=fast_passwords(),
            clock=SystemClock(),
        )
        await store.close()

    asyncio.run(choose())
    hashed, session_count = state_of(database)
    assert says(ANOTHER, hashed)
    assert session_count == 0


def test_nobody_gets_a_link_who_is_no_user(capsys: pytest.CaptureFixture[str]):
    assert main(["users", "reset-password", "bob@example.com"]) == 1
    assert "There is no user bob@example.com." in capsys.readouterr().err
