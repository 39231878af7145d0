"""The tables."""

import sqlalchemy as sa

from runhook.domain.deliveries.attempt_counts import BUCKETS
from runhook.domain.deliveries.delivery import UNSENT_STATES, AttemptTrigger, DeliveryState
from runhook.domain.deliveries.judging import FailureReason
from runhook.domain.deliveries.phases import AttemptPhase
from runhook.domain.deliveries.redeliveries import RedeliveryState
from runhook.domain.formats import DEFAULT
from runhook.domain.messages.telling import PayloadVersion
from runhook.domain.people.auditing import AuditAction
from runhook.domain.people.callers import ActorKind
from runhook.domain.people.permissions import PermissionSet, Role
from runhook.domain.people.users import SignInMethod
from runhook.domain.runs.events import EventType
from runhook.domain.runs.run import RunOutcome, RunStatus
from runhook.domain.webhooks.options import Notify
from runhook.domain.webhooks.webhook import DeactivatedBy
from runhook.storage.engine.columns import (
    Duration,
    Json,
    Ksuid,
    Number,
    Spans,
    UtcDateTime,
    Word,
)

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
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_used_at", UtcDateTime),
    sa.Column("expires_at", UtcDateTime, index=True),
    sa.Column("revoked_at", UtcDateTime, index=True),
    # What else is written of a token tells it by its id.
    sqlite_autoincrement=True,
)

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", Number, primary_key=True),
    # Without regard to case: one mailbox is one user.
    sa.Column("email", sa.Text, nullable=False, unique=True),
    sa.Column("name", sa.Text, nullable=False),
    # NULL: they sign in by a provider or a proxy, and have no password.
    sa.Column("password_hash", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

identities = sa.Table(
    "identities",
    metadata,
    sa.Column("issuer", sa.Text, primary_key=True),
    # The provider's id of the user.
    sa.Column("subject", sa.Text, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

members = sa.Table(
    "members",
    metadata,
    sa.Column("account_id", sa.ForeignKey("accounts.id"), primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True, index=True),
    sa.Column("role", Word(Role), nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
)

invitations = sa.Table(
    "invitations",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    # NULL: anyone who opens the link, as at the first start.
    sa.Column("email", sa.Text),
    sa.Column("role", Word(Role), nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    # The maker's name, and who that is: an invitation ends with them.
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_by_kind", Word(ActorKind), nullable=False),
    sa.Column("created_by_id", sa.BigInteger),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
    sa.Column("accepted_at", UtcDateTime),
)

sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("method", Word(SignInMethod), nullable=False),
    # Encrypted: what a provider is asked with to end its own session too.
    sa.Column("id_token", sa.LargeBinary),
    sa.Column("address", sa.Text, nullable=False),
    sa.Column("user_agent", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("last_seen_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

# Sign-ins that a provider has answered, so that none is answered twice.
spent_sign_ins = sa.Table(
    "spent_sign_ins",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

password_resets = sa.Table(
    "password_resets",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("user_id", sa.ForeignKey("users.id"), nullable=False, index=True),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
)

second_factors = sa.Table(
    "second_factors",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # NULL: it has given no code yet, and is not asked for.
    sa.Column("confirmed_at", UtcDateTime),
    # The half minute whose code was used last: no code counts twice.
    sa.Column("last_step", sa.BigInteger, nullable=False),
    sa.Column("failures", sa.Integer, nullable=False),
    sa.Column("failing_since", UtcDateTime),
)

recovery_codes = sa.Table(
    "recovery_codes",
    metadata,
    sa.Column("user_id", sa.ForeignKey("users.id"), primary_key=True),
    sa.Column("digest", sa.Text, primary_key=True),
)

audit_entries = sa.Table(
    "audit_entries",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("at", UtcDateTime, nullable=False),
    sa.Column("actor_kind", Word(ActorKind), nullable=False),
    sa.Column("actor_id", sa.BigInteger),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("address", sa.Text),
    sa.Column("action", Word(AuditAction), nullable=False),
    sa.Column("subject_id", sa.Text, nullable=False),
    sa.Column("before", Json),
    sa.Column("after", Json),
    sa.Index(None, "account_id", "id"),
    sa.Index(None, "at"),
    sa.Index(None, "subject_id", "id"),
)

projects = sa.Table(
    "projects",
    metadata,
    sa.Column("id", Number, primary_key=True),
    # The index that a name is in does not list an account's by their ids.
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # When somebody last made use of it other than by a run, on the database's clock.
    sa.Column("used_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("account_id", "name"),
    # Payloads tell it by its id, which must never mean another one: so for those below.
    sqlite_autoincrement=True,
)

environments = sa.Table(
    "environments",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("project_id", sa.ForeignKey("projects.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("project_id", "name"),
    sqlite_autoincrement=True,
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False, index=True),
    sa.Column("environment_id", sa.ForeignKey("environments.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("used_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("environment_id", "name"),
    sqlite_autoincrement=True,
)

expectations = sa.Table(
    "expectations",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("every", Duration, nullable=False),
    sa.Column("grace", Duration, nullable=False),
    # On the database's clock, the grace included.
    sa.Column("missed_at", UtcDateTime, nullable=False, index=True),
    sa.Column("missed_count", sa.Integer, nullable=False),
)

job_failures = sa.Table(
    "job_failures",
    metadata,
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    # The nodes' unique_ids.
    sa.Column("ids", Json, nullable=False),
    sa.Column("is_whole", sa.Boolean, nullable=False),
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
    sa.Column("steps", Json),
    sa.Column("progress", Json),
    sa.Column("event_count", sa.Integer, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("finished_at", UtcDateTime),
    sa.Column("cancel_requested_at", UtcDateTime),
    # Whether the reporter promised to send some.
    sa.Column("heartbeats", sa.Boolean, nullable=False, server_default=sa.false()),
    # How long nothing may be heard of the run after its last heartbeat.
    sa.Column("longest_silence", Duration, nullable=False),
    # Whether the reporter ends the run if it is asked to.
    sa.Column("cancelable", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("trigger", Json),
    sa.Column("is_late", sa.Boolean, nullable=False, server_default=sa.false()),
    # Whether a node of it warned, so that its results need not be read for that.
    sa.Column("has_warned", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("heartbeat_at", UtcDateTime, nullable=False),
    sa.Column("lost_at", UtcDateTime),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.UniqueConstraint("account_id", "run_key"),
    # These hold what charts draw: results of a megabyte in a row do not slow them.
    sa.Index("ix_runs_of_account", "account_id", "id", "status", "has_warned", "started_at"),
    sa.Index("ix_runs_of_job", "job_id", "id", "status", "has_warned", "started_at", "finished_at"),
    sa.Index(None, "created_at"),
    sqlite_autoincrement=True,
)
IS_OPEN = runs.c.status < sa.literal_column(f"{RunStatus.SUCCESS.value}")
# Runs that are over leave this one: looking for silent ones costs what goes on.
sa.Index(
    "ix_runs_open_of_account",
    runs.c.account_id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
sa.Index(
    "ix_runs_open",
    runs.c.heartbeat_at,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)

artifacts = sa.Table(
    "artifacts",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("run_id", sa.ForeignKey("runs.id", ondelete="CASCADE"), nullable=False, index=True),
    # Position of the step that wrote it, from 1; 0 if it is of the run.
    sa.Column("step", sa.Integer, nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    # Before it was compressed.
    sa.Column("size", sa.BigInteger, nullable=False),
    # False while it is written, and once it is replaced or about to go.
    sa.Column("is_whole", sa.Boolean, nullable=False),
    # When it was begun, became whole or ceased to be it.
    sa.Column("touched_at", UtcDateTime, nullable=False),
)
sa.Index(
    "ix_artifacts_whole",
    artifacts.c.run_id,
    artifacts.c.name,
    artifacts.c.step,
    unique=True,
    sqlite_where=artifacts.c.is_whole,
    postgresql_where=artifacts.c.is_whole,
)
sa.Index(
    "ix_artifacts_abandoned",
    artifacts.c.touched_at,
    sqlite_where=~artifacts.c.is_whole,
    postgresql_where=~artifacts.c.is_whole,
)

artifact_parts = sa.Table(
    "artifact_parts",
    metadata,
    sa.Column("artifact_id", sa.ForeignKey("artifacts.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

upload_places = sa.Table(
    "upload_places",
    metadata,
    sa.Column("id", Number, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("digest", sa.Text, nullable=False, unique=True),
    # The caller that asked for it: an upload acts for them.
    sa.Column("actor_kind", Word(ActorKind), nullable=False),
    sa.Column("actor_id", sa.BigInteger),
    sa.Column("actor_name", sa.Text, nullable=False),
    sa.Column("session_id", sa.BigInteger),
    sa.Column("environment_name", sa.Text, nullable=False),
    sa.Column("project_name", sa.Text, nullable=False),
    # Of the one run that it is for, once an archive has told of it.
    sa.Column("run_key", sa.Text),
    sa.Column("expires_at", UtcDateTime, nullable=False, index=True),
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
    # Masked behind the host if the ciphertext has the whole of it; counted is how often it changed.
    sa.Column("client_url", sa.Text, nullable=False),
    sa.Column("client_url_ciphertext", sa.LargeBinary),
    # Whether deliveries are fetched by a consumer, and not sent.
    sa.Column("is_consumed", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("moves", sa.Integer, nullable=False, server_default="0"),
    sa.Column("event_types", Json, nullable=False),
    # Empty lists narrow nothing.
    sa.Column("job_ids", Json, nullable=False),
    sa.Column("project_ids", Json, nullable=False),
    sa.Column("environment_ids", Json, nullable=False),
    sa.Column("active", sa.Boolean, nullable=False),
    sa.Column("format", sa.Text, nullable=False, server_default=DEFAULT),
    sa.Column("format_settings", Json),
    sa.Column("format_settings_ciphertext", sa.LargeBinary),
    sa.Column("payload_version", Word(PayloadVersion), nullable=False),
    sa.Column("result_filter", Json, nullable=False),
    sa.Column("node_filter", Json),
    sa.Column("notify", Word(Notify), nullable=False, server_default=Notify.EVERY),
    # Minutes.
    sa.Column("hold", sa.Float, nullable=False, server_default="0"),
    sa.Column("mention", Json, nullable=False),
    sa.Column("include_results", sa.Boolean, nullable=False, server_default=sa.false()),
    # Seconds before each retry; NULL is the service's own schedule.
    sa.Column("retry_schedule", Json),
    # Such as `10/second`; NULL is none. The other one is when it lets something through again.
    sa.Column("rate_limit", sa.Text),
    sa.Column("next_request_at", UtcDateTime),
    # What is secret in an option is masked; the ciphertext is of the whole of it.
    sa.Column("custom_headers", Json, nullable=False),
    sa.Column("custom_headers_ciphertext", sa.LargeBinary),
    sa.Column("attempt_timeout", sa.Float),
    sa.Column("authorization", Json),
    sa.Column("authorization_ciphertext", sa.LargeBinary),
    sa.Column("client_certificate", Json),
    sa.Column("client_certificate_ciphertext", sa.LargeBinary),
    sa.Column("ca_certificate", sa.Text),
    sa.Column("verify_tls", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column("secret_ciphertext", sa.LargeBinary),
    sa.Column("previous_secret_ciphertext", sa.LargeBinary),
    sa.Column("previous_secret_until", UtcDateTime),
    sa.Column("deactivated_by", Word(DeactivatedBy)),
    sa.Column("deactivate_reason", sa.Text),
    sa.Column("http_status_code", sa.Integer),
    sa.Column("dispatched_at", UtcDateTime),
    # The endpoint's health.
    sa.Column("failing_since", UtcDateTime),
    sa.Column("consecutive_failures", sa.Integer, nullable=False, server_default="0"),
    sa.Column("failed_probes", sa.Integer, nullable=False, server_default="0"),
    sa.Column("paused_until", UtcDateTime),
    # Since when, on the database's clock, and why nothing could be sent for our own sake.
    sa.Column("held_up_since", UtcDateTime),
    sa.Column("held_up_by", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("updated_at", UtcDateTime, nullable=False),
    # The row outlives the webhook as long as its deliveries do; its secret does not.
    sa.Column("deleted_at", UtcDateTime),
)
IS_PAUSED = webhooks.c.paused_until.is_not(None)
sa.Index(
    "ix_webhooks_paused",
    webhooks.c.account_id,
    sqlite_where=IS_PAUSED,
    postgresql_where=IS_PAUSED,
)
IS_DELETED = webhooks.c.deleted_at.is_not(None)
sa.Index(
    "ix_webhooks_deleted",
    webhooks.c.deleted_at,
    sqlite_where=IS_DELETED,
    postgresql_where=IS_DELETED,
)

# Webhooks whose deliveries are fetched; a row goes with its webhook.
consumers = sa.Table(
    "consumers",
    metadata,
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    sa.Column("name", sa.Text, nullable=False),
    # On the database's clock, to the minute.
    sa.Column("read_at", UtcDateTime, nullable=False, index=True),
    sa.Column("was_read", sa.Boolean, nullable=False, server_default=sa.true()),
    # How many readers have taken it over: each has a number of its own.
    sa.Column("reader_number", sa.Integer, nullable=False, server_default="0"),
    # What was given up unread, as it was older than the retention.
    sa.Column("missed_count", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("missed_until", UtcDateTime),
    sa.UniqueConstraint("account_id", "name"),
)

# What each webhook may want, as `domain/webhooks/topics.py` has it.
interests = sa.Table(
    "interests",
    metadata,
    sa.Column("topic", sa.Text, primary_key=True),
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id"), primary_key=True, index=True),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    # KSUIDs sort by time, so the primary key serves listing and retention too.
    sa.Column("id", Ksuid, primary_key=True),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id"), nullable=False),
    # A test and a notice speak of no run: these are NULL.
    sa.Column("run_id", sa.ForeignKey("runs.id")),
    sa.Column("event_sequence", sa.Integer),
    sa.Column("job_id", sa.BigInteger),
    sa.Column("is_test", sa.Boolean, nullable=False),
    sa.Column("event_type", Word(EventType), nullable=False),
    sa.Column("state", Word(DeliveryState), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    # JSON of what goes with it, headers and a path; NULL for the most, which have nothing.
    sa.Column("envelope", sa.Text),
    sa.Column("attempt_count", sa.Integer, nullable=False),
    # Of these, how many were made before it was redelivered by hand.
    sa.Column("attempts_before", sa.Integer, nullable=False, server_default="0"),
    sa.Column(
        "next_trigger",
        Word(AttemptTrigger),
        nullable=False,
        server_default=AttemptTrigger.SCHEDULED,
    ),
    sa.Column("next_attempt_at", UtcDateTime),
    # Whether it is due once its hold is over, and not told if the job succeeds before that.
    sa.Column("is_held", sa.Boolean, nullable=False, server_default=sa.false()),
    # The delivery before it that told how the job does: it must have had its first attempt.
    sa.Column("waits_for", Ksuid),
    # Counts its claims: each has a number of its own.
    sa.Column("claim_number", sa.Integer, nullable=False, server_default="0"),
    sa.Column("claimed_by", sa.Text),
    sa.Column("claimed_until", UtcDateTime),
    sa.Column("http_status_code", sa.Integer),
    sa.Column("failure", Word(FailureReason)),
    sa.Column("cancel_reason", sa.Text),
    # The last redelivery in bulk that returned it to the queue; it may be deleted.
    sa.Column("redelivery_id", sa.Text),
    sa.Column("created_at", UtcDateTime, nullable=False),
    # On the database's clock: a redelivery leaves alone what has changed since it began.
    sa.Column("updated_at", UtcDateTime, nullable=False),
)
IS_PENDING = deliveries.c.state == sa.literal_column(f"'{DeliveryState.PENDING}'")
IS_SENDING = deliveries.c.state == sa.literal_column(f"'{DeliveryState.SENDING}'")
# Of deliveries that are known by their ids. Where none was under way when statistics were made,
# PostgreSQL would walk all that are for each of them: the addition keeps their index out of it.
IS_STILL_SENDING = deliveries.c.state.op("||")(sa.literal_column("''")) == sa.literal_column(
    f"'{DeliveryState.SENDING}'"
)
IS_UNSENT = deliveries.c.state.in_([sa.literal_column(f"'{state}'") for state in UNSENT_STATES])
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
# In the order of the log, which is that of the ids too. Were it written as that, PostgreSQL would
# walk the primary key through everybody's deliveries to find somebody's newest.
sa.Index(
    "ix_deliveries_recent",
    deliveries.c.webhook_id,
    deliveries.c.created_at,
    deliveries.c.id,
)
sa.Index(
    "ix_deliveries_of_account",
    deliveries.c.account_id,
    deliveries.c.created_at,
    deliveries.c.id,
)
# What people look for in a long log. Deliveries that succeed never enter these two.
sa.Index(
    "ix_deliveries_unsent",
    deliveries.c.webhook_id,
    deliveries.c.created_at,
    deliveries.c.id,
    sqlite_where=IS_UNSENT,
    postgresql_where=IS_UNSENT,
)
sa.Index(
    "ix_deliveries_unsent_of_account",
    deliveries.c.account_id,
    deliveries.c.created_at,
    deliveries.c.id,
    sqlite_where=IS_UNSENT,
    postgresql_where=IS_UNSENT,
)
IS_HELD = sa.and_(
    IS_PENDING, deliveries.c.is_held, deliveries.c.attempt_count == sa.literal_column("0")
)
sa.Index(
    "ix_deliveries_held",
    deliveries.c.webhook_id,
    deliveries.c.job_id,
    sqlite_where=IS_HELD,
    postgresql_where=IS_HELD,
)
# A run that was missed has no id by which its deliveries could be found.
IS_OF_MISSED = deliveries.c.event_type == sa.literal_column(f"'{EventType.MISSED}'")
sa.Index(
    "ix_deliveries_of_missed",
    deliveries.c.job_id,
    deliveries.c.created_at,
    sqlite_where=IS_OF_MISSED,
    postgresql_where=IS_OF_MISSED,
)
# Progress of redeliveries is counted here; other deliveries never enter it.
IS_REDELIVERED = deliveries.c.redelivery_id.is_not(None)
sa.Index(
    "ix_deliveries_redelivered",
    deliveries.c.redelivery_id,
    deliveries.c.webhook_id,
    deliveries.c.state,
    sqlite_where=IS_REDELIVERED,
    postgresql_where=IS_REDELIVERED,
)
sa.Index("ix_deliveries_order", deliveries.c.run_id, deliveries.c.webhook_id)

# What webhooks know of how jobs do, as `domain/webhooks/incidents.py` has it.
standings = sa.Table(
    "standings",
    metadata,
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id"), primary_key=True),
    sa.Column("job_id", sa.ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True, index=True),
    # The delivery that tells of the failure that goes on; NULL if none does.
    sa.Column("failure_id", Ksuid),
    # The run whose failure was told last.
    sa.Column("failed_run_id", sa.BigInteger),
    # The last delivery that told how the job does.
    sa.Column("latest_id", Ksuid),
    # The run that started last of those that have ended, and how.
    sa.Column("newest_started_at", UtcDateTime),
    sa.Column("newest_run_id", sa.BigInteger),
    sa.Column("is_well", sa.Boolean, nullable=False, server_default=sa.true()),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("delivery_id", sa.ForeignKey("deliveries.id", ondelete="CASCADE"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("trigger", Word(AttemptTrigger), nullable=False),
    sa.Column("sent_at", UtcDateTime, nullable=False),
    sa.Column("duration", Duration, nullable=False),
    sa.Column("phases", Spans(AttemptPhase), nullable=False, server_default="{}"),
    sa.Column("http_status_code", sa.Integer),
    sa.Column("failure", Word(FailureReason)),
    sa.Column("error", sa.Text, nullable=False),
    sa.Column("note", sa.Text, nullable=False, server_default=""),
    sa.Column("request_headers", Json, nullable=False),
    sa.Column("response_headers", Json, nullable=False),
    sa.Column("response_body", sa.LargeBinary, nullable=False),
)

# Added to whenever attempts are recorded, so that the log is never read to count it.
DURATION_COLUMNS = (*(f"up_to_{round(one * 1000)}_ms" for one in BUCKETS), "longer")
attempt_counts = sa.Table(
    "attempt_counts",
    metadata,
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id"), primary_key=True),
    # When it begins. An attempt counts in the hour that it ended in.
    sa.Column("hour", UtcDateTime, primary_key=True),
    # For pruning. Were the hour in an index of its own, PostgreSQL would find one webhook's hours
    # by walking those of all, which lie on its pages by time.
    sa.Column("ends_at", UtcDateTime, nullable=False),
    sa.Column("account_id", sa.BigInteger, nullable=False),
    sa.Column("succeeded", sa.Integer, nullable=False),
    sa.Column("failed", sa.Integer, nullable=False),
    sa.Column("longest", Duration, nullable=False),
    # Each has what took longer than the one before.
    *(sa.Column(name, sa.Integer, nullable=False) for name in DURATION_COLUMNS),
    sa.Index(None, "ends_at"),
)

redeliveries = sa.Table(
    "redeliveries",
    metadata,
    sa.Column("id", Ksuid, primary_key=True),
    sa.Column("account_id", sa.ForeignKey("accounts.id"), nullable=False),
    # What was asked for: these deliveries, or else what did not arrive since some time, which NULL
    # and empty lists do not narrow.
    sa.Column("delivery_ids", Json, nullable=False),
    sa.Column("since", UtcDateTime),
    sa.Column("until", UtcDateTime),
    sa.Column("states", Json, nullable=False),
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id"), index=True),
    sa.Column("event_types", Json, nullable=False),
    sa.Column("job_id", sa.BigInteger),
    sa.Column("run_id", sa.BigInteger),
    sa.Column("code_class", sa.Integer),
    # On the database's clock, as when deliveries last changed.
    sa.Column("fixed_at", UtcDateTime, nullable=False),
    sa.Column("is_counted", sa.Boolean, nullable=False),
    sa.Column("state", Word(RedeliveryState), nullable=False),
    sa.Column("created_by", sa.Text, nullable=False),
    sa.Column("created_at", UtcDateTime, nullable=False),
    sa.Column("ended_at", UtcDateTime),
    sa.Index(None, "account_id", "id"),
    sa.Index(None, "ended_at"),
)

redelivery_shares = sa.Table(
    "redelivery_shares",
    metadata,
    sa.Column(
        "redelivery_id", sa.ForeignKey("redeliveries.id", ondelete="CASCADE"), primary_key=True
    ),
    sa.Column("webhook_id", sa.ForeignKey("webhooks.id"), primary_key=True, index=True),
    sa.Column("total", sa.Integer, nullable=False),
    sa.Column("queued", sa.Integer, nullable=False),
    # Why and how many.
    sa.Column("passed_over", Json, nullable=False),
    # The last delivery that was looked at.
    sa.Column("place_created_at", UtcDateTime, nullable=False),
    sa.Column("place_delivery_id", Ksuid, nullable=False),
    # NULL once it is over.
    sa.Column("next_step_at", UtcDateTime),
    sa.Index(None, "next_step_at"),
)

replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("host", sa.Text, nullable=False),
    sa.Column("roles", Json, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("started_at", UtcDateTime, nullable=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    # How many attempts it made in the minute before that.
    sa.Column("attempts_lately", sa.Integer, nullable=False, server_default="0"),
)

master_key_checks = sa.Table(
    "master_key_checks",
    metadata,
    # There is one row.
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("ciphertext", sa.LargeBinary, nullable=False),
)

timekeeping = sa.Table(
    "timekeeping",
    metadata,
    # There is one row.
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("seen_at", UtcDateTime, nullable=False),
    sa.Column("trusted_at", UtcDateTime, nullable=False),
    sa.Column("doubted_since", UtcDateTime),
    sa.Column("is_settled", sa.Boolean, nullable=False),
)

mail_pause = sa.Table(
    "mail_pause",
    metadata,
    # There is one row, as long as the mail server fails.
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("paused_since", UtcDateTime, nullable=False),
    sa.Column("paused_until", UtcDateTime, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
)

duties = sa.Table(
    "duties",
    metadata,
    sa.Column("name", sa.Text, primary_key=True),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("held_until", UtcDateTime, nullable=False),
)

copying = sa.Table(
    "copying",
    metadata,
    # There is one row, from the beginning of a copy into this database until a service begins here.
    sa.Column("id", sa.SmallInteger, primary_key=True, autoincrement=False),
    # The identifier of the first account of the service that is copied.
    sa.Column("source", sa.Text, nullable=False),
    # The table whose rows are coming; NULL once all are here and were compared.
    sa.Column("table_name", sa.Text),
    # JSON of the key of the last row that is here, a list; empty before the first.
    sa.Column("place", sa.Text, nullable=False),
)
