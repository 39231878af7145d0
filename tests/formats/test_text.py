"""Texts are measured after they were escaped, and cut before."""

import html

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.messages.text import (
    ELLIPSIS,
    as_many_as_fit,
    clean,
    fill,
    first_line,
    fit,
    one_line,
)


def more(count: int) -> str:
    return f"and {count} more"


@given(text=st.text(max_size=80), limit=st.integers(0, 60))
def test_what_is_cut_has_room_and_ends_inside_no_entity(text, limit):
    cut = fit(text, limit, escape=html.escape)

    assert len(cut) <= limit
    whole = html.escape(text)
    assert cut in {whole, ""} or whole.startswith(cut.removesuffix(ELLIPSIS))
    assert html.escape(html.unescape(cut)) == cut


def test_as_much_stays_as_has_room():
    assert fit("a&b", 7, escape=html.escape) == "a&amp;b"
    assert fit("a&bcd", 7, escape=html.escape) == f"a&amp;{ELLIPSIS}"
    assert fit("&bc", 4, escape=html.escape) == ELLIPSIS
    assert fit("abc", 3) == "abc"
    assert fit("abcd", 3) == f"ab{ELLIPSIS}"
    assert fit("abc", 2) == f"a{ELLIPSIS}"
    assert fit("abc", 1) == ""
    assert fit(" a bc", 4) == f" a{ELLIPSIS}"


def test_a_long_text_is_cut_quickly():
    assert len(fit("&" * 10_000_000, 100, escape=html.escape)) <= 100


def test_no_cut_goes_through_a_character_of_several():
    family = "👩‍👩‍👧"

    assert fit(f"a{family}b", 4) == f"a{ELLIPSIS}"
    for character in ("\N{THUMBS UP SIGN}\U0001f3fd", "\N{HEAVY BLACK HEART}\ufe0f", "1\u20e3"):
        assert fit(f"a{character}b", 3) == f"a{ELLIPSIS}"
        assert fit(f"a{character}bc", 4) == f"a{character}{ELLIPSIS}"
    assert fit("xe\u0301y", 3) in {f"x{ELLIPSIS}", f"xe\u0301{ELLIPSIS}"}


def test_what_was_left_out_is_said():
    assert fill(["one", "two", "three"], 100, more=more) == "one\ntwo\nthree"
    assert fill(["one", "two" * 5, "three"], 14, more=more) == "one\nand 2 more"
    assert fill(["one"], 100, more=more, beside=7) == "one\nand 7 more"
    assert fill(["x" * 90], 20, more=more, beside=1) == "and 2 more"
    assert fill(["one", "two", "three" * 5], 18, more=more) == "one\ntwo\nand 1 more"
    assert fill([], 20, more=more, beside=3) == "and 3 more"
    assert fill([], 20, more=more) == ""


def test_a_document_has_as_many_things_as_fit():
    def build(count: int) -> bytes:
        return b"x" * (10 * count + 5)

    assert len(as_many_as_fit(build, 9, 57)) == 55
    assert len(as_many_as_fit(build, 2, 15)) == 15
    assert len(as_many_as_fit(build, 9, 3)) == 5


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\u202etxt.exe", "atxt.exe"),
        ("\x1b[31mred\x1b[0m", "[31mred[0m"),
        ("one\r\ntwo\u2028three\x85four", "one\ntwo\nthree\nfour"),
        ("\ud800", "\ufffd"),
        ("مرحبا", "مرحبا"),
        ("👩‍👧", "👩‍👧"),
        ("plain", "plain"),
        ("tab\tbed", "tab bed"),
    ],
)
def test_what_cannot_be_seen_is_taken_out(text, shown):
    assert clean(text) == shown


def test_a_line_is_one_line():
    assert one_line("  a\n\n b\t c\u2029") == "a b c"
    assert one_line("a  b") == "a b"


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ("Got 3 results, configured to fail if != 0\n\ncompiled at x", None),
        (
            "Database Error in model orders (models/orders.sql)\n  no such column\n  x",
            "Database Error in model orders (models/orders.sql): no such column",
        ),
        ("\n  first\nsecond", "first"),
        ("Database Error in model a (a.sql)\n", "Database Error in model a (a.sql)"),
        ("", ""),
    ],
)
def test_a_message_says_first_what_is_wrong(message, shown):
    assert first_line(message) == (shown if shown is not None else message.splitlines()[0])
