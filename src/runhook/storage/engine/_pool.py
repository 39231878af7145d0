"""PostgreSQL's connections, taken in turns."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from runhook.storage.engine._connecting import Connector
from runhook.storage.engine.columns import as_json
from runhook.storage.engine.refusals import READ_ONLY

CONNECTIONS = 10
LONGEST_TURN_SECONDS = 10
"""How long a transaction waits for a connection, as others hold them all."""


def open_pool(connector: Connector) -> AsyncEngine:
    """Make an engine whose connections the connector opens."""
    pool = create_async_engine(
        "postgresql+asyncpg://",
        async_creator=connector.connect,
        # Whatever the server's default is.
        isolation_level="READ COMMITTED",
        pool_size=CONNECTIONS,
        max_overflow=0,
        pool_timeout=LONGEST_TURN_SECONDS,
        json_serializer=as_json,
        # A connection that died while it lay in the pool is replaced unseen.
        pool_pre_ping=True,
    )
    sa.event.listen(pool.sync_engine, "handle_error", give_up_standbys)
    return pool


def give_up_standbys(context: sa.ExceptionContext) -> None:
    """Let go of the connections to a server that no longer takes writes: another one does now."""
    if getattr(context.original_exception, "sqlstate", None) == READ_ONLY:
        context.is_disconnect = True
