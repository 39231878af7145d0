"""`runhook finish`: end a run that `runhook start` has begun."""

import argparse

from runhook.cli.reporting import add_service_flags, add_upload_flag
from runhook.cli.step import add_run_argument, environ_with
from runhook.client.settings import read_settings
from runhook.client.shell.begun import finish_run
from runhook.client.wrapper.wrapping import say

STATUSES = {
    "success": "success",
    "succeeded": "success",
    "succeededwithissues": "success",
    "error": "error",
    "errored": "error",
    "failed": "error",
    "failure": "error",
    "canceled": "canceled",
    "cancelled": "canceled",
}
"""What GitHub Actions, GitLab and Azure DevOps call a job's status, too."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_run_argument(parser)
    add_service_flags(parser)
    add_upload_flag(parser)
    parser.add_argument(
        "--status",
        type=str.lower,
        choices=["", *STATUSES],
        metavar="STATUS",
        help="success, error or canceled, or as a CI system calls it (else by --exit-code)",
    )
    parser.add_argument(
        "--exit-code",
        type=int,
        metavar="N",
        help="exit code of the run's last command (else the first failed step decides)",
    )
    parser.epilog = (
        "Harmless if the run was finished before. "
        "The exit code is 0 whether the service can be reached or not."
    )


def execute(arguments: argparse.Namespace) -> int:
    """End the run, and return 0."""
    environ = environ_with(arguments.run)
    trouble = finish_run(
        read_settings(arguments, environ),
        environ,
        status=STATUSES.get(arguments.status or ""),
        code=arguments.exit_code,
    )
    if trouble is not None:
        say(trouble)
    return 0
