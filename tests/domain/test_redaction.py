"""Secrets of the environment do not leave the machine, in whatever spelling."""

import base64
import json
import time
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from runhook.domain.secrets.places import WINDOW
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
        "accessKey",
        "signingKey",
        "apiToken",
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
        "SORT_KEY",
        "ACCESS_ZONE",
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


def test_a_secret_that_begins_with_another_goes_as_a_whole_though_neither_stands_apart():
    redact = Redactor({"DBT_ENV_SECRET_A": "ab-7!", "DBT_ENV_SECRET_B": "ab-7!xyz"})

    assert redact("ab-7!xyzab-7!") == "**********"


@pytest.mark.parametrize(
    ("secret", "spelled"),
    [
        ("Zé/b c+d", "Z%C3%A9%2Fb%20c%2Bd"),
        ("Zé/b c+d", "Z%C3%A9/b%20c%2Bd"),
        ("Zé/b c+d", "Z%C3%A9%2Fb+c%2Bd"),
        ("Zé/b c+d", "Z%c3%a9%2fb%20c%2bd"),
        ("Zé/b c+d", "Z%c3%a9/b%20c%2bd"),
        ('é"7x', r"\u00e9\"7x"),
        ('é"7x', r"é\"7x"),
        ("7x\x1b\n", r"7x\x1b\n"),
        ("it's-7x", "it''s-7x"),
        ("it's-7x", "it'\"'\"'s-7x"),
        ("abcdefg7", "YWJjZGVmZzc"),
        ("~~~???>>>", "fn5+Pz8/Pj4+"),
        ("~~~???>>>", "fn5-Pz8_Pj4-"),
    ],
)
def test_a_secret_goes_as_addresses_json_shells_sql_and_headers_spell_it(secret: str, spelled: str):
    redact = Redactor({"DBT_ENV_SECRET_X": secret})

    assert redact(f"[{spelled}]") == "[*****]"
    assert redact(f"[{spelled[1:]}]") == f"[{spelled[1:]}]"


def test_less_than_8_characters_in_base64_may_be_a_part_of_anything():
    assert Redactor({"DBT_ENV_SECRET_X": "abcdef7"})("YWJjZGVmNw") == "YWJjZGVmNw"


def test_every_line_of_a_private_key_is_secret():
    redact = Redactor({"PRIVATE_KEY": "-----BEGIN KEY-----\nMIIEvQIBADAN\n-----END KEY-----\n"})

    assert redact("near 'MIIEvQIBADAN'") == "near '*****'"


def test_hides_credentials_in_addresses():
    assert Redactor({})("postgres://me:pw@host/db") == "postgres://*****@host/db"


def test_an_empty_secret_hides_nothing():
    assert Redactor({"DBT_ENV_SECRET_X": ""})("text") == "text"


def test_does_not_show_what_it_hides():
    assert repr(Redactor({"A_TOKEN": "hunter2"})) == "Redactor(...)"


@given(secret=st.text(min_size=6), before=st.text(), after=st.text())
def test_no_spelling_of_a_secret_remains(secret: str, before: str, after: str):
    redact = Redactor({"DBT_ENV_SECRET_X": secret})
    # What is put in its place must not itself spell the secret.
    assume("*" not in secret)

    for spelled in (secret, quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]):
        assert spelled not in redact(f"{before}[{spelled}]{after}")


@pytest.mark.parametrize(
    "value",
    [
        "mysql://me:Vq7-secret@host/db",
        "https://Vq7-secret@git.example.com/a.git",
        "host=h password=Vq7-secret",
        "--user u --password Vq7-secret",
        '{"conn_type": "snowflake", "password": "Vq7-secret"}',
    ],
)
@pytest.mark.parametrize("name", ["DATABASE_URL", "PG_DSN", "AIRFLOW_CONN_WAREHOUSE"])
def test_the_password_in_a_connection_string_is_secret_by_itself(name: str, value: str):
    redact = Redactor({name: value})

    assert "Vq7-secret" not in redact("refused Vq7-secret")


@pytest.mark.parametrize("address", ["mysql://me:{}@host:3306/db", "me:{}@tcp(host:3306)/db"])
def test_a_password_may_have_the_characters_that_stand_around_it(address: str):
    redact = Redactor({"MYSQL_DSN": address.format("Vq7:se@cret")})

    assert redact("refused Vq7:se@cret") == "refused *****"


@pytest.mark.parametrize(
    ("secret", "spelled"),
    [
        ("caf\udce9-7x!q", ["caf\udce9-7x!q", "caf%E9-7x%21q", "Y2Fm6S03eCFx", r"caf\udce9-7x!q"]),
        ("caf\udce9-7x!q", ["caf\N{REPLACEMENT CHARACTER}-7x!q", r"caf\ufffd-7x!q"]),
        ("half\ud83d-7x", ["half\ud83d-7x", "half%ED%A0%BD-7x", r"half\ud83d-7x"]),
    ],
)
def test_a_secret_that_is_no_text_goes_too(secret: str, spelled: list[str]):
    """A variable may hold any bytes, and on Windows half of a character."""
    redact = Redactor({"DB_PASS": secret})

    assert [redact(f"[{one}]") for one in spelled] == ["[*****]"] * len(spelled)


def test_what_stands_behind_a_colon_of_a_path_is_no_password():
    redact = Redactor({"A_SECRET": "projects/shop/secrets/db:latest-one@eu"})

    assert redact("no version latest-one") == "no version latest-one"


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
    ("secret", "text", "shown"),
    [
        ("Zx9q7r1k2m5", "a_Zx9q7r1k2m5 (Zx9q7r1k2m5)", "a_Zx9q7r1k2m5 (*****)"),
        ("Zx9q7r1k2m5n", "a_Zx9q7r1k2m5nb", "a_*****b"),
        ("Zx9-q!r", "aZx9-q!rb", "a*****b"),
        ("o" * 19, "o" * 19 + "_orders", "o" * 19 + "_orders"),
        ("o" * 20, "o" * 20 + "_orders", "*****_orders"),
        ("1234567890", "a1234567890", "a1234567890"),
        ("123456789", "order 123456789", "order *****"),
        ("12345678", "order 12345678", "order 12345678"),
        ("Zx9-q7", "a\nZx9-q7", "a\n*****"),
        ("Zx9-q", "a Zx9-q", "a Zx9-q"),
    ],
)
def test_the_shorter_a_secret_the_more_apart_it_has_to_stand(secret: str, text: str, shown: str):
    assert Redactor({"DB_PASS": secret})(text) == shown


def test_lines_of_a_secret_count_from_6_characters():
    redact = Redactor({"PRIVATE_KEY": "Zx9-q7\nZx9-w"})

    assert redact("Zx9-q7 Zx9-w") == "***** Zx9-w"


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


def test_a_word_goes_though_a_variable_of_another_kind_has_it_too():
    redact = Redactor({"DB_PASSWORD": "shopping", "COLOUR": "shopping"})

    assert redact("no schema shopping") == "no schema *****"


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
    ("text", "shown"),
    [
        ('password="a" next', 'password="*****" next'),
        ("password='a' next", "password='*****' next"),
        ("password=`a b` next", "password=`*****` next"),
        ("password=$'a b' next", "password=$'*****' next"),
        ('password="a\\"b\\"c" next "d"', 'password="*****" next "d"'),
        ("password=\"a'b\" next 'c'", "password=\"*****\" next 'c'"),
        ('password=\'a"b\' next "c"', "password='*****' next \"c\""),
        ("password='a\\' next", "password='*****' next"),
        ('password="a next', "password=*****"),
        ("password='' next", "password='' next"),
        ('\\"password\\": \\"a\\" next \\"b\\"', '\\"password\\": \\"*****\\" next \\"b\\"'),
        (
            '{"a": "{\\"token\\": \\"x y\\"}", "user": "u"}',
            '{"a": "{\\"token\\": \\"*****\\"}", "user": "u"}',
        ),
        ('"password": "a", "user": "u"', '"password": "*****", "user": "u"'),
        ("x='1' password='a' y='2'", "x='1' password='*****' y='2'"),
        ('password="""a""" next', 'password="*****" next'),
        ('password="a\\""', 'password="*****"'),
        ('password="\\"" next', 'password="*****" next'),
    ],
)
def test_a_value_in_quotes_ends_at_the_quote_that_closes_it(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password='a'b next", "password=***** next"),
        ("password='a'\"b c\"'d' next 'e'", "password='*****' next 'e'"),
        ("password='a'\\''b' next", "password='*****' next"),
        ("password='a'\\ b next", "password=***** next"),
        ("password='a'`b c`d next", "password=***** next"),
        ("password='a'\"b c next", "password=*****"),
        ("password='a',b", "password='*****',b"),
        ("password='a';b", "password='*****';b"),
        ("password='a')b", "password='*****')b"),
        ("password='a']b", "password='*****']b"),
        ("password='a'}b", "password='*****'}b"),
        ("password='a'\nb", "password='*****'\nb"),
        ("password='a'Xb c X", "password=***** c X"),
    ],
)
def test_a_word_of_a_shell_goes_on_behind_a_quote(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password={a} next}", "password=***** next}"),
        ("password={a: [b, {c}], d} next}", "password=***** next}"),
        ("password=[a, [b], c] next]", "password=***** next]"),
        ("password=[a next", "password=*****"),
        ("password=[XaX] next", "password=***** next"),
        ("password=Xa next", "password=***** next"),
    ],
)
def test_a_list_or_an_object_goes_as_a_whole(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("secret: a b c\nuser: u", "secret: *****\nuser: u"),
        ('x\n  - "secret": a b, c\nuser: u', 'x\n  - "secret": *****\nuser: u'),
        ("x\ndb.secret: a b\nc", "x\ndb.secret: *****\nc"),
        ("{secret: a b, user: u}", "{secret: *****, user: u}"),
        ('{a: 1, "secret": a b}', '{a: 1, "secret": *****}'),
        ("{db.secret: a b, user: u}", "{db.secret: *****, user: u}"),
        ("{secret: a b\nuser: u}", "{secret: *****\nuser: u}"),
        ("{secret=a b, user: u}", "{secret=***** b, user: u}"),
        ("say secret: a b", "say secret: ***** b"),
        ("say secret=a b, c", "say secret=***** b, c"),
        ("secret = a b\nc", "secret = ***** b\nc"),
        ("secret: |-\n  a\n\n  b\nuser: u", "secret: *****user: u"),
        ("secret: | a b\nuser: u", "secret: *****\nuser: u"),
        ("say secret: |\n  a\n  b", "say secret: *****"),
    ],
)
def test_a_value_of_a_configuration_ends_with_its_line_or_its_part(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("password=a;b next", "password=*****;b next"),
        ("password=a&b=c", "password=*****&b=c"),
        ("password=a\\ b next", "password=***** next"),
        ("password=a'b'c next", "password=***** next"),
        ("(password=a) next", "(password=*****) next"),
        ("<password=a> next", "<password=*****> next"),
        ("'password=a' next", "'password=*****' next"),
        ("password => a next", "password => ***** next"),
        ("password := a next", "password := ***** next"),
        ('["password"] = a next', '["password"] = ***** next'),
        ("password:\n  a\nuser", "password:\n  *****\nuser"),
        ("password=a password=b next", "password=***** password=***** next"),
        ('password="token=x" next', 'password="*****" next'),
        ("password=", "password="),
        ("say password", "say password"),
    ],
)
def test_a_bare_value_ends_where_its_word_does(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("--password a next", "--password ***** next"),
        ("-password\ta next", "-password\t***** next"),
        ("--password \\\n a next", "--password \\\n ***** next"),
        ("--password ", "--password "),
        ("password a next", "password a next"),
        ("WITH PASSWORD 'a' next", "WITH PASSWORD '*****' next"),
        ("the token 'a' next", "the token 'a' next"),
        ("IDENTIFIED BY 'a' next", "IDENTIFIED BY '*****' next"),
        ("identified  by a next", "identified  by ***** next"),
        ("identified by", "identified by"),
    ],
)
def test_a_value_may_stand_behind_a_flag_or_a_word_of_sql(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("say Authorization: Bearer a.b, next", "say Authorization: *****, next"),
        ("say Authorization: token a next", "say Authorization: ***** next"),
        ("say Authorization: Bearer, next", "say Authorization: *****, next"),
        ("say Authorization: a next", "say Authorization: ***** next"),
    ],
)
def test_a_scheme_has_its_credential_behind_it(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("my.db-password=a next", "my.db-password=***** next"),
        ("monkey=a next", "monkey=a next"),
        ("token_url=a next", "token_url=a next"),
        ("connection_string=a;b next", "connection_string=*****;b next"),
    ],
)
def test_only_a_name_that_tells_of_a_secret_has_one(text: str, shown: str):
    assert Redactor({})(text) == shown


@pytest.mark.parametrize(
    "before",
    [
        "say password='",
        "say password='a'",
        "say password='a'\"",
        "say password=\\'",
        "say password=[",
        "say password=",
        "say Authorization: ",
        "secret: ",
        "secret: |\n ",
        "x, secret: ",
    ],
)
def test_a_value_is_looked_for_no_further_than_it_may_be_long(before: str):
    text = before + "x" * 2 * WINDOW

    shown = Redactor({})(text)

    value = len(before.partition("=")[2] or before.partition(": ")[2])
    assert shown == text[: len(before) - value] + "*****" + "x" * (WINDOW + value)


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


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("near Zx9-\n    q!r-77, line 1\nok", "near *****, line 1\nok"),
        ("one\ntwo Zx9-\nq!r-77 and\nZx9-q!r-\n77 x\n", "one\ntwo ***** and\n***** x\n"),
        ("a\nZx9-q!r-7\n7\nb", "a\n*****\nb"),
        ("Z\nx9-q!r-77\nb", "*****\nb"),
        ("Zx9-\r\nq!r\\\n-77\nb", "*****\nb"),
        ("Zx9-q!r-77\nb", "*****\nb"),
    ],
)
def test_a_secret_that_a_line_break_splits_goes(text: str, shown: str):
    redact = Redactor({"DB_PASS": "Zx9-q!r-77"})

    assert redact(text) == shown


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
