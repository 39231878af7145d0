"""Whatever an endpoint answers, a request ends in time, with little in memory and a good reason."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.outbound.answers import (
    BODY_KEPT_LIMIT,
    BODY_READ_LIMIT,
    HEADER_COUNT_LIMIT,
    HEADERS_KEPT_LIMIT,
    INTERIM_COUNT_LIMIT,
)
from tests.support.misbehaving import (
    drip,
    endless_body,
    endless_headers,
    endless_hints,
    endless_status_line,
    one_endless_header,
)
from tests.support.receiver import Answer, Receiver, hang, raw, status
from tests.support.sending import a_request, a_sender, send, send_in_vain

OK = b"HTTP/1.1 200 OK\r\n"


def with_headers(count: int) -> Answer:
    """Answer well, with so many headers in all."""
    fillers = {f"X-Filler-{number}": "x" for number in range(count - 1)}
    return status(200, headers=fillers)


async def test_of_a_long_body_only_the_beginning_is_kept():
    body = b"begins " + b"x" * 10_000_000
    async with Receiver(status(200, body=body)) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is None
    assert outcome.response_body == body[:BODY_KEPT_LIMIT]


async def test_a_body_that_never_ends_is_hung_up_on_and_its_status_counts():
    async with Receiver(endless_body) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.status_code, outcome.failure) == (200, None)
    assert len(outcome.response_body) == BODY_KEPT_LIMIT


@pytest.mark.parametrize(
    ("length", "connections"), [(BODY_READ_LIMIT, 1), (BODY_READ_LIMIT * 10, 2)]
)
async def test_a_body_is_read_to_its_end_up_to_the_limit(length: int, connections: int):
    """Only a connection whose answer has been read can be used again."""
    async with Receiver(status(200, body=b"x" * length)) as receiver, a_sender() as sender:
        for _ in range(2):
            await sender.send(a_request(receiver.url))

    assert receiver.connections == connections


async def test_a_body_that_drips_to_the_deadline_has_timed_out_although_the_status_was_200():
    async with Receiver(drip) as receiver:
        outcome, deadline = await send_in_vain(receiver.url, AttemptPhase.READ)

    assert (outcome.status_code, outcome.failure) == (None, FailureReason.TIMED_OUT)
    assert outcome.error == (
        f"The endpoint answered 200, but its body did not end within {deadline}."
    )


async def test_an_endpoint_that_never_answers_has_timed_out():
    async with Receiver(hang) as receiver:
        outcome, deadline = await send_in_vain(receiver.url, AttemptPhase.WAIT)

    assert outcome.failure is FailureReason.TIMED_OUT
    assert outcome.error == (
        f"127.0.0.1:{receiver.port} did not answer within {deadline}; "
        "let it answer first and work afterwards."
    )


async def test_answers_that_are_announced_without_end_are_not_waited_for():
    async with Receiver(endless_hints) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.RESPONSE_TOO_LARGE
    assert outcome.error == (
        f"127.0.0.1:{receiver.port} announced an answer more than {INTERIM_COUNT_LIMIT} times, "
        "or at too great length, and did not give it."
    )


async def test_a_compressed_body_is_kept_as_it_came():
    """A few bytes can be many when they are expanded."""
    bomb = gzip.compress(b"0" * 10_000_000)
    answer = status(200, headers={"Content-Encoding": "gzip"}, body=bomb)
    async with Receiver(answer) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is None
    assert outcome.response_body == bomb[:BODY_KEPT_LIMIT]
    assert receiver.received[0].headers["accept-encoding"] == "identity"


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "br", "zstd", "nonsense"])
async def test_a_body_that_is_not_encoded_as_it_claims_does_no_harm(encoding: str):
    answer = status(200, headers={"Content-Encoding": encoding}, body=b"plain")
    async with Receiver(answer) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.failure, outcome.response_body) == (None, b"plain")


@pytest.mark.parametrize(
    "answer",
    [
        endless_headers,
        one_endless_header,
        endless_status_line,
        with_headers(HEADER_COUNT_LIMIT + 1),
    ],
)
async def test_more_headers_than_anybody_needs_are_not_read(answer: Answer):
    async with Receiver(answer) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.RESPONSE_TOO_LARGE
    assert outcome.error == (
        f"The headers that 127.0.0.1:{receiver.port} answered are too many or too long."
    )


async def test_as_many_headers_as_the_limit_says_are_read():
    async with Receiver(with_headers(HEADER_COUNT_LIMIT)) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is None
    assert len(outcome.response_headers) == HEADER_COUNT_LIMIT


async def test_of_long_headers_only_the_first_are_kept():
    long = {f"X-Long-{number}": "x" * 7_000 for number in range(HEADER_COUNT_LIMIT - 1)}
    async with Receiver(status(200, headers=long)) as receiver:
        outcome = await send(receiver.url)

    kept = sum(len(name) + len(value) for name, value in outcome.response_headers.items())
    assert outcome.failure is None
    assert 0 < kept <= HEADERS_KEPT_LIMIT


@pytest.mark.parametrize(
    "answer",
    [
        b"SSH-2.0-OpenSSH_9.6\r\n",
        b"220 mail.example.com ESMTP\r\n",
        b"<html>hello</html>",
        b"\x15\x03\x01\x00\x02\x02\x50",  # a TLS alert
        b"\x00\x00\x12\x04\x00\x00\x00\x00\x00",  # HTTP/2
        b"HTTP/1.1 abc OK\r\n\r\n",
        b"HTTP/1.1 20000 OK\r\n\r\n",
        b"HTTP/1.1 -200 OK\r\n\r\n",
        b"HTTP/1.1 099 OK\r\n\r\n",
        b"HTTP/1.1\r\n\r\n",
        b"HTTP/1.1 200OK\r\n\r\n",
        b"ICY 200 OK\r\n\r\n",
        b"200 OK\r\n\r\n",
    ],
)
async def test_an_answer_that_is_not_http_is_called_that(answer: bytes):
    async with Receiver(raw(answer)) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert outcome.error == (
        f"What 127.0.0.1:{receiver.port} answered is not HTTP; check the URL's scheme and port."
    )


@pytest.mark.parametrize("code", [300, 400, 401, 404, 410, 429, 500, 503, 599, 999])
async def test_any_other_status_than_a_2xx_is_a_failure(code: int):
    async with Receiver(status(code, body=b"why")) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.status_code, outcome.failure) == (code, FailureReason.HTTP_STATUS)
    assert f"answered {code}" in outcome.error
    assert outcome.response_body == b"why"


@pytest.mark.parametrize("code", [200, 201, 202, 204, 226, 299])
async def test_any_2xx_is_a_success(code: int):
    async with Receiver(status(code)) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.status_code, outcome.failure, outcome.error) == (code, None, "")


@given(
    answer=st.binary(max_size=200)
    | st.binary(max_size=200).map(OK.__add__)
    | st.binary(max_size=200).map(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".__add__)
    | st.binary(max_size=50).map(b"HTTP/1.1 ".__add__)
)
async def test_whatever_bytes_come_there_is_an_outcome_with_a_sentence_for_every_failure(
    answer: bytes,
):
    async with Receiver(raw(answer)) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.failure is None) == (outcome.error == "")
    assert (outcome.failure is None) == (200 <= (outcome.status_code or 0) < 300)
