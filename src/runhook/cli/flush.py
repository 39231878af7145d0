"""`runhook flush`: send what earlier runs could not report."""

import argparse
import os
import sys

from runhook.cli.reporting import add_service_flags
from runhook.client.reporting.backlog import BacklogResult, send_backlog
from runhook.client.reporting.service import Service, UnusableError, connect_service
from runhook.client.reporting.spool import ASIDE, Spool
from runhook.client.settings import read_service_settings

REQUEST_SECONDS = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_service_flags(parser)
    parser.epilog = (
        "RUNHOOK_TOKEN holds the API token. What is kept for another service or account stays; "
        "the next `runhook run` sends the rest as well."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Send it, and return 0; 1 if something is still kept or was refused."""
    settings = read_service_settings(arguments, os.environ)
    try:
        service = connect_service(settings, os.environ)
    except UnusableError as error:
        return report_failure(str(error))
    if settings.spool_folder is None:
        return report_failure("there is no home folder; set RUNHOOK_SPOOL_DIR")
    spool = Spool(settings.spool_folder)
    sent = flush(spool, service)
    print(f"{sent.taken} run(s) reported to {service.name}")
    if sent.refused:
        report_failure(f"{sent.refused} run(s) refused, and no longer kept")
    if sent.not_understood:
        report_failure(
            f"{sent.not_understood} run(s) say what {service.name} does not know, "
            "and are kept for a newer one"
        )
    for strange in spool.aside:
        report_failure(f"{strange}, and was moved to {settings.spool_folder / ASIDE}")
    if sent.problem is not None:
        report_failure(f"the rest is still kept in {settings.spool_folder}: {sent.problem}")
    return 1 if sent.refused or sent.not_understood or sent.problem is not None else 0


def flush(spool: Spool, service: Service) -> BacklogResult:
    """Send all that is kept for this service, however long it takes."""
    return send_backlog(spool, service, timeout=lambda: REQUEST_SECONDS, go_on=lambda: True)


def report_failure(message: str) -> int:
    """Say what is wrong."""
    print(f"runhook flush: {message}", file=sys.stderr)
    return 1
