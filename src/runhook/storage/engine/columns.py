"""The column types that make two databases one.

Times are whole microseconds since 1970 on both databases: they compare and add alike, and dbt
Cloud's API speaks of webhooks' times in that unit too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

import msgspec
import sqlalchemy as sa

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def as_json(value: Any) -> str:
    """Write what a JSON column keeps."""
    return msgspec.json.encode(value).decode()


class UtcDateTime(sa.types.TypeDecorator[datetime]):
    """An aware datetime in UTC, stored as microseconds since 1970."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: sa.Dialect) -> int | None:
        """Turn a datetime into what is stored."""
        del dialect
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> datetime | None:
        """Turn what is stored into a datetime."""
        del dialect
        return None if value is None else EPOCH + value * MICROSECOND


class Duration(sa.types.TypeDecorator[timedelta]):
    """A timedelta, stored as microseconds."""

    impl = sa.BigInteger
    cache_ok = True

    def process_bind_param(self, value: timedelta | None, dialect: sa.Dialect) -> int | None:
        """Turn a timedelta into what is stored."""
        del dialect
        return None if value is None else value // MICROSECOND

    def process_result_value(self, value: int | None, dialect: sa.Dialect) -> timedelta | None:
        """Turn what is stored into a timedelta."""
        del dialect
        return None if value is None else value * MICROSECOND


class Word(sa.types.TypeDecorator[StrEnum]):
    """A member of an enumeration, stored as its value."""

    impl = sa.Text
    cache_ok = True

    def __init__(self, enumeration: type[StrEnum]) -> None:
        super().__init__()
        self.enumeration = enumeration

    def process_bind_param(self, value: StrEnum | None, dialect: sa.Dialect) -> str | None:
        """Turn a member into what is stored."""
        del dialect
        if value is None:
            return None
        return (value if isinstance(value, self.enumeration) else self.enumeration(value)).value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> StrEnum | None:
        """Turn what is stored into a member."""
        del dialect
        return None if value is None else self.enumeration(value)


class Spans(sa.types.TypeDecorator[dict[StrEnum, timedelta]]):
    """A timedelta for each of some members of an enumeration, stored as JSON of microseconds."""

    impl = sa.JSON
    cache_ok = True

    def __init__(self, enumeration: type[StrEnum]) -> None:
        super().__init__()
        self.enumeration = enumeration

    def process_bind_param(
        self, value: Mapping[StrEnum, timedelta] | None, dialect: sa.Dialect
    ) -> dict[str, int]:
        """Turn timedeltas into what is stored."""
        del dialect
        return {member.value: one // MICROSECOND for member, one in (value or {}).items()}

    def process_result_value(
        self, value: dict[str, int] | None, dialect: sa.Dialect
    ) -> dict[StrEnum, timedelta]:
        """Turn what is stored into timedeltas."""
        del dialect
        return {self.enumeration(word): one * MICROSECOND for word, one in (value or {}).items()}


class StoredJson(sa.types.UserDefinedType[str]):
    """JSON as the text that it is stored as, to be stored elsewhere letter by letter."""

    cache_ok = True
    render_bind_cast = True

    def get_col_spec(self, **_: Any) -> str:
        """Name of the type."""
        return "JSON"


def stored_type(kind: sa.types.TypeEngine[Any]) -> sa.types.TypeEngine[Any]:
    """Type of what is stored for a type, before it means anything to us."""
    match kind:
        case UtcDateTime() | Duration():
            return sa.BigInteger()
        case Word():
            return sa.Text()
        case Spans() | sa.JSON():
            return StoredJson()
        case _:
            return kind


Json = sa.JSON(none_as_null=True)
# SQLite numbers new rows only in a column of exactly this type.
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# KSUIDs sort by time only if letters compare by their bytes, whatever the database's locale.
Ksuid = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
