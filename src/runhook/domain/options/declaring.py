"""How an option of a webhook is declared, and what follows from its declaration.

A value has three forms: what the domain works with, JSON (on the wire and in the database), and the
text of a form's field. What is secret in it can be masked: ``MASK`` stands where its value was. A
mask that a client sends back stands for the value that is there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import Enum, auto
from functools import cache
from typing import TYPE_CHECKING, Generic, TypeVar

from runhook.domain.errors import InvalidError

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

MASK = "********"

T = TypeVar("T")
D = TypeVar("D")
Values = TypeVar("Values", bound="DataclassInstance")
"""A dataclass whose fields are declared with ``option``."""


class ValueKind(Generic[T]):
    """A kind of value: how it is read, written and masked."""

    @property
    def wire(self) -> object:
        """The type of its JSON; a dataclass of options stands for an object with their names."""
        raise NotImplementedError

    @property
    def has_secrets(self) -> bool:
        """Whether something of a value is never shown."""
        return False

    def read(self, value: object) -> T:
        """Check JSON of the type ``wire``, in which secrets may be masked.

        Raises:
            InvalidError: it is not valid; ``field`` is the path to the part that is not.
        """
        raise NotImplementedError

    def write(self, value: T) -> object:
        """Turn a value into JSON."""
        raise NotImplementedError

    def masked(self, value: T) -> T:
        """Mask the secrets of a value."""
        return value

    def unmasked(self, value: T, kept: T | None) -> T:
        """Replace the masks in a value by what ``kept`` has there.

        Raises:
            InvalidError: ``kept`` has nothing there.
        """
        del kept
        return value

    def masks_in(self, value: T) -> Sequence[str]:
        """List the paths of the masks in a value; its own path is empty."""
        del value
        return ()

    def audited(self, value: T) -> object:
        """A value as the audit log shows it, as JSON."""
        return self.write(self.masked(value))

    def renewed(self, before: T, after: T) -> Sequence[str]:
        """List the paths of the secrets that are in both values and differ."""
        del before, after
        return ()


class Null(Enum):
    """What JSON's null does to an option."""

    RESETS = auto()
    """Gives it its default."""
    KEEPS = auto()
    """Leaves it as it is, like a key that is left out."""
    IS_REFUSED = auto()


class Use(Enum):
    """When an option is used."""

    PUBLISHING = auto()
    """Once, when the event happens."""
    SENDING = auto()
    """By each attempt, with the value it has then."""
    ALWAYS = auto()
    """At the event and at each attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Option:
    """What the wire, the form, the database and the documents know of an option."""

    name: str
    """Its key in JSON, its field in the form and its column."""
    kind: ValueKind[object]
    default: object
    label: str
    """What the form calls it."""
    hint: str
    """What the form says of it."""
    help: str
    """What the API's documents say of it."""
    null: Null
    use: Use
    is_for_consumers: bool
    """Whether a webhook that a consumer reads may have it."""
    is_advanced: bool
    """Whether the form shows it among what few webhooks need."""
    audited_as: str
    """What the audit log calls it."""
    audited_renewals: str
    """What the audit log calls the list of its secrets that got another value."""

    def read(self, value: object) -> object:
        """Check JSON; null is the default.

        Raises:
            InvalidError: it is not valid; ``field`` is the path to the part that is not.
        """
        if value is None:
            return self.default
        try:
            return self.kind.read(value)
        except InvalidError as error:
            raise error.within(self.name) from None

    def write(self, value: object) -> object:
        """Turn a value into JSON."""
        return None if value is None else self.kind.write(value)

    def audited(self, value: object) -> object:
        """A value as the audit log shows it, as JSON."""
        return None if value is None else self.kind.audited(value)


def option(
    default: D,
    kind: ValueKind[T],
    *,
    label: str,
    help: str = "",  # noqa: A002 - the word of `Setting`
    hint: str = "",
    null: Null = Null.RESETS,
    use: Use = Use.SENDING,
    is_for_consumers: bool | None = None,
    is_advanced: bool = False,
    audited_as: str = "",
    audited_renewals: str = "",
) -> D | T:
    """Declare an option as the field of a dataclass; the arguments are those of ``Option``.

    Nothing is sent to consumers: unless it says otherwise, an option is for them if it is used when
    the event happens.
    """
    if is_for_consumers is None:
        is_for_consumers = use is not Use.SENDING
    declared = {
        "kind": kind,
        "default": default,
        "label": label,
        "help": help,
        "hint": hint,
        "null": null,
        "use": use,
        "is_for_consumers": is_for_consumers,
        "is_advanced": is_advanced,
        "audited_as": audited_as,
        "audited_renewals": audited_renewals,
    }
    # `dataclass` takes the field out again; for type checkers it is the value that is declared.
    declaration: D = field(
        default_factory=lambda: default, repr=not kind.has_secrets, metadata=declared
    )
    return declaration


@cache
def options_in(declaring: "type[DataclassInstance]") -> tuple[Option, ...]:
    """List the options that a dataclass declares."""
    return tuple(
        Option(
            name=one.name,
            **{
                **one.metadata,
                "audited_as": one.metadata["audited_as"] or one.name,
                "audited_renewals": one.metadata["audited_renewals"] or f"new_{one.name}_values",
            },
        )
        for one in fields(declaring)
    )


def changed(values: Values, given: Mapping[str, object]) -> Values:
    """Change the options that are given as JSON, by name.

    Raises:
        InvalidError: one is not valid.
    """
    options = [one for one in options_in(type(values)) if one.name in given]
    return replace(values, **{one.name: one.read(given[one.name]) for one in options})


def written(values: "DataclassInstance") -> dict[str, object]:
    """Turn values into JSON, by name."""
    return {one.name: one.write(getattr(values, one.name)) for one in options_in(type(values))}


def masked(values: Values) -> Values:
    """Mask every secret."""
    return replace(
        values, **{one.name: one.kind.masked(value) for one, value in secret_option_values(values)}
    )


def unmasked(values: Values, kept: Values) -> Values:
    """Replace every mask by what ``kept`` has there.

    Raises:
        InvalidError: ``kept`` has nothing there.
    """
    opened = {}
    for one, value in secret_option_values(values):
        try:
            opened[one.name] = one.kind.unmasked(value, getattr(kept, one.name))
        except InvalidError as error:
            raise error.within(one.name) from None
    return replace(values, **opened)


def masks_in(values: "DataclassInstance") -> list[str]:
    """List the paths of all masks, such as `custom_headers.X-Api-Key`."""
    return [
        joined(one.name, path)
        for one, value in secret_option_values(values)
        for path in one.kind.masks_in(value)
    ]


def renewed(before: Values, after: Values) -> list[str]:
    """List the paths of the secrets that are in both and differ."""
    return [
        joined(one.name, path)
        for one, value in secret_option_values(after)
        if (old := getattr(before, one.name)) is not None
        for path in one.kind.renewed(old, value)
    ]


def secret_option_values(values: "DataclassInstance") -> list[tuple[Option, object]]:
    """List the options that have secrets and are set, with their values."""
    return [
        (one, value)
        for one in options_in(type(values))
        if one.kind.has_secrets and (value := getattr(values, one.name)) is not None
    ]


def joined(name: str, path: str) -> str:
    """Path of a part, from outside of the option."""
    return f"{name}.{path}" if path else name
