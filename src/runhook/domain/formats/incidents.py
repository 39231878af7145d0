"""What formats have in common that open an incident at a failure and end it at a success."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar, cast

from runhook.domain.errors import InvalidError
from runhook.domain.formats.format import Audience, Look, MessageFormat
from runhook.domain.messages.message import Message, Node
from runhook.domain.messages.text import fit, one_line
from runhook.domain.options.declaring import option
from runhook.domain.options.kinds import Choice, Typed, Word, word_in
from runhook.domain.runs.events import EventType

ENVIRONMENTS_LIMIT = 100
NAME_LIMIT = 255
KEY = re.compile(r"[!-~]{1,255}")

Settings = TypeVar("Settings")


class IncidentFormat(MessageFormat[Settings]):
    """A format of a service that keeps an incident for each job and environment.

    A canceled run opens nothing and ends nothing, and neither does one that has only started.
    """

    audience = Audience.INCIDENTS
    look = Look.ALERT
    is_common = True
    told_types = frozenset(EventType) - {EventType.STARTED, EventType.CANCELED}


@dataclass(frozen=True)
class WordByEnvironment(Typed[Mapping[str, Word]], Generic[Word]):
    """A word for each of some environments; the form has one a line, as `prod: critical`."""

    words: type[Word]
    wire = dict[str, str]
    rows = 3

    def read(self, value: object) -> Mapping[str, Word]:
        """Check the words, and how many there are.

        Raises:
            InvalidError: a word is unknown, or there are too many or too long names.
        """
        given = cast(Mapping[str, str], value)
        if len(given) > ENVIRONMENTS_LIMIT:
            raise InvalidError(
                f"{len(given)} environments are too many; {ENVIRONMENTS_LIMIT} at most"
            )
        if any(not name.strip() or len(name) > NAME_LIMIT for name in given):
            raise InvalidError(f"an environment's name has 1 to {NAME_LIMIT} characters")
        return {name.strip(): word_in(self.words, word) for name, word in given.items()}

    def write(self, value: Mapping[str, Word]) -> dict[str, str]:
        return {name: word.value for name, word in value.items()}

    def show(self, value: object) -> str:
        return "\n".join(f"{name}: {word}" for name, word in cast(dict[str, str], value).items())

    def understand(self, text: str) -> dict[str, str]:
        lines = [line.rpartition(":") for line in text.splitlines() if line.strip()]
        for name, _, word in lines:
            if not name.strip():
                raise InvalidError(f"`{word[:40]}` is not of the form `environment: word`")
        return {name.strip(): word.strip() for name, _, word in lines}


def word_option(
    words: type[Word],
    usual: Word,
    *,
    label: str,
    help: str,  # noqa: A002 - as in `option`
) -> Word:
    """Declare the setting that has a word for all environments."""
    return option(usual, Choice(words, {one: one.value for one in words}), label=label, help=help)


def word_by_environment_option(
    words: type[Word], *, label: str, example: str
) -> Mapping[str, Word]:
    """Declare the setting that has a word for each of some environments."""
    return option(
        {},
        WordByEnvironment(words),
        label=f"{label} by environment",
        hint=f"One environment a line, such as prod: {example}.",
        help=f"an object: the {label.lower()} for each of some environments, by name",
    )


def word_for(message: Message, by_environment: Mapping[str, Word], usual: Word) -> Word:
    """The word for a message's environment, whatever the case of its name."""
    if message.job is None:
        return usual
    name = message.job.environment_name.casefold()
    named = {one.casefold(): word for one, word in by_environment.items()}
    return named.get(name, usual)


def check_integration_key(text: str) -> str:
    """Check a service's key.

    Raises:
        InvalidError: it is not a key. The message does not repeat it.
    """
    text = text.strip()
    if not KEY.fullmatch(text):
        raise InvalidError("a key is one word of visible ASCII characters, at most 255")
    return text


def needed(value: str, field: str, what: str) -> None:
    """Refuse settings without a value.

    Raises:
        InvalidError: it is empty.
    """
    if not value:
        raise InvalidError(f"give {what}", field=field)


def title_of(message: Message, limit: int) -> str:
    """The headline and why, in one line."""
    why = one_line(message.reason) or (line_of(message.nodes[0]) if message.nodes else "")
    return fit(f"{message.headline}: {why}" if why else message.headline, limit)


def source_of(message: Message) -> str:
    """Where the trouble is, in words that stay the same."""
    job = message.job
    return f"{job.project_name} / {job.environment_name}" if job else "Runhook"


def lines_of(message: Message) -> list[str]:
    """All that a message says, as plain text."""
    lines = [*message.reason.splitlines(), ""] if message.reason else []
    lines += [f"{one.name}: {one.value}" for one in message.facts]
    if message.nodes or message.more_nodes:
        lines += ["", *(line_of(one) for one in message.nodes)]
        lines += [f"and {message.more_nodes} more"] if message.more_nodes else []
    if message.links:
        lines += ["", *(f"{one.title}: {one.url}" for one in message.links)]
    return lines


def line_of(node: Node) -> str:
    """A node's name and what it says."""
    return f"{node.label}: {node.message}" if node.message else node.label
