"""Brings a database's tables to this version's."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from runhook.domain.errors import InvalidError
from runhook.storage.engine.store import Store


async def migrate(store: Store) -> tuple[str | None, str]:
    """Bring the database to the newest schema, in one transaction.

    Returns:
        the revision it was at (None for an empty database) and the one it is at now.

    Raises:
        InvalidError: the database was made by a newer Runhook.
        UnavailableError: it cannot be reached.
    """
    async with store.write() as tx:
        await tx.database.lock_schema(tx.connection)
        return await tx.connection.run_sync(upgrade_schema)


def upgrade_schema(connection: sa.Connection) -> tuple[str | None, str]:
    """Run the migrations that are missing, over an open connection."""
    config = Config(attributes={"connection": connection})
    migrations = str(Path(__file__).parents[1] / "migrations")
    # A percent sign would begin the name of another option.
    config.set_main_option("script_location", migrations.replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    newest = scripts.get_current_head()
    assert newest is not None
    current = MigrationContext.configure(connection).get_current_revision()
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise InvalidError(
            f"The database is at schema {current}, which a newer Runhook made; upgrade Runhook."
        )
    if current != newest:
        command.upgrade(config, "head")
    return current, newest
