"""JSON that programs read differently is refused, and all other JSON is read as everywhere."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.strict_json import NotJsonError, RepeatedKeyError, parse_json

DOCUMENTS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(DOCUMENTS)
def test_a_document_is_read_as_it_was_written(document: object):
    assert parse_json(json.dumps(document)) == document


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "line 1, column 1: expecting value"),
        ('{"a": 1\n"b": 2}', "line 2, column 1: expecting ',' delimiter"),
        ('"\t"', "line 1, column 2: invalid control character"),
        ("[NaN]", "`NaN` is not a number in JSON"),
        ("[-Infinity]", "`-Infinity` is not a number in JSON"),
        ("[1e999]", "the number `1e999` is too large"),
        ("[-1e999]", "the number `-1e999` is too large"),
        ("1" * 5_000, "a number is too large"),
    ],
)
def test_what_is_not_json_is_told_with_its_place_or_value(text: str, words: str):
    with pytest.raises(NotJsonError) as refusal:
        parse_json(text)

    assert str(refusal.value) == words


def test_a_key_that_an_object_has_twice_is_named_whatever_its_value_is():
    with pytest.raises(RepeatedKeyError) as refusal:
        parse_json('[{"a": {"c": 1, "b": null, "d": 2, "b": null}}]')

    assert refusal.value.key == "b"
    assert str(refusal.value) == "the key `b` is given twice"


def test_objects_beside_and_within_each_other_may_have_the_same_key():
    assert parse_json('[{"a": {"a": 1}}, {"a": 2}]') == [{"a": {"a": 1}}, {"a": 2}]
