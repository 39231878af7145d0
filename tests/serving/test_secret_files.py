"""Secrets in files that variables name: what is taken, and what is said of the rest."""

import os
from pathlib import Path

import pytest

from runhook.domain.errors import InvalidError
from runhook.secret_files import secret_in

TOKEN = "a-token-that-is-secret"


def token_in(path: str | Path, **others: str) -> str | None:
    return secret_in({"RUNHOOK_TOKEN_FILE": str(path), **others}, "RUNHOOK_TOKEN")


def refusal(path: str | Path, **others: str) -> str:
    with pytest.raises(InvalidError) as error:
        token_in(path, **others)
    return error.value.message


@pytest.mark.parametrize("around", ["{}", "{}\n", "{}\r\n", "  {}\t\n\n", "\ufeff{}\r\n"])
def test_what_editors_leave_around_a_secret_is_none_of_it(tmp_path: Path, around: str):
    path = tmp_path / "token"
    path.write_text(around.format(TOKEN), newline="")

    assert token_in(path) == TOKEN


def test_a_link_to_the_file_is_followed(tmp_path: Path):
    """Kubernetes mounts each secret as a link to a link."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "token").write_text(TOKEN)
    (tmp_path / "..data").symlink_to("data")
    (tmp_path / "token").symlink_to("..data/token")

    assert token_in(tmp_path / "token") == TOKEN


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\r\n \n", "is empty"),
        (b"\xff\xfea\0", "is not UTF-8 text"),
        (b"a\0b", "is not text"),
        (b"one\ntwo\n", "has more than one line"),
        (b"a" * (64 * 1024 + 1), "has more than 64 KiB"),
    ],
)
def test_a_file_that_holds_no_secret_is_named(tmp_path: Path, content: bytes, words: str):
    path = tmp_path / "token"
    path.write_bytes(content)

    assert refusal(path) == f"RUNHOOK_TOKEN_FILE: the file {path} {words}"


def test_what_is_no_file_is_named(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe")

    assert refusal("/not/there").endswith("/not/there cannot be read: No such file or directory")
    assert refusal(tmp_path).endswith(f"{tmp_path} is not a regular file")
    assert refusal(tmp_path / "pipe").endswith(f"{tmp_path}/pipe is not a regular file")
    assert refusal("/dev/zero").endswith("/dev/zero is not a regular file")
    assert refusal("~nobody-of-that-name/x").endswith("there is no such home folder")


def test_one_place_is_enough(tmp_path: Path):
    assert (
        refusal(tmp_path / "token", RUNHOOK_TOKEN="another")
        == "RUNHOOK_TOKEN and RUNHOOK_TOKEN_FILE are both set; leave one of them out"
    )


def test_nothing_is_said_by_empty_variables():
    assert token_in("", RUNHOOK_TOKEN=" \n") is None
    assert token_in(" ", RUNHOOK_TOKEN=f" {TOKEN}\r\n") == TOKEN


@pytest.mark.parametrize(
    "secret", [TOKEN, "postgresql://me:hush@host/db", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IHM/=="]
)
def test_a_secret_in_the_place_of_its_files_name_is_not_shown(secret: str):
    assert secret not in refusal(secret)
    assert refusal(secret).startswith("RUNHOOK_TOKEN_FILE: the file it names cannot be read: ")
