"""One `runhook run`: dbt in the middle, our reports around it.

dbt keeps its own streams and exit code even if reporting breaks: everything of ours goes through a
``Witness``, whose methods never raise.
"""

import sys
from collections.abc import Sequence

from runhook.client.run.ending import CommandEnding, ended_now
from runhook.client.settings import ClientSettings
from runhook.client.wrapper.family import Adoption
from runhook.client.wrapper.process import (
    Child,
    NotStartedError,
    adopt_orphans,
    end_like,
)
from runhook.client.wrapper.relay import request_to_stop, wait_for
from runhook.client.wrapper.signals import Signals, listen_for_signals
from runhook.client.wrapper.witness import Witness

Command = Sequence[str]


def wrap_commands(commands: Sequence[Command], settings: ClientSettings, witness: Witness) -> int:
    """Run the commands in order, until one fails; the witness reports each.

    Returns the exit code of the last one that ran; dies of the signal it died of.
    """
    signals = listen_for_signals()
    adoption = adopt_orphans()
    ending = run_step(commands[0], settings, witness, signals, adoption)
    for command in commands[1:]:
        if ending.code != 0:
            break
        if (number := ending.asked_to_stop_by or request_to_stop(signals)) is not None:
            # It came too late for the step that has succeeded, but not for the run.
            witness.saw_signal(number)
            ending = ended_now(128 + number, asked_to_stop_by=number)
            break
        ending = run_step(command, settings, witness, signals, adoption)
    witness.saw_end_of_run(ending)
    if witness.trouble is not None:
        say(witness.trouble)
    return end_like(ending)


def run_step(
    command: Command,
    settings: ClientSettings,
    witness: Witness,
    signals: Signals,
    adoption: Adoption,
) -> CommandEnding:
    """Run one command; the witness reports its start and its end."""
    witness.sees_step(command)
    try:
        child = Child(command, witness.environ_of_child(), signals, adoption)
    except NotStartedError as error:
        say(error.message)
        ending = error.as_ending()
        witness.saw_start()
    else:
        witness.saw_start()
        ending = wait_for(child, signals, grace=settings.grace, on_first_signal=witness.saw_signal)
    witness.saw_end_of_step(ending)
    return ending


def say(message: str) -> None:
    """Write one line for people. Without a stderr, print would take stdout, which is dbt's."""
    if sys.stderr is None:
        return
    line = "".join(one if one.isprintable() else " " for one in message)
    try:
        print(f"runhook: {line}", file=sys.stderr, flush=True)
    except (OSError, ValueError):
        sys.stderr = None
