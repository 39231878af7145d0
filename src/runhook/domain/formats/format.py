"""What a format is: how an event becomes a request that a service understands, and its answer read.

A format is pure. Its bytes are made once, when the event happens, and are equal on every attempt; a
secret that the service wants is put in when they are sent, and never stored in them.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum, StrEnum
from typing import ClassVar, Generic, TypeVar

from runhook.domain.formats.answers import SENTENCE_CHARACTERS, words_in
from runhook.domain.messages.message import Message, message_of
from runhook.domain.messages.notices import Notice
from runhook.domain.messages.telling import Telling
from runhook.domain.messages.text import fit, one_line
from runhook.domain.options.rate_limits import RateLimit
from runhook.domain.runs.events import Event, EventType

TRIED_AGAIN = frozenset({408, 425, 429})
LETTER = "message/rfc822"
"""The content type of what goes over the mail server."""
SMTP_COMMAND = "smtp-command"
"""Under this name an answer of a mail server has what it answers."""


class Audience(StrEnum):
    """Who reads a format; what a webhook is told by default follows from it."""

    PROGRAMS = "programs"
    """Programs: by default a webhook gets every event."""
    PEOPLE = "people"
    """They want the first failure and the recovery, and a run's end once."""
    INCIDENTS = "incidents"
    """A service that opens an incident at a failure and ends it at a success."""
    COMMITS = "commits"
    """A code host that shows how a commit's run does."""


class Look(StrEnum):
    """How a service shows a message, roughly: as the create page sketches it."""

    MESSAGE = "message"
    """Lines beside a bar in the colour of what happened."""
    CARD = "card"
    """A frame with a headline."""
    ALERT = "alert"
    """An entry of a list, which the next success ends."""
    LINE = "line"
    """A name, and how it went."""


@dataclass(frozen=True, slots=True)
class NoSettings:
    """A format that has none."""


Settings = TypeVar("Settings")
"""A frozen dataclass; its fields are declared with ``option``, and each has a default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """What is kept of a delivery, and sent on every attempt."""

    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    """Beside those of the webhook and its Content-Type; none is secret."""
    path: str = ""
    """Comes behind the address's path, percent-encoded; it begins with a slash."""
    trace: str | None = None
    """What the attempts belong to, as `traceparent`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A request that is about to be sent, without what signs it."""

    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def with_header(self, name: str, value: str) -> "Draft":
        """The same request with another header."""
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a service answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case."""
    body: bytes = b""
    """As much as is kept."""
    host: str = ""
    """Which host answered, in lower case."""

    @property
    def is_success(self) -> bool:
        """Whether the status says so."""
        return 200 <= self.status < 300

    @property
    def text(self) -> str:
        """The body in one line, short enough for a sentence."""
        return fit(one_line(self.body[:4_000].decode(errors="replace")), SENTENCE_CHARACTERS)


class Meaning(Enum):
    """What an answer means for the delivery and its webhook."""

    TAKEN = "taken"
    """Accepted."""
    RETRY = "retry"
    """Refused for now; retry."""
    REFUSED = "refused"
    """It is never taken, for what we built; that tells nothing of the endpoint."""
    FINAL = "final"
    """Refused for good, for a reason that the webhook's owner can correct, such as a wrong key."""
    GONE = "gone"
    """The endpoint is no more: no delivery is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """An answer as the service means it."""

    meaning: Meaning
    words: str = ""
    """Why, in the service's own words; empty where its status says it all."""
    retry_after: timedelta | None = None
    """How long it wants to be left alone, where it says so elsewhere than in `Retry-After`."""


class Format(Generic[Settings]):
    """A form that an event can have for a webhook. What differs from this is overridden."""

    name: ClassVar[str]
    """Its value of `format` on the wire."""
    title: ClassVar[str]
    """What people call it."""
    summary: ClassVar[str]
    """Purpose, in a sentence."""
    where: ClassVar[str] = ""
    """Where its address and its settings are found, for who has never made one."""
    audience: ClassVar[Audience] = Audience.PEOPLE
    look: ClassVar[Look | None] = None
    """How a message looks in the service; None for programs, and where the owner designs it."""
    event_types: ClassVar[tuple[EventType, ...]] = (
        EventType.COMPLETED,
        EventType.ERRORED,
        EventType.MISSED,
    )
    """What a webhook hears of that does not say."""
    told_types: ClassVar[frozenset[EventType]] = frozenset(EventType)
    """Events that it can render."""
    rate_limit: ClassVar[RateLimit | None] = None
    """What a webhook has that does not say."""
    is_signed: ClassVar[bool] = False
    """Whether requests carry our signatures; a service's own credentials are in the way of them."""
    url_is_secret: ClassVar[bool] = False
    """Whether the URL alone lets its holder send, so that it is a secret."""
    usual_host: ClassVar[str] = ""
    """Where most webhooks of it go, if each has an address of its own."""
    answerer: ClassVar[str] = "The endpoint"
    """Who answers, at the beginning of a sentence."""
    to_mend: ClassVar[str] = "the webhook's URL and settings"
    """Where the owner looks when an answer is final."""
    caveat: ClassVar[str] = ""
    """What a success does not say, where the service takes a request before it has looked at it."""
    is_relayed: ClassVar[bool] = False
    """Whether a server of our operator's stands before the endpoint, so that only what is final
    tells of the endpoint."""
    takes_url: ClassVar[bool] = True
    """Whether a webhook can have a URL of its own."""
    unused_options: ClassVar[frozenset[str]] = frozenset()
    """Options that its webhooks have no use for, by name."""
    reasons_at: ClassVar[tuple[str, ...]] = ()
    """Names under which the JSON of a refusal says why; a dot leads into an object."""
    mentionable: ClassVar[re.Pattern[str] | None] = None
    """Kinds of ids that its messages can mention; None if they mention no one."""
    mentionable_as: ClassVar[str] = ""
    """What such an id is, in words."""
    is_common: ClassVar[bool] = False
    """Whether its bytes tell nothing of the webhook and the delivery, so that webhooks with equal
    settings share them."""
    content_type: ClassVar[str] = "application/json"
    settings: type[Settings]

    def check(self, settings: Settings) -> Settings:
        """Check that settings fit each other; secrets in them may be masked.

        Raises:
            InvalidError: something is missing or does not fit; ``field`` is the setting.
        """
        return settings

    def check_url(self, url: str) -> None:
        """Check the URL of an endpoint.

        Raises:
            InvalidError: the service has no such; the message says what to give instead.
        """
        del url

    def address(self, settings: Settings) -> str | None:
        """The service's own address, None if each webhook has another.

        It says how requests travel, too: those to `mailto:` go over the operator's mail server.
        """
        del settings
        return None

    def method(self, settings: Settings) -> str:
        """The method of its requests."""
        del settings
        return "POST"

    def signs(self, settings: Settings) -> bool:
        """Whether a webhook's requests carry our signatures."""
        del settings
        return self.is_signed

    def tells(self, event: Event | Notice) -> bool:
        """Whether it has anything to say of an event."""
        return event.type in self.told_types

    def render(self, event: Event | Notice, telling: Telling, settings: Settings) -> Rendered:
        """What is kept of a delivery; secrets in ``settings`` are masked."""
        raise NotImplementedError

    def finish(self, draft: Draft, settings: Settings) -> Draft:
        """Put into a request what must not be stored in it; ``settings`` are with their secrets."""
        del settings
        return draft

    def read(self, answer: Answer) -> Reading:
        """Read an answer by the rules of most services: 4xx are final."""
        if answer.is_success:
            return Reading(meaning=Meaning.TAKEN)
        words = words_in(answer.body, *self.reasons_at) or answer.text
        if answer.status == 410:
            return Reading(meaning=Meaning.GONE, words=words)
        if answer.status in TRIED_AGAIN or answer.status >= 500:
            return Reading(meaning=Meaning.RETRY, words=words)
        meaning = Meaning.REFUSED if answer.status in {400, 413, 415, 422} else Meaning.FINAL
        return Reading(meaning=meaning, words=words)


class SignedFormat(Format[Settings]):
    """A format for receivers written for it; of their answers only the status counts."""

    audience = Audience.PROGRAMS
    event_types = (EventType.COMPLETED,)
    is_signed = True

    def read(self, answer: Answer) -> Reading:
        """Read an answer: what is not a success is tried again, until the endpoint is gone."""
        if answer.is_success:
            return Reading(meaning=Meaning.TAKEN)
        return Reading(meaning=Meaning.GONE if answer.status == 410 else Meaning.RETRY)


class MessageFormat(Format[Settings]):
    """A format that is made from the neutral message."""

    look: ClassVar[Look | None] = Look.MESSAGE

    def render(self, event: Event | Notice, telling: Telling, settings: Settings) -> Rendered:
        """What is stored of a rendered message."""
        return self.compose(message_of(event, telling), telling, settings)

    def compose(self, message: Message, telling: Telling, settings: Settings) -> Rendered:
        """The message in the service's form; secrets in ``settings`` are masked."""
        raise NotImplementedError
