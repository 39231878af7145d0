"""Runs the migrations in this folder over the connection that `schema.upgrade` brings."""

from typing import Any

from alembic import context

from runhook.storage.engine.tables import metadata
from runhook.telemetry.events import SCHEMA_MIGRATED


def say_step(ctx: object, step: Any, heads: object, run_args: object) -> None:
    """Log which migration has just been applied."""
    del ctx, heads, run_args
    SCHEMA_MIGRATED.say(migration=step.up_revision_id, what=step.up_revision.doc)


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    on_version_apply=say_step,
)
context.run_migrations()
