"""JSON objects that a provider sends."""

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
    except (NotJsonError, UnicodeDecodeError, RecursionError):
        raise InvalidError("it is not JSON") from None
    if not isinstance(found, dict):
        raise InvalidError("it is not a JSON object")
    return found
