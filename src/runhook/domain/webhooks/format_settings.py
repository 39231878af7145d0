"""Which format a webhook has, and the format's own settings, as options of the webhook."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass
from typing import TYPE_CHECKING, cast, get_args, get_origin

from runhook.domain.errors import InvalidError
from runhook.domain.formats import format_named, suggestion
from runhook.domain.formats.format import Format
from runhook.domain.options.declaring import (
    Option,
    ValueKind,
    changed,
    masked,
    masks_in,
    options_in,
    renewed,
    secret_option_values,
    unmasked,
    written,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

Given = Mapping[str, object]
KINDS_OF_JSON = {str: "a text", bool: "true or false", float: "a number"}


@dataclass(frozen=True)
class FormatName(ValueKind[str]):
    """The name of a format."""

    wire = str

    def read(self, value: object) -> str:
        return format_named(cast(str, value)).name

    def write(self, value: str) -> str:
        return value


@dataclass(frozen=True)
class FormatSettings(ValueKind[object]):
    """The settings of a format; which keys there are is the format's to say.

    Reading leaves JSON as it is, for ``settings_in``, which knows the format.
    """

    wire = dict[str, object]
    has_secrets = True

    def read(self, value: object) -> object:
        return value

    def write(self, value: object) -> dict[str, object]:
        return written(cast("DataclassInstance", value))

    def masked(self, value: object) -> object:
        return masked(cast("DataclassInstance", value))

    def unmasked(self, value: object, kept: object | None) -> object:
        settings = cast("DataclassInstance", value)
        before = kept if type(kept) is type(settings) else type(settings)()
        return unmasked(settings, before)

    def masks_in(self, value: object) -> Sequence[str]:
        return masks_in(cast("DataclassInstance", value))

    def renewed(self, before: object, after: object) -> Sequence[str]:
        if type(before) is not type(after):
            return ()
        return renewed(cast("DataclassInstance", before), cast("DataclassInstance", after))


def settings_in(format_: Format[object], given: Given) -> object | None:
    """Read the settings of a format, in which secrets may be masked; None if it has none.

    Raises:
        InvalidError: a key is unknown, or a value is missing or not valid; ``field`` is its path.
    """
    declared = format_.settings
    known = {one.name: one for one in options_in(cast("type[DataclassInstance]", declared))}
    try:
        for name, value in given.items():
            check_type(known, name, value)
        settings = format_.check(changed(cast("DataclassInstance", declared()), given))
    except InvalidError as error:
        raise error.within("format_settings") from None
    return settings if known else None


def check_type(known: Mapping[str, Option], name: str, value: object) -> None:
    """Check that a setting is known, and that its JSON has the type that its kind reads.

    Raises:
        InvalidError: it is not so.
    """
    if name not in known:
        instead = suggestion(name, known) if known else "this format has no settings"
        raise InvalidError(f"`{name[:80]}` is unknown; {instead}")
    wanted = known[name].kind.wire
    if value is not None and not conforms(value, wanted):
        raise InvalidError(f"it is not {setting_in_words(wanted)}", field=name)


def conforms(value: object, wanted: object) -> bool:
    """Whether JSON has the type that a kind reads."""
    if wanted is float:
        return isinstance(value, int | float) and not isinstance(value, bool)
    if get_origin(wanted) is list:
        (item,) = get_args(wanted)
        return isinstance(value, list) and all(conforms(one, item) for one in value)
    if get_origin(wanted) is dict:
        _, item = get_args(wanted)
        return isinstance(value, dict) and all(conforms(one, item) for one in value.values())
    if is_dataclass(wanted):
        names = {one.name: one for one in options_in(cast("type[DataclassInstance]", wanted))}
        return isinstance(value, dict) and all(
            name in names and (one is None or conforms(one, names[name].kind.wire))
            for name, one in value.items()
        )
    return isinstance(value, bool if wanted is bool else str)


def setting_in_words(wanted: object) -> str:
    """Say what type of JSON a kind reads."""
    if get_origin(wanted) is list:
        return "a list of " + setting_in_words(get_args(wanted)[0]).removeprefix("a ") + "s"
    if get_origin(wanted) is dict or is_dataclass(wanted):
        return "an object with such keys and values"
    return KINDS_OF_JSON.get(cast(type, wanted), "a text")


def secrets_in(settings: object | None) -> list[str]:
    """List the texts in settings that are secret, wherever they stand."""
    if settings is None:
        return []
    opened = cast("DataclassInstance", settings)
    found: list[str] = []
    for one, value in secret_option_values(opened):
        found += differing(one.kind.write(value), one.kind.write(one.kind.masked(value)))
    return found


def differing(value: object, shown: object) -> list[str]:
    """List the texts in JSON that stand otherwise in its masked form."""
    if isinstance(value, Mapping) and isinstance(shown, Mapping):
        return [text for key in value for text in differing(value[key], shown.get(key))]
    if isinstance(value, list) and isinstance(shown, list) and len(value) == len(shown):
        return [
            text for one, other in zip(value, shown, strict=True) for text in differing(one, other)
        ]
    return [value] if isinstance(value, str) and value != shown else []
