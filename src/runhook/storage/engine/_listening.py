"""The notifier of a database that many processes share: PostgreSQL's LISTEN and NOTIFY.

A notification leaves with the commit of the transaction that it was sent in, and not at all if that
comes to nothing. Those sent while no process listens are lost, so that every new connection wakes.

A pooler that gives each transaction another connection passes none on. No process listens there,
and what others make due is found by looking for it.
"""

import asyncio
import secrets
from contextlib import suppress
from typing import Any

import asyncpg
import sqlalchemy as sa

from runhook.domain.errors import InvalidError
from runhook.storage.engine._connecting import Connector
from runhook.storage.engine.connection import Connection
from runhook.storage.engine.notifier import InProcess, Wake
from runhook.telemetry.events import NOTIFICATIONS_ABSENT, NOTIFICATIONS_LOST, NOTIFICATIONS_OFF

CHANNEL = "runhook_due"
FIRST_PAUSE = 0.1
"""How many seconds pass before the first try to listen again, after the connection was lost."""
LONGEST_PAUSE = 5.0


class ListenNotify:
    """Wakes those who listen in this process at once, and those in other processes by NOTIFY."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._here = InProcess()
        self._name = secrets.token_hex(8)
        self.hears_others = True
        """Whether other processes wake us now, as far as is known."""

    async def tell_others(self, connection: Connection) -> None:
        """Within a transaction: notify other processes when it commits."""
        if not self._connector.way.notifies:
            return
        # The name tells us apart: our own have been woken already. Those who are connected without
        # a pooler hear it, even if we cannot.
        await connection.execute(sa.select(sa.func.pg_notify(CHANNEL, self._name)))

    def wake(self) -> None:
        """Wake those who listen in this process."""
        self._here.wake()

    async def listen(self, wake: Wake) -> None:
        """Call ``wake`` whenever something has become due, until canceled."""
        others = asyncio.create_task(self._hear_others(wake))
        try:
            await self._here.listen(wake)
        finally:
            others.cancel()
            with suppress(asyncio.CancelledError):
                await others

    async def _hear_others(self, wake: Wake) -> None:
        pause = FIRST_PAUSE
        is_told = False
        while True:
            try:
                connection = await self._connector.connect()
                if not self._connector.way.listens:
                    connection.terminate()
                    self.hears_others = False
                    NOTIFICATIONS_ABSENT.say()
                    wake()
                    return
                await self._hear_until_lost(connection, wake)
            except ConnectionError:
                pause = min(2 * pause, LONGEST_PAUSE)
            except Exception as error:  # noqa: BLE001 - it is logged
                # It must not end: nothing but this would notice.
                pause = min(2 * pause, LONGEST_PAUSE)
                if not is_told:
                    is_told = True
                    NOTIFICATIONS_OFF.say(
                        reason=str(error),
                        exc_info=None if isinstance(error, InvalidError) else error,
                    )
            else:
                pause, is_told = FIRST_PAUSE, False
                NOTIFICATIONS_LOST.say()
            await asyncio.sleep(pause)

    async def _hear_until_lost(self, connection: asyncpg.Connection, wake: Wake) -> None:
        is_lost = asyncio.Event()

        def hear(_connection: Any, _process: int, _channel: str, sender: str) -> None:
            if sender != self._name:
                wake()

        connection.add_termination_listener(lambda _connection: is_lost.set())
        try:
            try:
                await connection.add_listener(CHANNEL, hear)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
                # As lost as if it had ended by itself.
                return
            self.hears_others = True
            # Whatever was sent while we did not listen.
            wake()
            await is_lost.wait()
        finally:
            self.hears_others = False
            connection.terminate()
