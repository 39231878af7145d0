"""JSON that all programs read alike: no key twice in an object, no NaN, no endless number."""

import json
import math
from collections import Counter


class NotJsonError(Exception):
    """A text is not JSON, or not JSON that all programs read alike; the message says why."""


class RepeatedKeyError(NotJsonError):
    """An object has a key twice: programs differ in which of the values counts.

    Args:
        key: the one that it has twice.
    """

    def __init__(self, key: str) -> None:
        super().__init__(f"the key `{key[:80]}` is given twice")
        self.key = key


def parse_json(text: str) -> object:
    """Parse a JSON document; its texts may hold halves of surrogate pairs, which are no characters.

    Raises:
        NotJsonError: the text is none.
        RecursionError: it is nested too deeply.
    """
    try:
        return DECODER.decode(text)
    except json.JSONDecodeError as error:
        why = error.msg[:1].lower() + error.msg[1:].removesuffix(" at")
        raise NotJsonError(f"line {error.lineno}, column {error.colno}: {why}") from None
    except ValueError:
        # Python converts no number of thousands of digits.
        raise NotJsonError("a number is too large") from None


def object_of(members: list[tuple[str, object]]) -> dict[str, object]:
    """Make an object of its members, each of which it has once."""
    found = dict(members)
    if len(found) < len(members):
        counts = Counter(key for key, _ in members)
        raise RepeatedKeyError(next(key for key, count in counts.items() if count > 1))
    return found


def refuse_constant(name: str) -> float:
    """Refuse `NaN` and `Infinity`, which Python reads and JSON does not have."""
    raise NotJsonError(f"`{name}` is not a number in JSON")


def finite(text: str) -> float:
    """Read a number with a fraction or an exponent."""
    number = float(text)
    if math.isinf(number):
        raise NotJsonError(f"the number `{text[:40]}` is too large")
    return number


DECODER = json.JSONDecoder(
    object_pairs_hook=object_of, parse_constant=refuse_constant, parse_float=finite
)
