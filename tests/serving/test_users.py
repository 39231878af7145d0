"""`runhook users`: an operator of the service helps a user who cannot sign in any more."""

import asyncio
import io
import shlex
from base64 import b32decode
from pathlib import Path

import pytest
import sqlalchemy as sa

from runhook.cli.main import main
from runhook.clock import SystemClock
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import COMMAND_LINE
from runhook.domain.people.permissions import Role
from runhook.domain.people.second_factors import code_at, step_at
from runhook.domain.people.users import MOST_OPEN_RESETS
from runhook.operations.people.begin import begin_service
from runhook.operations.people.new_passwords import reset_password
from runhook.operations.people.second_factors import (
    begin_enrolment,
    confirm_enrolment,
    look_at_second_factor,
)
from runhook.operations.people.sessions import Browser
from runhook.operations.people.sign_in import sign_in
from runhook.storage.engine.tables import (
    audit_entries,
    recovery_codes,
    second_factors,
    sessions,
    users,
)
from tests.docs.documents import REPOSITORY, block_with
from tests.support.accounts import rows_of
from tests.support.databases import open_store
from tests.support.people import PASSWORD, fast_passwords, session_of_new_user

ADA = "ada@example.com"
ANOTHER = "another battery staple"


@pytest.fixture(autouse=True)
def database(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A database with one user who is signed in, named by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNHOOK_DATABASE_URL", database_url)

    async def add_user() -> None:
        store = open_store(database_url)
        await begin_service(store, bootstrap_token=None, clock=SystemClock())
        await session_of_new_user(store, SystemClock(), Role.OWNER, email=ADA)
        await store.close()

    asyncio.run(add_user())
    return database_url


def state_of(database_url: str) -> tuple[str, int]:
    """The user's password hash, and how many sessions they have."""

    async def look_up() -> tuple[str, int]:
        store = open_store(database_url)
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
        store = open_store(database)
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


SIGN_IN = (REPOSITORY / "docs" / "sign-in.md").read_text()
_, *RESET, _ = shlex.split(block_with(SIGN_IN, "sh", "reset-second-factor"))
"""The command that the page types, without the address."""


@pytest.fixture
def factor(database: str) -> None:
    """The user has a second factor, with recovery codes, and a session elsewhere."""
    asyncio.run(add_factor(database, is_confirmed=True))


async def add_factor(database: str, *, is_confirmed: bool) -> None:
    """Give the user an app that has given its first code, or has not yet."""
    store = open_store(database)
    clock = SystemClock()
    browser = Browser(address=None, user_agent="")
    begun = await sign_in(
        store,
        email=ADA,
        password=PASSWORD,
        browser=browser,
        passwords=fast_passwords(),
        clock=clock,
    )
    await begin_enrolment(store, begun.found, clock=clock)
    standing = await look_at_second_factor(store, begun.found.user)
    assert standing.enrolment is not None
    if is_confirmed:
        secret = b32decode(standing.enrolment.secret)
        code = code_at(secret, step_at(clock.now()))
        await confirm_enrolment(store, begun.found, code, address=None, clock=clock)
        await sign_in(
            store,
            email=ADA,
            password=PASSWORD,
            code=code_at(secret, step_at(clock.now()) + 1),
            browser=browser,
            passwords=fast_passwords(),
            clock=clock,
        )
    await store.close()


def rows_in(database: str, *tables: sa.Table) -> list[int]:
    """How many rows there are in each of these tables."""

    async def count() -> list[int]:
        store = open_store(database)
        try:
            return [len(await rows_of(store, table)) for table in tables]
        finally:
            await store.close()

    return asyncio.run(count())


def test_who_has_lost_the_second_factor_signs_in_with_the_password_alone(
    database: str, factor: None, capsys: pytest.CaptureFixture[str]
):
    assert rows_in(database, second_factors, recovery_codes, sessions) == [1, 10, 2]

    assert main([*RESET, "Ada@Example.com"]) == 0

    said = capsys.readouterr().out.splitlines()[-1]
    assert said == (
        "Ada@Example.com can sign in with the password alone, and is signed out everywhere."
    )
    assert rows_in(database, second_factors, recovery_codes, sessions) == [0, 0, 0]
    hashed, _ = state_of(database)
    assert says(PASSWORD, hashed)

    async def sign_in_again() -> None:
        store = open_store(database)
        (*_, last) = await rows_of(store, audit_entries)
        assert (last.action, last.actor_kind, last.actor_name) == (
            AuditAction.SECOND_FACTOR_REMOVED,
            COMMAND_LINE.kind,
            COMMAND_LINE.name,
        )
        assert last.after == {"email": ADA}
        await sign_in(
            store,
            email=ADA,
            password=PASSWORD,
            browser=Browser(address=None, user_agent=""),
            passwords=fast_passwords(),
            clock=SystemClock(),
        )
        await store.close()

    asyncio.run(sign_in_again())


@pytest.mark.parametrize(
    ("email", "sentence"),
    [
        ("bob@example.com", "There is no user bob@example.com."),
        ("ada@example.org", "There is no user ada@example.org."),
        ("nobody", "give an e-mail address"),
    ],
)
def test_the_second_factor_of_nobody_is_not_reset(
    database: str, factor: None, capsys: pytest.CaptureFixture[str], email: str, sentence: str
):
    assert main([*RESET, email]) == 1

    said = capsys.readouterr()
    assert sentence in said.err
    assert "can sign in" not in said.out
    assert rows_in(database, second_factors, recovery_codes, sessions) == [1, 10, 2]


@pytest.mark.parametrize("has_begun", [False, True])
def test_who_has_no_second_factor_stays_signed_in(
    database: str, capsys: pytest.CaptureFixture[str], *, has_begun: bool
):
    """An app that has given no code yet is none."""
    if has_begun:
        asyncio.run(add_factor(database, is_confirmed=False))
    before = rows_in(database, sessions, audit_entries)

    assert main([*RESET, ADA]) == 1

    assert f"{ADA} has no second factor." in capsys.readouterr().err
    assert rows_in(database, sessions, audit_entries) == before
