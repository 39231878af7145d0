"""`runhook trigger`: let the service send a made-up event, marked as a test."""

import argparse
import os
import sys
from collections.abc import Sequence

from runhook.cli.event_names import event_type_in
from runhook.cli.reporting import add_service_flags
from runhook.cli.webhooks import printable_name
from runhook.client.reporting.service import Service, UnusableError, connect_service
from runhook.client.settings import read_service_settings
from runhook.client.webhooks import WebhookRequestError, all_webhooks, test_webhook
from runhook.domain.errors import InvalidError
from runhook.domain.runs.events import EventType
from runhook.domain.webhooks.webhook import CONSUME


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    names = ", ".join(one.value for one in EventType)
    parser.add_argument("event", metavar="EVENT", help=f"type of the event: {names}")
    parser.add_argument(
        "--webhook",
        action="append",
        metavar="ID",
        help="send it to this webhook, whatever it selects; may be repeated. Without it, all "
        "active consumers get it",
    )
    add_service_flags(parser)
    parser.epilog = (
        "A consumer reads the event after those it has not read yet. An endpoint gets the request "
        "at once, and only once, signed as any other: no pending delivery, pause or rate limit "
        "holds it up. It is logged as a test, and never counts against the endpoint. "
        "RUNHOOK_TOKEN holds the API token."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Have it sent, and print a line for each webhook; return 1 if one did not take it."""
    event_type = event_type_in(arguments.event)
    try:
        service = connect_service(read_service_settings(arguments, os.environ), os.environ)
    except UnusableError as error:
        raise InvalidError(str(error)) from None
    ids = arguments.webhook or consumers_of(service)
    if not ids:
        raise InvalidError(
            "there is no active consumer; start `runhook listen --forward URL`, or name a webhook "
            "with --webhook"
        )
    sent = [send_sample(service, one, event_type) for one in ids]
    return 0 if all(sent) else 1


def consumers_of(service: Service) -> Sequence[str]:
    """Ids of the account's active consumers."""
    return [
        one["id"]
        for one in all_webhooks(service)
        if one["active"] and one["client_url"].startswith(CONSUME)
    ]


def send_sample(service: Service, webhook_id: str, event_type: EventType) -> bool:
    """Have one webhook sent a sample, and say how that went."""
    try:
        error = test_webhook(service, webhook_id, event_type.value)
    except WebhookRequestError as refused:
        error = refused.message
    if error is not None:
        print(f"runhook trigger: {webhook_id}: {printable_name(error)}", file=sys.stderr)
        return False
    print(f"{event_type.value}  {webhook_id}  sent")
    return True
