"""Answers that no decent endpoint gives."""

import asyncio

from tests.support.receiver import Answer, Received, status


def once(gate: asyncio.Event, answer: Answer) -> Answer:
    """Give the answer only when the gate opens."""

    async def wait_and_answer(request: Received, writer: asyncio.StreamWriter) -> None:
        await gate.wait()
        await answer(request, writer)

    return wait_and_answer


async def close(_: Received, writer: asyncio.StreamWriter) -> None:
    """Close the connection without a word."""
    writer.close()


def once_a_connection(answer: Answer) -> Answer:
    """Give the answer to a connection's first request, and close it at the second."""
    served = set()

    async def answer_or_close(request: Received, writer: asyncio.StreamWriter) -> None:
        if writer in served:
            writer.close()
            return
        served.add(writer)
        await answer(request, writer)

    return answer_or_close


def together(count: int, answer: Answer) -> Answer:
    """Give the answer to so many requests at once, when all of them have come."""
    waiting: list[asyncio.Event] = []

    async def wait_for_the_others(request: Received, writer: asyncio.StreamWriter) -> None:
        waiting.append(asyncio.Event())
        mine = waiting[-1]
        if len(waiting) == count:
            for one in waiting:
                one.set()
            waiting.clear()
        await mine.wait()
        await answer(request, writer)

    return wait_for_the_others


async def accept_and_close(request: Received, writer: asyncio.StreamWriter) -> None:
    """Answer well and, without having said so, close the connection."""
    await status(200)(request, writer)
    writer.close()


async def endless_headers(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send headers as long as anybody reads them."""
    writer.write(b"HTTP/1.1 200 OK\r\n")
    number = 0
    while True:
        number += 1
        writer.write(b"X-%d: %s\r\n" % (number, b"x" * 100))
        await writer.drain()


async def one_endless_header(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send one header that never ends."""
    writer.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
    while True:
        writer.write(b"x" * 1_000)
        await writer.drain()


async def endless_status_line(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send a reason phrase that never ends."""
    writer.write(b"HTTP/1.1 200 ")
    while True:
        writer.write(b"x" * 1_000)
        await writer.drain()


async def endless_hints(_: Received, writer: asyncio.StreamWriter) -> None:
    """Announce an answer again and again, and never give it."""
    while True:
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n")
        await writer.drain()


async def endless_trailers(_: Received, writer: asyncio.StreamWriter) -> None:
    """End the body, and send headers after it as long as anybody reads them."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    while True:
        writer.write(b"X-Trailer: x\r\n" * 100)
        await writer.drain()


async def endless_body(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send a body as long as anybody reads it."""
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"400\r\n" + b"x" * 1_024 + b"\r\n")
        await writer.drain()


async def drip(_: Received, writer: asyncio.StreamWriter) -> None:
    """Send a body's first byte, and the second one never."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nx")
    await writer.drain()
    await asyncio.Event().wait()


async def break_off(_: Received, writer: asyncio.StreamWriter) -> None:
    """Promise a longer body than is sent."""
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx")
    await writer.drain()
    writer.close()


class Flood:
    """Send a beginning and then the same piece again and again, as long as anybody reads it.

    Args:
        beginning: what comes once.
        piece: what comes after it without end.
    """

    def __init__(self, beginning: bytes, piece: bytes) -> None:
        self._beginning = beginning
        self._pieces = piece * (1 + 65_536 // len(piece))
        self.written: list[int] = []
        """How many bytes went out on each connection that has ended."""

    async def __call__(self, _: Received, writer: asyncio.StreamWriter) -> None:
        written = len(self._beginning)
        writer.write(self._beginning)
        try:
            while True:
                writer.write(self._pieces)
                await writer.drain()
                written += len(self._pieces)
        finally:
            self.written.append(written)

    async def have_ended(self, count: int) -> bool:
        """Whether so many connections have been hung up on."""
        await asyncio.sleep(0)
        return len(self.written) >= count


async def drip_heads(_: Received, writer: asyncio.StreamWriter) -> None:
    """Announce an answer a byte at a time, as fast as the bytes are taken."""
    while True:
        for byte in b"HTTP/1.1 100 Continue\r\n\r\n":
            writer.write(bytes([byte]))
            await writer.drain()
