"""What is reported of a run."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from tests.wrapping.support import (
    Answer,
    Request,
    StubService,
    Wrapper,
    accepted,
    finish_waiting,
    next_line,
)


def test_a_successful_run(wrapper: Wrapper, service: StubService):
    began = datetime.now(UTC)

    wrapper.run("dbt", "build")

    assert [report.path for report in service.reports()] == [
        "/api/v3/accounts/1/runs",
        "/api/v3/accounts/1/runs/42/finish",
    ]
    start, end = service.body("runs"), service.body("finish")
    assert began < datetime.fromisoformat(start.pop("started_at")) < datetime.now(UTC)
    assert 20 <= len(start.pop("run_key")) <= 64
    assert start == {
        "job_name": "nightly",
        "project_name": "default",
        "environment_name": "default",
        "run_reason": "scheduled",
        "heartbeats": True,
        "cancelable": False,
    }
    assert began < datetime.fromisoformat(end.pop("finished_at")) < datetime.now(UTC)
    (step,) = end.pop("steps")
    assert (step["name"], step["status"]) == ("Invoke dbt with `dbt build`", "success")
    assert step["logs"].endswith("Done. PASS=2 WARN=0 ERROR=0 SKIP=0 NO-OP=0 TOTAL=2\n")
    assert end == {
        "status": "success",
        "outcome": "complete",
        "status_message": None,
        "dbt_version": "1.12.6",
        "results": {
            "available": True,
            "nodes_known": True,
            "elapsed_seconds": 1.25,
            "total": 2,
            "counts": {"success": 1, "pass": 1},
            "failed_total": 0,
            "failed": [],
            "invocation_id": "5f3c",
            "project_name": "shop",
            "slowest": [{"unique_id": "model.shop.orders", "seconds": 1.0}],
        },
    }


def test_a_run_with_failing_nodes(wrapper: Wrapper, service: StubService):
    wrapper.run("dbt", "fail")

    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "failed")
    assert end["status_message"] == "2 of 4 nodes failed: customers, orders_id"
    assert end["results"]["counts"] == {"success": 1, "error": 1, "fail": 1, "skipped": 1}
    assert end["results"]["failed"][1] == {
        "unique_id": "test.shop.orders_id.1a",
        "resource_type": "test",
        "status": "fail",
        "message": "Got 3 results",
    }


def test_a_usage_error_does_not_report_the_results_of_the_run_before(
    wrapper: Wrapper, service: StubService
):
    wrapper.run("dbt", "fail")
    service.requests.clear()

    wrapper.run("dbt", "usage")

    end = service.body("finish")
    assert (end["status"], end["outcome"]) == ("error", "errored")
    assert end["results"] == {"available": False, "reason": "dbt wrote none"}
    assert "dbt_version" not in end
    assert end["status_message"].startswith("dbt exited with code 2")


def test_results_that_were_cut_off_are_said_to_be(wrapper: Wrapper, service: StubService):
    wrapper.run("sh", "-c", "mkdir target; echo '{\"metadata\":' > target/run_results.json; exit 1")

    end = service.body("finish")
    assert end["outcome"] == "errored"
    assert end["results"]["reason"] == "run_results.json cannot be read: not JSON, or cut off"


def test_the_version_is_read_from_the_manifest_when_there_are_no_results(
    wrapper: Wrapper, service: StubService
):
    """dbt Core writes the manifest before it finds a bad ref."""
    write = (
        'mkdir target; printf \'{"metadata": {"dbt_version": "1.12.0", "env": {"RUNHOOK_STEP": '
        '"%s"}}, "nodes": {\' "$DBT_ENV_CUSTOM_ENV_RUNHOOK_STEP" > target/manifest.json; exit 2'
    )

    wrapper.run("sh", "-c", write)

    assert service.body("finish")["dbt_version"] == "1.12.0"


@pytest.mark.parametrize(
    ("how", "message"),
    [("empty", "no nodes were selected"), ("warn", "1 of 2 nodes warned")],
)
def test_a_success_says_what_it_hides(
    wrapper: Wrapper, service: StubService, how: str, message: str
):
    wrapper.run("dbt", how)

    end = service.body("finish")
    assert (end["status"], end["status_message"]) == ("success", message)


def test_names_come_from_the_project_file_and_dbts_flags(wrapper: Wrapper, service: StubService):
    (wrapper.folder / "dbt_project.yml").write_text("name: 'shop'\n")

    wrapper.run("dbt", "build", "--target", "prod")

    start = service.body("runs")
    assert (start["project_name"], start["environment_name"]) == ("shop", "prod")


def test_variables_win_over_files_and_flags_over_variables(wrapper: Wrapper, service: StubService):
    (wrapper.folder / "dbt_project.yml").write_text("name: shop\n")
    told = wrapper.with_variables(
        RUNHOOK_PROJECT="from variable", RUNHOOK_ENVIRONMENT="from variable"
    )

    told.run(
        *["dbt", "build", "--target", "prod"],
        flags=["--job", "hourly", "--environment", "from flag", "--reason", "because"],
    )

    start = service.body("runs")
    assert start["job_name"] == "hourly"
    assert start["project_name"] == "from variable"
    assert start["environment_name"] == "from flag"
    assert start["run_reason"] == "because"


def test_the_account_and_a_path_before_the_api_are_honoured(wrapper: Wrapper, service: StubService):
    told = wrapper.with_variables(RUNHOOK_URL=f"{service.url}/behind/", RUNHOOK_ACCOUNT_ID="7")

    told.run("dbt", "build")

    assert service.requests[0].path == "/behind/api/v3/accounts/7/runs"


def test_the_token_is_sent_and_nothing_of_it_is_shown(wrapper: Wrapper, service: StubService):
    ended = wrapper.run("dbt", "build")

    assert {one.headers["Authorization"] for one in service.requests} == {"Token a-token"}
    assert b"a-token" not in ended.stdout + ended.stderr


def test_messages_are_left_out_when_asked(wrapper: Wrapper, service: StubService):
    wrapper.with_variables(LEAK="a row").run("dbt", "fail", flags=["--no-messages"])

    failed = service.body("finish")["results"]["failed"]
    assert [node["unique_id"] for node in failed] == [
        *["model.shop.customers", "test.shop.orders_id.1a"]
    ]
    assert [node["message"] for node in failed] == ["", ""]


def test_secrets_do_not_leave_the_machine(wrapper: Wrapper, service: StubService):
    leaky = wrapper.with_variables(
        DBT_ENV_SECRET_KEY='pa"ss/word',
        SNOWFLAKE_PASSWORD="correct horse",
        LEAK='could not log in with pa"ss/word at db://me:correct%20horse@host, or correct horse',
    )

    leaky.run("dbt", "fail", flags=["--reason", "testing correct horse"])

    sent = json.dumps([request.body for request in service.requests])
    assert "correct" not in sent
    assert "ss/word" not in sent
    assert service.body("runs")["run_reason"] == "testing *****"
    (error, _) = service.body("finish")["results"]["failed"]
    assert (
        error["message"]
        == "Database Error: could not log in with ***** at db://*****@host, or *****"
    )


def test_a_variable_that_is_not_utf_8_is_reported_readably(wrapper: Wrapper, service: StubService):
    told = wrapper.with_variables(RUNHOOK_ENVIRONMENT=b"gr\xfcn".decode(errors="surrogateescape"))

    told.run("dbt", "build")

    assert service.body("runs")["environment_name"] == "gr?n"


def test_a_secret_that_is_not_utf_8_costs_no_report(wrapper: Wrapper, service: StubService):
    secret = b"gr\xfcn-secret".decode(errors="surrogateescape")

    wrapper.with_variables(DB_PASSWORD=secret).run("dbt", "build", flags=["--reason", secret])

    assert service.body("runs")["run_reason"] == "*****"
    assert service.body("finish")["status"] == "success"


def test_a_start_that_failed_is_repeated_while_dbt_runs(wrapper: Wrapper, service: StubService):
    def fail_once(request: Request, position: int) -> Answer:
        return (503, b"", {}) if position == 0 else accepted(request, position)

    service.answer = fail_once
    with wrapper.start("dbt", "patient") as process:
        assert next_line(process) == "ready"
        service.wait_for("runs", times=2)
        finish_waiting(process)

    assert service.verbs() == ["runs", "runs", "finish"]
    assert service.requests[0].body == service.requests[1].body


def test_a_start_that_failed_is_repeated_before_the_end_is_reported(
    wrapper: Wrapper, service: StubService
):
    def fail_until_told_again(request: Request, position: int) -> Answer:
        return (503, b"", {}) if position == 0 else accepted(request, position)

    service.answer = fail_until_told_again
    with wrapper.start("dbt", "patient") as process:
        assert next_line(process) == "ready"
        service.wait_for("runs")
        finish_waiting(process)

    assert service.verbs() == ["runs", "runs", "finish"]


def test_an_end_that_failed_is_repeated_with_the_same_body(wrapper: Wrapper, service: StubService):
    def fail_first_end(request: Request, position: int) -> Answer:
        return (500, b"", {}) if position == 1 else accepted(request, position)

    service.answer = fail_first_end
    ended = wrapper.run("dbt", "build")

    assert service.verbs() == ["runs", "finish", "finish"]
    assert service.requests[1].body == service.requests[2].body
    assert ended.stderr == b"to stderr\n"


def test_times_are_in_utc(wrapper: Wrapper, service: StubService):
    wrapper.with_variables(TZ="Asia/Tokyo").run("dbt", "build")

    started_at = datetime.fromisoformat(service.body("runs")["started_at"])
    assert started_at.utcoffset() == timedelta(0)
    assert service.body("runs")["started_at"].endswith("Z")


def test_a_secret_of_a_command_line_leaves_in_no_report_and_names_stay(
    wrapper: Wrapper, service: StubService
):
    """The database quotes it, the shell line shows it, and a variable has the job's own name."""
    script = (
        "export DB_PASS='Vq7-x1'; LEAK=Vq7-x1 dbt fail --vars '{token: Wr8-y2}' --password Xs9-z3"
    )
    told = wrapper.with_variables(POSTGRES_PASSWORD="postgres", RUNHOOK_JOB="postgres-nightly")

    told.run("sh", "-c", script)
    told.run("sh", "-c", script, flags=["--no-messages"])

    everything = json.dumps([request.body for request in service.requests])
    assert not [one for one in ("Vq7-x1", "Wr8-y2", "Xs9-z3") if one in everything]
    starts = [request.body for request in service.requests if request.verb == "runs"]
    assert {start["job_name"] for start in starts} == {"postgres-nightly"}
