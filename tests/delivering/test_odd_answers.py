"""A 2xx counts as what it is, however oddly the rest is written, and poisons no other answer."""

import asyncio

import pytest

from runhook.domain.deliveries.delivery import DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from tests.support.misbehaving import endless_trailers
from tests.support.receiver import Received, Receiver, raw, status
from tests.support.scene import Scene, deliver_due
from tests.support.sending import a_request, a_sender, send

OK = b"HTTP/1.1 200 OK\r\n"
EMPTY = b"Content-Length: 0\r\n\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

ORDINARY = {
    "lines end in LF only": b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
    "HTTP/1.0 without a length": b"HTTP/1.0 200 OK\r\n\r\nok",
    "no length, to the end": OK + b"\r\nok",
    "no reason": b"HTTP/1.1 200\r\n" + EMPTY,
    "no reason after a space": b"HTTP/1.1 200 \r\n" + EMPTY,
    "a reason in UTF-8": "HTTP/1.1 200 Größe\r\n".encode() + EMPTY,
    "a reason in Latin-1": b"HTTP/1.1 200 Gr\xf6\xdfe\r\n" + EMPTY,
    "a header in Latin-1": OK + b"X-Name: K\xf6ln\r\n" + EMPTY,
    "299": b"HTTP/1.1 299 Mine\r\n" + EMPTY,
    "103 before it": b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n" + OK + EMPTY,
    "100 before it": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + EMPTY,
    "199 before it": b"HTTP/1.1 199 Soon\r\nContent-Length: 5\r\n\r\n" + OK + EMPTY,
    "spaces around a length": OK + b"Content-Length: \t 2 \r\n\r\nok",
    "chunks with extensions": CHUNKED + b'2 ; a=b;c="d"\r\nok\r\n0;x\r\n\r\n',
    "chunks with trailers": CHUNKED + b"2\r\nok\r\n0\r\nX-Sum: 1\r\nY: 2\r\n\r\n",
    "a NUL in the body": OK + b"Content-Length: 2\r\n\r\n\0k",
    "gzip that is none": OK + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\nok",
    "an empty header": OK + b"X-Empty:\r\n" + EMPTY,
}
ODD = {
    "two equal lengths": OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok",
    "two equal lengths in one header": OK + b"Content-Length: 2, 2\r\n\r\nok",
    "equal lengths, written differently": OK + b"Content-Length: 2\r\nContent-Length: 02\r\n\r\nok",
    "a length beside chunks": OK
    + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "more than its length": OK + b"Content-Length: 1\r\n\r\nok",
    "a second answer": OK + EMPTY + OK + EMPTY,
    "100 after it": OK + EMPTY + b"HTTP/1.1 100 Continue\r\n\r\n",
    "less than its length": OK + b"Content-Length: 5\r\n\r\nok",
    "a space before a colon": OK + b"X-Name : a\r\nContent-Length : 0\r\n\r\n",
    "204 with a body": b"HTTP/1.1 204 No Content\r\n\r\nok",
    "204 with a body that it names": b"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nok",
    "chunks without a last one": CHUNKED + b"2\r\nok\r\n",
    "chunks that break off": CHUNKED + b"5\r\nok",
    "no chunks at all": CHUNKED + b"ok, thank you\r\n",
    "a chunk longer than it says": CHUNKED + b"1\r\nok\r\n0\r\n\r\n",
    "a chunk in 0x": CHUNKED + b"0x2\r\nok\r\n0\r\n\r\n",
    "a negative chunk": CHUNKED + b"-2\r\nok\r\n0\r\n\r\n",
    "a huge chunk": CHUNKED + b"ffffffffffffffffffffff\r\nok\r\n0\r\n\r\n",
    "chunks that end in LF only": CHUNKED + b"2\nok\n0\n\n",
    "chunked twice": OK + b"Transfer-Encoding: chunked, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "identity": OK + b"Transfer-Encoding: identity\r\nContent-Length: 2\r\n\r\nok",
    "a gzip coding": OK + b"Transfer-Encoding: gzip\r\n\r\nok",
    "an unknown coding": OK + b"Transfer-Encoding: xchunked\r\n\r\nok",
    "a header without a colon": OK + b"No header\r\n" + EMPTY,
    "a header without a name": OK + b": a\r\n" + EMPTY,
    "a control character": OK + b"X-Odd: a\x01b\r\n" + EMPTY,
    "a NUL": OK + b"X-Odd: a\0b\r\n" + EMPTY,
    "a lone carriage return": OK + b"X-Odd: a\rContent-Length: 5\r\n" + EMPTY,
    "a folded header": OK + b"X-Long: a\r\n b\r\n" + EMPTY,
    "a folded length": OK + b"Content-Length:\r\n 2\r\n\r\nok",
    "an empty line before it": b"\r\n" + OK + EMPTY,
    "HTTP/2.0": b"HTTP/2.0 200 OK\r\n" + EMPTY,
    "HTTP/2": b"HTTP/2 200 OK\r\n" + EMPTY,
    "HTTP/1.2": b"HTTP/1.2 200 OK\r\n" + EMPTY,
    "lower case": b"http/1.1 200 ok\r\n" + EMPTY,
    "two spaces": b"HTTP/1.1  200 OK\r\n" + EMPTY,
    "a tab": b"HTTP/1.1\t200\tOK\r\n" + EMPTY,
    "a length with a sign": OK + b"Content-Length: +2\r\n\r\nok",
    "a negative length": OK + b"Content-Length: -1\r\n\r\nok",
    "a length in another form": OK + b"Content-Length: 2e0\r\n\r\nok",
    "a length in other digits": OK + "Content-Length: ٢\r\n\r\nok".encode(),
    "a huge length": OK + b"Content-Length: 99999999999999999999999999\r\n\r\nok",
    "an empty length": OK + b"Content-Length:\r\n\r\nok",
}
TWO_LENGTHS = [
    OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\nok",
    OK + b"Content-Length: 1, 2\r\n\r\nok",
    OK + b"Content-Length: 2\r\nContent-Length: two\r\n\r\nok",
]


def cases(table: dict[str, bytes]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("answer", table.values(), ids=table.keys())


@cases(ORDINARY)
async def test_an_answer_in_any_form_that_http_allows_is_ordinary(answer: bytes):
    async with Receiver(raw(answer)) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.failure, outcome.error, outcome.note) == (None, "", "")


@cases(ODD)
async def test_an_odd_2xx_is_a_success_and_what_is_odd_is_said(answer: bytes):
    async with Receiver(raw(answer)) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.failure, outcome.error) == (None, "")
    assert outcome.status_code in (200, 204)
    assert outcome.note.startswith("The answer is not written as HTTP has it: ")


@cases(ODD)
async def test_an_odd_refusal_keeps_its_status(answer: bytes):
    refusal = answer.replace(b" 200", b" 503").replace(b" 204", b" 503").replace(b"\t200", b"\t503")
    async with Receiver(raw(refusal)) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.status_code, outcome.failure) == (503, FailureReason.HTTP_STATUS)


@cases(ODD)
async def test_nothing_of_an_odd_answer_is_the_answer_to_the_next_request(answer: bytes):
    """Whatever follows it on the connection, that connection is not used again."""
    rest = b"\r\nHTTP/1.1 500 Not for you\r\nContent-Length: 0\r\n\r\n"
    async with (
        Receiver(raw(answer + rest, close=False), status(202)) as receiver,
        a_sender() as sender,
    ):
        first = await sender.send(a_request(receiver.url))
        second = await sender.send(a_request(receiver.url))

    assert (first.failure, second.status_code) == (None, 202)
    assert receiver.connections == 2


@pytest.mark.parametrize("answer", TWO_LENGTHS)
async def test_an_answer_with_two_lengths_is_refused(answer: bytes):
    async with Receiver(raw(answer)) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert "names two different lengths of one body" in outcome.error


@pytest.mark.parametrize("beginning", [b"HTTP", OK, OK + b"Content-Length: 0\r\n"])
async def test_a_head_that_breaks_off_is_no_answer(beginning: bytes):
    async with Receiver(raw(beginning)) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is FailureReason.CONNECTION_FAILED
    assert "closed the connection before it had answered" in outcome.error


@cases(ORDINARY | ODD)
async def test_an_answer_that_comes_byte_by_byte_is_the_same(answer: bytes):
    async def drip(_: Received, writer: asyncio.StreamWriter) -> None:
        for byte in answer:
            writer.write(bytes([byte]))
            await writer.drain()
        writer.close()

    async with Receiver(drip) as receiver:
        outcome = await send(receiver.url)

    assert outcome.failure is None
    assert outcome.status_code in (200, 204, 299)


async def test_trailers_that_never_end_are_hung_up_on_and_the_status_counts():
    async with Receiver(endless_trailers) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.status_code, outcome.failure) == (200, None)
    assert "too many headers follow its body" in outcome.note


async def test_a_status_that_switches_protocols_is_a_failure_that_is_not_waited_for():
    switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    async with Receiver(raw(switching, close=False)) as receiver:
        outcome = await send(receiver.url)

    assert (outcome.status_code, outcome.failure) == (101, FailureReason.HTTP_STATUS)


@pytest.mark.parametrize("code", [200, 413])
async def test_an_answer_that_comes_before_the_request_was_read_counts(code: int):
    """The connection is reset then, since the rest of the request is not read."""
    early = b"HTTP/1.1 %d Whatever\r\nContent-Length: 3\r\n\r\nwhy" % code

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(early)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server, a_sender() as sender:
        port = server.sockets[0].getsockname()[1]
        request = a_request(f"http://127.0.0.1:{port}/", body=b"x" * 20_000_000)
        outcome = await sender.send(request)

    assert (outcome.status_code, outcome.response_body) == (code, b"why")


async def test_what_was_odd_is_kept_with_the_attempt(scene: Scene):
    receiver = await scene.receiver(raw(ODD["two equal lengths"]))
    webhook = await scene.webhook_at(receiver)
    await scene.tenant.start()

    await deliver_due(await scene.dispatcher())

    attempt = await scene.attempt(webhook)
    assert await scene.tenant.states(webhook) == [DeliveryState.SUCCEEDED]
    assert (attempt.failure, attempt.error) == (None, "")
    assert attempt.note == "The answer is not written as HTTP has it: its length is given twice."
