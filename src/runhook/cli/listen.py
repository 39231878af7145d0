"""`runhook listen`: receive deliveries and print them, or read a service's events and pass them on.

Without `--forward` and `--consumer` it is an endpoint for tests, which fails or delays on request.
"""

import argparse
import contextlib
import json
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from types import FrameType

from runhook.cli.event_names import event_types_in
from runhook.cli.reporting import add_service_flags
from runhook.cli.signing import signing_secret
from runhook.client.consuming.consumer import ReadEvent, RemoteConsumer, create_consumer
from runhook.client.consuming.forwarding import Forwarding, LocalReceiver, Passed
from runhook.client.listen.receiver import (
    Behaviour,
    Receiver,
    as_json_line,
    delivery_as_text,
    replace_control_characters,
)
from runhook.client.reporting.service import Service, UnusableError, connect_service
from runhook.client.settings import read_service_settings
from runhook.client.webhooks import request_deletion
from runhook.domain.errors import InvalidError
from runhook.domain.runs.events import EventType
from runhook.secret_files import secret_in

DEFAULT_PORT = 8581


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument(
        "--secret",
        help="the webhook's secret, to check signatures; with --forward, to sign what is passed "
        "on (RUNHOOK_WEBHOOK_SECRET)",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a delivery")
    reading = parser.add_argument_group("events of a service, which needs no public address")
    reading.add_argument(
        "--forward", metavar="URL", help="pass real events on to this receiver, in order"
    )
    reading.add_argument(
        "--consumer",
        metavar="NAME",
        help="read as this consumer, which is created if missing, and kept: the next start "
        "continues where this one ended. A consumer has one reader at a time: a new one ends the "
        "one before. Without --consumer a temporary one is created, and deleted at the end",
    )
    reading.add_argument(
        "--events", metavar="NAMES", help="only these, with commas between: completed,errored"
    )
    reading.add_argument(
        "--payload-version", metavar="VERSION", help="of a new consumer: 2022-05 or 2023-02"
    )
    add_service_flags(parser)
    receiving = parser.add_argument_group("an endpoint of your own, to try webhooks with")
    receiving.add_argument("--host", default="127.0.0.1", help="the address to bind (%(default)s)")
    receiving.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="the port, 0 for any (%(default)s)"
    )
    receiving.add_argument(
        "--status",
        type=http_status,
        metavar="CODE",
        help="answer this status (200; with --fail-first 500)",
    )
    receiving.add_argument(
        "--fail-first",
        type=request_count,
        metavar="N",
        help="answer --status to the first N requests only, and 200 afterwards",
    )
    receiving.add_argument(
        "--delay", type=float, default=0, metavar="SECONDS", help="wait before each answer"
    )


def http_status(text: str) -> int:
    """Parse a final HTTP status."""
    status = int(text)
    if not 200 <= status <= 599:
        raise argparse.ArgumentTypeError("expected a status from 200 to 599")
    return status


def request_count(text: str) -> int:
    """Parse a number of requests."""
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError("expected 0 or more")
    return number


def execute(arguments: argparse.Namespace) -> int:
    """Listen until Ctrl-C or SIGTERM, and return 0; 1 if it cannot listen."""
    if arguments.forward or arguments.consumer:
        return read_events(arguments)
    return receive(arguments)


def receive(arguments: argparse.Namespace) -> int:
    """Be an endpoint; return 1 if the address cannot be bound."""
    usual_status = 200 if arguments.fail_first is None else 500
    try:
        receiver = Receiver(
            (arguments.host, arguments.port),
            secret=arguments.secret or secret_in(os.environ, "RUNHOOK_WEBHOOK_SECRET"),
            behaviour=Behaviour(
                status=arguments.status or usual_status,
                fail_first=arguments.fail_first,
                delay=max(arguments.delay, 0),
            ),
            show=as_json_line if arguments.json else delivery_as_text,
            output=sys.stdout,
        )
    except (OSError, OverflowError) as error:
        reason = error.strerror if isinstance(error, OSError) else "there is no such port"
        print(f"runhook listen: {arguments.host}:{arguments.port}: {reason}", file=sys.stderr)
        return 1
    heed_signals()
    with receiver, contextlib.suppress(KeyboardInterrupt):
        print(f"listening on {receiver.url}", flush=True)
        receiver.serve_forever()
    return 0


def read_events(arguments: argparse.Namespace) -> int:
    """Read a service's events, print each, and pass it on if asked to."""
    wanted = event_types_in(arguments.events)
    try:
        service = connect_service(read_service_settings(arguments, os.environ), os.environ)
        receiver = local_receiver(arguments)
    except UnusableError as error:
        raise InvalidError(str(error)) from None
    heed_signals()
    with (
        contextlib.suppress(KeyboardInterrupt),
        consumer_to_read(service, arguments, wanted) as consumer,
    ):
        goal = "" if receiver is None else f", passing them on to {arguments.forward}"
        tell_progress(f"reading events of {service.name} as the consumer {consumer.name}{goal}")
        Forwarding(
            consumer=consumer,
            receiver=receiver,
            wanted={one.value for one in wanted},
            tell=print_as_json if arguments.json else print_line,
            say=tell_progress,
        ).run()
    return 0


def local_receiver(arguments: argparse.Namespace) -> LocalReceiver | None:
    """The receiver to pass events on to; None if they are only shown.

    Raises:
        UnusableError: its URL is not one.
        InvalidError: the secret cannot sign.
    """
    if not arguments.forward:
        return None
    return LocalReceiver(arguments.forward, os.environ, secret=signing_secret(arguments.secret))


@contextmanager
def consumer_to_read(
    service: Service, arguments: argparse.Namespace, wanted: list[EventType]
) -> Iterator[RemoteConsumer]:
    """The consumer to read as; one that was not named is deleted at the end.

    Raises:
        WebhookRequestError: it cannot be made.
    """
    name = arguments.consumer or f"listen-{secrets.token_hex(4)}"
    consumer = RemoteConsumer(service, name)
    options: dict[str, object] = {
        "event_types": [one.value for one in wanted or EventType],
        **({"payload_version": arguments.payload_version} if arguments.payload_version else {}),
    }
    taken = consumer.taken_over() if arguments.consumer else None
    webhook: Mapping[str, object] | None = None
    try:
        if taken is None:
            webhook = create_consumer(service, name, options)
            secret = webhook["hmac_secret"]
            tell_progress(f"the secret of its signatures, shown this once: {secret}")
        yield taken or consumer.taken_over() or consumer
    finally:
        if arguments.consumer is None and webhook is not None:
            request_deletion(service, str(webhook["id"]))


def print_line(event: ReadEvent, passed: Passed | None, then: str) -> None:
    """Print an event to a person."""
    words = [f"{datetime.now(UTC).astimezone():%H:%M:%S}", event.event_type, event.id]
    if passed is not None:
        answer = f"{passed.status}" if passed.status is not None else passed.reason
        words.append(f"{answer} in {round(passed.seconds * 1000)} ms")
    words += [*(["test"] if event.is_test else []), *([then] if then else [])]
    print(replace_control_characters("  ".join(words)), flush=True)


def print_as_json(event: ReadEvent, passed: Passed | None, then: str) -> None:
    """Print an event to a program."""
    line = {
        "id": event.id,
        "event_type": event.event_type,
        "is_test": event.is_test,
        "headers": dict(event.headers),
        "body": event.body,
        "status": None if passed is None else passed.status,
        "error": "" if passed is None else passed.reason,
        "then": then,
    }
    print(json.dumps(line), flush=True)


def tell_progress(sentence: str) -> None:
    """Print a sentence about progress to stderr, apart from the events."""
    print(f"runhook listen: {replace_control_characters(sentence)}", file=sys.stderr, flush=True)


def heed_signals() -> None:
    """Let SIGTERM and a terminal that closes end this as Ctrl-C does.

    A background command of a shell would ignore Ctrl-C, and one of `nohup` goes on without its
    terminal.
    """
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, interrupt)


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """End the present work as Ctrl-C does."""
    raise KeyboardInterrupt
