"""JSON objects that a provider sends."""

import json
from collections.abc import Mapping

from runhook.domain.errors import InvalidError
from runhook.domain.strict_json import NotJsonError, parse_json


def read_object(text: bytes) -> Mapping[str, object]:
    """Read a JSON object that all programs read alike.

    Raises:
        InvalidError: it is none.
    """
    try:
        found = parse_json(text.decode())
        # Half of a pair of surrogates is JSON, and no text that a database or a digest takes.
        json.dumps(found, ensure_ascii=False).encode()
    except (NotJsonError, UnicodeError, RecursionError):
        raise InvalidError("it is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidError("it is not a JSON object")
    return found
