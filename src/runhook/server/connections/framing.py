"""Where a request's body ends, found out before HTTP's parser is given it.

The parser spends as much on a chunk of one byte as on kilobytes, and all it has been given it takes
apart at once. So it is given a body in slices that each cost little. What its rules are stays its
business: it sees every byte in order, and decides alone what a request is.
"""

LARGE = 1024 * 1024
"""Bytes of a body that is large."""
SMALL_CHUNK = 256
"""Bytes of a chunk that costs more to take apart than its bytes do."""
SMALL_AT_ONCE = 64
"""Small chunks in a slice: some milliseconds of work."""
MOST_FRAMING = 128 * 1024
"""How many bytes of a body may be other than its own: what announces its chunks."""
FRAMING_OF_A_BYTE = 1
"""Bytes more for each of the body."""
MOST_TRAILERS = 100
END_OF_CHUNK = b"\r\n"
LONGEST_SIZE = 32
"""How much is looked at of a line that announces a chunk."""


class Counted:
    """A body whose length was said."""

    is_excessive = False

    @property
    def is_large(self) -> bool:
        """Whether so much of it is to come that it is read in large pieces."""
        return self._left >= LARGE

    def __init__(self, length: int) -> None:
        self._left = length

    @property
    def has_ended(self) -> bool:
        """Whether all of it has been taken."""
        return self._left == 0

    def take(self, data: bytes) -> int:
        """Go over what came next; return how much of it is the body's."""
        taken = min(self._left, len(data))
        self._left -= taken
        return taken

    def ends_within(self, length: int) -> bool:
        """Whether so many bytes more hold the rest of it."""
        return self._left <= length


class Chunked:
    """A body in chunks.

    What cannot be read as one is left to the parser, which refuses it.
    """

    is_large = False
    """How much of it is to come is not known."""

    def __init__(self) -> None:
        self.has_ended = False
        self._is_readable = True
        self._in_chunk = 0
        """Bytes to come of a chunk and of the line break behind it."""
        self._line = b""
        """Result of reading a line that announces a chunk, or the last of a trailer."""
        self._trailers: int | None = None
        """How many there were, once the last chunk is through."""
        self._bytes = 0
        self._framing = 0

    @property
    def is_excessive(self) -> bool:
        """Whether most of it is what announces chunks, or it has trailers without end."""
        most = MOST_FRAMING + self._bytes * FRAMING_OF_A_BYTE
        return self._framing > most or (self._trailers or 0) > MOST_TRAILERS

    def take(self, data: bytes) -> int:
        """Go over what came next, up to so many small chunks.

        Returns:
            how much of it to give to the parser now; the rest is to be shown again.
        """
        place = small = 0
        while place < len(data) and small < SMALL_AT_ONCE and self._goes_on:
            if self._in_chunk:
                step = min(self._in_chunk, len(data) - place)
                self._in_chunk -= step
                place += step
                continue
            end = data.find(b"\n", place) + 1
            piece = data[place : end or len(data)]
            place += len(piece)
            self._framing += len(piece)
            self._line = (self._line + piece)[:LONGEST_SIZE]
            if end:
                line, self._line = self._line.strip(b"\r\n"), b""
                small += self._end_line(line)
        return place if self._is_readable else len(data)

    def ends_within(self, length: int) -> bool:
        """Whether so many bytes more hold the rest of it: not known before they are gone over."""
        del length
        return False

    @property
    def _goes_on(self) -> bool:
        return self._is_readable and not self.has_ended and not self.is_excessive

    def _end_line(self, line: bytes) -> bool:
        """Go over a line between chunks; return whether it announces a small one."""
        if self._trailers is not None:
            self._trailers += 1
            self.has_ended = not line
            return True
        size, _, _ = line.partition(b";")
        try:
            length = int(size, 16)
        except ValueError:
            self._is_readable = False
            return False
        if length <= 0:
            self._trailers = 0
            return False
        self._bytes += length
        self._framing += len(END_OF_CHUNK)
        self._in_chunk = length + len(END_OF_CHUNK)
        return length < SMALL_CHUNK


Body = Counted | Chunked
