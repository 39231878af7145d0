"""Reports belong to the trace that the environment names, as CI systems set it."""

import json

import pytest

from tests.wrapping.support import StubService, Wrapper

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa-00f067aa0ba902b7-01"
NOBODY = "http://127.0.0.1:1"


def traces(service: StubService) -> list[str | None]:
    return [one.headers.get("traceparent") for one in service.requests]


def test_each_report_names_the_trace(wrapper: Wrapper, service: StubService):
    wrapper.with_variables(TRACEPARENT=TRACEPARENT).run("dbt", "build")

    assert set(traces(service)) == {TRACEPARENT}


@pytest.mark.parametrize("text", ["", "none", TRACEPARENT.replace("0", "x")])
def test_what_is_no_trace_is_not_sent(wrapper: Wrapper, service: StubService, text: str):
    wrapper.with_variables(TRACEPARENT=text).run("dbt", "build")

    assert service.verbs() == ["runs", "finish"]
    assert set(traces(service)) == {None}


def test_a_report_that_waited_keeps_its_own_trace(wrapper: Wrapper, service: StubService):
    wrapper.with_variables(RUNHOOK_URL=NOBODY, TRACEPARENT=TRACEPARENT).run("dbt", "build")
    wrapper.with_variables(RUNHOOK_URL=NOBODY).run("dbt", "build")
    first, second = sorted(wrapper.spool.glob("*.run"), key=lambda one: one.stat().st_mtime)
    for kept in (first, second):
        kept.write_text(kept.read_text().replace(NOBODY, service.url))
    assert json.loads(first.read_text().splitlines()[0])["traceparent"] == TRACEPARENT

    wrapper.with_variables(TRACEPARENT=OTHER).runhook("flush")

    assert traces(service) == [TRACEPARENT] * 2 + [None] * 2
