"""What dbt prints of an error that it does not log, such as a wrong command line. Pure.

dbt Core and v2 print it to stderr, and end before they have a log.
"""

import re
from collections.abc import Iterable

from runhook.client.dbt.command_lines import LEFT_OUT
from runhook.client.dbt.log import COLOUR, FRAME

BEGINNING = re.compile(r"(?:[Ee]rror:|\[error\]) |(?=[A-Za-z_][\w.]*(?:Error|Exception): )")
"""Of click (Core), clap and v2's own errors; and a Python exception, which stays with its name."""
VALUES = (
    re.compile(r"(?<=String ').*(?=' is not valid YAML)", re.DOTALL),
    re.compile(r"(?<=invalid value ').*(?=' for '--(?:vars|args)\b)", re.DOTALL),
)
"""Where Core and v2 quote a value of `--vars` or `--args` that cannot be read."""


def error_in_print(text: str, values: Iterable[str]) -> str:
    """The last error that dbt has printed; empty if there is none.

    Args:
        text: what was printed, in colour or not.
        values: what followed `--vars` and `--args`, which is left out.
    """
    text = COLOUR.sub("", text)
    for value in values:
        text = text.replace(value, LEFT_OUT)
    for quoted in VALUES:
        text = quoted.sub(LEFT_OUT, text)
    lines = [line.rstrip() for line in text.splitlines()]
    begins = [position for position, line in enumerate(lines) if BEGINNING.match(line)]
    return error_from(lines[begins[-1] :]) if begins else ""


def error_from(lines: list[str]) -> str:
    """The error that begins in the first line, with the lines that belong to it.

    These are indented; v2's own errors have others, too, up to an empty line or their stack.
    """
    first, *rest = lines
    kept = [BEGINNING.sub("", first, count=1)]
    is_in_text = first.startswith("[error]")
    for line in rest:
        if FRAME.match(line) or (line and not line[0].isspace() and not is_in_text):
            break
        is_in_text = is_in_text and bool(line)
        if line:
            kept.append(line)
    return "\n".join(kept)
