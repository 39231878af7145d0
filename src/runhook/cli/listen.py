"""`runhook listen`: receive deliveries and print them, to try webhooks, good and bad."""

import argparse
import contextlib
import io
import os
import signal
import sys
from types import FrameType

from runhook.client.listen.receiver import Behaviour, Receiver, as_json_line, delivery_as_text
from runhook.secret_files import secret_in

DEFAULT_PORT = 8581


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.add_argument("--host", default="127.0.0.1", help="the address to bind (%(default)s)")
    parser.add_argument(
        "--port", type=int, default=DEFAULT_PORT, help="the port, 0 for any (%(default)s)"
    )
    parser.add_argument(
        "--secret", help="the webhook's secret, to check signatures (RUNHOOK_WEBHOOK_SECRET)"
    )
    parser.add_argument(
        "--status",
        type=http_status,
        metavar="CODE",
        help="answer this status (200; with --fail-first 500)",
    )
    parser.add_argument(
        "--fail-first",
        type=request_count,
        metavar="N",
        help="answer --status to the first N requests only, and 200 afterwards",
    )
    parser.add_argument(
        "--delay", type=float, default=0, metavar="SECONDS", help="wait before each answer"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object a delivery")


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
    """Listen until Ctrl-C or SIGTERM, and return 0; 1 if the address cannot be bound."""
    usual_status = 200 if arguments.fail_first is None else 500
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A payload may hold what this terminal's encoding cannot.
        sys.stdout.reconfigure(errors="backslashreplace")
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
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)
    with receiver, contextlib.suppress(KeyboardInterrupt):
        print(f"listening on {receiver.url}", flush=True)
        receiver.serve_forever()
    return 0


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """Leave serve_forever, as Ctrl-C does; a background command of a shell would ignore that."""
    raise KeyboardInterrupt
