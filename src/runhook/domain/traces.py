"""Traces of other systems: which one something belongs to, as W3C Trace Context writes it.

https://www.w3.org/TR/trace-context/#traceparent-header
"""

import re

TRACEPARENT = "traceparent"
"""The header; the environment variable is it in capitals."""
VALID = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"
)


def read_traceparent(text: str | None) -> str | None:
    """The trace that a header or a variable names; None if it is missing or invalid.

    Of an unknown version, the fields of the first version are taken.
    """
    found = VALID.fullmatch((text or "").strip())
    if found is None or (found[1] is not None and found[0].startswith("00")):
        return None
    return "00" + found[0][2:55]
