"""What opens transactions on both databases; SQLAlchemy's asynchronous engine has it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

import sqlalchemy as sa

Given = ParamSpec("Given")
Answer = TypeVar("Answer")


class Connection(Protocol):
    """A connection in a transaction: SQLAlchemy's own, or ``SqliteConnection``."""

    @property
    def dialect(self) -> sa.Dialect:
        """What statements are compiled for."""

    async def execute(
        self, statement: sa.Executable, parameters: Any = None
    ) -> sa.CursorResult[Any]:
        """Run one statement."""

    async def exec_driver_sql(self, statement: str, parameters: Any = None) -> sa.CursorResult[Any]:
        """Run one statement in the driver's own words."""

    async def run_sync(
        self,
        fn: Callable[Concatenate[sa.Connection, Given], Answer],
        *arg: Given.args,
        **kw: Given.kwargs,
    ) -> Answer:
        """Run a function that has the connection to itself."""


class Engine(Protocol):
    """Opens transactions."""

    sync_engine: sa.Engine

    def begin(self) -> AbstractAsyncContextManager[Connection]:
        """Open a transaction that commits if the block ends well."""

    def connect(self) -> AbstractAsyncContextManager[Connection]:
        """Open a transaction that is undone at the end of the block."""

    async def dispose(self) -> None:
        """Close all connections."""
