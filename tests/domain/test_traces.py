"""Traces are taken from others if they are written as the specification has it."""

import pytest

from runhook.domain.traces import read_traceparent

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"


@pytest.mark.parametrize(
    ("text", "read"),
    [
        (f"00-{TRACE}-01", f"00-{TRACE}-01"),
        (f"00-{TRACE}-00", f"00-{TRACE}-00"),
        (f" 00-{TRACE}-01\n", f"00-{TRACE}-01"),
        (f"cc-{TRACE}-01", f"00-{TRACE}-01"),
        (f"cc-{TRACE}-01-what-the-future-will-be-like", f"00-{TRACE}-01"),
    ],
)
def test_a_trace_is_read(text: str, read: str):
    assert read_traceparent(text) == read


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "none",
        f"ff-{TRACE}-01",
        f"00-{TRACE}-01-more",
        f"cc-{TRACE}-01.more",
        f"00-{TRACE}",
        f"00-{TRACE.upper()}-01",
        f"00-{'0' * 32}-00f067aa0ba902b7-01",
        f"00-4bf92f3577b34da6a3ce929d0e0e4736-{'0' * 16}-01",
        f"00-{TRACE}-01\r\nX-Other: 1",
        "é" * 55,
    ],
)
def test_what_is_no_trace_is_left_out(text: str | None):
    assert read_traceparent(text) is None
