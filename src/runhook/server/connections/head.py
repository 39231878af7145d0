"""A request's head as it comes: how much of it there is, and whether that is too much."""

import re
from urllib.parse import urlsplit

from runhook.server.connections.refusals import Refusal

KIB = 1024
MOST_HEADERS = 100
END_OF_HEAD = re.compile(rb"\n\r?\n")
# Some clients end a body with one line break more than they announced.
REQUEST_LINE = re.compile(
    rb"(?:\r\n)?[^ \r\n]+ (?P<target>[^ \r\n]+) HTTP/(?P<version>[0-9](?:\.[0-9])?)\r?\n"
)
VERSIONS = (b"1.0", b"1.1")
UPGRADE = re.compile(rb"^upgrade:.*\n", re.IGNORECASE | re.MULTILINE)

HEAD_TOO_LARGE = "The request's head is too large; at most {most}."
TARGET_TOO_LONG = "The request's target is too long."
NOT_HTTP = "This is not a request of HTTP/1.1."
OTHER_VERSION = "This service speaks HTTP/1.1."
NO_PATH = "The request's target is not a path."


class Head:
    """A request's head that is coming."""

    def __init__(self) -> None:
        self.length = 0
        """In bytes, as far as it has come."""
        self.has_ended = False
        self._lines = 0
        self._last = b""

    def take(self, data: bytes) -> int:
        """Go over what came next; return how much of it belongs to the head."""
        seen = self._last + data
        end = END_OF_HEAD.search(seen)
        self.has_ended = end is not None
        taken = len(data) if end is None else end.end() - len(self._last)
        self._last = seen[-2:]
        self.length += taken
        self._lines += data.count(b"\n", 0, taken)
        return taken

    def refusal(self, most_bytes: int) -> Refusal | None:
        """What to answer if it is too large."""
        if self.length > most_bytes:
            if not self._lines:
                return Refusal(414, TARGET_TOO_LONG)
            return Refusal(431, HEAD_TOO_LARGE.format(most=f"{most_bytes // KIB} KiB"))
        # Beside the headers, there are the target's line and the empty one.
        if self._lines > MOST_HEADERS + 2:
            return Refusal(431, HEAD_TOO_LARGE.format(most=f"{MOST_HEADERS} headers"))
        return None


def understood(head: bytes) -> bytes | Refusal:
    """A whole head as HTTP's parser is given it, or what to answer if its first line is wrong.

    Its target is a path, though a client may write a whole address there as to a proxy (RFC 9112,
    section 3.2.2), and it asks for no other protocol, which a server may pass over (RFC 9110,
    section 7.8): the parser would look for that protocol behind the head.
    """
    line = REQUEST_LINE.match(head)
    if line is None:
        return Refusal(400, NOT_HTTP)
    if line["version"] not in VERSIONS:
        return Refusal(505, OTHER_VERSION)
    path = path_in_target(line["target"])
    if path is None:
        return Refusal(400, NO_PATH)
    start, end = line.span("target")
    return UPGRADE.sub(b"", head[:start] + path + head[end:])


def path_in_target(target: bytes) -> bytes | None:
    """Path and query of a request's target; None if it is neither a path nor an address of HTTP."""
    if target.startswith(b"/"):
        return target
    try:
        url = urlsplit(target.decode("ascii"))
    except ValueError:
        return None
    if url.scheme not in ("http", "https"):
        return None
    return ((url.path or "/") + (f"?{url.query}" if url.query else "")).encode()
