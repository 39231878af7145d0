"""What queries of several subjects hold: pages of lists, and moments."""

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from runhook.domain.errors import InvalidError

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
