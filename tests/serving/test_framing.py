"""Where a body ends, found out however it is cut on its way."""

from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.server.connections.framing import (
    LARGE,
    MOST_FRAMING,
    MOST_TRAILERS,
    SMALL_AT_ONCE,
    SMALL_CHUNK,
    Body,
    Chunked,
    Counted,
)

NEXT = b"GET / HTTP/1.1\r\n"
ENDINGS = (b"\r\n", b"x: y\r\n\r\n", b"x: 1\r\ny: " + b"2" * 50 + b"\r\n\r\n")


def chunk(data: bytes, extension: bytes = b"") -> bytes:
    """A chunk as it goes over the wire."""
    return b"%X%s\r\n%s\r\n" % (len(data), extension, data)


def slices(body: Body, sent: bytes, cuts: Sequence[int]) -> Iterator[bytes]:
    """Yield what a body gives out of what is sent, as it comes in pieces that end at cuts."""
    held = b""
    for start, end in zip([0, *cuts], [*cuts, len(sent)], strict=True):
        held += sent[start:end]
        while held and not body.has_ended:
            taken = body.take(held)
            if not taken:
                break
            yield held[:taken]
            held = held[taken:]


@given(
    chunks=st.lists(
        st.tuples(
            st.one_of(st.binary(min_size=1, max_size=8), st.just(b"\r\n0\r\n\r\n" * 60)),
            st.sampled_from([b"", b";a=b", b';a="' + b"0" * 40 + b'"', b"  "]),
        ),
        max_size=20,
    ),
    ending=st.sampled_from(ENDINGS),
    data=st.data(),
)
def test_a_body_in_chunks_ends_where_it_does_wherever_it_is_cut(
    chunks: list[tuple[bytes, bytes]], ending: bytes, data: st.DataObject
):
    sent = b"".join(chunk(*one) for one in chunks) + b"0\r\n" + ending
    cuts = sorted(data.draw(st.sets(st.integers(1, len(sent) + len(NEXT) - 1), max_size=9)))

    body = Chunked()
    given_out = b"".join(slices(body, sent + NEXT, cuts))

    assert body.has_ended
    assert given_out == sent
    assert not body.is_excessive


@given(length=st.integers(1, 60), data=st.data())
def test_a_body_whose_length_was_said_ends_there(length: int, data: st.DataObject):
    sent = b"x" * length + NEXT
    cuts = sorted(data.draw(st.sets(st.integers(1, len(sent) - 1), max_size=9)))

    body = Counted(length)

    assert b"".join(slices(body, sent, cuts)) == b"x" * length
    assert body.has_ended


def test_a_body_is_large_while_much_of_it_is_to_come():
    body = Counted(LARGE + 1)

    before = body.is_large
    body.take(b"xx")

    assert before
    assert not body.is_large
    assert not Chunked().is_large


@pytest.mark.parametrize("size", [1, 7, SMALL_CHUNK - 1])
def test_small_chunks_are_given_out_a_few_at_a_time(size: int):
    sent = chunk(b"x" * size) * SMALL_AT_ONCE * 3

    given_out = list(slices(Chunked(), sent, []))

    assert b"".join(given_out) == sent
    assert max(piece.count(b"\n") for piece in given_out) <= 2 * SMALL_AT_ONCE


def test_larger_chunks_are_given_out_as_they_come():
    sent = chunk(b"x" * SMALL_CHUNK) * 500

    assert list(slices(Chunked(), sent, [])) == [sent]


@pytest.mark.parametrize(
    "sent",
    {
        "chunks of a byte": chunk(b"x") * MOST_FRAMING,
        "extensions": chunk(b"x", b";" + b"e" * 5_000) * 50,
        "one extension": b"1;" + b"e" * (MOST_FRAMING + 1),
        "digits": b"0" * (MOST_FRAMING + 1),
        "trailers": b"0\r\n" + b"x: y\r\n" * (MOST_TRAILERS + 2),
        "one trailer": b"0\r\nx: " + b"y" * MOST_FRAMING,
    }.values(),
)
def test_what_announces_chunks_is_bounded(sent: bytes):
    body = Chunked()

    given_out = sum(map(len, slices(body, sent, [])))

    assert body.is_excessive
    assert given_out <= 2 * MOST_FRAMING


@pytest.mark.parametrize("sent", [b"zz\r\n", b"\r\n", b"1\r\nx\r\n;\r\n", b"5 5\r\n"])
def test_what_is_no_chunk_is_left_to_the_parser(sent: bytes):
    body = Chunked()

    assert b"".join(slices(body, sent + NEXT, [])) == sent + NEXT
    assert not body.has_ended
