"""A request's head as it comes: how much of it there is, and whether that is too much."""

import re

from runhook.server.connections.refusals import Refusal

KIB = 1024
MOST_HEADERS = 100
END_OF_HEAD = re.compile(rb"\n\r?\n")

HEAD_TOO_LARGE = "The request's head is too large; at most {most}."
TARGET_TOO_LONG = "The request's target is too long."


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
