"""`runhook sample`: a signed delivery to write a receiver with, without a service."""

import argparse
import os
import secrets
import shlex
import sys
from datetime import UTC, datetime

from runhook.cli.event_names import event_type_in
from runhook.cli.signing import signing_secret
from runhook.cli.webhooks import typed_format_settings
from runhook.client.reporting.service import (
    RequestFailed,
    ServerWay,
    UnusableError,
    exchange,
    find_proxy,
    parse_url,
)
from runhook.domain.errors import InvalidError
from runhook.domain.formats import DEFAULT, FORMATS, format_named
from runhook.domain.formats.format import Draft
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.samples import sample_request
from runhook.domain.webhooks.signature import SECRET_BYTES, Secret

EXAMPLE_URL = "http://localhost:3000/hook"
RECEIVER_SECONDS = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument(
        "--event",
        default=EventType.COMPLETED.value,
        metavar="NAME",
        help="type of the event: " + ", ".join(one.value for one in EventType) + " (%(default)s)",
    )
    parser.add_argument(
        "--payload-version",
        default=PayloadVersion.V2022_05.value,
        metavar="VERSION",
        help=" or ".join(one.value for one in PayloadVersion) + " (%(default)s)",
    )
    parser.add_argument("--format", default=DEFAULT, help=", ".join(FORMATS) + " (%(default)s)")
    parser.add_argument(
        "--setting",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the format; without any, made-up ones",
    )
    parser.add_argument(
        "--secret", help="signs it (RUNHOOK_WEBHOOK_SECRET; else a new one, which is printed)"
    )
    shown = parser.add_mutually_exclusive_group()
    shown.add_argument(
        "--curl",
        nargs="?",
        const=EXAMPLE_URL,
        metavar="URL",
        help=f"print a command that sends it ({EXAMPLE_URL})",
    )
    shown.add_argument("--send", metavar="URL", help="send it, and print what is answered")
    parser.set_defaults(to=None)


def execute(arguments: argparse.Namespace) -> int:
    """Make a sample, and print or send it; return 1 if it was not taken."""
    request = sample_request(
        event_type_in(arguments.event),
        payload_version=payload_version_in(arguments.payload_version),
        format_name=format_named(arguments.format).name,
        settings=typed_format_settings(arguments),
        url=arguments.send or arguments.curl or EXAMPLE_URL,
        secret=given_or_new_secret(arguments.secret),
        chance=secrets.token_bytes(16),
        now=datetime.now(UTC),
    )
    if arguments.send:
        return post_sample(request)
    print(request_as_command(request) if arguments.curl else request_as_text(request))
    return 0


def payload_version_in(word: str) -> PayloadVersion:
    """Read a payload version.

    Raises:
        InvalidError: there is no such.
    """
    known = {one.value: one for one in PayloadVersion}
    if word not in known:
        raise InvalidError(f"`{word[:40]}` is unknown; choose from {', '.join(known)}")
    return known[word]


def given_or_new_secret(text: str | None) -> Secret:
    """The secret to sign with; a new one is printed beside the sample."""
    given = signing_secret(text)
    if given is not None:
        return given
    made = Secret.from_bytes(secrets.token_bytes(SECRET_BYTES))
    print(f"runhook sample: signed with {made.reveal()}", file=sys.stderr)
    return made


def request_as_text(request: Draft) -> str:
    """A request as it is on the wire, without its first line."""
    headers = "\n".join(f"{name}: {value}" for name, value in request.headers.items())
    return f"{headers}\n\n{request.body.decode(errors='backslashreplace')}"


def request_as_command(request: Draft) -> str:
    """A command for a shell that sends a request."""
    words = ["curl", "-X", request.method, request.url]
    for name, value in request.headers.items():
        words += ["-H", f"{name}: {value}"]
    return shlex.join([*words, "--data-binary", request.body.decode()])


def post_sample(request: Draft) -> int:
    """Send a request, and print the status of the answer."""
    try:
        url = parse_url(request.url)
        way = ServerWay(url, find_proxy(url, os.environ), RECEIVER_SECONDS)
    except UnusableError:
        raise InvalidError(f"{request.url} is not an http or https address") from None
    path = (url.path or "/") + (f"?{url.query}" if url.query else "")
    headers = {**request.headers, "Connection": "close"}
    came = exchange(way, request.method, path, request.body, headers)
    if isinstance(came, RequestFailed):
        raise InvalidError(f"{request.url}: {came.reason}")
    print(f"{request.url} answered {came[0]}")
    return 0 if 200 <= came[0] < 300 else 1
