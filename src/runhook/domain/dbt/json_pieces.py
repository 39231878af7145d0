"""Read a large JSON document piece by piece, of a list an element at a time.

The document is a file, and decoded as it is read: what is held is the largest piece. It is not
mapped, as another program may cut it off meanwhile, which would kill a process that maps it.
"""

import codecs
import json
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterator

STEP = 1 << 18
"""Bytes that are decoded at once, at least."""
LARGEST_PIECE = 64 << 20
BLANKS = " \t\r\n"
UNFINISHED = frozenset(("", ".", "e", "E", "e+", "e-", "E+", "E-"))
"""How what was read may end behind a number that goes on."""


class Readable(Protocol):
    """What a document is read from."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes; none at the end."""


class PieceTooLargeError(ValueError):
    """A single piece is larger than it may be."""


class Pieces:
    """Reads a document from where its file is to its end.

    Args:
        file: holds it.
        largest: characters of a piece, behind which it is read no further.
        step: how many bytes are decoded at once, at least.
    """

    def __init__(self, file: Readable, *, largest: int = LARGEST_PIECE, step: int = STEP) -> None:
        self._file = file
        self._largest = largest
        self._step = step
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._decode = json.JSONDecoder().raw_decode
        self._is_at_end = False
        self._text = ""
        self._at = 0

    def members(self) -> "Iterator[str]":
        """Yield the keys of the object that is the document; raises as ``entries``."""
        yield from self.entries()
        if self._next():
            raise ValueError("something follows")

    def entries(self) -> "Iterator[str]":
        """Yield the keys of an object; after each, the caller takes its value.

        Raises:
            TypeError: it is another value.
            ValueError: it is not JSON, or was cut off.
        """
        if self._next() != "{":
            self.value()
            raise TypeError("no object")
        for _ in self._listed("}"):
            key = self.value()
            if not isinstance(key, str) or self._next() != ":":
                raise ValueError("no key")
            self._at += 1
            yield key

    def elements(self) -> "Iterator[object]":
        """Yield the elements of a list; raises as ``members``, RecursionError for deep ones."""
        if self._next() != "[":
            self.value()
            raise TypeError("no list")
        for _ in self._listed("]"):
            yield self.value()

    def value(self) -> object:
        """Parse the next value. Raises ValueError, RecursionError."""
        self._next()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except ValueError:
                if not self._grow():
                    raise
                continue
            if self._text[end : end + 3] in UNFINISHED and self._grow():
                continue
            self._at = end
            return value

    def _listed(self, closing: str) -> "Iterator[None]":
        """Yield before each of the things between here and ``closing``."""
        self._at += 1
        if self._next() != closing:
            yield
            while self._next() == ",":
                self._at += 1
                yield
        if self._next() != closing:
            raise ValueError("cut off")
        self._at += 1

    def _next(self) -> str:
        """The next character that is not blank; empty at the end."""
        while True:
            while self._at < len(self._text):
                if (character := self._text[self._at]) not in BLANKS:
                    return character
                self._at += 1
            if not self._grow():
                return ""

    def _grow(self) -> bool:
        """Decode more, and forget what was passed; False at the end."""
        if self._is_at_end:
            return False
        rest = self._text[self._at :]
        if len(rest) > self._largest:
            raise PieceTooLargeError(f"a piece of it has more than {self._largest >> 20} MiB")
        # A piece that did not fit is read again from its beginning: twice as much at a time.
        size = max(self._step, len(rest))
        chunk = self._file.read(size)
        self._is_at_end = len(chunk) < size
        self._text = rest + self._decoder.decode(chunk, self._is_at_end)
        self._at = 0
        return True
