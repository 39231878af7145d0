"""Runs the migrations, with a library that a service whose schema is up to date goes without."""

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from runhook.domain.errors import InvalidError


def upgrade_schema(connection: sa.Connection, current: str | None, folder: Path) -> None:
    """Run the migrations that are missing, over an open connection.

    Raises:
        InvalidError: no migration here made the schema that the database is at.
    """
    config = Config(attributes={"connection": connection})
    # A percent sign would begin the name of another option.
    config.set_main_option("script_location", str(folder).replace("%", "%%"))
    scripts = ScriptDirectory.from_config(config)
    known = {script.revision for script in scripts.walk_revisions()}
    if current is not None and current not in known:
        raise InvalidError(
            f"The database is at schema {current}, which a newer Runhook made; upgrade Runhook."
        )
    command.upgrade(config, "head")
