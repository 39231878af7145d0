"""At a terminal, Ctrl-C reaches dbt from the terminal alone."""

import signal

from tests.support.patience import PATIENCE
from tests.wrapping.support import StubService, Wrapper
from tests.wrapping.terminal import CTRL_C, at_a_terminal


def test_ctrl_c_is_not_passed_on_a_second_time(wrapper: Wrapper, service: StubService):
    """dbt Core answers two SIGINTs at once with SIGABRT, and writes nothing."""
    with at_a_terminal(wrapper, "dbt", "patient") as terminal:
        terminal.see(b"ready")
        terminal.type(CTRL_C)
        terminal.see(b"SIGINT")
        service.wait_for("canceling")  # by now it would have been passed on
        terminal.type(b"\n")
        assert terminal.process.wait(PATIENCE) == 2

    assert terminal.seen.count(b"SIGINT") == 1
    assert service.body("finish")["status_message"] == "canceled by SIGINT"


def test_each_ctrl_c_reaches_dbt_once(wrapper: Wrapper, service: StubService):
    with at_a_terminal(wrapper, "dbt", "patient") as terminal:
        terminal.see(b"ready")
        terminal.type(CTRL_C)
        terminal.see(b"SIGINT")
        terminal.type(CTRL_C)
        terminal.see(b"SIGINT", times=2)
        service.wait_for("canceling")
        terminal.type(b"\n")
        assert terminal.process.wait(PATIENCE) == 2

    assert terminal.seen.count(b"SIGINT") == 2
    assert service.verbs() == ["runs", "canceling", "finish"]


def test_a_command_that_dies_of_ctrl_c_takes_the_wrapper_with_it(
    wrapper: Wrapper, service: StubService
):
    """So that a shell script stops there, as it would without the wrapper."""
    with at_a_terminal(wrapper, "sh", "-c", "echo ready; exec sleep 1000") as terminal:
        terminal.see(b"ready")
        terminal.type(CTRL_C)
        assert terminal.process.wait(PATIENCE) == -signal.SIGINT

    assert service.body("finish")["status"] == "canceled"


def test_sigterm_from_elsewhere_is_passed_on_at_a_terminal(wrapper: Wrapper, service: StubService):
    with at_a_terminal(wrapper, "dbt", "wait") as terminal:
        terminal.see(b"ready")
        terminal.process.send_signal(signal.SIGTERM)
        terminal.see(b"SIGINT")
        assert terminal.process.wait(PATIENCE) == 2

    assert service.body("finish")["status_message"] == "canceled by SIGTERM"


def test_dbt_shares_the_terminals_group_and_reads_what_is_typed(
    wrapper: Wrapper, service: StubService
):
    with at_a_terminal(wrapper, "dbt", "describe") as terminal:
        terminal.see(b'"leads_group": false')
        assert terminal.process.wait(PATIENCE) == 0

    assert service.body("runs")["run_reason"].startswith("Kicked off from CLI by ")
