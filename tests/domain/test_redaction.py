"""Secrets of the environment do not leave the machine, in whatever spelling."""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runhook.domain.secrets.redaction import Redactor


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
        "DB_PASS",
        "MYSQL_PWD",
        "apiKey",
        "dbPassword",
        "SENTRY_DSN",
        "SNOWFLAKE_PASSWORD_PROD",
    ],
)
def test_knows_a_secret_by_its_name(name: str):
    assert Redactor({name: "hunter2"})("it was hunter2!") == "it was *****!"


@pytest.mark.parametrize(
    "name",
    [
        "HOME",
        "DBT_TARGET",
        "PATH",
        "KEYBOARD",
        "COMPAT_MODE",
        "PWD",
        "GCP_SECRET_PROJECT",
        "TOKEN_URL",
        "PASSWORD_FILE",
        "SECRET_NAME",
        "TOKENIZER",
        "BYPASS",
    ],
)
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


@pytest.mark.parametrize(
    "value",
    ["mysql://me:Vq7-secret@host/db", "me:Vq7-secret@tcp(host)/db", "host=h password=Vq7-secret"],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "PG_DSN"])
def test_the_password_in_a_connection_string_is_secret_by_itself(name: str, value: str):
    redact = Redactor({name: value})

    assert "Vq7-secret" not in redact("refused Vq7-secret")


def test_the_name_of_a_secrets_file_is_none():
    environ = {"GOOGLE_APPLICATION_CREDENTIALS": "/etc/keys/warehouse.json"}

    assert Redactor(environ)("no /etc/keys/warehouse.json") == "no /etc/keys/warehouse.json"


def test_a_secret_that_is_a_word_goes_where_it_stands_alone_and_stays_in_names():
    redact = Redactor({"DB_PASS": "opensesame"})

    assert redact("login with 'opensesame' failed") == "login with '*****' failed"
    for named in (
        "opensesame_orders",
        "models/opensesame/a.sql",
        "nightly-opensesame",
        "opensesame.sql",
    ):
        assert redact(named) == named


@pytest.mark.parametrize(
    ("environ", "text"),
    [
        ({"POSTGRES_PASSWORD": "postgres"}, 'role "postgres" does not exist'),
        ({"DB_PASSWORD": "shopping", "DB_USER": "shopping"}, "no schema shopping"),
        ({"API_TOKEN": "123456"}, "order 123456"),
    ],
)
def test_a_secret_that_everybody_knows_takes_no_word_away(environ: dict[str, str], text: str):
    assert Redactor(environ)(text) == text


def test_a_word_that_names_something_stays():
    redact = Redactor({"DB_PASSWORD": "shopping"}, names=["shopping-nightly"])

    assert redact("no schema shopping") == "no schema shopping"


PLACES: list[Callable[[str], str]] = [
    lambda v: f"password={v}",
    lambda v: f"PASSWORD: {v}",
    lambda v: f"db_password = '{v}'",
    lambda v: f"host=h user=u password={v} dbname=d",
    lambda v: f"Driver={{x}};UID=u;PWD={v};",
    lambda v: f"{{password: {v}, user: u}}",
    lambda v: f"credentials: {{key: {v}, user: u}}",
    lambda v: f'{{"api_key": "{v}", "user": "u"}}',
    lambda v: json.dumps(json.dumps({"token": v})),
    lambda v: f"Authorization: Bearer {v}",
    lambda v: f"-H 'X-Api-Key: {v}'",
    lambda v: f"https://x.example/a?access_token={v}&b=1",
    lambda v: f"https://x.example/a?sig={v}&b=1",
    lambda v: f"postgres://u:{v}@h:5432/d",
    lambda v: f"https://x:{v}@git.example/a.git",
    lambda v: f"redis://:{v}@h:6379/0",
    lambda v: f"jdbc:oracle:thin:scott/{v}@h:1521/d",
    lambda v: f"jdbc:sqlserver://h;user=u;password={v};",
    lambda v: f"u:{v}@tcp(h:3306)/d",
    lambda v: f"ALTER USER u WITH PASSWORD '{v}'",
    lambda v: f"CREATE USER u IDENTIFIED BY '{v}'",
    lambda v: f"export DB_PASS={v} && dbt build",
    lambda v: f"export DB_PASS='{v}'; dbt build",
    lambda v: f"docker run -e MYSQL_PWD={v} image",
    lambda v: f"x --password {v} --target prod",
    lambda v: f"x --token={v}",
    lambda v: f"x --password \\\n  {v}",
    lambda v: f"cat <<EOF\n  password: {v}\n  user: u\nEOF",
    lambda v: f"private_key: |\n  {v}\n  {v}\nuser: u",
    lambda v: f"-----BEGIN PRIVATE KEY-----\n{v}\n-----END PRIVATE KEY-----",
    lambda v: f"-----BEGIN RSA PRIVATE KEY-----\n{v} cut off",
    lambda v: f"dsn: 'https://{v}@sentry.example/1'",
]
secrets = st.from_regex(r"[A-Za-z0-9+_.!-][A-Za-z0-9+/_.!-]{7,29}", fullmatch=True)


@pytest.mark.parametrize("place", PLACES)
@given(secret=secrets)
def test_what_stands_in_a_secrets_place_goes_whatever_it_is(
    place: Callable[[str], str], secret: str
):
    assume(secret not in place("x" * 8))

    assert secret not in Redactor({})(f"failed: {place(secret)} at 12:00")
    assert secret not in Redactor({})(place(secret))


@pytest.mark.parametrize(
    "token",
    [
        "AKIA" + "Z" * 16,
        "dapi" + "0f" * 16,
        "ghp_" + "aB3" * 12,
        "github_pat_" + "aB3" * 12,
        "glpat-" + "aB3" * 7,
        "xoxb-123456789012-abcdef",
        "AIza" + "b" * 35,
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "whsec_" + base64.b64encode(bytes(32)).decode(),
        "dbtc_" + "aB3" * 10,
        "sk-" + "aB3" * 10,
    ],
)
@pytest.mark.parametrize("around", ["'{}'", "x {} y", "%20{}", "\\n{}", "({})"])
def test_a_known_kind_of_token_is_recognised_without_a_name(token: str, around: str):
    assert token not in Redactor({})(around.format(token))


def test_a_secret_that_a_line_break_splits_goes():
    redact = Redactor({"DB_PASS": "Zx9-q!r-77"})

    assert redact("near Zx9-\n    q!r-77, line 1\nok") == "near *****, line 1\nok"


@pytest.mark.parametrize(
    "unit",
    [
        "password=",
        "password='",
        'password: "',
        "secret: |\n  ",
        "password={",
        "token",
        "x-token-",
        "a" * 50,
        "://",
        "://a:8x",
        "-----BEGIN ",
        "eyJ",
        '\\"',
        "{[",
        "p\n",
        "identified by ",
        "\\",
        "a:b@",
    ],
)
def test_no_text_takes_more_than_its_length_in_time(unit: str):
    """Four times the text takes four times as long, not sixteen times."""
    redact = Redactor({"A_TOKEN": "aaaaaaaaaaaaaaaab", "B_TOKEN": "p-p-p-p-p-p-p-q"})

    def seconds(length: int) -> float:
        text = (unit * (length // len(unit) + 1))[:length]
        began = time.process_time()
        redact(text)
        return time.process_time() - began

    ratios = (seconds(200_000) / max(seconds(50_000), 1e-4) for _ in range(3))
    assert min(ratios) < 10


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (
            "key -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- ends here",
            "key ***** ends here",
        ),
        ("-----BEGIN KEY-----\nMIIE is cut", "*****"),
        (
            "-----BEGIN A-----\nx\n-----END A-----\nand\n-----BEGIN B-----\ny\n-----END B-----\n.",
            "*****\nand\n*****\n.",
        ),
        ("-----BEGIN KEY-----\nMIIE\n-----END KEY is odd", "*****KEY is odd"),
    ],
)
def test_a_key_goes_and_what_stands_around_it_stays(text: str, shown: str):
    assert Redactor({})(text) == shown


def test_a_key_in_one_line_is_as_secret_as_one_in_many():
    redact = Redactor({"PRIVATE_KEY": r"MIIEabcdefgh\nIJKLmnopqrst"})

    assert redact("it holds IJKLmnopqrst.") == "it holds *****."


def test_what_a_command_line_holds_is_secret_elsewhere_too():
    redact = Redactor({}, command_lines=["dbt build --password hunter2-planted"])

    assert redact("refused hunter2-planted") == "refused *****"
