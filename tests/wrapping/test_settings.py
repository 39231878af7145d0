"""What the client is told by variables, flags and files, as people and systems write them."""

import pytest

from tests.wrapping.support import StubService, Wrapper


def test_the_token_may_be_in_a_file(wrapper: Wrapper, service: StubService):
    (wrapper.folder / "token").write_text("a-token-of-a-file\r\n", newline="")
    settings = wrapper.without("RUNHOOK_TOKEN").with_variables(RUNHOOK_TOKEN_FILE="~/token")

    assert settings.run("dbt", "build").stderr == b"to stderr\n"

    assert service.requests[0].headers["Authorization"] == "Token a-token-of-a-file"


@pytest.mark.parametrize("path", ["/not/there", "/dev/zero", "/", "bin"])
def test_dbt_runs_whatever_is_in_the_place_of_the_tokens_file(
    wrapper: Wrapper, service: StubService, path: str
):
    settings = wrapper.without("RUNHOOK_TOKEN").with_variables(RUNHOOK_TOKEN_FILE=path)

    ended = settings.run("dbt", "exit", "3")

    assert ended.returncode == 3
    said = ended.stderr.decode()
    assert said.startswith(
        f"runhook: this run was not reported: RUNHOOK_TOKEN_FILE: the file {path} "
    )
    assert service.requests == []


@pytest.mark.parametrize("end", ["\n", "\r", "\r\n", " \t"])
def test_the_end_of_a_line_is_no_part_of_a_value(wrapper: Wrapper, service: StubService, end: str):
    settings = wrapper.with_variables(
        RUNHOOK_URL=service.url + end,
        RUNHOOK_TOKEN="a-token" + end,
        RUNHOOK_ACCOUNT_ID="7" + end,
        RUNHOOK_PROJECT="shop" + end,
        RUNHOOK_SPOOL_DIR="~/spool" + end,
    )

    settings.run("dbt", "build", flags=["--job", "hourly" + end, "--reason", "asked" + end])

    assert service.requests[0].path == "/api/v3/accounts/7/runs"
    start = service.body("runs")
    assert (start["job_name"], start["project_name"], start["run_reason"]) == (
        "hourly",
        "shop",
        "asked",
    )
    assert (wrapper.folder / "spool").is_dir()


def test_a_spool_in_nobodys_home_leaves_reports_in_memory(wrapper: Wrapper, service: StubService):
    settings = wrapper.with_variables(RUNHOOK_SPOOL_DIR="~nobody-of-that-name/spool")

    assert settings.run("dbt", "exit", "3").returncode == 3

    assert service.verbs() == ["runs", "finish"]


def test_doctor_names_the_variable_that_was_meant(wrapper: Wrapper):
    settings = wrapper.with_variables(RUNHOOK_SPOOLDIR="/tmp", RUNHOOK_PORT="8580")

    told = settings.runhook("doctor").stdout

    assert "RUNHOOK_SPOOLDIR is not a variable of Runhook; did you mean RUNHOOK_SPOOL_DIR?" in told
    assert "RUNHOOK_PORT" not in told
