"""The entry point: finds the subcommand and imports that one only.

`runhook run` starts dbt, so nothing may be loaded for it that it does not need; the service's
commands need packages that a client's install does not have.
"""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Protocol, cast

from runhook.domain.errors import RunhookError
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
                print(
                    f"runhook {known} needs the service: pip install 'runhook[server]' "
                    f"(missing: {error.name})",
                    file=sys.stderr,
                )
                return 1
            module.add_arguments(subparser)
    arguments = parser.parse_args(argv)
    assert module is not None
    try:
        code = module.execute(arguments)
        if sys.stdout is not None:
            sys.stdout.flush()
    except BrokenPipeError:
        return end_of_pipe()
    except RunhookError as error:
        print(f"runhook {name}: {error.message}", file=sys.stderr)
        return 1
    return code


def import_command(command: Command) -> CommandModule:
    """Import a command's module, without looking for garbage: what modules make stays.

    That would be a tenth of the time in which a service starts.
    """
    gc.disable()
    try:
        return cast("CommandModule", import_module(command.module))
    finally:
        gc.enable()


def end_of_pipe() -> int:
    """Exit code of a program whose reader has gone, as `head` does; nothing more is written."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 128 + signal.SIGPIPE


def is_own_module(error: ModuleNotFoundError) -> bool:
    """Tell a missing module of Runhook itself, a bug, from a dependency not installed."""
    return (error.name or "").startswith("runhook")


if __name__ == "__main__":
    sys.exit(main())
