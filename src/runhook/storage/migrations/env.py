"""Runs the migrations in this folder over the connection that `schema.upgrade` brings."""

from alembic import context

from runhook.storage.engine.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
