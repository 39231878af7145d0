"""The reader of answers, fed with whatever bytes in whatever pieces."""

import itertools
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from runhook.outbound.answers import (
    BODY_KEPT_LIMIT,
    HEADER_SIZE_LIMIT,
    HEADERS_KEPT_LIMIT,
    ODDITIES_KEPT_LIMIT,
    AnswerReader,
    AnswerRefusedError,
    Response,
)

PARTS = [
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 204 None\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.0 500 No\n",
    b"Content-Length: 3\r\n",
    b"Content-Length: 5\r\n",
    b"content-length : x\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Connection: close\r\n",
    b"X: y\r\n",
    b" z\r\n",
    b"none\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b"\0",
    b"3\r\nabc\r\n",
    b"0\r\n\r\n",
    b"abc",
]
likely_bytes = st.lists(st.sampled_from(PARTS) | st.binary(max_size=8), max_size=14).map(b"".join)


def read(pieces: Sequence[bytes]) -> Response | type[AnswerRefusedError] | None:
    """How an answer is read that comes in these pieces, and then ends."""
    reader = AnswerReader()
    try:
        for piece in pieces:
            if reader.feed(piece):
                break
    except AnswerRefusedError as error:
        return type(error)
    return reader.answer if reader.is_over or reader.end() else None


def without_ending(result: Response | type[AnswerRefusedError] | None) -> object:
    """Leave out what came behind an answer, which is looked at only if it came with it."""
    if not isinstance(result, Response):
        return result
    oddities = [one for one in result.oddities if one != "more came than its length says"]
    return (result.status_code, result.headers, oddities)


@given(data=likely_bytes, cuts=st.lists(st.integers(0, 200), max_size=6))
def test_the_pieces_that_an_answer_comes_in_change_nothing(data: bytes, cuts: list[int]):
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    pieces = [data[begin:end] for begin, end in itertools.pairwise(places)]

    assert without_ending(read(pieces)) == without_ending(read([data]))


@given(data=likely_bytes | st.binary(max_size=300))
def test_whatever_comes_is_an_answer_a_refusal_or_nothing_and_within_bounds(data: bytes):
    result = read([data])

    if isinstance(result, Response):
        assert 100 <= result.status_code <= 999
        assert len(result.body) <= BODY_KEPT_LIMIT
        assert len(result.oddities) <= ODDITIES_KEPT_LIMIT
        assert "\0" not in "".join([*result.headers, *result.headers.values()])


@given(answer=likely_bytes, rest=likely_bytes)
def test_a_connection_goes_on_only_where_an_answer_ends_as_it_says(answer: bytes, rest: bytes):
    """Then the same reader, fed with anything more at once, would not let it go on."""
    reader = AnswerReader()
    try:
        is_over = reader.feed(answer)
    except AnswerRefusedError:
        return
    if not (is_over and reader.can_go_on):
        return
    again = AnswerReader()
    again.feed(answer + b"x" + rest)

    assert reader.is_complete
    assert not reader.answer.oddities
    assert not again.can_go_on


@given(line=st.binary(min_size=1, max_size=40).filter(lambda line: b"\n" not in line))
def test_of_what_comes_no_more_is_held_than_a_line(line: bytes):
    reader = AnswerReader()
    fed = 0
    try:
        reader.feed(b"HTTP/1.1 200 OK\r\nX: ")
        while fed < 10 * HEADER_SIZE_LIMIT:
            reader.feed(line * 100)
            fed += 100 * len(line)
    except AnswerRefusedError:
        pass

    assert fed <= HEADER_SIZE_LIMIT + 100 * len(line)


def test_headers_are_kept_up_to_a_bound_however_many_come():
    reader = AnswerReader()
    reader.feed(b"HTTP/1.1 200 OK\r\n")
    for number in range(100):
        reader.feed(b"X-%d: %s\r\n" % (number, b"x" * 10_000))
    reader.feed(b"\r\n")
    reader.end()

    kept = sum(len(name) + len(value) for name, value in reader.answer.headers.items())
    assert kept <= HEADERS_KEPT_LIMIT
