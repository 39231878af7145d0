"""What paths and queries of several subjects hold: pages of lists, and numbers as ids."""

from datetime import datetime
from typing import Annotated

from litestar.params import QueryParameter

from runhook.domain.errors import InvalidError, NotFoundError

DEFAULT_LIMIT = 10
LARGEST_LIMIT = 100
LARGEST_OFFSET = 10_000_000
LARGEST_ID = 2**63 - 1
"""What the databases can look for."""

Limit = Annotated[int, QueryParameter(ge=1, le=LARGEST_LIMIT)]
Offset = Annotated[int, QueryParameter(ge=0, le=LARGEST_OFFSET)]


def existing_id(number: int) -> int:
    """Return an id, if the database can hold such a number at all.

    Raises:
        NotFoundError: it cannot, so that nothing has this id.
    """
    if not 0 < number <= LARGEST_ID:
        raise NotFoundError
    return number


def moment_in(name: str, moment: datetime | None) -> datetime | None:
    """Return a moment that a query names, None if it names none.

    Raises:
        InvalidError: it has no time zone; the web framework does not see to that in a query.
    """
    if moment is not None and moment.tzinfo is None:
        raise InvalidError(f"{name}: give a time zone too, such as the Z in `2026-03-01T12:00:00Z`")
    return moment
