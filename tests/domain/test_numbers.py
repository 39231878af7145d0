"""Numbers from outside: plain digits, and no larger than a database holds."""

import pytest

from runhook.domain.numbers import LARGEST_ID, NO_ID, id_in, number_in

NOT_DIGITS = ["", " ", "-1", "+1", "1_0", "1.0", "1e3", "٣", "²", "\uff10", "0x1", "1\0", "00x"]


@pytest.mark.parametrize("text", NOT_DIGITS)
def test_what_is_not_made_of_digits_is_no_number(text: str):
    assert number_in(text) is None
    assert id_in(text) is None


@pytest.mark.parametrize(
    ("text", "number"), [("0", 0), ("00", 0), ("7", 7), ("007", 7), (str(LARGEST_ID), LARGEST_ID)]
)
def test_digits_are_a_number_whatever_zeros_they_begin_with(text: str, number: int):
    assert number_in(text) == number
    assert id_in("0" * 5_000 + text) == number


@pytest.mark.parametrize("text", [str(LARGEST_ID + 1), "9" * 30, "0" * 25 + "9" * 30, "9" * 5_000])
def test_a_number_that_no_database_holds_is_what_nothing_has_as_its_id(text: str):
    assert number_in(text) is None
    assert id_in(text) == NO_ID


def test_a_number_may_have_a_bound_of_its_own():
    assert [number_in(text, most=7) for text in ("7", "8", "70")] == [7, None, None]
