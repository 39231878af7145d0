"""Requests of every kind leave nothing in memory, and no descriptor open, without the collector."""

import gc
import ssl
from collections.abc import Iterator

import psutil
import pytest

from runhook.outbound.answers import AnswerReader, AnswerRefusedError
from runhook.outbound.trip import Trip
from tests.support.certificates import Authority
from tests.support.misbehaving import break_off, close, endless_body, endless_hints
from tests.support.receiver import Answer, Receiver, raw, reset, status
from tests.support.sending import a_request, a_sender

ROUNDS = 20


@pytest.fixture(autouse=True)
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def left_behind() -> int:
    """How many objects of a request's are alive."""
    kinds = (AnswerReader, AnswerRefusedError, Trip, ssl.SSLError)
    return sum(isinstance(one, kinds) for one in gc.get_objects())


@pytest.mark.parametrize(
    "answer",
    [
        status(200),
        status(500, body=b"x" * 10_000),
        raw(b"nonsense\r\n\r\n"),
        endless_hints,
        endless_body,
        break_off,
        close,
        reset,
    ],
)
async def test_an_answer_of_any_kind_is_forgotten(answer: Answer):
    async with Receiver(answer) as receiver, a_sender() as sender:
        await sender.send(a_request(receiver.url))
        before = left_behind()
        for _ in range(ROUNDS):
            await sender.send(a_request(receiver.url))

        assert left_behind() <= before + 1


async def test_a_certificate_that_is_refused_leaves_no_connection(tmp_path):
    authority = Authority(tmp_path)
    async with (
        Receiver(tls=authority.server("other.example")) as receiver,
        a_sender(tls=authority.trusted()) as sender,
    ):
        await sender.send(a_request(receiver.url))
        before, open_before = left_behind(), psutil.Process().num_fds()
        for _ in range(ROUNDS):
            await sender.send(a_request(receiver.url))

        assert left_behind() <= before + 1
        assert psutil.Process().num_fds() <= open_before + 4
