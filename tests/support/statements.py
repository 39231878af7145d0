"""Watching what is sent to a database."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from runhook.storage.engine.store import Transaction


@dataclass(frozen=True)
class Statement:
    """One statement as the driver got it."""

    sql: str
    parameters: Any


@asynccontextmanager
async def statements_of(tx: Transaction) -> AsyncIterator[list[Statement]]:
    """Collect what a transaction executes inside the block, while no other one does."""
    seen: list[Statement] = []

    def note(_connection: Any, _cursor: Any, sql: str, parameters: Any, *_: Any) -> None:
        seen.append(Statement(sql, parameters))

    await begin(tx)
    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


async def begin(tx: Transaction) -> None:
    """Let a transaction begin, unless it has."""
    await tx.connection.run_sync(lambda known: known.in_transaction() or known.begin())


@asynccontextmanager
async def undone_statements_of(tx: Transaction) -> AsyncIterator[list[Statement]]:
    """Collect what a transaction executes inside the block, and undo it."""
    savepoint = await tx.connection.run_sync(sa.Connection.begin_nested)
    async with statements_of(tx) as seen:
        yield seen
    await tx.connection.run_sync(lambda _: savepoint.rollback())


@contextmanager
def all_statements() -> Iterator[list[str]]:
    """Collect what every store executes inside the block; one for many rows is one."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, sql: str, *_: Any) -> None:
        # By these, transactions begin on SQLite, and behind a pooler.
        if not sql.startswith(("BEGIN", "SELECT set_config(")):
            seen.append(sql)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)


@contextmanager
def built_statements() -> Iterator[list[sa.ClauseElement]]:
    """Collect the statements that every store executes inside the block, as they were built."""
    seen: list[sa.ClauseElement] = []

    def note(_connection: sa.Connection, statement: sa.ClauseElement, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_execute", note)
    try:
        yield seen
    finally:
        sa.event.remove(sa.Engine, "before_execute", note)


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
