"""Numbers, names and paths in the documents are the code's."""

import json
import re
import tomllib
from datetime import timedelta

import pytest

from benchmarks.__main__ import FIGURES
from runhook.client import settings as client_settings
from runhook.client.reporting.reporter import EXIT_SECONDS, HEARTBEAT_SECONDS
from runhook.client.settings import VARIABLES
from runhook.dispatcher.limits import LIMITS as DELIVERING
from runhook.dispatcher.pruner import INTERVAL as PRUNE_INTERVAL
from runhook.dispatcher.watcher import GRACE
from runhook.domain.dbt.artifacts import SHOWN_NODES
from runhook.domain.deliveries.budgets import SLOW
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.retries import (
    DEFAULT_SCHEDULE,
    DELAY_LIMIT,
    JITTER_SHARE,
    RETRIES_LIMIT,
    RETRY_AFTER_LIMIT,
)
from runhook.domain.messages.telling import DeliveryId, PayloadVersion
from runhook.domain.options.rate_limits import LARGEST
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.users import (
    IDLE_LIFETIME,
    INVITATION_LIFETIME,
    LONGEST_LIFETIME,
    LONGEST_PASSWORD,
    SHORTEST_PASSWORD,
)
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import LONGEST_SILENCE
from runhook.domain.spans import span_text
from runhook.domain.version import VERSION
from runhook.domain.webhooks.custom_headers import HEADERS_LIMIT
from runhook.domain.webhooks.failing import HOPELESS_AFTER, HOPELESS_SINCE, PAUSE_AFTER
from runhook.domain.webhooks.signature import TOLERANCE
from runhook.domain.webhooks.webhook import LONGEST_GRACE
from runhook.operations.deliveries.redeliver_many import COUNTED
from runhook.operations.deliveries.redeliver_step import BACKLOG
from runhook.operations.deliveries.redeliver_step import STEP as REDELIVERED
from runhook.operations.people.tokens import LONGEST_LIFETIME as LONGEST_TOKEN_LIFETIME
from runhook.operations.service.prune import PARTS
from runhook.operations.service.prune import STEP as PRUNED
from runhook.outbound.answers import BODY_KEPT_LIMIT, BODY_READ_LIMIT
from runhook.outbound.pool import KEEP_ALIVE_SECONDS, Bounds
from runhook.server.access.throttle import LIMITS, Rationed
from runhook.server.api.runs.reporting_wire import MOST_LOGS, MOST_STEPS
from runhook.server.api.wire import DEFAULT_LIMIT, LARGEST_LIMIT
from runhook.settings import FILE_NAME, SETTINGS, load
from runhook.storage.deliveries.rows import SEARCHED
from runhook.storage.engine.outage import DISK_LASTS
from runhook.storage.runs.artifacts import PART
from tests.docs.documents import README, REPOSITORY, blocks, prose, table_rows
from tests.support.builders import RUN_EVENTS, a_webhook, an_event
from tests.support.rendering import render

DOCS = REPOSITORY / "docs"
API, SECURITY = DOCS / "api.md", REPOSITORY / "SECURITY.md"
GUARANTEES, RECEIVING, REPORTING = (
    DOCS / f"{name}.md" for name in ("guarantees", "receiving", "reporting")
)
V2022_05, V2023_02 = PayloadVersion.V2022_05, PayloadVersion.V2023_02
UNITS = {"s": "seconds", "min": "minutes", "h": "hours"}
SMALL_NUMBERS = {2: "two", 4: "four", 5: "five", 10: "ten"}
DEFAULTS = {setting.name: setting.default for setting in SETTINGS}

SENTENCES = [
    (GUARANTEES, f"within {DEFAULTS['attempt_timeout']} seconds"),
    (GUARANTEES, f"up to {JITTER_SHARE:.0%} jitter".replace("%", " %")),
    (GUARANTEES, f"counts up to {RETRY_AFTER_LIMIT // timedelta(hours=1)} hours"),
    (GUARANTEES, f"lane of {DELIVERING.requests_per_lane} requests"),
    (DOCS / "installing.md", f"wheels/runhook-{VERSION}-py3-none-any.whl"),
    (DOCS / "settings.md", f"kept for {KEEP_ALIVE_SECONDS} seconds"),
    (DOCS / "settings.md", f"At most {Bounds().in_all:,} are in use"),
    (DOCS / "settings.md", f"and {Bounds().to_one_host} to one host"),
    (GUARANTEES, f"takes {SLOW.seconds} seconds to answer"),
    (GUARANTEES, f"at most {DELIVERING.requests_per_account} requests"),
    (GUARANTEES, f"After {PAUSE_AFTER} failures in a row it is paused"),
    (GUARANTEES, f"After {HOPELESS_AFTER:,} failures in a row"),
    (GUARANTEES, f"but failures for {HOPELESS_SINCE.days} days"),
    (DOCS / "api.md", f"paused after {PAUSE_AFTER} failed attempts"),
    (DOCS / "api.md", f"or `600/minute`, up to {LARGEST:,}"),
    (GUARANTEES, f"kept for {DEFAULTS['retention_days']} days"),
    (README, f"listens on {DEFAULTS['host']}:{DEFAULTS['port']}"),
    (RECEIVING, f"more than {SMALL_NUMBERS[TOLERANCE // timedelta(minutes=1)]} minutes ago"),
    (REPORTING, f"waits {EXIT_SECONDS:.0f} seconds at most"),
    (REPORTING, f"first {SMALL_NUMBERS[SHOWN_NODES]} nodes"),
    (REPORTING, f"{client_settings.GRACE_SECONDS:.0f} seconds later"),
    (REPORTING, f"({client_settings.GITHUB_GRACE_SECONDS:.0f} in GitHub Actions"),
    (SECURITY, f"{BODY_READ_LIMIT // 1024} KiB are read"),
    (SECURITY, f"and {BODY_KEPT_LIMIT // 1024} KiB kept"),
    (SECURITY, f"{SHORTEST_PASSWORD} characters at least"),
    (SECURITY, f"{IDLE_LIFETIME.days} days after their last use"),
    (SECURITY, f"{LONGEST_LIFETIME.days} days after their beginning"),
    (SECURITY, f"valid for {INVITATION_LIFETIME.days} days"),
    (API, f"`limit` ({DEFAULT_LIMIT}, at most {LARGEST_LIMIT})"),
    (API, f"at most {RETRIES_LIMIT}, each up to {DELAY_LIMIT.days} days"),
    (API, f"at most {HEADERS_LIMIT} names and values"),
    (API, f'{{"grace_days": 0}}` to `{LONGEST_GRACE.days}`'),
    (API, f"the newest {SEARCHED:,} deliveries"),
    (API, f"at most {MOST_STEPS}: `name`"),
    (API, f"{MOST_LOGS:,} characters of these"),
    (API, f"(1 to {LONGEST_TOKEN_LIFETIME.days})"),
    (API, f"{SHORTEST_PASSWORD} to {LONGEST_PASSWORD:,} characters"),
    (API, f"{IDLE_LIFETIME.days} days after its last use, and {LONGEST_LIFETIME.days} days after"),
    (API, f"works once, for {INVITATION_LIFETIME.days} days"),
    (API, f"sends {LIMITS[Rationed.TOKEN_FROM].most} tokens within a minute"),
    (API, f"{LIMITS[Rationed.SIGN_IN_AS].most} within 5 minutes for one e-mail address"),
    (API, f"or {LIMITS[Rationed.SIGN_IN_FROM].most} from one place"),
    (GUARANTEES, f"for {LONGEST_SILENCE[True] // timedelta(minutes=1)} minutes, its run"),
    (
        API,
        f"after {LONGEST_SILENCE[True] // timedelta(minutes=1)} minutes if its start",
    ),
    (API, f"else after {span_text(LONGEST_SILENCE[False])}"),
    (API, f"sends one every {HEARTBEAT_SECONDS:.0f} seconds"),
    (API, f"For {GRACE // timedelta(minutes=1)} minutes after the service"),
    (API, f"newest {COUNTED:,} deliveries"),
    (API, f"{REDELIVERED} in a step"),
    (API, f"more than {BACKLOG} are pending"),
    (DOCS / "operations.md", f"takes nothing for {DISK_LASTS.seconds} seconds"),
    (DOCS / "settings.md", f"Every {PRUNE_INTERVAL // timedelta(minutes=1)} minutes"),
    (DOCS / "settings.md", f"at most {PRUNED} of a kind"),
    (DOCS / "settings.md", f"files {PARTS * PART >> 20} MiB"),
]


@pytest.mark.parametrize(("document", "words"), SENTENCES)
def test_a_number_in_the_text_is_the_code_s(document, words):
    assert words in prose(document.read_text())


def test_every_figure_of_the_benchmarks_is_explained():
    measured = (DOCS / "performance.md").read_text().partition("## What is measured")[2]
    explained = [row[0].strip("`") for row in table_rows(measured.partition("## ")[0])]

    assert explained == ["figure", *FIGURES]


def test_failures_are_counted_over_the_times_that_the_text_names():
    over = {failure: limit.window for failure, limit in LIMITS.items()}

    assert over == {
        Rationed.TOKEN_FROM: timedelta(minutes=1),
        Rationed.TOKEN: timedelta(minutes=1),
        Rationed.SIGN_IN_FROM: timedelta(minutes=5),
        Rationed.SIGN_IN_AS: timedelta(minutes=5),
        Rationed.SIGN_IN_BY: timedelta(minutes=5),
        Rationed.ANSWER_FROM: timedelta(minutes=5),
        Rationed.RESET_FROM: timedelta(minutes=15),
        Rationed.RESET_FOR: timedelta(minutes=15),
    }


def test_the_table_of_retries_is_the_default_schedule():
    [row] = [cells for cells in table_rows(GUARANTEES.read_text()) if cells[0] == "after"]

    assert [pause_of(cell) for cell in row[1:]] == list(DEFAULT_SCHEDULE.delays)


@pytest.mark.parametrize(("column", "version"), [(2, V2022_05), (3, V2023_02)])
def test_the_table_of_events_says_which_keys_each_adds(column, version):
    rows = {
        cells[0].strip("`"): set(re.findall(r"`(\w+)`", cells[column]))
        for cells in table_rows(RECEIVING.read_text())
        if cells[0].startswith("`job.")
    }
    keys = {one.value: keys_of(one, version) for one in RUN_EVENTS}

    assert rows == {name: found - keys[EventType.STARTED] for name, found in keys.items()}


def test_every_setting_that_the_client_reads_has_a_row_and_no_other_has():
    named_in_rows = {
        name
        for cells in table_rows((DOCS / "settings.md").read_text())
        if cells[0].startswith("`RUNHOOK_")
        for name in re.findall(r"`(\w+)`", cells[0])
    }
    of_service = {name for setting in SETTINGS for name in setting.variables}

    # What `runhook run` sets itself is no setting.
    assert named_in_rows - of_service == {*VARIABLES} - {"RUNHOOK_RUN"}


def test_every_variable_that_the_client_reads_is_declared():
    read = set()
    for folder in ("client", "cli"):
        for path in (REPOSITORY / "src" / "runhook" / folder).rglob("*.py"):
            read |= set(re.findall(r"\bRUNHOOK_[A-Z_]+", path.read_text()))
    of_service = {name for setting in SETTINGS for name in setting.variables}

    # With this name dbt tags its artifacts; the wrapper's own is longer.
    assert read - of_service - {"RUNHOOK_STEP"} <= {*VARIABLES}


def test_the_example_of_a_settings_file_is_read(tmp_path):
    [example] = blocks((DOCS / "settings.md").read_text(), "toml")
    (tmp_path / FILE_NAME).write_text(example)

    _, origins = load({}, {}, tmp_path)

    given = {name for name, origin in origins.items() if not origin.is_default}
    assert given == {"port", "allow_networks", "retention_days"}


@pytest.mark.parametrize("authorities", [PermissionSet, Role])
def test_the_tables_of_permission_sets_and_roles_are_what_they_allow(authorities):
    rows = {
        cells[0].strip("`"): set(cells[1].split(", "))
        for cells in table_rows((DOCS / "api.md").read_text())
        if cells[0].strip("`") in list(authorities)
    }

    assert rows == {
        one.value: {permission.value for permission in one.permissions} for one in authorities
    }


def test_the_table_of_failures_has_every_word_and_no_other():
    words = [
        cells[0].strip("`")
        for cells in table_rows((DOCS / "api.md").read_text())
        if cells[0].strip("`") in list(FailureReason)
    ]

    assert words == list(FailureReason)


def test_the_layers_are_those_that_the_import_contract_enforces():
    configuration = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    [contract] = [
        one
        for one in configuration["tool"]["importlinter"]["contracts"]
        if one["name"] == "The server's layers"
    ]

    assert " > ".join(contract["layers"]) in (DOCS / "architecture.md").read_text()


def test_the_good_half_of_each_style_pair_is_our_own_code():
    halves = [
        block.split("\n", 1) for block in blocks((REPOSITORY / "STYLE.md").read_text(), "python")
    ]
    good = [(head.removeprefix("# "), code) for head, code in halves if head != "# Not so"]

    assert len(good) == 10
    assert [path for path, code in good if code not in (REPOSITORY / path).read_text()] == []


def test_the_extras_that_the_documents_install_exist():
    configuration = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    text = README.read_text() + (DOCS / "installing.md").read_text()
    lists = re.findall(r"pip install \"[\w./]+\[([\w,]+)\]\"", text)
    named = {name for one in lists for name in one.split(",")}

    assert named
    assert named <= configuration["project"]["optional-dependencies"].keys()


def keys_of(event_type, version):
    """The keys inside `data` of an event's payload."""
    webhook = a_webhook(payload_version=version)
    body = render(an_event(type=event_type), webhook, DeliveryId("wev_1"))
    return set(json.loads(body)["data"])


def pause_of(cell):
    number, unit = cell.split()
    return timedelta(**{UNITS[unit]: int(number)})
