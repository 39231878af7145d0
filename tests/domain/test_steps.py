"""What consumers read of a run's steps: names, statuses, and logs they can search."""

import re

import pytest

from runhook.domain.runs.run import RunStatus, RunStep
from runhook.domain.runs.steps import dbt_command, log_of, steps_of
from tests.support.builders import FINISHED_AT, STARTED_AT, a_run

MODEL = {
    "unique_id": "model.shop.customers",
    "resource_type": "model",
    "status": "error",
    "message": "Database Error in model customers (models/customers.sql)\n  no such table",
}
TEST = {
    "unique_id": "test.shop.not_null_orders_id.cf6c17daed",
    "resource_type": "test",
    "status": "fail",
    "message": "Got 2 results, configured to fail if != 0",
}
RESULTS = {
    "counts": {"success": 9, "error": 1, "fail": 1, "warn": 1},
    "failed_total": 2,
    "failed": [MODEL, TEST],
}
# As in dbt Labs' own example of a receiver, which finds in logs what it tells people.
SUMMARY = re.compile(r"Completed with \d+ error.* and \d+ warnings?:")
ITEM = re.compile(r"(^.*(?:Failure|Error) in .*\n.*\n.*)", re.MULTILINE)


def test_steps_that_were_reported_are_shown_as_they_are():
    steps = (RunStep(name="dbt build", status=RunStatus.ERROR, logs="..."),)

    assert steps_of(a_run(status=RunStatus.ERROR, steps=steps)) == steps


def test_a_run_without_steps_is_one_step():
    (step,) = steps_of(a_run(status=RunStatus.SUCCESS))

    assert step == RunStep(
        name="Invoke dbt",
        status=RunStatus.SUCCESS,
        started_at=STARTED_AT,
        finished_at=FINISHED_AT,
        logs="Completed successfully\n",
    )


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        (
            {"success": 3, "pass": 2, "skipped": 1, "no-op": 1, "reused": 1},
            "Completed successfully\n\nDone. PASS=5 WARN=0 ERROR=0 SKIP=1 NO-OP=1 TOTAL=8\n",
        ),
        (
            {"success": 1, "warn": 2},
            "Completed with 2 warnings:\n\nDone. PASS=1 WARN=2 ERROR=0 SKIP=0 NO-OP=0 TOTAL=3\n",
        ),
    ],
)
def test_the_log_of_a_success_ends_as_dbts(counts: dict[str, int], expected: str):
    (step,) = steps_of(a_run(status=RunStatus.SUCCESS, results={"counts": counts}))

    assert step.logs == expected


def test_its_log_tells_of_the_nodes_that_failed_as_dbt_would():
    run = a_run(status=RunStatus.ERROR, status_message="dbt exited with 1", results=RESULTS)

    (step,) = steps_of(run)

    assert step.logs == (
        "dbt exited with 1\n"
        "\n"
        "Completed with 2 errors and 1 warning:\n"
        "\n"
        "Database Error in model customers (models/customers.sql)\n"
        "  no such table\n"
        "\n"
        "Failure in test not_null_orders_id\n"
        "  Got 2 results, configured to fail if != 0\n"
    )


def test_receivers_find_in_it_what_they_find_in_dbts_log():
    (step,) = steps_of(a_run(status=RunStatus.ERROR, results=RESULTS))

    assert SUMMARY.search(step.logs)
    assert [item.splitlines()[0] for item in ITEM.findall(step.logs)] == [
        "Database Error in model customers (models/customers.sql)",
        "Failure in test not_null_orders_id",
    ]


def test_says_how_many_failed_nodes_it_leaves_out():
    results = {**RESULTS, "failed_total": 14}

    (step,) = steps_of(a_run(status=RunStatus.ERROR, results=results))

    assert "Completed with 14 errors" in step.logs
    assert step.logs.endswith("\n\n... and 12 more\n")


@pytest.mark.parametrize(
    "results",
    [
        {},
        {"failed": None},
        {"failed": "all"},
        {"failed": {}},
        {"failed": ["model.shop.customers", 5, None]},
        {"counts": [], "failed_total": "many", "failed": []},
    ],
)
def test_results_of_any_other_kind_say_nothing(results: dict[str, object]):
    (step,) = steps_of(a_run(status=RunStatus.ERROR, results=results))

    assert step.logs == ""


def test_a_node_of_which_little_is_known_is_told_of_all_the_same():
    results = {"counts": None, "failed_total": None, "failed": [{}, {"unique_id": "my_model"}]}

    (step,) = steps_of(a_run(status=RunStatus.ERROR, results=results))

    assert step.logs.startswith("Completed with 2 errors and 0 warnings:\n\nError in")
    assert "my_model" in step.logs


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("Invoke dbt with `dbt build --select a`", "dbt build --select a"),
        ("Invoke dbt with `dbt run --vars '{\n}'`", "dbt run --vars '{\n}'"),
        ("Invoke dbt", None),
        ("Invoke dbt with ``", None),
        ("Clone the repository", None),
    ],
)
def test_a_step_of_dbts_says_its_command_in_its_name(name: str, command: str | None):
    assert dbt_command(name) == command


def test_the_log_of_a_step_that_is_not_known_to_have_succeeded_does_not_say_so():
    assert log_of("dbt exited with 2", None) == "dbt exited with 2\n"
    assert log_of(None, {"counts": {"success": 1}}) == ""


@pytest.mark.parametrize(
    ("node", "paragraph"),
    [
        (TEST | {"message": "Got 2\nof 3"}, "Failure in test not_null_orders_id\n  Got 2\n  of 3"),
        (MODEL | {"message": "no such table"}, "Error in model customers\n  no such table"),
        (
            MODEL | {"message": "no such table\nDatabase Error in model customers"},
            "Error in model customers\n  no such table\n  Database Error in model customers",
        ),
        (MODEL | {"message": "Error in hook"}, "Error in hook"),
        (MODEL | {"message": "Error in hook\none\ntwo"}, "Error in hook\none\ntwo"),
        (MODEL | {"unique_id": "model.shop", "message": "x"}, "Error in model model.shop\n  x"),
        (MODEL | {"unique_id": "hook", "message": ""}, "Error in model hook\n  "),
    ],
)
def test_a_node_that_failed_is_told_of_under_a_heading(node: dict[str, str], paragraph: str):
    assert log_of(None, {"failed": [node]}).endswith(f"warnings:\n\n{paragraph}\n")
