"""`runhook import`: report a run after the fact, from what dbt has written."""

import argparse
import os
import sys
from pathlib import Path

from runhook.cli.reporting import (
    add_messages_flag,
    add_run_flags,
    add_service_flags,
    add_upload_flag,
)
from runhook.client.dbt.surroundings import Surroundings
from runhook.client.importing import (
    AlreadyReportedError,
    NotImportedError,
    read_invocation,
    report_invocation,
)
from runhook.client.origin.facts import find_job_name
from runhook.client.origin.systems import this_place
from runhook.client.settings import read_settings, working_folder

USAGE_ERROR = 2


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    add_run_flags(parser)
    add_service_flags(parser)
    parser.add_argument(
        "--target",
        type=Path,
        metavar="FOLDER",
        help="where run_results.json is (else where dbt writes it)",
    )
    add_messages_flag(parser)
    add_upload_flag(parser)
    parser.epilog = (
        "The same results again are the same run, reported once. "
        "Whether a run was canceled cannot be seen from its results."
    )


def execute(arguments: argparse.Namespace) -> int:
    """Report the run, and return 0; 1 if it was not reported, 2 if this command line is wrong."""
    settings = read_settings(arguments, os.environ)
    named = find_job_name(this_place(os.environ))
    job = settings.job or (named.value if named else None)
    if job is None:
        complain("name the job: --job NAME, or RUNHOOK_JOB in the environment")
        return USAGE_ERROR
    here = working_folder(os.environ)
    folder = arguments.target or Surroundings(["dbt"], os.environ, here).target_folder()
    try:
        invocation = read_invocation(folder)
    except AlreadyReportedError as error:
        complain(f"nothing to do: {error}")
        return 0
    except NotImportedError as error:
        complain(str(error))
        return 1
    trouble = report_invocation(invocation, job, settings, os.environ)
    if trouble is not None:
        complain(trouble)
        return 1
    print(f"invocation {invocation.results.invocation_id} is reported")
    return 0


def complain(message: str) -> None:
    """Say what is wrong."""
    print(f"runhook import: {message}", file=sys.stderr)
