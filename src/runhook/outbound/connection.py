"""A connection to an endpoint or a proxy: one request on it at a time, and its response.

Data is read as it arrives and within the bounds of ``answers``, so that nothing piles up. Data that
arrives without a request is not a response, and ends the connection.
"""

import asyncio
from typing import cast

from runhook.outbound.answers import BODY_KEPT_LIMIT, AnswerReader, AnswerRefusedError, Response
from runhook.outbound.trip import Trip, TripStage


class ClosedError(ConnectionError):
    """The other end closed the connection before it had answered."""


class EndpointConnection(asyncio.Protocol):
    """A connection to an endpoint or proxy, for one request at a time."""

    transport: asyncio.Transport
    """Set when the connection is made, and again when TLS is put on it."""

    def __init__(self) -> None:
        self.is_open = True
        self._loop = asyncio.get_running_loop()
        self.has_surplus = False
        """Whether bytes followed the last answer."""
        self.has_heard = False
        """Whether the last request was answered by at least a byte."""
        self._reader: AnswerReader | None = None
        self._trip: Trip | None = None
        self._answered: asyncio.Future[Exception | None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the transport."""
        self.transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Read what came."""
        reader, trip = self._reader, self._trip
        if reader is None or trip is None:
            self.abort()
            return
        try:
            is_over = reader.feed(data)
        except AnswerRefusedError as error:
            self.abort()
            self._end(error.with_traceback(None))
            return
        if reader.status_code is not None and trip.status_code is None:
            trip.status_code = reader.status_code
            trip.enter(TripStage.READING)
        if is_over:
            self._end(None)

    def eof_received(self) -> None:
        """Note that the other end says no more; the transport is closed after that."""
        self._lose(ClosedError(), is_loss=False)

    def connection_lost(self, error: Exception | None) -> None:
        """Note that there is no connection any more."""
        cause = ClosedError() if error is None else error.with_traceback(None)
        self._lose(cause, is_loss=error is not None)

    async def ask(
        self,
        head: bytes,
        body: bytes,
        trip: Trip,
        *,
        is_tunnel: bool = False,
        kept: int = BODY_KEPT_LIMIT,
    ) -> Response:
        """Send a request, and return what was answered.

        The connection can be used again if nothing of this request is left on it, and is closed
        otherwise. It is not waited for until the other end has taken the request: it may answer
        before it has, and it may never take it.

        Raises:
            ClosedError: there was no answer.
            AnswerRefusedError: what came is none.
            OSError: the connection broke.
        """
        self.has_heard = False
        if not self.is_open:
            raise ClosedError
        reader = self._reader = AnswerReader(is_tunnel=is_tunnel, kept=kept)
        self._trip = trip
        self._answered = self._loop.create_future()
        try:
            self.transport.writelines((head, body))
            failure = await self._answered
        finally:
            self._reader = self._trip = self._answered = None
            self.has_heard = reader.has_begun
            is_written = not self.transport.get_write_buffer_size()
            if not (reader.is_complete and is_written):
                self.abort()
            elif not reader.can_go_on:
                self.close()
        if failure is not None:
            try:
                raise failure
            finally:
                # The error knows this frame, which must not know it, nor the future that has it.
                del failure
        self.has_surplus = reader.has_surplus
        return reader.answer

    def close(self) -> None:
        """Close the connection, with a farewell where TLS has one."""
        self.is_open = False
        self.transport.close()

    def abort(self) -> None:
        """Close the connection at once, discarding unsent data."""
        self.is_open = False
        self.transport.abort()

    def _lose(self, cause: Exception, *, is_loss: bool) -> None:
        self.is_open = False
        reader = self._reader
        if reader is not None:
            has_answer = reader.end(is_loss=is_loss)
            self._end(None if has_answer else cause)

    def _end(self, failure: Exception | None) -> None:
        if self._answered is not None and not self._answered.done():
            self._answered.set_result(failure)
