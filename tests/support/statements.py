"""Watching what is sent to a database."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from runhook.storage.engine.store import Transaction


@dataclass(frozen=True)
class Statement:
    """One statement as the driver got it."""

    sql: str
    parameters: Any


@contextmanager
def statements_of(tx: Transaction) -> Iterator[list[Statement]]:
    """Collect what a transaction executes inside the block."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        seen.append(Statement(sql, parameters))

    connection = tx.connection.sync_connection
    sa.event.listen(connection, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(connection, "before_cursor_execute", note)


@contextmanager
def all_statements() -> Iterator[list[str]]:
    """Collect what every store executes inside the block; one for many rows is one."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        # SQLite begins its transactions by a statement.
        if not sql.startswith("BEGIN"):
            seen.append(sql)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@dataclass
class Commits:
    """How many transactions ended well."""

    count: int = 0


@contextmanager
def counted_commits() -> Iterator[Commits]:
    """Count the commits of every store inside the block."""
    commits = Commits()

    def note(_connection: sa.Connection) -> None:
        commits.count += 1

    sa.event.listen(sa.Engine, "commit", note)
    try:
        yield commits
    finally:
        sa.event.remove(sa.Engine, "commit", note)
