"""The fields of a form that options have, by their kinds.

An option has one field, called as it is, or one for each of its parts, such as
`authorization.user`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runhook.domain.errors import InvalidError
from runhook.domain.options.declaring import Option
from runhook.domain.options.kinds import Choice, Flag, Parts, Several, Typed
from runhook.server.web.page.forms import Form

TICKED = "yes"
"""The value of a box that stands alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A field as templates show it."""

    name: str
    option: Option
    choices: Sequence[tuple[str, ...]] = ()
    """What can be chosen or ticked: values, titles, and of boxes notes."""
    rows: int = 1
    parts: Sequence["Field"] = ()

    @property
    def macro(self) -> str:
        """The macro that draws it."""
        match self.option.kind:
            case Parts():
                return "parts"
            case Flag() | Several():
                return "boxes"
            case Choice():
                return "choice"
        return "area" if self.rows > 1 else "field"

    def is_filled(self, form: Form) -> bool:
        """Whether something is filled in, or wrong, in this field or a part of it."""
        mine = (form.errors.get(self.name), form.values.get(self.name), form.chosen.get(self.name))
        return any(mine) or any(part.is_filled(form) for part in self.parts)


def form_fields(options: Iterable[Option], within: str = "") -> list[Field]:
    """List the fields of options."""
    return [form_field(one, f"{within}{one.name}") for one in options]


def form_field(option: Option, name: str) -> Field:
    """Field of an option."""
    kind: Any = option.kind
    match kind:
        case Parts():
            return Field(name=name, option=option, parts=form_fields(kind.options, f"{name}."))
        case Flag():
            return Field(name=name, option=option, choices=[(TICKED, kind.title, kind.note)])
        case Several():
            boxes = [(word.value, *texts) for word, texts in kind.titles.items()]
            return Field(name=name, option=option, choices=boxes)
        case Choice():
            blank = [("", kind.blank)] if kind.blank else []
            words = [(word.value, title) for word, title in kind.titles.items()]
            return Field(name=name, option=option, choices=[*blank, *words])
        case Typed():
            return Field(name=name, option=option, rows=kind.rows)
    return Field(name=name, option=option)


def leaves(fields: Iterable[Field]) -> Iterable[Field]:
    """Yield the fields that are filled in."""
    for one in fields:
        yield from leaves(one.parts) if one.parts else [one]


def ticked_names(fields: Iterable[Field]) -> list[str]:
    """List the names of fields that are ticked."""
    return [one.name for one in leaves(fields) if one.macro == "boxes"]


def typed_names(fields: Iterable[Field]) -> list[str]:
    """List the names of fields that have one value."""
    return [one.name for one in leaves(fields) if one.macro != "boxes"]


def fill_form(form: Form, fields: Iterable[Field], values: Mapping[str, Any]) -> None:
    """Write options, as JSON by name, into a form."""
    for one in fields:
        value = values.get(one.option.name)
        match one.option.kind:
            case Parts():
                fill_form(form, one.parts, value or {})
            case Flag() as kind:
                form.chosen[one.name] = [TICKED] if value == kind.ticked else []
            case Several():
                form.chosen[one.name] = value or []
            case Typed() as kind if value is not None:
                form.values[one.name] = kind.show(value)
            case _:
                form.values[one.name] = value or ""


def field_value(form: Form, field: Field) -> object:
    """Value of a field as JSON; None for an empty one.

    Raises:
        InvalidError: the text is not a value of the option.
    """
    try:
        match field.option.kind:
            case Parts():
                parts = {one.option.name: field_value(form, one) for one in field.parts}
                return {name: value for name, value in parts.items() if value} or None
            case Flag() as kind:
                return (TICKED in form.chosen[field.name]) == kind.ticked
            case Several():
                return form.chosen[field.name]
            case Typed() as kind:
                typed = form[field.name].strip()
                return kind.understand(typed) if typed else None
            case Choice() as kind:
                return None if kind.blank and not form[field.name] else form[field.name]
            case kind:
                raise TypeError(f"{kind} has no field")
    except InvalidError as error:
        raise error.within(field.option.name) from None
