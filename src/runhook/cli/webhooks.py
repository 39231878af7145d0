"""`runhook webhooks`: webhooks, created, listed, tested and deleted from a shell, over the API."""

import argparse
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from runhook.cli.reporting import add_service_flags
from runhook.client.reporting.service import Service, UnusableError, connect_service
from runhook.client.settings import read_service_settings
from runhook.client.webhooks import (
    all_webhooks,
    post_webhook,
    request_deletion,
    test_webhook,
)
from runhook.domain.errors import InvalidError
from runhook.domain.formats import FORMATS
from runhook.domain.options.declaring import Option, options_in
from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.options import OPTIONS

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

COLUMNS = ("ID", "NAME", "FORMAT", "STATE", "EVENTS", "URL")
EVENT_PREFIX = "job.run."
USUAL_EVENT = ""
"""What a test tells of if nothing is said: the service chooses."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    create = actions.add_parser("create", help="create a webhook and print its secret, this once")
    create.add_argument("name", metavar="NAME", help="what the webhook is called")
    create.add_argument(
        "--endpoint",
        metavar="URL",
        help="the endpoint; formats of services with one address need none",
    )
    create.add_argument("--format", help="dbt_cloud, slack, teams, email, ... (dbt_cloud)")
    create.add_argument(
        "--to",
        action="append",
        metavar="ADDRESS",
        help="who gets e-mail, with --format email; may be repeated",
    )
    create.add_argument(
        "--event",
        action="append",
        metavar="NAME",
        help="completed, errored, ...; may be repeated",
    )
    for name in ("job", "project", "environment"):
        create.add_argument(
            f"--{name}-id",
            action="append",
            metavar="ID",
            help=f"events of this {name} only; may be repeated",
        )
    create.add_argument("--description", help="what it is for")
    create.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option, such as rate_limit=10/second",
    )
    create.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the format, such as routing_key=@/run/secrets/pagerduty",
    )
    create.add_argument("--inactive", action="store_true", help="create it without activating it")
    listing = actions.add_parser("list", help="list the account's webhooks")
    test = actions.add_parser("test", help="send a test delivery and print the endpoint's answer")
    delete = actions.add_parser("delete", help="delete a webhook and cancel its deliveries")
    for action in (test, delete):
        action.add_argument("id", metavar="ID", help="as `webhooks list` shows it")
    for action in (create, listing):
        action.add_argument("--json", action="store_true", help="print JSON, as the API has it")
    for action in (create, listing, test, delete):
        add_service_flags(action)
        action.epilog = "RUNHOOK_TOKEN holds the API token. @FILE stands for a file with the value."


def execute(arguments: argparse.Namespace) -> int:
    """Run the chosen action, and return 0; 1 if it failed."""
    try:
        service = connect_service(read_service_settings(arguments, os.environ), os.environ)
    except UnusableError as error:
        raise InvalidError(str(error)) from None
    match arguments.action:
        case "create":
            print(created_as_text(post_webhook(service, webhook_in(arguments)), arguments))
        case "list":
            print_webhooks(list(all_webhooks(service)), as_json=arguments.json)
        case "test":
            return request_test(service, arguments.id)
        case _:
            warning = request_deletion(service, arguments.id)
            print(f"Webhook {arguments.id} is deleted.")
            if warning:
                print(f"runhook webhooks: {printable_name(warning)}", file=sys.stderr)
    return 0


def request_test(service: Service, webhook_id: str) -> int:
    """Print the result of a test; return 0 if the endpoint accepted it."""
    error = test_webhook(service, webhook_id, USUAL_EVENT)
    if error is not None:
        print(f"runhook webhooks: the test failed: {printable_name(error)}", file=sys.stderr)
        return 1
    print("The endpoint accepted the test delivery.")
    return 0


def webhook_in(arguments: argparse.Namespace) -> Mapping[str, object]:
    """Read the webhook to create, as the API takes it.

    Raises:
        InvalidError: an option is unknown, or a file cannot be read.
    """
    given = {
        "name": arguments.name,
        "description": arguments.description,
        "client_url": arguments.endpoint and value_or_file(arguments.endpoint),
        "format": arguments.format,
        "event_types": arguments.event and [event_named(one) for one in arguments.event],
        "job_ids": arguments.job_id,
        "project_ids": arguments.project_id,
        "environment_ids": arguments.environment_id,
        "format_settings": typed_format_settings(arguments) or None,
    }
    return {
        "active": not arguments.inactive,
        **{name: value for name, value in given.items() if value is not None},
        **dict(option_of_flag(one) for one in arguments.option),
    }


def typed_format_settings(arguments: argparse.Namespace) -> Mapping[str, object]:
    """Read the settings of the format; the service judges what it does not know."""
    format_ = FORMATS.get(arguments.format)
    declared = (
        () if format_ is None else options_in(cast("type[DataclassInstance]", format_.settings))
    )
    known = options_by_name(declared)
    pairs = map(pair_in, arguments.setting)
    to = {"to": arguments.to} if arguments.to else {}
    return {**{name: typed_value(text, known.get(name)) for name, text in pairs}, **to}


def event_named(word: str) -> str:
    """Full name of an event; the service judges a name that it does not know."""
    known = {one.value.removeprefix(EVENT_PREFIX): one.value for one in EventType}
    return known.get(word, word)


def option_of_flag(word: str) -> tuple[str, object]:
    """Read an option with its value.

    Raises:
        InvalidError: there is no such option.
    """
    name, text = pair_in(word)
    known = options_by_name(OPTIONS)
    if name not in known:
        near = get_close_matches(name, known, n=1)
        hint = f"did you mean `{near[0]}`?" if near else f"choose from {', '.join(known)}"
        raise InvalidError(f"`{name[:80]}` is not an option of a webhook; {hint}")
    return name, typed_value(text, known[name])


def options_by_name(options: Iterable[Option]) -> Mapping[str, Option]:
    """Options by what they are called."""
    return {option.name: option for option in options}


def typed_value(text: str, option: Option | None) -> object:
    """Read an option's value: a text where it is one, else JSON if the text is that.

    A template is JSON, and a key can be all digits: both stay as they were written.
    """
    if option is not None and option.kind.wire is str:
        return text
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def pair_in(word: str) -> tuple[str, str]:
    """Read NAME=VALUE, with the value of a file in the place of its name.

    Raises:
        InvalidError: it has no name, or names a file that cannot be read.
    """
    name, equals, value = word.partition("=")
    if not equals or not name:
        raise InvalidError(f"`{word[:80]}` is not NAME=VALUE")
    return name, value_or_file(value)


def value_or_file(value: str) -> str:
    """Read a value that may be in a file, so that a secret is on no command line.

    Raises:
        InvalidError: the file cannot be read.
    """
    if not value.startswith("@"):
        return value
    try:
        return Path(value[1:]).read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text in UTF-8"
        raise InvalidError(f"{value[1:]} cannot be read: {reason}") from None


def created_as_text(webhook: Mapping[str, Any], arguments: argparse.Namespace) -> str:
    """What is printed of a new webhook: the only time that its secret is shown."""
    if arguments.json:
        return json.dumps(webhook, indent=2)
    events = ", ".join(webhook["event_types"])
    lines = [f"Webhook {webhook['id']} is created for {events}."]
    if secret := webhook.get("hmac_secret"):
        lines.append(f"Secret, shown this once: {secret}")
    return "\n".join(lines)


def print_webhooks(webhooks: Sequence[Mapping[str, Any]], *, as_json: bool) -> None:
    """Print webhooks as JSON, or as a table."""
    if as_json:
        print(json.dumps(webhooks, indent=2))
        return
    rows = [COLUMNS, *map(cells_of, webhooks)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(COLUMNS))]
    for row in rows:
        print("  ".join(map(str.ljust, row, widths)).rstrip())


def cells_of(webhook: Mapping[str, Any]) -> tuple[str, ...]:
    """Cells of a webhook's line."""
    return (
        webhook["id"],
        printable_name(webhook["name"]),
        webhook.get("format", "dbt_cloud"),
        state_of(webhook),
        ",".join(short_names(webhook["event_types"])),
        printable_name(webhook["client_url"]),
    )


def state_of(webhook: Mapping[str, Any]) -> str:
    """Whether a webhook delivers, in a word."""
    if not webhook["active"]:
        return "inactive"
    return "paused" if webhook.get("paused_until") else "active"


def short_names(event_types: Iterable[str]) -> Iterable[str]:
    """Names of events without what they share."""
    return (one.removeprefix(EVENT_PREFIX) for one in event_types)


def printable_name(text: str) -> str:
    """A text of another user's, fit for a terminal."""
    return text if text.isprintable() else ascii(text)
