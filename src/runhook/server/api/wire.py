"""The API's JSON that every subject shares: the envelope, texts and numbers, pages and moments.

What comes in and goes out of each subject is beside its routes; outside of these modules no name
of the wire is known. Requests of dbt Cloud's clients are read leniently where those clients are
known to be sloppy; ours refuse what they do not know.
"""

from datetime import datetime
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


Data = TypeVar("Data")

# PostgreSQL keeps no NUL character in a text.
NO_NUL = r"^[^\x00]*$"
Name = Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)]
Sentence = Annotated[str, Meta(max_length=2_000, pattern=NO_NUL)]
Text = Annotated[str, Meta(max_length=10_000, pattern=NO_NUL)]
Moment = Annotated[datetime, Meta(tz=True)]


class Status(Struct, kw_only=True):
    """The part of the envelope that says how it went; clients read the code from here."""

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


def value_or_none(value: Data | UnsetType) -> Data | None:
    """A value; None for a key that was left out."""
    return None if isinstance(value, UnsetType) else value


def microseconds(moment: datetime) -> str:
    """A moment as dbt Cloud's API writes webhooks' times: microseconds since 1970."""
    return str((moment - EPOCH) // MICROSECOND)
