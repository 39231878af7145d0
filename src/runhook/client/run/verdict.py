"""Decide how a run ended, from how its command ended and what it wrote. Pure.

The exit code alone does not tell: dbt v2 exits with 1 both when canceled and when a model failed,
Core with 2 both when canceled and when its command line was wrong.
"""

import signal
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePath

from runhook.client.processes.programs import DBT_NAMES
from runhook.client.run.ending import CommandEnding
from runhook.domain.dbt.artifacts import (
    SENTENCE_CHARACTERS,
    RunResults,
    failures_in_words,
    shorten,
    success_in_words,
)

STOPPED_BY = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
"""Who dies of one of these was asked to stop, though not through us."""

TIMED_OUT = 124
TIMED_OUT_HARD = 137
"""timeout(1) exits so if it had to kill, but so does a shell whose command was killed."""
FINISHED_WITH_FAILURES = 1
"""dbt's exit code after a run that it went through, though not all went well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is reported of a run's end, in the words of the service's API."""

    status: str
    outcome: str | None
    message: str
    """For people; empty if there is nothing to say."""


def judge_run(
    ending: CommandEnding,
    results: RunResults | None,
    command: Sequence[str],
    *,
    timed_out: bool = False,
) -> Verdict:
    """Decide how a run ended.

    Args:
        ending: how the command ended.
        results: what dbt wrote during this very run; None if nothing readable.
        command: the command line.
        timed_out: whether timeout(1) ran as long as it lets a command run.
    """
    if ending.not_started is not None:
        return errored(ending.not_started)
    name = PurePath(command[0]).name
    if ending.asked_to_stop_by is None and ending.code in {TIMED_OUT, TIMED_OUT_HARD} and timed_out:
        return errored("timed out by timeout(1)")
    killed_by = killing_signal(ending)
    if ending.asked_to_stop_by is not None and not was_done(ending, results, name):
        return canceled(f"canceled by {signal_name(ending.asked_to_stop_by)}")
    if killed_by in STOPPED_BY:
        return canceled(f"canceled: {name} was stopped by {signal_name(killed_by)}")
    if killed_by is not None:
        advice = "; out of memory?" if killed_by == signal.SIGKILL else ""
        return errored(f"{name} was killed by {signal_name(killed_by)}{advice}")
    if ending.code == 0:
        return succeeded(results)
    if results is None:
        return errored(f"{name} exited with code {ending.code}")
    if not results.nodes_known:
        return errored(f"{name} exited with code {ending.code}: compilation error")
    if results.failed:
        return failed(results)
    return errored(f"{name} exited with code {ending.code}, though no node failed")


def judge_results(results: RunResults) -> Verdict:
    """Decide how a run ended from its results alone; a cancel does not show."""
    if not results.nodes_known:
        return errored("compilation error")
    return failed(results) if results.failed else succeeded(results)


def killing_signal(ending: CommandEnding) -> int | None:
    """Signal that killed the command, or a command of the shell in between.

    A shell exits with 128 + n when the last command it ran died of signal n.
    """
    if ending.killed_by is not None:
        return ending.killed_by
    code = ending.code or 0
    mortal = STOPPED_BY | {signal.SIGKILL, signal.SIGSEGV, signal.SIGABRT}
    return code - 128 if code - 128 in mortal else None


def was_done(ending: CommandEnding, results: RunResults | None, program: str) -> bool:
    """Whether the signal came too late to stop the run.

    dbt itself never exits with 0 after a cancel. A shell may (`dbt build; echo bye`), and Core
    writes its results when canceled as well; then only results older than the signal count. Those
    may be older than our hearing of a Ctrl-C that went to both of us, but Core exits with 1 after
    a run that it finished, and with 2 after one that was canceled.
    """
    if results is None or ending.asked_to_stop_at is None:
        return False
    in_time = results.generated_at is not None and results.generated_at < ending.asked_to_stop_at
    if is_dbt(program):
        return ending.code == 0 or (ending.code == FINISHED_WITH_FAILURES and in_time)
    return ending.code == 0 and in_time


def is_dbt(program: str) -> bool:
    """Whether this program's exit code is dbt's own."""
    return program in DBT_NAMES


def canceled(message: str) -> Verdict:
    return Verdict(status="canceled", outcome=None, message=message)


def errored(message: str) -> Verdict:
    message = shorten(message, SENTENCE_CHARACTERS)
    return Verdict(status="error", outcome="errored", message=message)


def failed(results: RunResults) -> Verdict:
    """Name the first nodes that failed."""
    return Verdict(status="error", outcome="failed", message=failures_in_words(results))


def succeeded(results: RunResults | None) -> Verdict:
    """Say what a success hides."""
    message = "" if results is None else success_in_words(results)
    return Verdict(status="success", outcome="complete", message=message)


def signal_name(number: int) -> str:
    """`SIGTERM` for 15."""
    return signal.Signals(number).name if number in set(signal.Signals) else f"signal {number}"
