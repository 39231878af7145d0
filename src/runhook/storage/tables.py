"""The tables, and the column types that make two databases one.

Times are whole microseconds since 1970 on both databases: they compare and add alike, and dbt
Cloud's API speaks of webhooks' times in that unit too.
"""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

import sqlalchemy as sa

from runhook.domain.deliveries import DeliveryState
from runhook.domain.events import EventType
from runhook.domain.judging import FailureReason
from runhook.domain.permissions import PermissionSet
from runhook.domain.runs import RunOutcome
from runhook.domain.webhooks import PayloadVersion

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


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
        return None if value is None else self.enumeration(value).value

    def process_result_value(self, value: str | None, dialect: sa.Dialect) -> StrEnum | None:
        """Turn what is stored into a member."""
        del dialect
        return None if value is None else self.enumeration(value)


Json = sa.JSON(none_as_null=True)
# SQLite numbers new rows only in a column of exactly this type.
Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# KSUIDs sort by time only if letters compare by their bytes, whatever the database's locale.
Ksuid = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("identifier", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("default_payload_version", Word(PayloadVersion), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("permission_set", Word(PermissionSet), nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.UniqueConstraint("account_id", "name"),
)

environments = sa.Table(
    "environments",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("project_id", sa.ForeignKey("projects.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.UniqueConstraint("project_id", "name"),
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("environment_id", sa.ForeignKey("environments.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.UniqueConstraint("environment_id", "name"),
)

runs = sa.Table(
    "runs",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("job_id", sa.ForeignKey("jobs.id"), nullable=False),
    sa.Column("run_key", sa.Text, nullable=False),
    sa.Column("start_fingerprint", sa.Text, nullable=False),
    sa.Column("run_reason", sa.Text, nullable=False),
    sa.Column("dbt_version", sa.Text, nullable=False),
    sa.Column("status", sa.SmallInteger, nullable=False),
    sa.Column("status_message", sa.Text),
    sa.Column("outcome", Word(RunOutcome)),
    sa.Column("results", Json),
    sa.Column("event_count", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("cancel_requested_at", UtcDateTime),
    sa.Column("heartbeat_at", UtcDateTime, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("account_id", "run_key"),
    sa.Index(None, "job_id"),
    sa.Index(None, "created_at"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("run_id", sa.ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("sequence", sa.Integer, primary_key=True),
    sa.Column("type", Word(EventType), nullable=False),
    sa.Column("occurred_at", UtcDateTime, nullable=False),
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    sa.Column("id", Ksuid, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("description", sa.Text, nullable=False),
    sa.Column("client_url", sa.Text, nullable=False),
    sa.Column("event_types", Json, nullable=False),
    sa.Column("job_ids", Json, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("payload_version", Word(PayloadVersion), nullable=False),
    sa.Column("secret_ciphertext", sa.LargeBinary),
    sa.Column("deactivate_reason", sa.Text),
    sa.Column("http_status_code", sa.Integer),
    sa.Column("dispatched_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    # The row outlives the webhook as long as its deliveries do; its secret does not.
    sa.Column("deleted_at", UtcDateTime),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    # KSUIDs sort by time, so the primary key serves listing and retention too.
    sa.Column("id", Ksuid, primary_key=True),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id"), nullable=False),
    sa.Column("run_id", sa.ForeignKey("runs.id"), nullable=False),
    sa.Column("event_sequence", sa.Integer, nullable=False),
    sa.Column("event_type", Word(EventType), nullable=False),
    sa.Column("job_id", sa.BigInteger, nullable=False),
    sa.Column("state", Word(DeliveryState), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("attempt_count", sa.Integer, nullable=False),
    sa.Column("next_attempt_at", UtcDateTime),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("http_status_code", sa.Integer),
    sa.Column("failure", Word(FailureReason)),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
)
IS_PENDING = deliveries.c.state == sa.literal_column(f"'{DeliveryState.PENDING}'")
IS_SENDING = deliveries.c.state == sa.literal_column(f"'{DeliveryState.SENDING}'")
# Only what is under way is in these two, so that history costs them nothing.
sa.Index(
    "ix_deliveries_due",
    deliveries.c.webhook_id,
    deliveries.c.next_attempt_at,
    deliveries.c.id,
    sqlite_where=IS_PENDING,
    postgresql_where=IS_PENDING,
)
sa.Index(
    "ix_deliveries_claimed",
    deliveries.c.claimed_until,
    sqlite_where=IS_SENDING,
    postgresql_where=IS_SENDING,
)
sa.Index("ix_deliveries_recent", deliveries.c.webhook_id, deliveries.c.id)
sa.Index("ix_deliveries_order", deliveries.c.run_id, deliveries.c.webhook_id)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("delivery_id", sa.ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("sent_at", UtcDateTime, nullable=False),
    sa.Column("duration", Duration, nullable=False),
    sa.Column("http_status_code", sa.Integer),
    sa.Column("failure", Word(FailureReason)),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("request_headers", Json, nullable=False),
    sa.Column("response_headers", Json, nullable=False),
    sa.Column("response_body", sa.LargeBinary, nullable=False),
)
