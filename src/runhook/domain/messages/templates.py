"""Templates: JSON documents whose texts are filled in with the facts of an event.

A template is parsed once, against a sample of the facts in which each list is as long as it can be.
From then on nothing about it can fail: what it names is there, and however large the values are,
what it renders is JSON within ``LARGEST_OUTPUT``. It repeats over lists that it is given and
over nothing else, so its work is bounded by its source and their lengths.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from difflib import get_close_matches
from html import escape
from urllib.parse import quote

from runhook.domain.errors import InvalidError
from runhook.domain.messages.text import REPLACED, SURROGATES, fit, one_line
from runhook.domain.strict_json import NotJsonError, parse_json

LARGEST_SOURCE = 16 << 10
LARGEST_OUTPUT = 64 << 10
LARGEST_FRAME = 32 << 10
"""Bytes of what is rendered, without any text of the event."""
DEEPEST = 20
DEEPEST_LISTS = 2
MOST_FILTERS = 4
MOST_VALUES = 5_000
MOST_TEXTS = 1_000
"""Of the event, that are filled in with full lists."""
LONGEST_VALUE = 4_000
"""Characters of a value, before filters; fewer, if what is rendered would be too large."""
LONGEST_VALUES = 400_000
"""Characters of all of them, before filters."""

DATA, WHEN, VALUE, ELSE = "$data", "$when", "$value", "$else"

# Without braces inside, so that a row of opening ones is read once.
PLACEHOLDER = re.compile(r"\{\{([^{}]*)\}\}")
PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
CONDITION = re.compile(
    rf"\s*(?P<no>not\s+)?(?P<path>{PATH.pattern})\s*"
    r"(?:(?P<sign>==|!=)\s*(?P<quote>['\"])(?P<text>[^'\"]*)(?P=quote)\s*)?"
)
CUTTING = re.compile(r"cut\s*:\s*(\d{1,5})")
MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&@])")

BACKTICK_ALIKE = "\N{MODIFIER LETTER GRAVE ACCENT}"
"""In code nothing is markup but the backtick, which has no escape there."""

Filter = Callable[[str], str]
SHAPING: Mapping[str, Filter] = {
    "upper": str.upper,
    "lower": str.lower,
    "first_line": lambda text: text.strip().partition("\n")[0],
}
ESCAPING: Mapping[str, Filter] = {
    "html": escape,
    "markdown": lambda text: MARKUP.sub(r"\\\1", text),
    "slack": lambda text: escape(text, quote=False),
    "code": lambda text: one_line(text).replace("`", BACKTICK_ALIKE),
    "uri": lambda text: quote(text, safe="", errors="replace"),
}
FILTERS = (*SHAPING, "cut: 80", *ESCAPING)


@dataclass(frozen=True, slots=True)
class TemplatePlace:
    """Where a value is found: so many lists further out, by these names."""

    outwards: int
    names: tuple[str, ...]

    def value(self, scopes: "Scopes") -> object:
        found: object = scopes[-1 - self.outwards]
        for name in self.names:
            found = found[name] if isinstance(found, Mapping) else None
        return found


Scopes = Sequence[Mapping[str, object]]
"""The facts, and what the lists that are repeated over have in turn; the innermost last."""


@dataclass(frozen=True, slots=True)
class Rendering:
    """How a template is rendered."""

    limit: int = LONGEST_VALUE
    """Characters of each text."""
    is_whole: bool = False
    """Whether each condition counts as met."""

    def shown(self, value: object) -> object:
        """Cut the texts in a value."""
        if isinstance(value, str):
            return cut_text(value, self.limit)
        if isinstance(value, Mapping):
            return {str(key): self.shown(one) for key, one in value.items()}
        if isinstance(value, Sequence):
            return [self.shown(one) for one in value]
        return value


@dataclass(frozen=True, slots=True)
class Condition:
    """Whether something is shown."""

    place: TemplatePlace
    is_expected: bool = True
    text: str | None = None
    """Text to compare the value with; None tests whether there is a value."""

    def holds(self, scopes: Scopes) -> bool:
        value = self.place.value(scopes)
        is_so = bool(value) if self.text is None else value_text(value) == self.text
        return is_so is self.is_expected


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value that stands in the template."""

    value: object

    def render(self, scopes: Scopes, how: Rendering) -> object:
        del scopes, how
        return self.value


@dataclass(frozen=True, slots=True)
class Whole:
    """A text that is one placeholder: the value keeps its type."""

    place: TemplatePlace
    texts: int
    """How many texts the value has in the sample."""

    def render(self, scopes: Scopes, how: Rendering) -> object:
        return how.shown(self.place.value(scopes))


@dataclass(frozen=True, slots=True)
class Filled:
    """A value within a text."""

    place: TemplatePlace
    filters: tuple[Filter, ...]

    def render(self, scopes: Scopes, how: Rendering) -> str:
        text = cut_text(value_text(self.place.value(scopes)), how.limit)
        for one in self.filters:
            text = one(text)
        return text


@dataclass(frozen=True, slots=True)
class Joined:
    """A text with placeholders."""

    parts: tuple[str | Filled, ...]

    def render(self, scopes: Scopes, how: Rendering) -> str:
        return "".join(
            one if isinstance(one, str) else one.render(scopes, how) for one in self.parts
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A value that stands in a list or an object: never, once, or once for each of a list."""

    content: "Content"
    condition: Condition | None = None
    over: TemplatePlace | None = None
    turns: int = 1
    """How often it is there if the list is full."""
    otherwise: "Content | None" = None
    """The content if the condition does not hold."""

    def render(self, scopes: Scopes, how: Rendering) -> Iterator[object]:
        for inner in self._turns(scopes):
            if how.is_whole:
                yield self._longest(inner, how)
            elif self.condition is None or self.condition.holds(inner):
                yield self.content.render(inner, how)
            elif self.otherwise is not None:
                yield self.otherwise.render(inner, how)

    def _longest(self, scopes: Scopes, how: Rendering) -> object:
        possible = [self.content, *([] if self.otherwise is None else [self.otherwise])]
        return max(
            (one.render(scopes, how) for one in possible), key=lambda one: len(as_json_bytes(one))
        )

    def _turns(self, scopes: Scopes) -> Iterator[Scopes]:
        if self.over is None:
            yield scopes
            return
        values = self.over.value(scopes)
        for one in values if isinstance(values, Sequence) else ():
            yield [*scopes, scope_of(one)]


@dataclass(frozen=True, slots=True)
class Listed:
    """A list."""

    parts: tuple[Part, ...]

    def render(self, scopes: Scopes, how: Rendering) -> list[object]:
        return [value for part in self.parts for value in part.render(scopes, how)]


@dataclass(frozen=True, slots=True)
class Named:
    """An object."""

    parts: tuple[tuple[str, Part], ...]

    def render(self, scopes: Scopes, how: Rendering) -> dict[str, object]:
        return {key: value for key, part in self.parts for value in part.render(scopes, how)}


Content = Fixed | Whole | Joined | Listed | Named


@dataclass(frozen=True, slots=True)
class Template:
    """A template that was checked."""

    source: str
    content: Content = field(repr=False)
    limit: int = field(repr=False)
    """Characters of each text of the event."""

    @classmethod
    def parse(cls, source: str, sample: Mapping[str, object]) -> "Template":
        """Check a template.

        Args:
            source: the JSON document.
            sample: facts as they will be given, with each list as long as it can be.

        Raises:
            InvalidError: it is not JSON (the sentence tells the line and the column), or names what
                is not there (the sentence has a JSON pointer), or is too large.
        """
        part = Parser().part(document_in(source), "", [sample])
        if part.condition or part.over:
            raise InvalidError(f"`{DATA}` and `{WHEN}` stand in a list or an object, not outside")
        values, texts = counted_items(part.content)
        if values > MOST_VALUES or texts > MOST_TEXTS:
            raise InvalidError(
                f"with full lists it has {values:,} values and fills in {texts:,} texts; "
                f"{MOST_VALUES:,} and {MOST_TEXTS:,} at most"
            )
        frame = as_json_bytes(part.content.render([sample], Rendering(limit=0, is_whole=True)))
        if len(frame) > LARGEST_FRAME:
            raise InvalidError(
                f"with full lists it becomes {len(frame):,} bytes, without any text of the event; "
                f"{LARGEST_FRAME:,} at most"
            )
        return cls(source, part.content, min(LONGEST_VALUE, LONGEST_VALUES // max(texts, 1)))

    def render(self, facts: Mapping[str, object]) -> bytes:
        """Fill the template in; texts are cut shorter where all of it would be too large."""
        limit = self.limit
        while True:
            rendered = as_json_bytes(self.content.render([facts], Rendering(limit=limit)))
            if len(rendered) <= LARGEST_OUTPUT or limit == 0:
                return rendered
            limit //= 2

    def __str__(self) -> str:
        return self.source


class Parser:
    """Turns JSON into content."""

    def part(self, value: object, pointer: str, scopes: Scopes) -> Part:
        """Read a value, with what says when and how often it is there."""
        if not isinstance(value, Mapping):
            return Part(self.content(value, pointer, scopes))
        over, turns = None, 1
        if DATA in value:
            over, scopes, turns = repeated(value[DATA], f"{pointer}/{DATA}", scopes)
        condition = None
        if WHEN in value:
            condition = condition_in(value[WHEN], f"{pointer}/{WHEN}", scopes)
        rest = {key: one for key, one in value.items() if key not in (DATA, WHEN)}
        if VALUE not in rest:
            return Part(self.content(rest, pointer, scopes), condition, over, turns)
        if rest.keys() - {VALUE, ELSE}:
            raise wrong(pointer, f"beside `{VALUE}` only `{DATA}`, `{WHEN}` and `{ELSE}` can stand")
        content = self.content(rest[VALUE], f"{pointer}/{VALUE}", scopes)
        if ELSE not in rest:
            return Part(content, condition, over, turns)
        if condition is None:
            raise wrong(pointer, f"`{ELSE}` stands beside `{WHEN}`")
        otherwise = self.content(rest[ELSE], f"{pointer}/{ELSE}", scopes)
        return Part(content, condition, over, turns, otherwise)

    def content(self, value: object, pointer: str, scopes: Scopes) -> Content:
        """Read a value."""
        if isinstance(value, str):
            return text_in(value, pointer, scopes)
        if isinstance(value, Mapping):
            return Named(tuple(self.members(value, pointer, scopes)))
        if isinstance(value, list):
            return Listed(
                tuple(
                    self.part(one, f"{pointer}/{number}", scopes)
                    for number, one in enumerate(value)
                )
            )
        return Fixed(value)

    def members(
        self, value: Mapping[str, object], pointer: str, scopes: Scopes
    ) -> Iterator[tuple[str, Part]]:
        """Read the members of an object."""
        for key, one in value.items():
            place = pointer_to(key, pointer)
            if "{{" in key:
                raise wrong(place, "names are not filled in, only texts")
            part = self.part(one, place, scopes)
            if part.over:
                raise wrong(place, f"`{DATA}` stands in an object that is in a list")
            yield key, part


def document_in(source: str) -> object:
    """Read the JSON of a template.

    Raises:
        InvalidError: it is not a template, too large, too deep, or read differently by programs.
    """
    if len(source.encode(errors="replace")) > LARGEST_SOURCE:
        raise InvalidError(f"it is too large; {LARGEST_SOURCE:,} bytes at most")
    if SURROGATES.search(source):
        raise InvalidError("it has half of a surrogate pair, which is not a character")
    try:
        document: object = parse_json(source)
    except NotJsonError as error:
        raise InvalidError(f"it cannot be read as JSON: {error}") from None
    except RecursionError:
        raise too_deep() from None
    check_depth(document)
    return document


def check_depth(document: object, pointer: str = "", depth: int = 1) -> None:
    """Refuse what is nested too deep, and texts that have half a character by an escape."""
    if depth > DEEPEST:
        raise too_deep()
    if isinstance(document, str) and SURROGATES.search(document):
        raise wrong(pointer, "half of a surrogate pair is not a character")
    if isinstance(document, Mapping):
        for key, one in document.items():
            check_depth(key, pointer, depth)
            check_depth(one, pointer_to(key, pointer), depth + 1)
    if isinstance(document, list):
        for number, one in enumerate(document):
            check_depth(one, f"{pointer}/{number}", depth + 1)


def too_deep() -> InvalidError:
    return InvalidError(f"it is nested too deep; {DEEPEST} levels at most")


def text_in(text: str, pointer: str, scopes: Scopes) -> Content:
    """Read a text with its placeholders."""
    found = list(PLACEHOLDER.finditer(text))
    if "{{" in PLACEHOLDER.sub(" ", text):
        raise wrong(pointer, "a `{{` has no `}}`")
    if not found:
        return Fixed(text)
    fillings = [read_placeholder(one[1], pointer, scopes) for one in found]
    place, filters, value = fillings[0]
    if found[0].span() == (0, len(text)) and not filters:
        return Whole(place, texts_of_template(value))
    parts: list[str | Filled] = []
    at = 0
    for one, (place, filters, value) in zip(found, fillings, strict=True):
        if is_compound(value):
            name = ".".join(place.names)
            raise wrong(pointer, f"`{name}` is not a text; repeat over it with `{DATA}`")
        parts += [text[at : one.start()], Filled(place, filters)]
        at = one.end()
    return Joined(tuple(one for one in [*parts, text[at:]] if one != ""))


def read_placeholder(
    text: str, pointer: str, scopes: Scopes
) -> tuple[TemplatePlace, tuple[Filter, ...], object]:
    """Read what stands between the braces, and find its value in the sample."""
    path, *names = [one.strip() for one in text.split("|")]
    if len(names) > MOST_FILTERS:
        raise wrong(pointer, f"{len(names)} filters are too many; {MOST_FILTERS} at most")
    place, value = find_place(path, pointer, scopes)
    filters: list[Filter] = []
    escaped = ""
    for name in names:
        # What shortens or changes a text would break what an escape has put into it.
        if escaped:
            raise wrong(pointer, f"`{escaped}` has to be the last filter")
        filters.append(filter_of(name, pointer))
        escaped = name if name in ESCAPING else ""
    return place, tuple(filters), value


def filter_of(name: str, pointer: str) -> Filter:
    """Find a filter by its name."""
    known = SHAPING.get(name) or ESCAPING.get(name)
    if known is not None:
        return known
    cutting = CUTTING.fullmatch(name)
    if cutting is None:
        names = ", ".join(f"`{one}`" for one in FILTERS)
        raise wrong(pointer, f"`{name[:40]}` is not a filter; choose from {names}")
    most = int(cutting[1])
    return lambda text: fit(text, most)


def condition_in(value: object, pointer: str, scopes: Scopes) -> Condition:
    """Read what `$when` says."""
    braced = PLACEHOLDER.fullmatch(value.strip()) if isinstance(value, str) else None
    said = CONDITION.fullmatch(braced[1]) if braced else None
    if said is None:
        raise wrong(
            pointer,
            "write `{{ name }}`, `{{ not name }}`, `{{ name == 'text' }}` or "
            "`{{ name != 'text' }}`",
        )
    place, _ = find_place(said["path"], pointer, scopes)
    is_expected = (said["no"] is None) is (said["sign"] != "!=")
    return Condition(place, is_expected, said["text"])


def repeated(value: object, pointer: str, scopes: Scopes) -> tuple[TemplatePlace, Scopes, int]:
    """Read what `$data` says; return also what is known within, and how long the list can be."""
    braced = PLACEHOLDER.fullmatch(value.strip()) if isinstance(value, str) else None
    if braced is None:
        raise wrong(pointer, "write `{{ name }}`, with the name of a list")
    place, values = find_place(braced[1].strip(), pointer, scopes)
    if isinstance(values, str) or not isinstance(values, Sequence):
        raise wrong(pointer, f"`{braced[1].strip()}` is not a list")
    if len(scopes) > DEEPEST_LISTS:
        raise wrong(pointer, f"lists within lists go {DEEPEST_LISTS} deep at most")
    return place, [*scopes, scope_of(values[0])], len(values)


def find_place(path: str, pointer: str, scopes: Scopes) -> tuple[TemplatePlace, object]:
    """Find a name in the sample, from the innermost list outwards."""
    if not PATH.fullmatch(path):
        raise wrong(pointer, f"`{path[:80]}` is not a name such as `run.url`")
    names = tuple(path.split("."))
    for outwards, scope in enumerate(reversed(scopes)):
        place = TemplatePlace(outwards, names)
        if names[0] in scope and is_known_name(names, scope):
            return place, place.value(scopes)
    known = [name for scope in reversed(scopes) for name in names_in(scope)]
    near = get_close_matches(path, known, n=1, cutoff=0.4)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    raise wrong(pointer, f"`{path[:80]}` is unknown{hint}")


def is_known_name(names: Sequence[str], scope: object) -> bool:
    """Whether a sample has something of these names."""
    for name in names:
        if not isinstance(scope, Mapping) or name not in scope:
            return False
        scope = scope[name]
    return True


def names_in(scope: Mapping[str, object], before: str = "") -> Iterator[str]:
    """List what can stand in a placeholder."""
    for key, value in scope.items():
        yield f"{before}{key}"
        if isinstance(value, Mapping):
            yield from names_in(value, f"{before}{key}.")


def scope_of(one: object) -> Mapping[str, object]:
    """What is known of an element; one that is not an object is called `value`."""
    return one if isinstance(one, Mapping) else {"value": one}


def counted_items(content: Content) -> tuple[int, int]:
    """Count the values of what is rendered with full lists, and the texts that are filled in."""
    match content:
        case Fixed():
            return 1, 0
        case Whole(texts=texts):
            return 1 + texts, texts
        case Joined(parts=parts):
            return 1, sum(isinstance(one, Filled) for one in parts)
        case Listed(parts=parts):
            within = parts
        case Named(parts=named):
            within = tuple(one for _, one in named)
    counts = [
        (one.turns, *counted_items(possible))
        for one in within
        for possible in (one.content, one.otherwise)
        if possible is not None
    ]
    return (
        1 + sum(turns * values for turns, values, _ in counts),
        sum(turns * texts for turns, _, texts in counts),
    )


def texts_of_template(value: object) -> int:
    """Count the texts in a value."""
    if isinstance(value, str):
        return 1
    if isinstance(value, Mapping):
        return sum(texts_of_template(one) for one in value.values())
    return sum(texts_of_template(one) for one in value) if isinstance(value, Sequence) else 0


def is_compound(value: object) -> bool:
    return isinstance(value, Mapping | list | tuple)


def value_text(value: object) -> str:
    """A value within a text."""
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def cut_text(text: str, limit: int) -> str:
    """Cut a text of the event, and replace what is not a character."""
    return SURROGATES.sub(REPLACED, fit(text, limit))


def as_json_bytes(document: object) -> bytes:
    """A document as JSON, without spaces."""
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def pointer_to(key: str, pointer: str) -> str:
    """The JSON pointer (RFC 6901) to a member of an object."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def wrong(pointer: str, message: str) -> InvalidError:
    """What is wrong at a place of the document."""
    return InvalidError(f"{f'at `{pointer}`' if pointer else 'at the top'}: {message}")
