"""The API's JSON that every subject shares: the envelope, texts and numbers, pages and moments.

What comes in and goes out of each subject is beside its routes; outside of these modules no name
of the wire is known. Requests of dbt Cloud's clients are read leniently where those clients are
known to be sloppy; ours refuse what they do not know.
"""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Generic, NamedTuple, TypeVar

from litestar.di import NamedDependency
from litestar.params import QueryParameter, SkipValidation
from msgspec import Meta, Struct, UnsetType, field

from runhook.domain.errors import InvalidError
from runhook.storage.engine.columns import EPOCH, MICROSECOND

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 100
LARGEST_OFFSET = 10_000_000

Limit = Annotated[int, QueryParameter(ge=1, description="at most 100; more is taken as 100")]
Offset = Annotated[int, QueryParameter(ge=0, le=LARGEST_OFFSET)]


class Paging(NamedTuple):
    """The part of a list that is asked for."""

    limit: int
    offset: int


async def short_page(limit: Limit = DEFAULT_LIMIT, offset: Offset = 0) -> Paging:
    """Page of a list that has ten rows unless more are asked for."""
    return Paging(min(limit, LARGEST_LIMIT), offset)


async def long_page(limit: Limit = LARGEST_LIMIT, offset: Offset = 0) -> Paging:
    """Page of a list that is as long as can be unless less is asked for."""
    return Paging(min(limit, LARGEST_LIMIT), offset)


Paged = NamedDependency[SkipValidation[Paging]]


def checked_moment(name: str, moment: datetime | None) -> datetime | None:
    """Check a moment in a query; None if it has none.

    Raises:
        InvalidError: it has no time zone; the web framework does not check that in a query.
    """
    if moment is not None and moment.tzinfo is None:
        raise InvalidError(
            "give a time zone too, such as the Z in `2026-03-01T12:00:00Z`", field=name
        )
    return moment


def moment_in(name: str, text: str | None, *, is_end: bool = False) -> datetime | None:
    """Parse a moment of a query; None for an empty text.

    Args:
        name: of the parameter, for the error.
        text: a time, or a date for all of its day; without a zone in UTC.
        is_end: whether it ends a period that includes it: then the moment just after it is meant.

    Raises:
        InvalidError: it is neither.
    """
    word = (text or "").strip()
    if not word:
        return None
    try:
        moment = parse_moment(word)
        if is_end:
            moment += timedelta(days=1) if is_date(word) else timedelta(microseconds=1)
    except (ValueError, OverflowError):
        raise InvalidError(
            "give a date or a time, such as 2026-03-01 or 2026-03-01T00:00:00Z", field=name
        ) from None
    return moment


def is_date(word: str) -> bool:
    """Whether a text is a date without a time."""
    try:
        date.fromisoformat(word)
    except ValueError:
        return False
    return True


def parse_moment(word: str) -> datetime:
    """Parse a time; return it in UTC."""
    moment = datetime.fromisoformat(word)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


Data = TypeVar("Data")

# PostgreSQL keeps no NUL character in a text.
NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)]
Sentence = Annotated[str, Meta(max_length=2_000, pattern=NO_NUL)]
Text = Annotated[str, Meta(max_length=10_000, pattern=NO_NUL)]
Moment = Annotated[datetime, Meta(tz=True)]


class Status(Struct, kw_only=True):
    """The envelope's status; clients read the code from here."""

    code: int = 200
    is_success: bool = True
    user_message: str = "Success!"
    developer_message: str = ""


class Envelope(Struct, Generic[Data], kw_only=True):
    """What every answer comes in."""

    data: Data
    status: Status = field(default_factory=Status)
    extra: dict[str, Any] = field(default_factory=dict)


def created(data: Data) -> Envelope[Data]:
    """Envelope of something new."""
    return Envelope(data=data, status=Status(code=201))


def page_envelope(data: list[Data], page: Paging, *, total: int) -> Envelope[list[Data]]:
    """Envelope of a page of a list."""
    return Envelope(
        data=data,
        extra={
            "filters": {"limit": page.limit, "offset": page.offset},
            "pagination": {"count": len(data), "total_count": total},
        },
    )


def warned(envelope: Envelope[Data], warning: str) -> Envelope[Data]:
    """Put a warning, if there is any, where clients find it."""
    if warning:
        envelope.extra["warning"] = warning
    return envelope


def value_or_none(value: Data | UnsetType) -> Data | None:
    """A value; None for a key that was left out."""
    return None if isinstance(value, UnsetType) else value


def microseconds(moment: datetime) -> str:
    """A moment as dbt Cloud's API writes webhooks' times: microseconds since 1970."""
    return str((moment - EPOCH) // MICROSECOND)
