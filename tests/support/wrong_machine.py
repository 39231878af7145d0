"""Runs `runhook dispatch` or `serve` as on a machine whose clock is some days ahead.

python wrong_machine.py DAYS runhook dispatch
"""

import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import uvloop

from runhook.cli import dispatch as dispatching
from runhook.cli import serve as serving
from runhook.settings import load
from runhook.telemetry.logs import configure_logging
from runhook.wiring import dispatch, serve


class WrongClock:
    """A clock that is ahead, or behind if the days are negative."""

    def __init__(self, days: float) -> None:
        self._ahead = timedelta(days=days)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


if __name__ == "__main__":
    _, days, _, command = sys.argv
    configure_logging("info", as_json=True)
    settings, _ = load({}, os.environ, Path.cwd())
    machine = WrongClock(float(days))
    if command == "serve":
        uvloop.run(serve(settings, serving.announce_service, machine=machine))
    else:
        uvloop.run(dispatch(settings, dispatching.announce_worker, machine=machine))
