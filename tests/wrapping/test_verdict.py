"""How a run ended, by how its command ended, what was asked of it, and what it wrote."""

import signal
from datetime import UTC, datetime, timedelta

import pytest

from runhook.client.processes.timeouts import has_timed_out
from runhook.client.run.ending import CommandEnding
from runhook.client.run.verdict import judge_run
from runhook.domain.dbt.artifacts import FailedNode, RunResults

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
EARLIER, LATER = NOON - timedelta(seconds=1), NOON + timedelta(seconds=1)
DBT = ["/usr/bin/dbt", "build"]
SHELL = ["sh", "-c", "dbt build; echo bye"]


def ended(code: int | None = None, *, killed_by: int | None = None, asked: int | None = None):
    """An ending; one that was asked to stop was asked at noon."""
    return CommandEnding(
        code=code,
        killed_by=killed_by,
        asked_to_stop_by=asked,
        asked_to_stop_at=None if asked is None else NOON,
        ended_at=LATER,
        ended_at_monotonic=0,
    )


def wrote(*failed: str, at: datetime = EARLIER, nodes_known: bool = True) -> RunResults:
    return RunResults(
        step="abc",
        dbt_version="1.12.6",
        generated_at=at,
        elapsed_seconds=1,
        counts={"success": 3, "error": len(failed)},
        failed=tuple(
            FailedNode(unique_id=one, resource_type="model", status="error", message="")
            for one in failed
        ),
        failed_total=len(failed),
        nodes_known=nodes_known,
    )


@pytest.mark.parametrize(
    ("ending", "results", "command", "status", "outcome"),
    [
        (ended(0), wrote(), DBT, "success", "complete"),
        (ended(0), None, DBT, "success", "complete"),
        (ended(0), wrote("model.shop.a"), DBT, "success", "complete"),
        (ended(1), wrote("model.shop.a"), DBT, "error", "failed"),
        (ended(1), wrote(), DBT, "error", "errored"),
        (ended(1), wrote("model.shop.a", nodes_known=False), DBT, "error", "errored"),
        (ended(2), None, DBT, "error", "errored"),
        (ended(killed_by=signal.SIGKILL), wrote("model.shop.a"), DBT, "error", "errored"),
        (ended(killed_by=signal.SIGSEGV), None, DBT, "error", "errored"),
        (ended(137), None, SHELL, "error", "errored"),
        (ended(139), None, SHELL, "error", "errored"),
        (ended(134), None, SHELL, "error", "errored"),
        (ended(killed_by=signal.SIGTERM), None, DBT, "canceled", None),
        (ended(130), None, SHELL, "canceled", None),
        (ended(143), wrote("model.shop.a"), SHELL, "canceled", None),
    ],
)
def test_nobody_asked_it_to_stop(
    ending: CommandEnding,
    results: RunResults | None,
    command: list[str],
    status: str,
    outcome: str | None,
):
    verdict = judge_run(ending, results, command)

    assert (verdict.status, verdict.outcome) == (status, outcome)


@pytest.mark.parametrize(
    ("ending", "results", "command", "status"),
    [
        # Core and v2 after a SIGINT; both have written something.
        (ended(2, asked=signal.SIGINT), wrote(at=LATER), DBT, "canceled"),
        (ended(1, asked=signal.SIGINT), wrote("model.shop.a", at=LATER), DBT, "canceled"),
        # Ctrl-C goes to both of us, and dbt was quicker.
        (ended(2, asked=signal.SIGINT), wrote("model.shop.a", at=EARLIER), DBT, "canceled"),
        (ended(killed_by=signal.SIGABRT, asked=signal.SIGINT), None, DBT, "canceled"),
        (ended(killed_by=signal.SIGKILL, asked=signal.SIGTERM), wrote(), DBT, "canceled"),
        # A shell's exit code says nothing.
        (ended(0, asked=signal.SIGTERM), None, SHELL, "canceled"),
        (ended(0, asked=signal.SIGTERM), wrote(at=LATER), SHELL, "canceled"),
        (ended(1, asked=signal.SIGTERM), wrote(at=EARLIER), SHELL, "canceled"),
        # It had ended, or went on to its end all the same.
        (ended(0, asked=signal.SIGTERM), wrote(at=EARLIER), SHELL, "success"),
        (ended(0, asked=signal.SIGTERM), wrote(at=LATER), DBT, "success"),
        (ended(1, asked=signal.SIGTERM), wrote("model.shop.a", at=EARLIER), DBT, "error"),
        # Without results nothing proves that.
        (ended(0, asked=signal.SIGTERM), None, DBT, "canceled"),
    ],
)
def test_somebody_asked_it_to_stop(
    ending: CommandEnding, results: RunResults | None, command: list[str], status: str
):
    assert judge_run(ending, results, command).status == status


def test_names_the_first_nodes_that_failed():
    results = wrote("model.shop.a", "test.shop.unique_b.1a2b", "odd", "model.shop.d")

    assert judge_run(ended(1), results, DBT).message == "4 of 7 nodes failed: a, unique_b, odd, ..."


def test_a_message_stays_short():
    results = wrote(*(f"model.shop.{'long' * 100}{n}" for n in range(3)))

    assert len(judge_run(ended(1), results, DBT).message) == 250


def test_a_signal_without_a_name_is_told_by_its_number():
    assert judge_run(ended(killed_by=40), None, DBT).message == "dbt was killed by signal 40"


@pytest.mark.parametrize("code", [1, 2, 3, 64])
def test_without_results_only_what_is_known_is_said(code: int):
    assert judge_run(ended(code), None, DBT).message == f"dbt exited with code {code}"


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        (["timeout", "60", "dbt", "run"], 60.1),
        (["timeout", "-k", "5", "-s", "9", "1m", "dbt", "run"], 60.1),
        (["/usr/bin/timeout", "--foreground", "0.5h", "dbt"], 1800.5),
        (["env", "A=1", "timeout", "60", "dbt"], 61),
    ],
)
def test_knows_when_the_time_of_timeout_was_over(command: list[str], seconds: float):
    assert has_timed_out([command], seconds)
    assert not has_timed_out([command], seconds - 2)
    assert not has_timed_out([["dbt", "run", "--select", "timeout_model"]], seconds)


@pytest.mark.parametrize("code", [124, 137])
def test_a_command_that_timeout_has_ended_was_timed_out(code: int):
    verdict = judge_run(ended(code), None, SHELL, timed_out=True)

    assert (verdict.status, verdict.message) == ("error", "timed out by timeout(1)")
    assert judge_run(ended(124), None, SHELL).message == "sh exited with code 124"
