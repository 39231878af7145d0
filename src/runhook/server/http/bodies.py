"""Bodies as what a route takes them for, or a sentence that says what is wrong with them.

The web framework would do that as well, but what it raises keeps the body until the collector of
garbage comes: the error has the frame that has the error.
"""

import difflib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

import msgspec

from runhook.domain.errors import InvalidError
from runhook.domain.strict_json import NotJsonError, RepeatedKeyError, parse_json

MOST_VALUES = 50_000
"""Values in a body: as many hold the event loop for some 30 milliseconds."""
TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
SURROGATE_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")
HAS_NUL = "a NUL character cannot be kept"


def read_json(body: bytes, *, charset: str) -> Any:
    """Read a body as plain Python values.

    Args:
        body: not empty.
        charset: what its Content-Type says, if it does; JSON is UTF-8 whatever that is.

    Raises:
        InvalidError: it is not JSON, not UTF-8, nested too deeply to be read, has very many values,
            or a key twice in one object.
    """
    encoding = json.detect_encoding(body)
    if encoding == "utf-8-sig":
        raise InvalidError(
            "The body begins with a byte order mark (BOM), the bytes EF BB BF; send it without."
        )
    if encoding != "utf-8":
        raise InvalidError(f"The body is {encoding.upper()}, not UTF-8; send JSON as UTF-8.")
    if has_too_many_values(body):
        raise InvalidError(f"The body has too many values; at most {MOST_VALUES:,}.")
    try:
        value = parse_json(body.decode())
        if SURROGATE_ESCAPE.search(body):
            check_characters(value)
    except RecursionError:
        raise InvalidError("The body is nested too deeply.") from None
    except UnicodeDecodeError as error:
        said = "" if charset in ("", "utf-8") else f"; its Content-Type says {charset[:40]}"
        raise InvalidError(f"The body is not UTF-8: {error.reason}{said}.") from None
    except RepeatedKeyError as error:
        raise InvalidError(f"The key `{error.key[:80]}` is given twice.") from None
    except NotJsonError as error:
        raise InvalidError(f"The body cannot be read as JSON: {error}.") from None
    return value


def check_characters(value: Any) -> None:
    """Refuse half of a surrogate pair, which is not a character, in any text of a value.

    Raises:
        NotJsonError: there is one.
    """
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise NotJsonError("it has half of a surrogate pair, which is not a character") from None


def has_too_many_values(body: bytes) -> bool:
    """Whether a body has more than ``MOST_VALUES`` values, which would take long to read."""
    return count_values(body) > MOST_VALUES and count_values(TEXTS.sub(b'""', body)) > MOST_VALUES


def count_values(body: bytes) -> int:
    """Count the characters that begin or separate values, those within texts too."""
    return body.count(b",") + body.count(b"[") + body.count(b"{")


def convert(value: Any, wanted: Any) -> Any:
    """Read the body that a route takes, as this type.

    Raises:
        InvalidError: it is another type.
    """
    try:
        return converted(value, wanted)
    except msgspec.ValidationError:
        raise InvalidError(complaint(value, wanted) or "") from None


def converted(value: Any, wanted: Any) -> Any:
    """Convert a value to another type.

    Raises:
        msgspec.ValidationError: it cannot be.
    """
    return msgspec.convert(value, wanted, strict=False, str_keys=True)


def complaint(value: Any, wanted: Any, place: str = "") -> str | None:
    """Say what is wrong with a value, None if nothing is.

    What the library says of a whole is in its own words only to read. So its parts are tried one
    by one, until it is known where the fault lies.

    Args:
        value: as it was sent.
        wanted: the type that it should be of.
        place: where it stands in the body; nothing for the whole.
    """
    try:
        converted(value, wanted)
    except msgspec.ValidationError as error:
        message = str(error)
    else:
        return None
    unknown = unknown_key(value, wanted)
    if unknown is not None:
        message = unknown
    elif isinstance(value, str) and "\0" in value:
        message = HAS_NUL
    else:
        for name, part, of in parts(value, wanted):
            where = f"{place}.{name}" if place and not name.startswith("[") else place + name
            found = complaint(part, of, where)
            if found is not None:
                return found
    return f"{place}: {message}" if place else message


def parts(value: Any, wanted: Any) -> Iterator[tuple[str, Any, Any]]:
    """Yield the parts of an object or a list that a type says something about.

    Yields:
        where each one stands in it, itself, and the type that it should be of.
    """
    for one in alternatives(wanted):
        if isinstance(value, dict) and is_struct(one):
            fields = fields_of(one)
            yield from (
                (name, part, fields[name]) for name, part in value.items() if name in fields
            )
        elif isinstance(value, dict) and get_origin(one) is dict:
            yield from ((f"[{name[:80]}]", part, get_args(one)[1]) for name, part in value.items())
        elif isinstance(value, list) and get_origin(one) is list:
            (of,) = get_args(one)
            yield from ((f"[{place}]", part, of) for place, part in enumerate(value))


def unknown_key(value: Any, wanted: Any) -> str | None:
    """Say that an object has a key that it must not have, and which one may have been meant."""
    for one in alternatives(wanted):
        if isinstance(value, dict) and is_struct(one):
            fields = fields_of(one)
            unknown = next((name for name in value if name not in fields), None)
            if unknown is not None and one.__struct_config__.forbid_unknown_fields:
                near = difflib.get_close_matches(unknown[:80], fields, n=1)
                hint = f"; did you mean `{near[0]}`?" if near else ""
                return f"unknown key `{unknown[:80]}`{hint}"
    return None


def alternatives(wanted: Any) -> Sequence[Any]:
    """The types of which a value has to be one."""
    origin = get_origin(wanted)
    if origin is Annotated:
        return alternatives(get_args(wanted)[0])
    if origin in (Union, UnionType):
        return [one for member in get_args(wanted) for one in alternatives(member)]
    return [wanted]


def is_struct(wanted: Any) -> bool:
    """Whether a type is one with keys of its own."""
    return isinstance(wanted, type) and issubclass(wanted, msgspec.Struct)


@cache
def fields_of(struct: type[msgspec.Struct]) -> Mapping[str, Any]:
    """The keys of an object, with the type of each one's value."""
    return {one.encode_name: one.type for one in msgspec.structs.fields(struct)}
