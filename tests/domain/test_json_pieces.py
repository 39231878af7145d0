"""A JSON document that is read in pieces says the same, however small the pieces are."""

import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.dbt.json_pieces import Pieces, PieceTooLargeError

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
members = st.dictionaries(st.text(), values, max_size=4)


def pieces(text: str | bytes, *, step: int = 4, largest: int = 1_000) -> Pieces:
    content = text.encode(errors="surrogatepass") if isinstance(text, str) else text
    return Pieces(io.BytesIO(content), largest=largest, step=step)


def members_in(read: Pieces) -> dict[str, object]:
    return {key: read.value() for key in read.members()}


@given(members, st.sampled_from([None, 1]), st.booleans(), st.integers(1, 9))
def test_an_object_is_read_member_by_member(document, indent, ensure_ascii, step):
    text = json.dumps(document, indent=indent, ensure_ascii=ensure_ascii)

    assert members_in(pieces(text, step=step, largest=10_000)) == document


@given(st.lists(values, max_size=4), st.sampled_from([None, 1]), st.integers(1, 9))
def test_a_list_is_read_element_by_element(document, indent, step):
    text = json.dumps(document, indent=indent)

    assert list(pieces(text, step=step, largest=10_000).elements()) == document


def test_lists_and_objects_within_are_read_where_they_stand():
    read = pieces('{"a": [1, 2], "b": {"c": 3}, "d": 4}')
    found: dict[str, object] = {}
    for key in read.members():
        if key == "a":
            found[key] = list(read.elements())
        elif key == "b":
            found[key] = {inner: read.value() for inner in read.entries()}
        else:
            found[key] = read.value()

    assert found == {"a": [1, 2], "b": {"c": 3}, "d": 4}


@pytest.mark.parametrize("blank", [" ", "\t", "\r", "\n", " \r\n\t " * 9])
def test_blanks_stand_anywhere_between(blank: str):
    text = blank.join(["", "{", '"a"', ":", "1", ",", '"b"', ":", "[", "]", "}", ""])

    assert members_in(pieces(text)) == {"a": 1, "b": []}


@pytest.mark.parametrize("number", ["0", "-12.5", "1e5", "1E+5", "-1.25e-7", "12E2"])
def test_a_number_is_read_whole_wherever_what_is_read_ends(number: str):
    for step in range(1, 20):
        assert members_in(pieces(f'{{"n": {number}}}', step=step)) == {"n": float(number)}
        assert pieces(number, step=step).value() == float(number)


def test_a_mark_of_byte_order_is_no_part_of_the_document():
    assert members_in(pieces(b"\xef\xbb\xbf{}")) == {}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a"',
        '{"a":',
        '{"a": 1',
        '{"a": 1,',
        '{"a": 1,}',
        '{"a" 1}',
        '{"a": 1 "b": 2}',
        "{1: 2}",
        '{"a": 1]',
        '{"a": tru}',
        '{"a": "x',
        "{} {}",
        "{},",
        b'{"a": "\xff"}',
        b'{"a": "\xc3',
    ],
)
def test_what_is_not_json_or_was_cut_off_is_an_error(text: str | bytes):
    with pytest.raises(ValueError):
        members_in(pieces(text))


@pytest.mark.parametrize("text", ["[]", "null", "7", '"{}"'])
def test_another_value_is_no_object(text: str):
    with pytest.raises(TypeError, match="no object"):
        members_in(pieces(text))


@pytest.mark.parametrize("text", ["{}", "null", "7", '"[]"'])
def test_another_value_is_no_list(text: str):
    with pytest.raises(TypeError, match="no list"):
        list(pieces(text).elements())


def test_what_is_neither_an_object_nor_json_is_not_json():
    with pytest.raises(ValueError, match="Expecting value"):
        members_in(pieces("nothing"))
    with pytest.raises(ValueError, match="Expecting value"):
        list(pieces("nothing").elements())


def test_a_piece_that_does_not_end_is_not_read_on_for_ever():
    text = '"' + "x" * (3 << 20) + '"'

    assert len(str(pieces(text, step=1 << 20, largest=len(text)).value())) == 3 << 20
    with pytest.raises(PieceTooLargeError, match="a piece of it has more than 1 MiB"):
        pieces(text, step=1 << 20, largest=1 << 20).value()


def test_many_pieces_may_be_larger_together():
    text = json.dumps(["x" * 90] * 100)

    assert list(pieces(text, largest=200).elements()) == ["x" * 90] * 100


class Asked(io.BytesIO):
    """Notes how many bytes are asked for."""

    def __init__(self, content: bytes) -> None:
        super().__init__(content)
        self.sizes: list[int] = []

    def read(self, size: int | None = -1, /) -> bytes:
        self.sizes.append(size or 0)
        return super().read(size)


def test_a_large_piece_is_read_in_steps_that_double_so_that_it_costs_its_length():
    file = Asked(json.dumps("x" * 1_000).encode())

    Pieces(file, step=8).value()

    assert file.sizes == [8, 8, 16, 32, 64, 128, 256, 512]


def test_only_what_is_asked_for_is_read():
    file = Asked(json.dumps(["x" * 10] * 1_000).encode())

    next(Pieces(file, step=16).elements())

    assert sum(file.sizes) == 16
