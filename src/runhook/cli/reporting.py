"""Flags and helpers that the client's commands share."""

import argparse

from runhook.client.settings import DEFAULT_URL, GRACE_SECONDS, UPLOAD_VARIABLE


def add_service_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that name the service and the account."""
    parser.add_argument(
        "--url", help=f"where Runhook's service is (RUNHOOK_URL; else {DEFAULT_URL})"
    )
    parser.add_argument(
        "--account-id",
        metavar="ID",
        help="account that the runs belong to (RUNHOOK_ACCOUNT_ID; else 1)",
    )


def add_run_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags that describe the run."""
    parser.add_argument("--job", metavar="NAME", help="the dbt job's name (RUNHOOK_JOB)")
    parser.add_argument(
        "--project",
        metavar="NAME",
        help="the dbt project's name (RUNHOOK_PROJECT; else the name in dbt_project.yml)",
    )
    parser.add_argument(
        "--environment",
        metavar="NAME",
        help="the environment's name (RUNHOOK_ENVIRONMENT; else dbt's target, else `default`)",
    )
    parser.add_argument(
        "--reason",
        metavar="TEXT",
        help="reason of the run (else the reason that its scheduler gives, else `scheduled`)",
    )


def add_wrapper_flags(parser: argparse.ArgumentParser) -> None:
    """Declare the flags about a command that is wrapped."""
    add_messages_flag(parser)
    parser.add_argument(
        "--grace",
        type=seconds,
        metavar="SECONDS",
        help="how long dbt may take to cancel its queries after a SIGTERM "
        f"(else {GRACE_SECONDS:g}, in GitHub Actions 6)",
    )


def add_upload_flag(parser: argparse.ArgumentParser) -> None:
    """Declare the flag that attaches dbt's files."""
    parser.add_argument(
        "--upload-artifacts",
        action=argparse.BooleanOptionalAction,
        help="attach run_results.json and manifest.json to the run, without secrets "
        f"(or {UPLOAD_VARIABLE}=1)",
    )


def add_messages_flag(parser: argparse.ArgumentParser) -> None:
    """Declare the flag that leaves dbt's messages out of reports."""
    parser.add_argument(
        "--no-messages",
        action="store_true",
        help="do not report dbt's messages about failed nodes",
    )


def command_in(arguments: argparse.Namespace) -> list[str]:
    """The command behind the flags, with or without `--` before it."""
    words: list[str] = arguments.argv
    return words[1:] if words[:1] == ["--"] else words


def seconds(text: str) -> float:
    """Parse a duration."""
    value = float(text)
    if not 0 <= value < float("inf"):
        raise argparse.ArgumentTypeError("expected a number of seconds, 0 or more")
    return value
