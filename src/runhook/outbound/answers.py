"""Parse HTTP/1 responses of endpoints: as tolerant as other clients, within bounds.

No I/O. A valid status line counts even if the rest is malformed, and oddities are noted: the
connection is then not used again, so that a malformed end of one response never becomes the
beginning of the next. Refused is only what all clients refuse: a head that does not end, or whose
length can be read in two ways.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

BODY_READ_LIMIT = 64 * 1024
BODY_KEPT_LIMIT = 16 * 1024
HEADER_COUNT_LIMIT = 200
HEADER_SIZE_LIMIT = 32 * 1024
HEAD_SIZE_LIMIT = 1_536 * 1024
HEADERS_KEPT_LIMIT = 16 * 1024
INTERIM_COUNT_LIMIT = 100
"""How many heads may come before the final one; some endpoints send one every few seconds."""
INTERIM_SIZE_LIMIT = 64 * 1024
EMPTY_LINE_LIMIT = 8
"""How many empty lines may come before a status line."""
CHUNK_COUNT_LIMIT = 1_000
FRAMING_LINE_LIMIT = 8 * 1024
"""Of a chunk's size with its extensions, and of a header after the body."""
TRAILER_COUNT_LIMIT = 100
ODDITIES_KEPT_LIMIT = 4

PROTOCOL = b"HTTP/"
# Lines as HTTP has them, told apart from all others by one look each.
PLAIN_STATUS = re.compile(rb"HTTP/(1\.[01]) ([1-9][0-9][0-9])(?: [^\r\n]*)?\r?\n")
PLAIN_HEADER = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)\r?\n"
)
STATUS = re.compile(
    rb"HTTP/(\d{1,3}(?:\.\d{1,3})?)[ \t]+([1-9]\d\d)(?:[ \t].*)?", re.IGNORECASE | re.DOTALL
)
NAME = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
LENGTH = re.compile(rb"[0-9]{1,18}")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;[^\x00-\x08\x0a-\x1f\x7f]*)?")

FRAMING = frozenset({b"content-length", b"transfer-encoding", b"connection"})
"""What says where an answer ends, and whether the connection does."""
NO_CONTENT = 204
NOT_MODIFIED = 304
SWITCHING_PROTOCOLS = 101


class AnswerRefusedError(Exception):
    """What came cannot be read as an answer."""


class NotHttpError(AnswerRefusedError):
    """What came does not begin as HTTP does."""


class LengthsDifferError(AnswerRefusedError):
    """The head says two different lengths of one body."""


class HeadTooLargeError(AnswerRefusedError):
    """The head has more headers, or longer ones, than are read."""


class TooManyInterimError(AnswerRefusedError):
    """More heads came before the final one than are read."""


class Response(NamedTuple):
    """What an endpoint answered, as far as it is kept."""

    status_code: int
    headers: Mapping[str, str]
    """Names in lower case; equal ones are joined as HTTP says."""
    body: bytes
    oddities: Sequence[str] = ()
    """What is not as HTTP has it, each in a few words."""


class AnswerReader:
    """Reads one answer from pieces of any size; it holds no more than a line and what is kept.

    Args:
        is_tunnel: whether it answers CONNECT, which has no body where it is a 2xx.
        kept: how many bytes of the body are kept.
    """

    status_code: int | None = None
    """The final one, once its head has been read."""
    has_begun = False
    """Whether anything has come."""
    is_over = False
    """Whether nothing more is read."""
    is_complete = False
    """Whether it came to the end that it named, and not to one of ours."""
    can_go_on = False
    """Whether the connection can be used for another request, once it is over."""
    has_surplus = False
    """Whether more came than the answer, which had come to its end."""

    # What each answer has of its own is set when it is known.
    _held = b""
    _searched = 0
    _version = b""
    _code = 0
    _head_size = 0
    _header_count = 0
    _kept_size = 0
    _name = ""
    _values: list[bytes] | None = None
    _empty_lines = 0
    _interim_count = 0
    _interim_size = 0
    _takes_rest = False
    _is_chunked = False
    _left = 0
    _body_size = 0
    _chunk_count = 0
    _trailer_count = 0

    def __init__(self, *, is_tunnel: bool = False, kept: int = BODY_KEPT_LIMIT) -> None:
        self._is_tunnel = is_tunnel
        self._body_kept = kept
        self._oddities: list[str] = []
        self._headers: dict[str, str] = {}
        self._framing: dict[bytes, list[bytes]] = {}
        self._body = b""
        # A function and no method: that would hold the reader, and keep it in memory.
        self._read: Read = AnswerReader._read_status

    @property
    def answer(self) -> Response:
        """What was answered, once it is over."""
        assert self.status_code is not None
        return Response(self.status_code, self._headers, self._body, self._oddities)

    def feed(self, data: bytes) -> bool:
        """Read what came next; return whether the answer is over.

        Raises:
            AnswerRefusedError: it is none.
        """
        self.has_begun = True
        if self._held:
            data = self._held + data
        at: int | None = 0
        while at is not None and not self.is_over:
            began = at
            at = self._read(self, data, began)
        if not self.is_over:
            self._held = data[began:]
            return False
        self._held = b""
        if at is not None and at < len(data):
            self._take_surplus(data, at)
        return True

    def end(self, *, is_loss: bool = False) -> bool:
        """Take the end of the connection; return whether there is an answer.

        Args:
            is_loss: whether the connection was lost, and not closed by the endpoint.
        """
        if self.status_code is None:
            return False
        if not self.is_over and (is_loss or self._read is not AnswerReader._read_to_the_end):
            self._note("its body broke off")
        self.is_over = True
        self.can_go_on = False
        return True

    # Each of these reads one thing that begins at a place, and returns where the next one does;
    # None for not enough of it.

    def _read_status(self, data: bytes, at: int) -> int | None:
        plain = None if self._searched else PLAIN_STATUS.match(data, at)
        if plain is not None and plain.end() - at <= HEADER_SIZE_LIMIT:
            return self._begin_head(plain[1], plain[2], plain.end())
        end = self._line_end(data, at)
        if end is None:
            if not looks_like_http(data[at : at + len(PROTOCOL)]):
                raise NotHttpError
            if len(data) - at > HEADER_SIZE_LIMIT:
                raise HeadTooLargeError
            return None
        line = data[at:end].removesuffix(b"\r")
        if not line:
            self._empty_lines += 1
            if self._empty_lines > EMPTY_LINE_LIMIT:
                raise NotHttpError
            self._note("an empty line comes before it")
            return end + 1
        if len(line) > HEADER_SIZE_LIMIT:
            raise HeadTooLargeError
        status = STATUS.fullmatch(line)
        if status is None:
            raise NotHttpError
        if not PLAIN_STATUS.match(data, at):
            self._note("its status line is not HTTP/1.1's")
        return self._begin_head(status[1], status[2], end + 1)

    def _begin_head(self, version: bytes, code: bytes, after: int) -> int:
        self._version, self._code = version, int(code)
        self._read = AnswerReader._read_header
        return after

    def _read_header(self, data: bytes, at: int) -> int | None:
        # A line that comes in many pieces is looked at once, when it is whole.
        plain = None if self._searched else PLAIN_HEADER.match(data, at)
        if plain is not None:
            after = plain.end()
            self._count_header(after - at)
            self._take_header(plain[1].lower(), plain[2].rstrip(b" \t"))
            return after
        end = self._line_end(data, at)
        if end is None:
            if len(data) - at > HEADER_SIZE_LIMIT:
                raise HeadTooLargeError
            return None
        line = data[at:end].removesuffix(b"\r")
        if line:
            self._count_header(end + 1 - at)
            self._take_line(line)
        else:
            self._end_head()
        return end + 1

    def _count_header(self, size: int) -> None:
        self._head_size += size
        self._header_count += 1
        if (
            size > HEADER_SIZE_LIMIT
            or self._header_count > HEADER_COUNT_LIMIT
            or self._head_size > HEAD_SIZE_LIMIT
        ):
            raise HeadTooLargeError

    def _take_line(self, line: bytes) -> None:
        if line[0] in b" \t":
            self._note("a header goes on in the next line")
            more = line.strip(b" \t")
            if self._values is not None:
                self._values[-1] += b" " + more
            self._keep(self._name, more, " ")
            return
        name, colon, value = line.partition(b":")
        if not colon:
            self._note("a header has no colon")
            self._name, self._values = "", None
            return
        bare = name.strip(b" \t")
        if bare != name:
            self._note("a header has a space before its colon")
        if not NAME.fullmatch(bare):
            self._note("a header's name is not valid")
        if CONTROL.search(value):
            self._note("a header has a control character in it")
        self._take_header(bare.lower(), value.strip(b" \t"))

    def _take_header(self, key: bytes, value: bytes) -> None:
        self._values = None
        if key in FRAMING:
            self._values = self._framing.setdefault(key, [])
            self._values.append(value)
        self._name = decode_text(key)
        self._keep(self._name, value, ", ")

    def _keep(self, name: str, value: bytes, joint: str) -> None:
        text = decode_text(value)
        self._kept_size += len(name) + len(text)
        if not name or self._kept_size > HEADERS_KEPT_LIMIT:
            return
        known = self._headers.get(name)
        self._headers[name] = text if known is None else f"{known}{joint}{text}"

    def _end_head(self) -> None:
        code = self._code
        if code < 200 and code != SWITCHING_PROTOCOLS:
            self._end_interim_head()
            return
        lengths, codings = self._said(b"content-length"), self._said(b"transfer-encoding")
        length = self._agreed(lengths) if lengths else None
        self.status_code = code
        if code == SWITCHING_PROTOCOLS:
            self.is_over = True
        elif self._is_tunnel and 200 <= code < 300:
            self._complete()
            # What follows is what the tunnel brings.
            self.can_go_on = True
        elif code in (NO_CONTENT, NOT_MODIFIED):
            if code == NO_CONTENT and (length or codings):
                self._note("it names a body that its status does not have")
            self._complete()
        elif codings:
            if lengths:
                self._note("it gives a length beside its transfer encoding")
            self._begin_coded_body(codings, length)
        elif length is not None:
            self._begin_sized_body(length)
        elif lengths:
            self._takes_rest = True
            self._give_up("its length is not a number")
        else:
            self._read = AnswerReader._read_to_the_end

    def _end_interim_head(self) -> None:
        self._interim_count += 1
        self._interim_size += self._head_size
        if self._interim_count > INTERIM_COUNT_LIMIT or self._interim_size > INTERIM_SIZE_LIMIT:
            raise TooManyInterimError
        self._headers.clear()
        self._framing.clear()
        self._head_size = self._header_count = self._kept_size = 0
        self._name, self._values = "", None
        self._read = AnswerReader._read_status

    def _said(self, name: bytes) -> list[bytes]:
        """Parts of a header that frames the response, in lower case."""
        values = self._framing.get(name)
        if values is None:
            return []
        return [part.strip(b" \t").lower() for value in values for part in value.split(b",")]

    def _agreed(self, lengths: Sequence[bytes]) -> int | None:
        """Length in bytes that a head gives; None if it is not a number."""
        known = {int(one) if LENGTH.fullmatch(one) else one for one in lengths}
        if len(known) > 1:
            raise LengthsDifferError
        if len(lengths) > 1:
            self._note("its length is given twice")
        (only,) = known
        return only if isinstance(only, int) else None

    def _begin_sized_body(self, length: int) -> None:
        self._left = length
        self._read = AnswerReader._read_sized
        if not length:
            self._complete()

    def _begin_coded_body(self, codings: Sequence[bytes], length: int | None) -> None:
        if codings != [b"chunked"]:
            self._note("its transfer encoding is not one that was asked for")
        if codings[-1] == b"chunked":
            self._is_chunked = True
            self._read = AnswerReader._read_chunk_size
        elif codings != [b"identity"]:
            self._takes_rest = True
            self.is_over = True
        elif length is None:
            self._read = AnswerReader._read_to_the_end
        else:
            self._begin_sized_body(length)

    def _read_sized(self, data: bytes, at: int) -> int | None:
        size = min(len(data) - at, self._left)
        if not size:
            return None
        self._keep_body(data, at, size)
        self._left -= size
        if not self._left:
            if self._is_chunked:
                self._read = AnswerReader._read_chunk_end
            else:
                self._complete()
        return at + size

    def _read_to_the_end(self, data: bytes, at: int) -> int | None:
        size = len(data) - at
        if not size:
            return None
        self._keep_body(data, at, size)
        return at + size

    def _read_chunk_size(self, data: bytes, at: int) -> int | None:
        line, after = self._framing_line(data, at)
        if line is None:
            return after
        size = CHUNK_SIZE.fullmatch(line)
        self._chunk_count += 1
        if size is None:
            self._give_up("its body is not in the chunks that it names")
        elif self._chunk_count > CHUNK_COUNT_LIMIT:
            self.is_over = True
        else:
            self._left = int(size[1], 16)
            self._read = AnswerReader._read_sized if self._left else AnswerReader._read_trailer
        return after

    def _read_chunk_end(self, data: bytes, at: int) -> int | None:
        line, after = self._framing_line(data, at)
        if line:
            self._give_up("its body is not in the chunks that it names")
        elif line is not None:
            self._read = AnswerReader._read_chunk_size
        return after

    def _read_trailer(self, data: bytes, at: int) -> int | None:
        line, after = self._framing_line(data, at)
        if line == b"":
            self._complete()
        elif line is not None:
            self._trailer_count += 1
            if self._trailer_count > TRAILER_COUNT_LIMIT:
                self._give_up("too many headers follow its body")
        return after

    def _framing_line(self, data: bytes, at: int) -> tuple[bytes | None, int | None]:
        """A line between pieces of the body, and the position after it.

        Both are None until the line is complete.
        """
        end = self._line_end(data, at)
        if (len(data) if end is None else end) - at > FRAMING_LINE_LIMIT:
            self._give_up("a line that frames its body is too long")
            return None, len(data)
        if end is None:
            return None, None
        line = data[at:end]
        if not line.endswith(b"\r"):
            self._note("a line that frames its body does not end as HTTP's do")
        return line.removesuffix(b"\r"), end + 1

    def _keep_body(self, data: bytes, at: int, size: int) -> None:
        room = self._body_kept - len(self._body)
        if room > 0:
            self._body += data[at : at + min(size, room)]
        self._body_size += size
        if self._body_size > max(BODY_READ_LIMIT, self._body_kept):
            self.is_over = True

    def _line_end(self, data: bytes, at: int) -> int | None:
        """Position after the line that begins at ``at``; None until it is complete."""
        end = data.find(b"\n", at + self._searched)
        if end < 0:
            self._searched = len(data) - at
            return None
        self._searched = 0
        return end

    def _complete(self) -> None:
        """Take what came for the whole answer."""
        self.is_over = True
        self.is_complete = True
        self.can_go_on = self._keeps_connection()

    def _keeps_connection(self) -> bool:
        """Whether both ends agree that the connection goes on, and where the next answer begins."""
        if self._oddities:
            return False
        if b"connection" not in self._framing:
            return self._version == b"1.1"
        wishes = self._said(b"connection")
        return b"close" not in wishes and (self._version == b"1.1" or b"keep-alive" in wishes)

    def _give_up(self, why: str) -> None:
        """Stop reading a body whose end is unknown."""
        self._note(why)
        self.is_over = True

    def _take_surplus(self, data: bytes, at: int) -> None:
        """Take what came behind an answer that is over."""
        if self._takes_rest:
            self._body = data[at : at + BODY_KEPT_LIMIT]
        elif self.is_complete:
            self.has_surplus = True
            self.can_go_on = False
            self._note("more came than its length says")

    def _note(self, oddity: str) -> None:
        if oddity not in self._oddities and len(self._oddities) < ODDITIES_KEPT_LIMIT:
            self._oddities.append(oddity)


Read = Callable[[AnswerReader, bytes, int], int | None]


def looks_like_http(beginning: bytes) -> bool:
    """Whether a line that has begun so can become a status line."""
    return PROTOCOL.startswith(beginning.removeprefix(b"\r").upper())


def decode_text(value: bytes) -> str:
    """Decode bytes to text that every database stores; undecodable bytes become question marks."""
    if value.isascii() and b"\0" not in value:
        return value.decode("ascii")
    text = value.decode(errors="surrogateescape").encode(errors="replace").decode()
    return text.replace("\0", "?")
