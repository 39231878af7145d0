"""The entry point: finds the subcommand and imports that one only.

`runhook run` starts dbt, so nothing may be loaded for it that it does not need; the service's
commands need packages that a client's install does not have.
"""

import argparse
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from runhook.domain.errors import InvalidError, RunhookError
from runhook.domain.version import VERSION


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """One subcommand: the module that holds it and its line in `runhook --help`."""

    module: str
    help: str
    needs_server: bool = False


COMMANDS = {
    "run": Command(module="runhook.cli.run", help="run dbt and report the run to Runhook"),
    "start": Command(module="runhook.cli.start", help="begin a run of single steps in a shell"),
    "step": Command(module="runhook.cli.step", help="run a command as a step of the run"),
    "finish": Command(module="runhook.cli.finish", help="end the run that `start` has begun"),
    "import": Command(module="runhook.cli.importing", help="report a run from dbt's artifacts"),
    "flush": Command(module="runhook.cli.flush", help="send what earlier runs could not report"),
    "doctor": Command(
        module="runhook.cli.doctor",
        help="show what would be reported from here, and whether it could",
    ),
    "listen": Command(
        module="runhook.cli.listen",
        help="receive deliveries and print them, or pass a service's events on",
    ),
    "sample": Command(
        module="runhook.cli.sample", help="print or send a signed delivery, without a service"
    ),
    "trigger": Command(
        module="runhook.cli.trigger", help="let the service send a made-up event, as a test"
    ),
    "webhooks": Command(
        module="runhook.cli.webhooks", help="create, list, test and delete webhooks"
    ),
    "init": Command(
        module="runhook.cli.init",
        help="make the database and the master key of a new service",
        needs_server=True,
    ),
    "serve": Command(
        module="runhook.cli.serve", help="run the service: API and dispatcher", needs_server=True
    ),
    "dispatch": Command(
        module="runhook.cli.dispatch",
        help="deliver only, beside others on PostgreSQL",
        needs_server=True,
    ),
    "accounts": Command(
        module="runhook.cli.accounts",
        help="create and list accounts, and invite their owners",
        needs_server=True,
    ),
    "users": Command(
        module="runhook.cli.users",
        help="give a user who forgot theirs another password",
        needs_server=True,
    ),
    "tokens": Command(
        module="runhook.cli.tokens", help="create, list and revoke API tokens", needs_server=True
    ),
    "keys": Command(
        module="runhook.cli.keys", help="list and rotate the master keys", needs_server=True
    ),
    "backup": Command(
        module="runhook.cli.backup",
        help="make a folder with all that brings the service back",
        needs_server=True,
    ),
    "restore": Command(
        module="runhook.cli.restore",
        help="bring the service back from a backup",
        needs_server=True,
    ),
    "copy": Command(
        module="runhook.cli.copying",
        help="move the service to another database",
        needs_server=True,
    ),
    "migrate": Command(
        module="runhook.cli.migrate", help="bring the database to this version", needs_server=True
    ),
    "settings": Command(
        module="runhook.cli.settings",
        help="print each setting's value and where it came from",
        needs_server=True,
    ),
}


class CommandModule(Protocol):
    """What each command's module offers."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's flags."""

    def execute(self, arguments: argparse.Namespace) -> int:
        """Run the command; return the exit code."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run `runhook` with ``argv`` (default: the process's own) and return the exit code."""
    argv = sys.argv[1:] if argv is None else argv
    name = next((word for word in argv if not word.startswith("-")), None)
    who = "runhook" if name is None else f"runhook {name}"
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A name may hold what this terminal's encoding cannot.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        try:
            return carry_out(argv, name)
        finally:
            # What argparse has printed, too, before it ends the process.
            flush_output()
    except BrokenPipeError:
        abandon_output()
        return 128 + signal.SIGPIPE
    except RunhookError as error:
        tell(f"{who}: {error.message}")
    except OSError as error:
        if error.strerror is None:
            raise
        place = "" if error.filename is None else f"{error.filename}: "
        tell(f"{who}: {place}{error.strerror}.")
    except KeyboardInterrupt:
        # A shell's loop ends with a command that has died of it, and not with one that exits.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGINT)
    return 1


def carry_out(argv: Sequence[str], name: str | None) -> int:
    """Find the command and run it; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="runhook", description="Webhooks for the dbt runs you run yourself."
    )
    parser.add_argument("--version", action="version", version=f"runhook {VERSION}")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)
    module: CommandModule | None = None
    for known, command in COMMANDS.items():
        subparser = subparsers.add_parser(known, help=command.help, description=command.help)
        if known == name:
            try:
                module = import_command(command)
            except ModuleNotFoundError as error:
                if not command.needs_server or is_own_module(error):
                    raise
                tell(
                    f"runhook {known} needs the service: pip install 'runhook[server]' "
                    f"(missing: {error.name})"
                )
                return 1
            module.add_arguments(subparser)
    arguments = parser.parse_args(argv)
    assert module is not None
    return module.execute(arguments)


def import_command(command: Command) -> CommandModule:
    """Import a command's module, without looking for garbage: what modules make stays.

    That would be a tenth of the time in which a service starts.
    """
    gc.disable()
    try:
        return cast("CommandModule", import_module(command.module))
    finally:
        gc.enable()


def flush_output() -> None:
    """Write what was printed and is not written yet.

    Raises:
        BrokenPipeError: its reader has gone, as `head` does.
        InvalidError: it cannot be written, as on a disk that is full.
    """
    if sys.stdout is None:
        return
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        abandon_output()
        raise InvalidError(f"What it prints cannot be written: {error.strerror}.") from None


def abandon_output() -> None:
    """Write nothing more: the interpreter would try it again at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def tell(sentence: str) -> None:
    """Print a sentence to standard error, if it takes one; else print would take the output."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(sentence, file=sys.stderr)


def is_own_module(error: ModuleNotFoundError) -> bool:
    """Tell a missing module of Runhook itself, a bug, from a dependency not installed."""
    return (error.name or "").startswith("runhook")


if __name__ == "__main__":
    sys.exit(main())
