"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

Number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
Ksuid = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
Json = sa.JSON(none_as_null=True)


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", Number, nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("default_payload_version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_accounts"),
        sa.UniqueConstraint("identifier", name="uq_accounts_identifier"),
    )
    op.create_table(
        "projects",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_projects_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_projects"),
        sa.UniqueConstraint("account_id", "name", name="uq_projects_account_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_projects_account_id", "projects", ["account_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("permission_set", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_used_at", sa.BigInteger(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_tokens_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_tokens"),
        sa.UniqueConstraint("digest", name="uq_tokens_digest"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_tokens_account_id", "tokens", ["account_id"], unique=False)
    op.create_index("ix_tokens_expires_at", "tokens", ["expires_at"], unique=False)
    op.create_index("ix_tokens_revoked_at", "tokens", ["revoked_at"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", Number, nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_users"),
        sa.UniqueConstraint("email", name="uq_users_email"),
    )
    op.create_table(
        "identities",
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("user_id", Number, nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_identities_user_id"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"], unique=False)
    op.create_table(
        "members",
        sa.Column("account_id", Number, nullable=False),
        sa.Column("user_id", Number, nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_members_account_id"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_members_user_id"),
        sa.PrimaryKeyConstraint("account_id", "user_id", name="pk_members"),
    )
    op.create_index("ix_members_user_id", "members", ["user_id"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_by_kind", sa.Text(), nullable=False),
        sa.Column("created_by_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("accepted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_invitations_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("digest", name="uq_invitations_digest"),
    )
    op.create_index("ix_invitations_account_id", "invitations", ["account_id"], unique=False)
    op.create_index("ix_invitations_expires_at", "invitations", ["expires_at"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", Number, nullable=False),
        sa.Column("user_id", Number, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("id_token", sa.LargeBinary(), nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("user_agent", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_seen_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_sessions_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
        sa.UniqueConstraint("digest", name="uq_sessions_digest"),
    )
    op.create_index("ix_sessions_user_id", "sessions", ["user_id"], unique=False)
    op.create_index("ix_sessions_expires_at", "sessions", ["expires_at"], unique=False)
    op.create_table(
        "spent_sign_ins",
        sa.Column("id", Number, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_spent_sign_ins"),
        sa.UniqueConstraint("digest", name="uq_spent_sign_ins_digest"),
    )
    op.create_index("ix_spent_sign_ins_expires_at", "spent_sign_ins", ["expires_at"], unique=False)
    op.create_table(
        "password_resets",
        sa.Column("id", Number, nullable=False),
        sa.Column("user_id", Number, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_password_resets_user_id"),
        sa.PrimaryKeyConstraint("id", name="pk_password_resets"),
        sa.UniqueConstraint("digest", name="uq_password_resets_digest"),
    )
    op.create_index("ix_password_resets_user_id", "password_resets", ["user_id"], unique=False)
    op.create_index(
        "ix_password_resets_expires_at", "password_resets", ["expires_at"], unique=False
    )
    op.create_table(
        "second_factors",
        sa.Column("user_id", Number, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_at", sa.BigInteger(), nullable=True),
        sa.Column("last_step", sa.BigInteger(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_second_factors_user_id"),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("user_id", Number, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_recovery_codes_user_id"),
        sa.PrimaryKeyConstraint("user_id", "digest", name="pk_recovery_codes"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("subject_id", sa.Text(), nullable=False),
        sa.Column("before", Json, nullable=True),
        sa.Column("after", Json, nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_audit_entries_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entries"),
    )
    op.create_index(
        "ix_audit_entries_account_id_id", "audit_entries", ["account_id", "id"], unique=False
    )
    op.create_index("ix_audit_entries_at", "audit_entries", ["at"], unique=False)
    op.create_index(
        "ix_audit_entries_subject_id_id", "audit_entries", ["subject_id", "id"], unique=False
    )
    op.create_table(
        "webhooks",
        sa.Column("id", Ksuid, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("client_url", sa.Text(), nullable=False),
        sa.Column("client_url_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("is_consumed", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("moves", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("event_types", Json, nullable=False),
        sa.Column("job_ids", Json, nullable=False),
        sa.Column("project_ids", Json, nullable=False),
        sa.Column("environment_ids", Json, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False, server_default="dbt_cloud"),
        sa.Column("format_settings", Json, nullable=True),
        sa.Column("format_settings_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("payload_version", sa.Text(), nullable=False),
        sa.Column("result_filter", Json, nullable=False),
        sa.Column("node_filter", Json),
        sa.Column("notify", sa.Text(), nullable=False, server_default="every"),
        sa.Column("hold", sa.Float(), nullable=False, server_default="0"),
        sa.Column("mention", Json, nullable=False),
        sa.Column("include_results", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("retry_schedule", Json, nullable=True),
        sa.Column("rate_limit", sa.Text(), nullable=True),
        sa.Column("next_request_at", sa.BigInteger(), nullable=True),
        sa.Column("custom_headers", Json, nullable=False),
        sa.Column("custom_headers_ciphertext", sa.LargeBinary()),
        sa.Column("attempt_timeout", sa.Float()),
        sa.Column("authorization", Json),
        sa.Column("authorization_ciphertext", sa.LargeBinary()),
        sa.Column("client_certificate", Json),
        sa.Column("client_certificate_ciphertext", sa.LargeBinary()),
        sa.Column("ca_certificate", sa.Text()),
        sa.Column("verify_tls", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.Column("secret_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_ciphertext", sa.LargeBinary(), nullable=True),
        sa.Column("previous_secret_until", sa.BigInteger(), nullable=True),
        sa.Column("deactivated_by", sa.Text(), nullable=True),
        sa.Column("deactivate_reason", sa.Text(), nullable=True),
        sa.Column("http_status_code", sa.Integer(), nullable=True),
        sa.Column("dispatched_at", sa.BigInteger(), nullable=True),
        sa.Column("failing_since", sa.BigInteger(), nullable=True),
        sa.Column("consecutive_failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("failed_probes", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("paused_until", sa.BigInteger(), nullable=True),
        sa.Column("held_up_since", sa.BigInteger(), nullable=True),
        sa.Column("held_up_by", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.Column("deleted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_webhooks_account_id"),
        sa.PrimaryKeyConstraint("id", name="pk_webhooks"),
    )
    op.create_index("ix_webhooks_account_id", "webhooks", ["account_id"], unique=False)
    op.create_index(
        "ix_webhooks_paused",
        "webhooks",
        ["account_id"],
        unique=False,
        sqlite_where=sa.text("paused_until IS NOT NULL"),
        postgresql_where=sa.text("paused_until IS NOT NULL"),
    )
    op.create_index(
        "ix_webhooks_deleted",
        "webhooks",
        ["deleted_at"],
        unique=False,
        sqlite_where=sa.text("deleted_at IS NOT NULL"),
        postgresql_where=sa.text("deleted_at IS NOT NULL"),
    )
    op.create_table(
        "consumers",
        sa.Column("webhook_id", Ksuid, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("read_at", sa.BigInteger(), nullable=False),
        sa.Column("missed_count", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("missed_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name="fk_consumers_webhook_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_consumers_account_id"),
        sa.PrimaryKeyConstraint("webhook_id", name="pk_consumers"),
        sa.UniqueConstraint("account_id", "name", name="uq_consumers_account_id_name"),
    )
    op.create_index("ix_consumers_read_at", "consumers", ["read_at"], unique=False)
    op.create_table(
        "interests",
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("webhook_id", Ksuid, nullable=False),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_interests_webhook_id"),
        sa.PrimaryKeyConstraint("topic", "webhook_id", name="pk_interests"),
    )
    op.create_index("ix_interests_webhook_id", "interests", ["webhook_id"], unique=False)
    op.create_table(
        "environments",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("project_id", Number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_environments_account_id"),
        sa.ForeignKeyConstraint(["project_id"], ["projects.id"], name="fk_environments_project_id"),
        sa.PrimaryKeyConstraint("id", name="pk_environments"),
        sa.UniqueConstraint("project_id", "name", name="uq_environments_project_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_environments_account_id", "environments", ["account_id"], unique=False)
    op.create_table(
        "jobs",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("environment_id", Number, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_jobs_account_id"),
        sa.ForeignKeyConstraint(
            ["environment_id"], ["environments.id"], name="fk_jobs_environment_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
        sa.UniqueConstraint("environment_id", "name", name="uq_jobs_environment_id_name"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_jobs_account_id", "jobs", ["account_id"], unique=False)
    op.create_table(
        "expectations",
        sa.Column("job_id", Number, nullable=False),
        sa.Column("every", sa.BigInteger(), nullable=False),
        sa.Column("grace", sa.BigInteger(), nullable=False),
        sa.Column("missed_at", sa.BigInteger(), nullable=False),
        sa.Column("missed_count", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_expectations_job_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", name="pk_expectations"),
    )
    op.create_index("ix_expectations_missed_at", "expectations", ["missed_at"], unique=False)
    op.create_table(
        "job_failures",
        sa.Column("job_id", Number, nullable=False),
        sa.Column("ids", Json, nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_job_failures_job_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("job_id", name="pk_job_failures"),
    )
    op.create_table(
        "runs",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("job_id", Number, nullable=False),
        sa.Column("run_key", sa.Text(), nullable=False),
        sa.Column("start_fingerprint", sa.Text(), nullable=False),
        sa.Column("run_reason", sa.Text(), nullable=False),
        sa.Column("dbt_version", sa.Text(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("status_message", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("results", Json, nullable=True),
        sa.Column("steps", Json, nullable=True),
        sa.Column("progress", Json, nullable=True),
        sa.Column("event_count", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("finished_at", sa.BigInteger(), nullable=True),
        sa.Column("cancel_requested_at", sa.BigInteger(), nullable=True),
        sa.Column("heartbeats", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("longest_silence", sa.BigInteger(), nullable=False),
        sa.Column("cancelable", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("trigger", Json, nullable=True),
        sa.Column("is_late", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("has_warned", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("heartbeat_at", sa.BigInteger(), nullable=False),
        sa.Column("lost_at", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_runs_account_id"),
        sa.ForeignKeyConstraint(["job_id"], ["jobs.id"], name="fk_runs_job_id"),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sa.UniqueConstraint("account_id", "run_key", name="uq_runs_account_id_run_key"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_runs_of_account",
        "runs",
        ["account_id", "id", "status", "has_warned", "started_at"],
        unique=False,
    )
    op.create_index("ix_runs_created_at", "runs", ["created_at"], unique=False)
    op.create_index(
        "ix_runs_of_job",
        "runs",
        ["job_id", "id", "status", "has_warned", "started_at", "finished_at"],
        unique=False,
    )
    op.create_index(
        "ix_runs_open_of_account",
        "runs",
        ["account_id"],
        unique=False,
        sqlite_where=sa.text("status < 10"),
        postgresql_where=sa.text("status < 10"),
    )
    op.create_index(
        "ix_runs_open",
        "runs",
        ["heartbeat_at"],
        unique=False,
        sqlite_where=sa.text("status < 10"),
        postgresql_where=sa.text("status < 10"),
    )
    op.create_table(
        "artifacts",
        sa.Column("id", Number, nullable=False),
        sa.Column("run_id", Number, nullable=False),
        sa.Column("step", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("is_whole", sa.Boolean(), nullable=False),
        sa.Column("touched_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_artifacts_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_artifacts"),
    )
    op.create_index("ix_artifacts_run_id", "artifacts", ["run_id"], unique=False)
    op.create_index(
        "ix_artifacts_whole",
        "artifacts",
        ["run_id", "name", "step"],
        unique=True,
        sqlite_where=sa.text("is_whole"),
        postgresql_where=sa.text("is_whole"),
    )
    op.create_index(
        "ix_artifacts_abandoned",
        "artifacts",
        ["touched_at"],
        unique=False,
        sqlite_where=sa.text("NOT is_whole"),
        postgresql_where=sa.text("NOT is_whole"),
    )
    op.create_table(
        "artifact_parts",
        sa.Column("artifact_id", Number, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["artifact_id"],
            ["artifacts.id"],
            name="fk_artifact_parts_artifact_id",
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("artifact_id", "number", name="pk_artifact_parts"),
    )
    op.create_table(
        "upload_places",
        sa.Column("id", Number, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("session_id", sa.BigInteger(), nullable=True),
        sa.Column("environment_name", sa.Text(), nullable=False),
        sa.Column("project_name", sa.Text(), nullable=False),
        sa.Column("run_key", sa.Text(), nullable=True),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["accounts.id"], name="fk_upload_places_account_id"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_upload_places"),
        sa.UniqueConstraint("digest", name="uq_upload_places_digest"),
    )
    op.create_index("ix_upload_places_expires_at", "upload_places", ["expires_at"], unique=False)
    op.create_table(
        "deliveries",
        sa.Column("id", Ksuid, nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("webhook_id", Ksuid, nullable=False),
        sa.Column("run_id", Number, nullable=True),
        sa.Column("event_sequence", sa.Integer(), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("is_test", sa.Boolean(), nullable=False),
        sa.Column("event_type", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("envelope", sa.Text(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column("attempts_before", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("next_trigger", sa.Text(), nullable=False, server_default="scheduled"),
        sa.Column("next_attempt_at", sa.BigInteger(), nullable=True),
        sa.Column("is_held", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("waits_for", Ksuid, nullable=True),
        sa.Column("claim_number", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.Column("http_status_code", sa.Integer(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("cancel_reason", sa.Text(), nullable=True),
        sa.Column("redelivery_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("updated_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_deliveries_run_id"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_deliveries_webhook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
    )
    op.create_index(
        "ix_deliveries_claimed",
        "deliveries",
        ["claimed_until"],
        unique=False,
        sqlite_where=sa.text("state = 'sending'"),
        postgresql_where=sa.text("state = 'sending'"),
    )
    op.create_index(
        "ix_deliveries_due",
        "deliveries",
        ["webhook_id", "next_attempt_at", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        "ix_deliveries_held",
        "deliveries",
        ["webhook_id", "job_id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND is_held = 1 AND attempt_count = 0"),
        postgresql_where=sa.text("state = 'pending' AND is_held AND attempt_count = 0"),
    )
    op.create_index(
        "ix_deliveries_of_account", "deliveries", ["account_id", "created_at", "id"], unique=False
    )
    op.create_index("ix_deliveries_order", "deliveries", ["run_id", "webhook_id"], unique=False)
    op.create_index(
        "ix_deliveries_recent", "deliveries", ["webhook_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_deliveries_of_missed",
        "deliveries",
        ["job_id", "created_at"],
        unique=False,
        sqlite_where=sa.text("event_type = 'job.run.missed'"),
        postgresql_where=sa.text("event_type = 'job.run.missed'"),
    )
    op.create_index(
        "ix_deliveries_redelivered",
        "deliveries",
        ["redelivery_id", "webhook_id", "state"],
        unique=False,
        sqlite_where=sa.text("redelivery_id IS NOT NULL"),
        postgresql_where=sa.text("redelivery_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deliveries_unsent",
        "deliveries",
        ["webhook_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('failed', 'canceled', 'skipped')"),
        postgresql_where=sa.text("state IN ('failed', 'canceled', 'skipped')"),
    )
    op.create_index(
        "ix_deliveries_unsent_of_account",
        "deliveries",
        ["account_id", "created_at", "id"],
        unique=False,
        sqlite_where=sa.text("state IN ('failed', 'canceled', 'skipped')"),
        postgresql_where=sa.text("state IN ('failed', 'canceled', 'skipped')"),
    )
    op.create_table(
        "events",
        sa.Column("run_id", Number, nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("occurred_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["runs.id"], name="fk_events_run_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run_id", "sequence", name="pk_events"),
    )
    op.create_table(
        "standings",
        sa.Column("webhook_id", Ksuid, nullable=False),
        sa.Column("job_id", Number, nullable=False),
        sa.Column("failure_id", Ksuid, nullable=True),
        sa.Column("failed_run_id", sa.BigInteger(), nullable=True),
        sa.Column("latest_id", Ksuid, nullable=True),
        sa.Column("newest_started_at", sa.BigInteger(), nullable=True),
        sa.Column("newest_run_id", sa.BigInteger(), nullable=True),
        sa.Column("is_well", sa.Boolean(), nullable=False, server_default=sa.true()),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_standings_webhook_id"),
        sa.ForeignKeyConstraint(
            ["job_id"], ["jobs.id"], name="fk_standings_job_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "job_id", name="pk_standings"),
    )
    op.create_index("ix_standings_job_id", "standings", ["job_id"], unique=False)
    op.create_table(
        "attempts",
        sa.Column("delivery_id", Ksuid, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("trigger", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.BigInteger(), nullable=False),
        sa.Column("duration", sa.BigInteger(), nullable=False),
        sa.Column("phases", Json, nullable=False, server_default="{}"),
        sa.Column("http_status_code", sa.Integer(), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("request_headers", Json, nullable=False),
        sa.Column("response_headers", Json, nullable=False),
        sa.Column("response_body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["delivery_id"], ["deliveries.id"], name="fk_attempts_delivery_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name="pk_attempts"),
    )
    op.create_table(
        "attempt_counts",
        sa.Column("webhook_id", Ksuid, nullable=False),
        sa.Column("hour", sa.BigInteger(), nullable=False),
        sa.Column("ends_at", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("longest", sa.BigInteger(), nullable=False),
        sa.Column("up_to_5_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_10_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_25_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_50_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_75_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_100_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_150_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_250_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_500_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_750_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_1000_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_1500_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_2500_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_5000_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_10000_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_30000_ms", sa.Integer(), nullable=False),
        sa.Column("up_to_60000_ms", sa.Integer(), nullable=False),
        sa.Column("longer", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_attempt_counts_webhook_id"
        ),
        sa.PrimaryKeyConstraint("webhook_id", "hour", name="pk_attempt_counts"),
    )
    op.create_index("ix_attempt_counts_ends_at", "attempt_counts", ["ends_at"], unique=False)
    op.create_table(
        "redeliveries",
        sa.Column("id", Ksuid, nullable=False),
        sa.Column("account_id", Number, nullable=False),
        sa.Column("delivery_ids", Json, nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("states", Json, nullable=False),
        sa.Column("webhook_id", Ksuid, nullable=True),
        sa.Column("event_types", Json, nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("code_class", sa.Integer(), nullable=True),
        sa.Column("fixed_at", sa.BigInteger(), nullable=False),
        sa.Column("is_counted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name="fk_redeliveries_account_id"),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name="fk_redeliveries_webhook_id"),
        sa.PrimaryKeyConstraint("id", name="pk_redeliveries"),
    )
    op.create_index(
        "ix_redeliveries_account_id_id", "redeliveries", ["account_id", "id"], unique=False
    )
    op.create_index("ix_redeliveries_ended_at", "redeliveries", ["ended_at"], unique=False)
    op.create_index("ix_redeliveries_webhook_id", "redeliveries", ["webhook_id"], unique=False)
    op.create_table(
        "redelivery_shares",
        sa.Column("redelivery_id", Ksuid, nullable=False),
        sa.Column("webhook_id", Ksuid, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("passed_over", Json, nullable=False),
        sa.Column("place_created_at", sa.BigInteger(), nullable=False),
        sa.Column("place_delivery_id", Ksuid, nullable=False),
        sa.Column("next_step_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["redelivery_id"],
            ["redeliveries.id"],
            name="fk_redelivery_shares_redelivery_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name="fk_redelivery_shares_webhook_id"
        ),
        sa.PrimaryKeyConstraint("redelivery_id", "webhook_id", name="pk_redelivery_shares"),
    )
    op.create_index(
        "ix_redelivery_shares_next_step_at", "redelivery_shares", ["next_step_at"], unique=False
    )
    op.create_index(
        "ix_redelivery_shares_webhook_id", "redelivery_shares", ["webhook_id"], unique=False
    )
    op.create_table(
        "replicas",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("roles", Json, nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("attempts_lately", sa.Integer(), nullable=False, server_default="0"),
        sa.PrimaryKeyConstraint("name", name="pk_replicas"),
    )
    op.create_table(
        "master_key_checks",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("ciphertext", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_master_key_checks"),
    )
    op.create_table(
        "timekeeping",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.Column("trusted_at", sa.BigInteger(), nullable=False),
        sa.Column("doubted_since", sa.BigInteger(), nullable=True),
        sa.Column("is_settled", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_timekeeping"),
    )
    op.create_table(
        "mail_pause",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("paused_since", sa.BigInteger(), nullable=False),
        sa.Column("paused_until", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mail_pause"),
    )
    op.create_table(
        "duties",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("held_until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
    )
    op.create_table(
        "copying",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=True),
        sa.Column("place", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_copying"),
    )
