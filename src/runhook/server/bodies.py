"""Bodies as what a route takes them for, or a sentence that says what is wrong with them.

The web framework would do that as well, but what it raises keeps the body until the collector of
garbage comes: the error has the frame that has the error.
"""

import difflib
import json
import re
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import msgspec
from msgspec.inspect import ListType, Metadata, StructType, Type, UnionType, type_info

from runhook.domain.errors import InvalidError

PLACE = re.compile(r"`\$\.(.+)`$")
"""Where in a body the decoder says that something is wrong."""
UNKNOWN_KEY = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
"""What the decoder says of a key that a body must not have."""


def read_json(body: bytes, *, charset: str) -> Any:
    """Read a body as plain Python values.

    Args:
        body: not empty.
        charset: what its Content-Type says, if it does; JSON is UTF-8 whatever that is.

    Raises:
        InvalidError: it is not JSON, not UTF-8, nested too deeply to be read, or has a key twice
            in one object.
    """
    encoding = json.detect_encoding(body)
    if encoding == "utf-8-sig":
        raise InvalidError(
            "The body begins with a byte order mark (BOM), the bytes EF BB BF; send it without."
        )
    if encoding != "utf-8":
        raise InvalidError(f"The body is {encoding.upper()}, not UTF-8; send JSON as UTF-8.")
    try:
        value = msgspec.json.decode(body)
        # That passes over keys which are there twice.
        REPEATS.decode(body.decode())
    except RecursionError:
        raise InvalidError("The body is nested too deeply.") from None
    except UnicodeDecodeError as error:
        said = "" if charset in ("", "utf-8") else f"; its Content-Type says {charset[:40]}"
        raise InvalidError(f"The body is not UTF-8: {error.reason}{said}.") from None
    except msgspec.DecodeError as error:
        raise InvalidError(f"The body cannot be read as JSON: {error}.") from None
    return value


def refuse_repeats(pairs: Sequence[tuple[str, Any]]) -> None:
    """Refuse an object that has a key twice: programs differ in which of the values counts."""
    seen = set()
    for name, _ in pairs:
        if name in seen:
            raise InvalidError(f"The key `{name[:80]}` is given twice.")
        seen.add(name)


REPEATS = json.JSONDecoder(object_pairs_hook=refuse_repeats)


def convert(value: Any, wanted: Any) -> Any:
    """Return the body that a route takes, of this type.

    Raises:
        InvalidError: it is another one.
    """
    try:
        return msgspec.convert(value, wanted, strict=False, str_keys=True)
    except msgspec.ValidationError as error:
        message, _, _ = str(error).partition(" - ")
        place = PLACE.search(str(error))
        told = sentence_about(place[1] if place else "", message, known_keys(wanted))
        raise InvalidError(told) from None


def sentence_about(place: str, message: str, keys: Sequence[str] = ()) -> str:
    """Say what is wrong with one value, or with the whole.

    Args:
        place: where it stands, or nothing.
        message: the decoder's.
        keys: what there could be.
    """
    unknown = UNKNOWN_KEY.match(message)
    if unknown:
        message = unknown_key(unknown[1], keys)
    elif r"\x00" in message:  # the one pattern that texts are checked with
        message = "a NUL character cannot be kept"
    return f"{place}: {message}" if place else message


def unknown_key(name: str, keys: Sequence[str]) -> str:
    """Say that there is no such key, and which one may have been meant."""
    near = difflib.get_close_matches(name[:80], keys, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"unknown key `{name[:80]}`{hint}"


@cache
def known_keys(wanted: Any) -> Sequence[str]:
    """Return the keys that a body of this type can have, at any depth."""
    return tuple(keys_in(type_info(wanted)))


def keys_in(info: Type) -> Iterator[str]:
    """Yield the keys of the objects that a type describes."""
    match info:
        case StructType(fields=fields):
            for field in fields:
                yield field.encode_name
                yield from keys_in(field.type)
        case UnionType(types=types):
            for one in types:
                yield from keys_in(one)
        case ListType(item_type=item):
            yield from keys_in(item)
        case Metadata(type=described):
            yield from keys_in(described)
        case _:
            return
