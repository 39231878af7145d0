"""Forms: what was typed, and what is wrong with it, to be shown beside it."""

from collections.abc import Callable, Mapping
from typing import Any

from litestar import Request

from runhook.domain.errors import InvalidError

WHOLE = ""
"""Instead of a field's name: what is wrong with the form as a whole."""


class Form:
    """The fields of a form.

    Args:
        values: what was typed, by field.
    """

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self.values = dict(values or {})
        self.errors: dict[str, str] = {}

    @classmethod
    async def sent_with(cls, request: Request[Any, Any, Any], *names: str) -> "Form":
        """Return these fields as a request has them; what is left out or is a file, is empty."""
        sent = await request.form()
        values = {name: sent.get(name, "") for name in names}
        return cls(
            {name: value if isinstance(value, str) else "" for name, value in values.items()}
        )

    def __getitem__(self, name: str) -> str:
        return self.values.get(name, "")

    def check(self, name: str, rule: Callable[[str], str]) -> None:
        """Note what a rule of the domain finds wrong with a field."""
        try:
            rule(self[name])
        except InvalidError as error:
            self.errors[name] = sentence(error.sentence)

    def refuse(self, name: str, message: str) -> None:
        """Note what is wrong with a field, or with the form as a whole."""
        self.errors[name] = sentence(message)


def sentence(message: str) -> str:
    """Return a message as a sentence that stands alone."""
    return message[:1].upper() + message[1:].rstrip(".") + "."
