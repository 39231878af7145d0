"""TLS on a client's connection, between its bytes and ours.

An event loop's own TLS would keep the connection from us until hands are shaken, so that no one
counts and ends those that never do. Here the bytes come as ever, and are opened on the way.
"""

import asyncio
import ssl
from contextlib import suppress
from typing import Any

PIECE = 16 << 10
"""What one record holds at most."""


class SecureTransport(asyncio.Transport):
    """A transport that encrypts what is written to it.

    Args:
        plain: the client's connection.
        context: with the certificate to show.
    """

    def __init__(self, plain: asyncio.Transport, context: ssl.SSLContext) -> None:
        super().__init__()
        self._plain = plain
        self._context = context
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._has_shaken_hands = False
        self.has_ended = False
        """Whether the client has said that it sends nothing more."""

    def opened(self, data: bytes) -> bytes:
        """What the client says with these bytes; it may be nothing yet.

        Raises:
            ssl.SSLError: it does not speak TLS as it should.
        """
        pieces = []
        self._incoming.write(data)
        try:
            if not self._has_shaken_hands:
                self._tls.do_handshake()
                self._has_shaken_hands = True
            while piece := self._tls.read(PIECE):
                pieces.append(piece)
            self.has_ended = True
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            self.has_ended = True
        finally:
            # Of a failed handshake, too: an alert says why.
            self._flush()
        return b"".join(pieces)

    def write(self, data: Any) -> None:
        """Send something; before hands are shaken no one could read it."""
        if self._has_shaken_hands and data:
            self._tls.write(data)
            self._flush()

    def write_eof(self) -> None:
        """Say that nothing more is sent."""
        self._say_end()
        self._plain.write_eof()

    def can_write_eof(self) -> bool:
        """Whether that can be said."""
        return self._plain.can_write_eof()

    def close(self) -> None:
        """Close once the client has read what was sent."""
        self._say_end()
        self._plain.close()

    def abort(self) -> None:
        """Close now."""
        self._plain.abort()

    def is_closing(self) -> bool:
        """Whether it is closed, or will be."""
        return self._plain.is_closing()

    def pause_reading(self) -> None:
        """Take nothing more from the client for now."""
        self._plain.pause_reading()

    def resume_reading(self) -> None:
        """Go on taking."""
        self._plain.resume_reading()

    def get_write_buffer_size(self) -> int:
        """How many bytes the client has not taken."""
        return self._plain.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What is known of the connection."""
        if name == "sslcontext":
            return self._context
        return self._plain.get_extra_info(name, default)

    def _say_end(self) -> None:
        if self._has_shaken_hands and not self._plain.is_closing():
            with suppress(ssl.SSLError):  # it would wait for the client to say so, too
                self._tls.unwrap()
            self._flush()

    def _flush(self) -> None:
        if self._outgoing.pending and not self._plain.is_closing():
            self._plain.write(self._outgoing.read())
