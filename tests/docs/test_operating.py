"""What the pages show to operators is typed as it stands, beside a service that runs."""

import json
import re
import subprocess
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from runhook.domain.version import VERSION
from runhook.settings import Settings, load
from runhook.storage.engine.store import Store
from runhook.telemetry.events import every_event
from tests.docs.desk import a_desk
from tests.docs.documents import REPOSITORY, block_with
from tests.docs.terminal import Terminal, a_terminal, wait_for_line
from tests.support.certificates import Authority
from tests.support.databases import VAULT, PostgresqlDatabases
from tests.support.patience import PATIENCE
from tests.support.ports import free_ports
from tests.support.station import SCRIPTS

DOCS = REPOSITORY / "docs"
INSTALLED = re.compile(r"^(python3 -m venv|\. runhook-env|pip install) .*\n", re.MULTILINE)
"""Lines that `tests/docs/test_installing.py` types."""
ADDRESS = "http://127.0.0.1:9/"


def block(page: str, words: str) -> str:
    """A page's block of shell with ``words`` in it, without the lines that install."""
    return INSTALLED.sub("", block_with((DOCS / page).read_text(), "sh", words))


@dataclass(frozen=True)
class Typed:
    """A block, what has been typed before it, and what it prints."""

    page: str
    words: str
    said: str
    before: str = ""
    replaced: Mapping[str, str] = field(default_factory=dict)


TYPED = [
    Typed("api.md", "redeliveries/preview", '"total":'),
    Typed("api.md", '"every": "1 day"', '"overdue_at":', replaced={"jobs/2/": "jobs/1/"}),
    Typed("formats/email.md", "--format email", "wsu_"),
    Typed("operations.md", "runhook backup", "monday has the database"),
    Typed(
        "operations.md",
        "runhook restore",
        "Start it with `runhook serve`",
        before="runhook backup /backups/monday; export RUNHOOK_DATA_DIR=restored",
    ),
    Typed(
        "operations.md",
        "runhook copy",
        "All is in",
        before="export RUNHOOK_DATA_DIR=old; runhook init",
        replaced={
            "/var/lib/runhook": "$PWD/old",
            "postgresql://runhook@db.example.com/runhook": "sqlite:///$PWD/new.db",
        },
    ),
    Typed("reporting.md", "--name scheduler", "rh_"),
    Typed("reporting.md", "runhook doctor", "may report runs of account 1"),
    Typed("settings.md", "runhook settings", "RUNHOOK_RETENTION_DAYS"),
    Typed("settings.md", "runhook keys rotate", "is in use"),
    Typed("upgrading.md", "runhook migrate", f"runhook {VERSION}"),
]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    with a_desk(tmp_path_factory.mktemp("operating")) as terminal:
        yield terminal


@pytest.mark.parametrize("one", TYPED, ids=lambda one: f"{one.page} {one.words}")
def test_what_a_page_shows_can_be_typed(desk: Terminal, tmp_path: Path, one: Typed):
    replaced = {**desk.replaced, "/backups/": f"{tmp_path}/", **one.replaced}
    own = Terminal(folder=desk.folder, environ=desk.environ, replaced=replaced)

    printed = own.output_of(f"{one.before}\n{block(one.page, one.words)}")

    assert one.said in printed


def test_webhooks_can_be_managed_as_the_page_shows(desk: Terminal):
    [mine] = [one for one in listed(desk) if one["name"] == "mine"]
    (desk.folder / "endpoint.txt").write_text(str(mine["client_url"]))
    created = desk.output_of(
        f"runhook webhooks create other --endpoint {mine['client_url']} --event completed"
    )
    [other] = re.findall(r"wsu_\w+", created)
    replaced = {**desk.replaced, "wsu_...": other}
    own = Terminal(folder=desk.folder, environ=desk.environ, replaced=replaced)

    printed = own.output_of(block("api.md", "@endpoint.txt"))

    assert "accepted the test delivery" in printed
    left = {one["id"]: one["name"] for one in listed(desk)}
    assert "Tell the team" in left.values()
    assert other not in left


def listed(desk: Terminal) -> list[dict[str, object]]:
    """The webhooks that the service has."""
    found: list[dict[str, object]] = json.loads(desk.output_of("runhook webhooks list --json"))
    return found


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("installing.md", "venv runhook-env"),
        ("operations.md", "RUNHOOK_TLS_CERT"),
        ("operations.md", "RUNHOOK_TRUSTED_PROXIES"),
        ("operations.md", "OTEL_EXPORTER_OTLP_ENDPOINT"),
    ],
)
def test_the_service_starts_as_a_page_shows(tmp_path: Path, page: str, words: str):
    certificate, key = Authority(tmp_path).client()
    (tmp_path / "fullchain.pem").write_text(certificate)
    (tmp_path / "privkey.pem").write_text(key)
    terminal = a_terminal(tmp_path, {"HOST=0.0.0.0": "HOST=127.0.0.1"}, programs=[SCRIPTS])
    terminal.environ["RUNHOOK_PORT"] = "0"

    with terminal.running(block(page, words)) as service:
        address = wait_for_line(service, "Runhook listens on").split()[-1]

    assert address.startswith("https:" if "TLS" in words else "http:")


def test_metrics_are_where_the_page_says(tmp_path: Path):
    [port] = map(str, free_ports(1))
    terminal = a_terminal(tmp_path, {"9580": port}, programs=[SCRIPTS])
    terminal.environ["RUNHOOK_PORT"] = "0"

    with terminal.running(block("operations.md", "RUNHOOK_METRICS_PORT")) as service:
        wait_for_line(service, "Runhook listens on")
        metrics = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=PATIENCE)
        with metrics:
            assert b"runhook_" in metrics.read()


def test_processes_share_a_database(tmp_path: Path, postgresql_databases: PostgresqlDatabases):
    commands = block("operations.md", "--no-dispatcher").splitlines(keepends=True)
    greetings = ["Runhook listens on", "Runhook delivers as"]

    with postgresql_databases.new(tmp_path) as database, ExitStack() as running:
        for command, greeting in zip(commands, greetings, strict=True):
            terminal = a_terminal(tmp_path, {}, programs=[SCRIPTS])
            terminal.environ |= {"RUNHOOK_PORT": "0", "RUNHOOK_DATABASE_URL": database}
            wait_for_line(running.enter_context(terminal.running(command)), greeting)


def settings_of(tmp_path: Path, page: str, words: str) -> Settings:
    """What the service makes of the variables that a block sets, each of which it reads."""
    secret = tmp_path / "runhook-oidc"
    secret.write_text("a secret of the provider\n")
    script = block(page, words).replace("/run/secrets/runhook-oidc", str(secret))
    shown = subprocess.run(
        ["bash", "-euc", f"set -a\n{script}env -0"], env={}, capture_output=True, check=True
    )
    variables = dict(one.split("=", 1) for one in shown.stdout.decode().split("\0") if one)
    environ = {name: text for name, text in variables.items() if name.startswith("RUNHOOK_")}
    settings, origins = load({}, environ, tmp_path)
    assert {one.place for one in origins.values() if not one.is_default} == environ.keys()
    return settings


def test_settings_of_a_provider_are_whole(tmp_path: Path):
    settings = settings_of(tmp_path, "sign-in.md", "RUNHOOK_OIDC_ISSUER")

    provider = settings.provider()
    assert provider is not None
    assert (provider.name, provider.client_secret) == ("Example ID", "a secret of the provider")


def test_settings_of_a_trusted_header_are_whole(tmp_path: Path):
    settings = settings_of(tmp_path, "sign-in.md", "RUNHOOK_TRUSTED_USER_HEADER")

    names = settings.naming_headers()
    assert names is not None
    assert (names.user, names.groups) == ("x-forwarded-email", "x-forwarded-groups")


def test_settings_of_mail_are_whole(tmp_path: Path):
    settings = settings_of(tmp_path, "formats/email.md", "RUNHOOK_SMTP_URL")

    assert settings.mail() is not None


@pytest.mark.parametrize(
    ("page", "words"),
    [("deploying.md", "db1,db2"), ("operations.md", "target_session_attrs")],
)
async def test_an_address_with_several_hosts_is_taken(tmp_path: Path, page: str, words: str):
    settings = settings_of(tmp_path, page, words)

    store = Store.open(settings.address_of_database(), vault=VAULT)
    await store.close()


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ('"authorization"', {}),
        ('"node_filter"', {}),
        ('"mention"', {"format": "slack"}),
    ],
)
def test_an_option_can_be_saved_as_it_is_shown(desk: Terminal, words: str, more: dict[str, str]):
    shown = block_with((DOCS / "api.md").read_text(), "json", words)

    for line in shown.splitlines():
        options = json.loads(line)
        webhook = {"name": "other", "client_url": ADDRESS, "event_types": ["job.run.completed"]}
        saved = posted(desk, "/webhooks/subscriptions", {**webhook, **more, **options})
        for name, option in options.items():
            assert saved[name] == {**saved[name], **option, **hidden(option)}


def hidden(option: Mapping[str, object]) -> dict[str, str]:
    return {"secret": "********"} if "secret" in option else {}


def posted(desk: Terminal, path: str, body: object) -> dict[str, Any]:
    """What the service answers to what it is sent."""
    headers = {
        "Authorization": f"Token {desk.environ['RUNHOOK_TOKEN']}",
        "Content-Type": "application/json",
    }
    request = urllib.request.Request(
        f"{desk.environ['RUNHOOK_URL']}/api/v3/accounts/1{path}", json.dumps(body).encode(), headers
    )
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        found: dict[str, Any] = json.load(answer)["data"]
    return found


def test_the_line_of_a_log_is_of_an_event_that_is_logged():
    line = json.loads(block_with((DOCS / "operations.md").read_text(), "json", '"event"'))
    [event] = [one for one in every_event() if one.name == line["event"]]

    assert line.keys() - {"timestamp", "level", "event", "message"} == set(event.fields)
    assert (line["level"], line["message"]) == (event.level, event.meaning)
