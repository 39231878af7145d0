"""The API's JSON that every subject shares: the envelope, texts and numbers, pages and moments.

What comes in and goes out of each subject is beside its routes; outside of these modules no name
of the wire is known. Requests of dbt Cloud's clients are read leniently where those clients are
known to be sloppy; ours refuse what they do not know.
"""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from litestar.params import QueryParameter
from msgspec import Meta, Struct, UnsetType, field

from runhook.domain.errors import InvalidError
from runhook.storage.engine.columns import EPOCH, MICROSECOND

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 100
LARGEST_OFFSET = 10_000_000

Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT)]
Offset = Annotated[int, QueryParameter(ge=0, le=LARGEST_OFFSET)]


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


def page_envelope(data: list[Data], *, limit: int, offset: int, total: int) -> Envelope[list[Data]]:
    """Envelope of a page of a list."""
    return Envelope(
        data=data,
        extra={
            "filters": {"limit": limit, "offset": offset},
            "pagination": {"count": len(data), "total_count": total},
        },
    )


def value_or_none(value: Data | UnsetType) -> Data | None:
    """A value; None for a key that was left out."""
    return None if isinstance(value, UnsetType) else value


def microseconds(moment: datetime) -> str:
    """A moment as dbt Cloud's API writes webhooks' times: microseconds since 1970."""
    return str((moment - EPOCH) // MICROSECOND)
