"""`runhook step`: a command that is a step of the run we are within."""

import argparse
import os
import sys
from collections.abc import Mapping

from runhook.cli.reporting import add_wrapper_flags, command_in
from runhook.client.run.nesting import RUN_VARIABLE
from runhook.client.settings import read_settings
from runhook.client.wrapper.witness import witness_of_step
from runhook.client.wrapper.wrapping import wrap_commands

USAGE_ERROR = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.usage = "runhook step [options] -- dbt build"
    add_run_argument(parser)
    add_wrapper_flags(parser)
    parser.add_argument(
        "argv",
        nargs=argparse.REMAINDER,
        metavar="-- COMMAND",
        help="the command to run, with its flags",
    )
    parser.epilog = (
        "Within `runhook run`, or after `runhook start`. Without a run, the command "
        "still runs. Its output and exit code are never changed."
    )


def add_run_argument(parser: argparse.ArgumentParser) -> None:
    """Declare the flag that says which run is meant."""
    parser.add_argument(
        "--run", metavar="NAME", help=f"what `runhook start` has printed ({RUN_VARIABLE})"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Run the command and return its exit code; 2 if this command line is wrong."""
    command = command_in(arguments)
    if not command:
        print("runhook step: name the command to run: runhook step -- dbt build", file=sys.stderr)
        return USAGE_ERROR
    environ = environ_with(arguments.run)
    settings = read_settings(arguments, environ)
    return wrap_commands([command], settings, witness_of_step(settings, environ))


def environ_with(run: str | None) -> Mapping[str, str]:
    """Our environment, within the named run if there is one."""
    return {**os.environ, RUN_VARIABLE: run} if run else os.environ
