"""Secrets of the environment do not leave the machine, in whatever spelling."""

import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runhook.domain.redaction import Redactor


@pytest.mark.parametrize(
    "name",
    [
        "DBT_ENV_SECRET_X",
        "SNOWFLAKE_PASSWORD",
        "PGPASSWORD",
        "GITHUB_TOKEN",
        "client_secret",
        "AWS_SECRET_ACCESS_KEY",
        "OPENAI_API_KEY",
        "PRIVATE_KEY_PASSPHRASE",
        "GOOGLE_CREDENTIALS",
        "AZURE_STORAGE_ACCOUNT_KEY",
        "GIT_PAT",
    ],
)
def test_knows_a_secret_by_its_name(name: str):
    assert Redactor({name: "hunter2"})("it was hunter2!") == "it was *****!"


@pytest.mark.parametrize("name", ["HOME", "DBT_TARGET", "PATH", "KEYBOARD", "COMPAT_MODE"])
def test_leaves_other_values_alone(name: str):
    assert Redactor({name: "hunter2"})("it was hunter2!") == "it was hunter2!"


def test_a_short_value_of_a_variable_that_merely_looks_secret_is_a_word():
    assert Redactor({"USE_TOKEN": "true"})("this is true") == "this is true"


def test_a_short_value_that_dbt_calls_secret_is_one():
    assert Redactor({"DBT_ENV_SECRET_PIN": "42"})("pin 42") == "pin *****"


def test_a_secret_that_begins_with_another_goes_as_a_whole():
    redact = Redactor({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefghij"})

    assert redact("abcdefghij abcdef") == "***** *****"


def test_every_line_of_a_private_key_is_secret():
    redact = Redactor({"PRIVATE_KEY": "-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n"})

    assert redact("near 'MIIEvQIBADAN'") == "near '*****'"


def test_hides_credentials_in_addresses():
    assert Redactor({})("postgres://me:pw@host/db") == "postgres://*****@host/db"


def test_an_empty_secret_hides_nothing():
    assert Redactor({"DBT_ENV_SECRET_X": ""})("text") == "text"


def test_does_not_show_what_it_hides():
    assert "hunter2" not in repr(Redactor({"A_TOKEN": "hunter2"}))


@given(secret=st.text(min_size=6), before=st.text(), after=st.text())
def test_no_spelling_of_a_secret_remains(secret: str, before: str, after: str):
    redact = Redactor({"DBT_ENV_SECRET_X": secret})
    # What is put in its place must not itself spell the secret.
    assume("*" not in secret)

    for spelled in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
        assert spelled not in redact(f"{before}[{spelled}]{after}")
