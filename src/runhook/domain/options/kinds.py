"""The kinds of values that options have."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Generic, TypeVar, cast

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import (
    MASK,
    Option,
    ValueKind,
    changed,
    masked,
    masks_in,
    options_in,
    renewed,
    unmasked,
    written,
)

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)
Values = TypeVar("Values", bound="DataclassInstance")


@dataclass(frozen=True)
class Flag(ValueKind[bool]):
    """A boolean, shown as a checkbox."""

    title: str
    """What the form writes beside the box."""
    note: str = ""
    ticked: bool = True
    """What it is if its box is ticked. A box that is not sent counts as not ticked."""
    wire = bool

    def read(self, value: object) -> bool:
        return bool(value)

    def write(self, value: bool) -> bool:  # noqa: FBT001 - it is the value
        return value


@dataclass(frozen=True)
class Choice(ValueKind[Word], Generic[Word]):
    """One of some words."""

    words: type[Word]
    titles: Mapping[Word, str]
    """What the form calls them."""
    blank: str = ""
    """What the form calls the choice of none of them, where that can be chosen."""

    @property
    def wire(self) -> type[Word]:
        return self.words

    def read(self, value: object) -> Word:
        return word_in(self.words, str(value))

    def write(self, value: Word) -> str:
        return value.value


@dataclass(frozen=True)
class Several(ValueKind[tuple[Word, ...]], Generic[Word]):
    """Any number of some words, each once."""

    words: type[Word]
    titles: Mapping[Word, tuple[str, str]]
    """What the form calls them, and a note beside it."""
    wire = list[str]

    def read(self, value: object) -> tuple[Word, ...]:
        names = cast(list[str], value)
        return tuple(word_in(self.words, name) for name in dict.fromkeys(names))

    def write(self, value: tuple[Word, ...]) -> list[str]:
        return [one.value for one in value]


def word_in(words: type[Word], name: str) -> Word:
    """Read a word.

    Raises:
        InvalidError: it is unknown.
    """
    try:
        return words(name)
    except ValueError:
        known = ", ".join(f"`{one}`" for one in words)
        raise InvalidError(f"`{name[:80]}` is unknown; choose from {known}") from None


@dataclass(frozen=True)
class Typed(ValueKind[T], Generic[T]):
    """A value that a form has as one text."""

    rows = 1
    """How many lines of it the form shows."""

    def show(self, value: object) -> str:
        """Format JSON as text."""
        raise NotImplementedError

    def understand(self, text: str) -> object:
        """Parse text that is not empty to JSON.

        Raises:
            InvalidError: the text is not a value of this kind.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Text(Typed[T], Generic[T]):
    """A text of a form of its own."""

    parse: Callable[[str], T]
    """Reads it, or raises InvalidError; ``str`` writes it."""
    rows: int = 1
    wire = str

    def read(self, value: object) -> T:
        return self.parse(cast(str, value))

    def write(self, value: T) -> str:
        return str(value)

    def show(self, value: object) -> str:
        return cast(str, value)

    def understand(self, text: str) -> str:
        return text.strip()


@dataclass(frozen=True)
class SecretText(Text[str]):
    """A text that is shown as a mask; empty means not set."""

    has_secrets = True

    def masked(self, value: str) -> str:
        return MASK if value else ""

    def unmasked(self, value: str, kept: str | None) -> str:
        if value != MASK:
            return value
        if not kept:
            raise InvalidError(f"there is no value yet; `{MASK}` only keeps one that is there")
        return kept

    def read(self, value: object) -> str:
        text = cast(str, value)
        return text if text in ("", MASK) else self.parse(text)

    def masks_in(self, value: str) -> Sequence[str]:
        return [""] if value == MASK else []

    def renewed(self, before: str, after: str) -> Sequence[str]:
        return [""] if before and after and before != after else []


@dataclass(frozen=True)
class Numbers(Typed[T], Generic[T]):
    """A list of numbers; the form has commas between them, and a word for an empty list."""

    parse: Callable[[Sequence[float | str]], T]
    numbers: Callable[[T], list[float]]
    empty: str
    wire = list[float]

    def read(self, value: object) -> T:
        return self.parse(cast(list[float], value))

    def write(self, value: T) -> list[float]:
        return self.numbers(value)

    def show(self, value: object) -> str:
        return ", ".join(f"{one:g}" for one in cast(list[float], value)) or self.empty

    def understand(self, text: str) -> list[str]:
        if text.strip().lower() == self.empty:
            return []
        return [part.strip() for part in text.split(",")]


@dataclass(frozen=True)
class Texts(Typed[tuple[str, ...]]):
    """A list of texts, each once; the form has one a line."""

    parse: Callable[[str], str]
    """Checks each, or raises InvalidError."""
    most: int
    rows: int = 2
    wire = list[str]

    def read(self, value: object) -> tuple[str, ...]:
        given = cast(list[str], value)
        if len(given) > self.most:
            raise InvalidError(f"{len(given)} are too many; {self.most} at most")
        return tuple(dict.fromkeys(self.parse(one) for one in given))

    def write(self, value: tuple[str, ...]) -> list[str]:
        return list(value)

    def show(self, value: object) -> str:
        return "\n".join(cast(list[str], value))

    def understand(self, text: str) -> list[str]:
        return [line.strip() for line in text.splitlines() if line.strip()]


@dataclass(frozen=True)
class Number(Typed[T], Generic[T]):
    """A number with a meaning, such as seconds."""

    parse: Callable[[float], T]
    number: Callable[[T], float]
    wire = float

    def read(self, value: object) -> T:
        return self.parse(cast(float, value))

    def write(self, value: T) -> float:
        number = self.number(value)
        return int(number) if number.is_integer() else number

    def show(self, value: object) -> str:
        return f"{value:g}"

    def understand(self, text: str) -> float:
        try:
            return float(text)
        except ValueError:
            raise InvalidError(f"`{text[:40]}` is not a number") from None


@dataclass(frozen=True)
class Parts(ValueKind[Values], Generic[Values]):
    """An object; its keys are declared in a dataclass, as options are."""

    of: type[Values]
    check: Callable[[Values], Values]
    """Checks the parts together, in which secrets may be masked; raises InvalidError."""

    @property
    def options(self) -> Sequence[Option]:
        """Allowed keys of the object."""
        return options_in(self.of)

    @property
    def has_secrets(self) -> bool:
        return any(one.kind.has_secrets for one in self.options)

    @property
    def wire(self) -> object:
        return self.of

    def read(self, value: object) -> Values:
        return self.check(changed(self.of(), cast(Mapping[str, object], value)))

    def write(self, value: Values) -> dict[str, object]:
        return written(value)

    def masked(self, value: Values) -> Values:
        return masked(value)

    def unmasked(self, value: Values, kept: Values | None) -> Values:
        return unmasked(value, kept or self.of())

    def masks_in(self, value: Values) -> Sequence[str]:
        return masks_in(value)

    def renewed(self, before: Values, after: Values) -> Sequence[str]:
        return renewed(before, after)
