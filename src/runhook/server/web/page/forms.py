"""Forms: what was typed, and what is wrong with it, to be shown beside it."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

from litestar import Request
from litestar.datastructures import FormMultiDict

from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.errors import ConflictError, InvalidError

MOST_FIELDS = 5_000
"""Fields of a form: as many hold the event loop for some 5 milliseconds."""
WHOLE = ""
"""Instead of a field's name: what is wrong with the form as a whole."""


async def read_form(request: Request[Any, Any, Any]) -> FormMultiDict:
    """Read the fields of a request.

    Raises:
        InvalidError: there are very many.
    """
    if (await request.body()).count(b"&") >= MOST_FIELDS:
        raise InvalidError(f"The form has too many fields; {MOST_FIELDS:,} are the most.")
    return await request.form()


class Form:
    """The fields of a form.

    Args:
        values: what was typed, by field.
        chosen: what was ticked, by the name that several boxes share.
    """

    def __init__(
        self,
        values: Mapping[str, str] | None = None,
        chosen: Mapping[str, Collection[str]] | None = None,
    ) -> None:
        self.values = dict(values or {})
        self.chosen = {name: list(ticked) for name, ticked in (chosen or {}).items()}
        self.errors: dict[str, str] = {}

    @classmethod
    async def sent_with(
        cls, request: Request[Any, Any, Any], *names: str, many: Collection[str] = ()
    ) -> "Form":
        """Read these fields from a request; a missing field or a file is empty.

        Args:
            request: what was sent.
            names: of the fields that have one value.
            many: of those that have several.
        """
        sent = await read_form(request)
        values = {name: sent.get(name, "") for name in names}
        ticked = {name: sent.getall(name, []) for name in many}
        return cls(
            {name: field_text(value) for name, value in values.items()},
            {
                name: [field_text(one) for one in ticks if isinstance(one, str)]
                for name, ticks in ticked.items()
            },
        )

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def check(self, name: str, rule: Callable[[str], object]) -> None:
        """Note what a rule of the domain finds wrong with a field."""
        try:
            rule(self[name])
        except InvalidError as error:
            self.refuse(name, error.sentence)

    def refuse_invalid(self, error: InvalidError) -> None:
        """Note what an operation found wrong, beside the fields that it is about."""
        field = self.field_of(error.field)
        self.refuse(field, error.message if field == WHOLE else error.sentence)
        for other in error.also:
            self.errors.setdefault(self.field_of(other), "Give this again, or leave it empty.")

    def refuse_stale(self, error: ConflictError, seen: str) -> None:
        """Note that what it is about was changed meanwhile; sent once more, it replaces that.

        Args:
            error: says so.
            seen: what the form has seen from now on.
        """
        self.refuse(WHOLE, f"{error.message} Nothing is saved yet; save again to replace it.")
        self.values["seen"] = seen

    def field_of(self, path: str) -> str:
        """The field that has a value, or the one that it is a part of."""
        while path and path not in self.values and path not in self.chosen:
            path = path.rpartition(".")[0]
        return path or WHOLE

    def in_order(self, names: Collection[str]) -> list[str]:
        """The fields that are wrong, those of these names first, in their order."""
        known = [one for one in names if one in self.errors]
        return [*known, *(one for one in self.errors if one not in known)]

    def refuse(self, name: str, message: str) -> None:
        """Note what is wrong with a field, or with the form as a whole."""
        self.errors[name] = sentence(message)


def field_text(value: object) -> str:
    """Text of a field, without NUL characters: PostgreSQL cannot store them."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else ""


def sentence(message: str) -> str:
    """Turn a message into a complete sentence; a reason's code before it is for programs."""
    code, _, rest = message.partition(": ")
    if code in set(FailureReason):
        message = rest
    return message[:1].upper() + message[1:].rstrip(".") + "."
