"""`runhook start`: begin a run whose steps are single commands of a shell."""

import argparse
import os
from pathlib import Path

from runhook.cli.reporting import add_run_flags, add_service_flags
from runhook.client.run.nesting import RUN_VARIABLE
from runhook.client.settings import read_settings
from runhook.client.shell.begun import StartResult, start_run
from runhook.client.wrapper.wrapping import say
from runhook.domain.errors import InvalidError
from runhook.domain.runs.run import silence_in


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's flags."""
    parser.usage = (
        'export RUNHOOK_RUN="$(runhook start --job NAME [options])"\n'
        '       eval "$(runhook start --job NAME --trap [options])"'
    )
    add_run_flags(parser)
    add_service_flags(parser)
    parser.add_argument(
        "--give-up-after",
        type=checked_span,
        metavar="SPAN",
        help="after how long an unfinished run counts as errored, such as '6 hours' "
        "(5 minutes to 7 days; else 1 day)",
    )
    parser.add_argument(
        "--env-file",
        metavar="FILE",
        type=Path,
        help=f"append {RUN_VARIABLE}=... to this file too, such as $GITHUB_ENV",
    )
    parser.add_argument(
        "--trap",
        action="store_true",
        help="print shell code for eval instead, which also finishes the run with the script's "
        "exit code when the script ends",
    )
    parser.epilog = (
        f"Prints the run's name, for {RUN_VARIABLE} of `runhook step` and `runhook finish`. "
        "The exit code is 0 whether the service can be reached or not."
    )


def checked_span(text: str) -> str:
    """Check a span of time as the service will."""
    try:
        silence_in(text)
    except InvalidError as error:
        raise argparse.ArgumentTypeError(error.sentence) from error
    return text


def execute(arguments: argparse.Namespace) -> int:
    """Begin the run, print its name, and return 0."""
    settings = read_settings(arguments, os.environ)
    result = start_run(settings, os.environ)
    print(code_of(result, arguments) if arguments.trap else result.run)
    if result.trouble is not None:
        say(result.trouble)
    if arguments.env_file is not None:
        append(arguments.env_file, f"{RUN_VARIABLE}={result.run}\n")
    return 0


def code_of(result: StartResult, arguments: argparse.Namespace) -> str:
    """Shell code that sets the run's name, and the trap if there is a run to finish."""
    import shlex  # noqa: PLC0415 - for --trap only

    from runhook.client.shell.trapping import trap_code  # noqa: PLC0415 - as above

    named = f"{RUN_VARIABLE}={shlex.quote(result.run)}; export {RUN_VARIABLE}"
    if result.begun is None:
        return named
    said = {"--url": arguments.url, "--account-id": arguments.account_id}
    flags = [word for flag, value in said.items() if value for word in (flag, value)]
    return f"{named}\n{trap_code(result.begun, flags)}"


def append(path: Path, line: str) -> None:
    """Add a line to a file that a CI system reads variables from."""
    try:
        with path.open("a") as file:
            file.write(line)
    except OSError as error:
        say(f"{path} cannot be written: {error.strerror}")
