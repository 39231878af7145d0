"""`runhook run`: run dbt, and report the run."""

import argparse
import os
import sys

from runhook.cli.reporting import (
    add_run_flags,
    add_service_flags,
    add_upload_flag,
    add_wrapper_flags,
    command_in,
)
from runhook.client.settings import read_settings
from runhook.client.wrapper.witness import witness_of
from runhook.client.wrapper.wrapping import wrap_commands

USAGE_ERROR = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.usage = (
        "runhook run --job NAME [options] -- dbt build\n"
        "       runhook run --job NAME [options] --step 'dbt deps' --step 'dbt build'"
    )
    add_run_flags(parser)
    add_service_flags(parser)
    parser.add_argument(
        "--step",
        action="append",
        type=words,
        metavar="COMMAND",
        help="a command of the run, in place of the one after --; may be repeated: each runs if "
        "those before it succeeded",
    )
    add_wrapper_flags(parser)
    add_upload_flag(parser)
    parser.add_argument(
        "--allow-cancel",
        action="store_true",
        help="allow the service's users who may cancel runs to cancel this one",
    )
    parser.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND",
        help="the command to run, with its flags",
    )
    parser.epilog = (
        "RUNHOOK_TOKEN holds the API token. dbt's output and exit code are never changed, "
        "whether the service can be reached or not."
    )


def words(text: str) -> list[str]:
    """Split a command line as a shell does, without running one."""
    import shlex  # noqa: PLC0415 - for --step only

    try:
        found = shlex.split(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    if not found:
        raise argparse.ArgumentTypeError("expected a command")
    return found


def execute(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit code; 2 if this command line is wrong."""
    command = command_in(arguments)
    commands = [command] if command else arguments.step
    settings = read_settings(arguments, os.environ)
    if command and arguments.step:
        return report_usage_error("name the commands either by --step or after --, not both ways")
    if not commands:
        return report_usage_error("name the command to run: runhook run --job NAME -- dbt build")
    return wrap_commands(commands, settings, witness_of(commands, settings, os.environ))


def report_usage_error(message: str) -> int:
    """Say what is wrong with the command line."""
    print(f"runhook run: {message}", file=sys.stderr)
    return USAGE_ERROR
