"""Reading the settings: who wins, and what is said of a value that is not valid."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.deliveries.retries import DEFAULT_SCHEDULE
from runhook.domain.errors import InvalidError
from runhook.domain.network.destinations import AddressPolicy
from runhook.domain.network.proxies import Proxies
from runhook.settings import SETTINGS, Hidden, load
from runhook.storage.engine._sqlite import file_of
from runhook.wiring import lease_duration, send_margin

NOBODY = 65_534
VALUES = {
    "host": ("10.0.0.1", "10.0.0.2", "10.0.0.3"),
    "port": ("1", "2", "3"),
    "data_dir": ("flag", "environment", "file"),
    "master_key": ("key-of-a-flag", "key-of-the-environment", "key-of-a-file"),
    "database_url": ("sqlite:///flag", "sqlite:///environment", "sqlite:///file"),
    "database_pooler": ("session", "transaction", "auto"),
    "allow_networks": ("10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"),
    "public_url": ("https://flag.test", "https://environment.test", "https://file.test"),
    "tls_cert": ("flag.pem", "environment.pem", "file.pem"),
    "tls_key": ("flag.key", "environment.key", "file.key"),
    "smtp_url": ("smtp://flag.test", "smtp://environment.test", "smtps://file.test"),
    "smtp_from": ("flag@flag.test", "e@environment.test", "A file <f@file.test>"),
    "default_payload_version": ("2022-05", "2023-02", "2022-05"),
    "trusted_proxies": ("10.0.0.0/8", "10.1.0.0/16", "10.2.0.0/16"),
    "oidc_issuer": ("https://flag.test", "https://environment.test", "https://file.test"),
    "oidc_client_id": ("flag", "environment", "file"),
    "oidc_client_secret": ("of-a-flag", "of-the-environment", "of-a-file"),
    "oidc_name": ("Flag", "Environment", "File"),
    "oidc_scopes": ("openid flag", "openid environment", "openid file"),
    "oidc_groups_claim": ("flag", "environment", "file"),
    "oidc_groups": ("a=1:owner", "a=1:admin", "a=1:member"),
    "trusted_user_header": ("x-flag", "x-environment", "x-file"),
    "trusted_groups_header": ("x-flags", "x-environments", "x-files"),
    "trusted_groups": ("a=1:owner", "a=1:admin", "a=1:member"),
    "password_users": ("a@flag.test", "a@environment.test", "a@file.test"),
    "second_factor_roles": ("owner", "admin", "member"),
    "bootstrap_token": ("a-token-of-a-flag", "a-token-of-the-environment", "a-token-of-a-file"),
    "retry_schedule": ("1,2", "3,4", "5,6"),
    "attempt_timeout": ("1", "2", "60"),
    "retention_days": ("1", "2", "3"),
    "max_webhooks": ("1", "2", "3"),
    "max_consumers": ("1", "2", "3"),
    "max_jobs": ("1", "2", "3"),
    "max_open_runs": ("1", "2", "3"),
    "max_tokens": ("1", "2", "3"),
    "max_members": ("1", "2", "3"),
    "max_run_artifacts": ("1", "2", "3"),
    "max_run_artifact_megabytes": ("1", "2", "3"),
    "artifact_megabytes": ("4", "5", "6"),
    "max_connections": ("10", "11", "12"),
    "max_connections_per_address": ("4", "5", "6"),
    "max_head_kilobytes": ("8", "16", "64"),
    "client_timeout": ("1", "2", "3"),
    "outage_patience": ("0", "5", "6"),
    "idle_timeout": ("4", "5", "6"),
    "dispatcher": ("no", "off", "false"),
    "metrics_host": ("::1", "127.0.0.2", "127.0.0.3"),
    "metrics_port": ("7", "8", "9"),
    "log_format": ("json", "text", "auto"),
    "log_level": ("debug", "warning", "error"),
    "log_requests": ("yes", "no", "all"),
}
"""A valid text for each setting from a flag, the environment and the file."""

BAD_VALUES = [
    ("port", "http"),
    ("port", "65536"),
    ("port", "-1"),
    ("port", "80.5"),
    ("port", "+8580"),
    ("port", "8_580"),
    ("port", "٨٥٨٠"),
    ("port", "9" * 5000),
    ("port", "tcp://10.0.0.1"),
    ("host", "0.0.0.0:8580"),
    ("host", "http://127.0.0.1"),
    ("host", "[127.0.0.1:1]"),
    ("host", "[::1"),
    ("metrics_host", "::1::"),
    ("max_connections", "0"),
    ("max_head_kilobytes", "7"),
    ("client_timeout", "0"),
    ("database_pooler", "statement"),
    ("outage_patience", "61"),
    ("idle_timeout", "1h"),
    ("allow_networks", "everything"),
    ("allow_networks", "10.0.0.0/33"),
    ("public_url", "runhook.example.com"),
    ("public_url", "ftp://runhook.example.com"),
    ("public_url", "http://[::1"),
    ("public_url", "https://example.com/runhook?a=1"),
    ("public_url", "https://example.com/runhook#a"),
    ("public_url", "https://example.com/'run hook'"),
    ("smtp_url", "mail.example.com:587"),
    ("smtp_url", "smtp://user@mail.example.com"),
    ("smtp_from", "Runhook"),
    ("smtp_from", "Runhook <runhook>"),
    ("trusted_proxies", "loopback"),
    ("trusted_proxies", "*"),
    ("oidc_issuer", "http://login.example.com"),
    ("oidc_groups", "data-team"),
    ("trusted_user_header", "Cookie"),
    ("trusted_groups_header", "X Groups"),
    ("password_users", "ada"),
    ("second_factor_roles", "boss"),
    ("bootstrap_token", "short"),
    ("retry_schedule", "10,soon"),
    ("retry_schedule", "-1"),
    ("retry_schedule", ",".join(["1"] * 21)),
    ("attempt_timeout", "0"),
    ("attempt_timeout", "61"),
    ("attempt_timeout", "2.5"),
    ("retention_days", "0"),
    ("retention_days", "3651"),
    ("retention_days", "forever"),
    ("max_webhooks", "0"),
    ("max_jobs", "many"),
    ("artifact_megabytes", "0"),
    ("artifact_megabytes", "513"),
    ("dispatcher", "maybe"),
    ("metrics_port", "many"),
    ("log_format", "xml"),
    ("log_level", "loud"),
    ("log_requests", "some"),
]


def write(folder: Path, text: str) -> None:
    (folder / "runhook.toml").write_text(text, encoding="utf-8")


def test_the_defaults_need_nothing(tmp_path: Path):
    settings, origins = load({}, {}, tmp_path)

    assert settings.host == "127.0.0.1"
    assert settings.port == 8580
    assert settings.data_dir == Path("runhook-data")
    assert settings.database_url is None
    assert settings.allow_networks == AddressPolicy()
    assert settings.public_url is None
    assert settings.bootstrap_token is None
    assert settings.retry_schedule == DEFAULT_SCHEDULE
    assert settings.attempt_timeout == timedelta(seconds=10)
    assert settings.retention_days == timedelta(days=30)
    assert settings.artifact_megabytes == 64
    assert settings.proxies == Proxies()
    assert settings.dispatcher is True
    assert settings.metrics_port is None
    assert {origin.place for origin in origins.values()} == {"default"}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_a_flag_wins_over_the_environment_and_that_over_the_file(tmp_path: Path, setting):
    flag, environment, in_file = VALUES[setting.name]
    write(tmp_path, f'{setting.name} = "{in_file}"')
    variable = f"RUNHOOK_{setting.name.upper()}"

    from_file = load({setting.name: None}, {}, tmp_path)[1][setting.name]
    from_environment = load({}, {variable: environment}, tmp_path)[1][setting.name]
    from_flag = load({setting.name: flag}, {variable: environment}, tmp_path)[1][setting.name]

    assert (from_file.text, from_file.place) == (in_file, str(tmp_path / "runhook.toml"))
    assert (from_environment.text, from_environment.place) == (environment, variable)
    assert (from_flag.text, from_flag.place) == (flag, setting.flag)


LISTS = [
    "allow_networks",
    "oidc_groups",
    "password_users",
    "retry_schedule",
    "second_factor_roles",
    "trusted_groups",
    "trusted_proxies",
]


@pytest.mark.parametrize("name", sorted(VALUES.keys() - set(LISTS)))
def test_an_empty_text_is_as_good_as_none(tmp_path: Path, name: str):
    unset = load({}, {}, tmp_path)[1][name]
    _, environment, in_file = VALUES[name]
    variable = f"RUNHOOK_{name.upper()}"

    write(tmp_path, f'{name} = ""')
    everywhere = load({name: ""}, {variable: ""}, tmp_path)[1][name]
    write(tmp_path, f'{name} = "{in_file}"')
    but_in_file = load({name: ""}, {variable: ""}, tmp_path)[1][name]
    but_in_environment = load({name: ""}, {variable: environment}, tmp_path)[1][name]

    assert everywhere == unset
    assert but_in_file.text == in_file
    assert but_in_environment.text == environment


@pytest.mark.parametrize("name", LISTS)
def test_an_empty_text_is_an_empty_list_where_a_list_is_asked_for(tmp_path: Path, name: str):
    _, environment, in_file = VALUES[name]
    variable = f"RUNHOOK_{name.upper()}"

    write(tmp_path, f'{name} = "{in_file}"')
    _, by_environment = load({}, {variable: ""}, tmp_path)
    _, by_flag = load({name: ""}, {variable: environment}, tmp_path)
    write(tmp_path, f"{name} = []")
    _, by_file = load({}, {}, tmp_path)

    assert (by_environment[name].text, by_environment[name].place) == ("", variable)
    assert (by_flag[name].text, by_flag[name].place) == ("", f"--{name.replace('_', '-')}")
    assert (by_file[name].text, by_file[name].place) == ("", str(tmp_path / "runhook.toml"))


def test_no_network_and_no_retry_can_be_asked_for(tmp_path: Path):
    write(tmp_path, 'allow_networks = ["10.0.0.0/8"]')

    settings, _ = load({}, {"RUNHOOK_ALLOW_NETWORKS": "", "RUNHOOK_RETRY_SCHEDULE": ""}, tmp_path)

    assert settings.allow_networks == AddressPolicy()
    assert settings.retry_schedule.delays == ()


def test_the_file_may_be_one_that_windows_has_written(tmp_path: Path):
    (tmp_path / "runhook.toml").write_bytes(b"\xef\xbb\xbfport = 9000\r\nhost = '::1'\r\n")

    settings, _ = load({}, {}, tmp_path)

    assert (settings.port, settings.host) == (9000, "::1")


def test_the_file_may_use_numbers_and_lists(tmp_path: Path):
    write(
        tmp_path,
        'port = 9000\nallow_networks = ["10.0.0.0/8", "fd00::/8"]\nretry_schedule = [1, 2.5]\n',
    )

    settings, _ = load({}, {}, tmp_path)

    assert settings.port == 9000
    assert settings.allow_networks == AddressPolicy.parse("10.0.0.0/8,fd00::/8")
    assert settings.retry_schedule.delays == (timedelta(seconds=1), timedelta(seconds=2.5))


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("prot", "`prot` is not a setting; did you mean `port`?"),
        ("database", "`database` is not a setting; did you mean `database_url`?"),
        ("zzz", "`zzz` is not a setting"),
    ],
)
def test_an_unknown_key_in_the_file_is_refused_with_the_nearest_name(
    tmp_path: Path, key: str, message: str
):
    write(tmp_path, f"{key} = 1")

    with pytest.raises(InvalidError) as error:
        load({}, {}, tmp_path)

    assert str(error.value) == f"{tmp_path / 'runhook.toml'}: {message}"


@pytest.mark.parametrize(("name", "text"), BAD_VALUES)
def test_a_value_that_is_not_valid_is_refused_with_its_setting_and_its_place(
    tmp_path: Path, name: str, text: str
):
    variable = f"RUNHOOK_{name.upper()}"
    (flag,) = [setting.flag for setting in SETTINGS if setting.name == name]

    with pytest.raises(InvalidError) as from_environment:
        load({}, {variable: text}, tmp_path)
    with pytest.raises(InvalidError) as from_flag:
        load({name: text}, {}, tmp_path)
    write(tmp_path, f'{name} = "{text}"')
    with pytest.raises(InvalidError) as from_file:
        load({}, {}, tmp_path)

    assert str(from_environment.value).startswith(f"{variable} (from {variable}): ")
    assert str(from_flag.value).startswith(f"{variable} (from {flag}): ")
    assert str(from_file.value).startswith(f"{variable} (from {tmp_path / 'runhook.toml'}): ")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("port", "http", "`http` is not a port from 0 to 65535"),
        ("retention_days", "forever", "`forever` is not a number of days from 1 to 3650"),
        ("public_url", "http://[::1", "`http://[::1` is not an address such as"),
    ],
)
def test_the_message_says_what_would_be_valid(tmp_path: Path, name: str, text: str, message: str):
    with pytest.raises(InvalidError) as error:
        load({name: text}, {}, tmp_path)

    assert message in str(error.value)


@pytest.mark.parametrize("content", [b"port = ", b"\xff\xfe", b"port = 1\nport = 2\n"])
def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path, content: bytes):
    (tmp_path / "runhook.toml").write_bytes(content)

    with pytest.raises(InvalidError) as error:
        load({}, {}, tmp_path)

    assert str(error.value).startswith(f"{tmp_path / 'runhook.toml'} cannot be read: ")


def test_a_folder_that_is_closed_to_us_has_no_settings_of_ours(tmp_path: Path):
    """As root's home is when root lets a command run as another user."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "runhook.toml").write_text("port = 1")
    folder.chmod(0)
    user = os.getuid()
    if user == 0:
        os.setresuid(NOBODY, NOBODY, 0)
    try:
        settings, _ = load({}, {}, folder)
    finally:
        os.setresuid(user, user, user)
        folder.chmod(0o700)

    assert settings.port == 8580


def test_secrets_do_not_show_in_a_repr(tmp_path: Path):
    settings, _ = load(
        {"database_url": "postgresql://me:hush@host/db", "bootstrap_token": "hush-hush-hush-hush"},
        {},
        tmp_path,
    )

    assert isinstance(settings.database_url, Hidden)
    assert isinstance(settings.bootstrap_token, Hidden)
    assert "hush" not in repr(settings)
    assert "hush" not in f"{settings.database_url} {settings.bootstrap_token!r}"
    assert settings.address_of_database() == "postgresql://me:hush@host/db"


def test_a_short_bootstrap_token_is_refused_without_being_shown(tmp_path: Path):
    with pytest.raises(InvalidError) as error:
        load({}, {"RUNHOOK_BOOTSTRAP_TOKEN": "hush"}, tmp_path)

    assert "hush" not in str(error.value)


def test_mail_needs_a_server_and_a_sender_and_shows_no_password(tmp_path: Path):
    url, sender = "smtps://ada:hush@mail.example.com", "Runhook <runhook@example.com>"
    both, _ = load({}, {"RUNHOOK_SMTP_URL": url, "RUNHOOK_SMTP_FROM": sender}, tmp_path)

    assert both.mail() is not None
    assert both.address_policy().has_mail
    assert "hush" not in repr(both)
    for one in ({"RUNHOOK_SMTP_URL": url}, {"RUNHOOK_SMTP_FROM": sender}):
        with pytest.raises(InvalidError, match="set both"):
            load({}, one, tmp_path)[0].mail()
    assert not load({}, {}, tmp_path)[0].address_policy().has_mail


def test_without_an_address_the_database_is_sqlite_in_the_data_folder(tmp_path: Path):
    settings, _ = load({"data_dir": str(tmp_path)}, {}, tmp_path)

    assert settings.address_of_database() == f"sqlite:///{tmp_path}/runhook.db"


@pytest.mark.parametrize("name", ["50% off?", "a#b&c=d;e", 'it\'s "quoted" %20', "データ 🚀"])
def test_a_folder_may_have_what_means_something_in_an_address(tmp_path: Path, name: str):
    settings, _ = load({"data_dir": str(tmp_path / name)}, {}, tmp_path)

    assert file_of(settings.address_of_database()) == tmp_path / name / "runhook.db"


def test_a_folder_whose_name_is_not_text_is_refused(tmp_path: Path):
    settings, _ = load({"data_dir": f"{tmp_path}/\udcff"}, {}, tmp_path)

    with pytest.raises(InvalidError, match="name is not UTF-8"):
        settings.address_of_database()


def test_a_folder_may_be_in_the_home_folder(tmp_path: Path):
    home = Path.home()

    assert load({"data_dir": "~/data"}, {}, tmp_path)[0].data_dir == home / "data"
    with pytest.raises(InvalidError, match="no home folder for `~nobody-of-that-name/data`"):
        load({"data_dir": "~nobody-of-that-name/data"}, {}, tmp_path)


SPACES = [" {} ", "{}\n", "{}\r\n", "\t{}\r"]


@pytest.mark.parametrize("around", SPACES)
@pytest.mark.parametrize("name", VALUES)
def test_white_space_around_a_value_is_none_of_it(tmp_path: Path, name: str, around: str):
    flag, environment, in_file = VALUES[name]
    variable = f"RUNHOOK_{name.upper()}"
    write(tmp_path, f"{name} = {json.dumps(around.format(in_file))}")

    read = [
        load({}, {}, tmp_path),
        load({}, {variable: around.format(environment)}, tmp_path),
        load({name: around.format(flag)}, {}, tmp_path),
    ]

    assert [origins[name].text for _, origins in read] == [in_file, environment, flag]


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("::", "::"),
        ("[::]", "::"),
        ("[::1]", "::1"),
        ("0:0:0:0:0:0:0:1", "::1"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("localhost", "localhost"),
        ("0.0.0.0", "0.0.0.0"),
    ],
)
def test_an_address_may_be_written_as_in_a_url(tmp_path: Path, text: str, host: str):
    assert load({"host": text}, {}, tmp_path)[0].host == host


LINKS = {
    "RUNHOOK_PORT": "tcp://10.0.0.1:8580",
    "RUNHOOK_SERVICE_HOST": "10.0.0.1",
    "RUNHOOK_SERVICE_PORT": "8580",
    "RUNHOOK_METRICS_PORT": "tcp://[fd00::1]:9000",
}


def test_links_to_services_are_no_settings(tmp_path: Path):
    settings, origins = load({}, {**LINKS, "RUNHOOK_HOST": "::1"}, tmp_path)

    assert (settings.host, settings.port, settings.metrics_port) == ("::1", 8580, None)
    assert origins["port"].place == "default"


SECRETS = ["bootstrap_token", "database_url", "master_key", "oidc_client_secret", "smtp_url"]


def test_every_secret_is_hidden_and_may_be_in_a_file():
    assert sorted(one.name for one in SETTINGS if one.is_secret) == SECRETS


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_may_be_in_a_file_that_a_variable_names(tmp_path: Path, name: str):
    secret = tmp_path / "secret"
    secret.write_text(f"{VALUES[name][1]}\r\n")
    variable = f"RUNHOOK_{name.upper()}"

    settings, origins = load({}, {f"{variable}_FILE": str(secret), variable: ""}, tmp_path)

    assert getattr(settings, name).reveal() == VALUES[name][1]
    assert origins[name].place == f"{variable}_FILE"


def test_a_flag_wins_over_a_file_with_a_secret(tmp_path: Path):
    environment = {"RUNHOOK_DATABASE_URL_FILE": "/not/there", "RUNHOOK_DATABASE_URL": "both"}

    settings, _ = load({"database_url": "sqlite:///flag"}, environment, tmp_path)

    assert settings.address_of_database() == "sqlite:///flag"


def test_a_public_url_is_kept_without_its_last_slash(tmp_path: Path):
    settings, _ = load({"public_url": "https://example.com/runhook/"}, {}, tmp_path)

    assert settings.public_url == "https://example.com/runhook"


def test_proxies_come_from_the_variables_that_all_programs_share(tmp_path: Path):
    variables = {"https_proxy": "http://proxy.example:3128", "NO_PROXY": "inside.example"}

    settings, _ = load({}, variables, tmp_path)

    assert settings.proxies == Proxies.of(variables)
    assert settings.proxies.proxy_for("https", "hooks.example", 443)


def test_a_variable_for_proxies_that_is_not_valid_is_named(tmp_path: Path):
    with pytest.raises(InvalidError, match=r"^HTTPS_PROXY: give a proxy as"):
        load({}, {"HTTPS_PROXY": "socks5://proxy.example:1080"}, tmp_path)


@given(seconds=st.integers(1, 60))
def test_a_lease_outlasts_waiting_for_one_attempt_and_making_another(seconds: int):
    attempt = timedelta(seconds=seconds)

    assert send_margin(attempt) > attempt
    assert lease_duration(attempt) > attempt + send_margin(attempt)


@pytest.mark.parametrize("text", ["yes", "true", "True", "on", "1"])
def test_a_yes_can_be_spelt_as_people_do(tmp_path: Path, text: str):
    assert load({}, {"RUNHOOK_DISPATCHER": text}, tmp_path)[0].dispatcher is True


@pytest.mark.parametrize("text", ["no", "FALSE", "off", "0"])
def test_a_no_can_be_spelt_as_people_do(tmp_path: Path, text: str):
    assert load({}, {"RUNHOOK_DISPATCHER": text}, tmp_path)[0].dispatcher is False


def test_the_file_may_use_true_and_false(tmp_path: Path):
    write(tmp_path, "dispatcher = false")

    assert load({}, {}, tmp_path)[0].dispatcher is False


OIDC = {"RUNHOOK_OIDC_ISSUER": "https://login.example.com"}
CLIENT = {"RUNHOOK_OIDC_CLIENT_ID": "runhook"}
PUBLIC = {"RUNHOOK_PUBLIC_URL": "https://runhook.example.com"}
HEADER = {"RUNHOOK_TRUSTED_USER_HEADER": "X-Forwarded-Email"}


@pytest.mark.parametrize(
    ("environment", "missing"),
    [
        (OIDC | PUBLIC, "RUNHOOK_OIDC_CLIENT_ID is not"),
        (OIDC | CLIENT, "RUNHOOK_PUBLIC_URL is not"),
        (CLIENT | PUBLIC, "RUNHOOK_OIDC_ISSUER is not set"),
        ({"RUNHOOK_OIDC_GROUPS": "a=1:owner"}, "RUNHOOK_OIDC_ISSUER is not set"),
        (HEADER, "RUNHOOK_TRUSTED_PROXIES is not"),
        ({"RUNHOOK_TRUSTED_GROUPS": "a=1:owner"}, "RUNHOOK_TRUSTED_USER_HEADER is not set"),
    ],
)
def test_a_way_in_that_lacks_something_says_what(tmp_path: Path, environment, missing: str):
    settings, _ = load({}, environment, tmp_path)

    with pytest.raises(InvalidError, match=missing):
        (settings.provider(), settings.naming_headers())


def test_a_provider_is_known_by_the_settings(tmp_path: Path):
    settings, _ = load({}, OIDC | CLIENT | PUBLIC, tmp_path)
    provider = settings.provider()

    assert provider is not None
    assert provider.name == "login.example.com"
    assert provider.redirect_uri == "https://runhook.example.com/sign-in/provider/callback"
    assert not settings.users_with_password()
