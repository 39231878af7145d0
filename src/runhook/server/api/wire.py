"""The API's JSON that every subject shares: the envelope, and what texts and numbers may be.

What comes in and goes out of each subject is in the module named after it, such as
``webhooks_wire``; outside of these no name of the wire is known. Requests of dbt Cloud's clients
are read leniently where those clients are known to be sloppy; ours refuse what they do not know.
"""

from datetime import datetime
from typing import Annotated, Any, Generic, TypeVar

from msgspec import Meta, Struct, UnsetType, field

from runhook.storage.engine.columns import EPOCH, MICROSECOND

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
