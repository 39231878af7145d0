"""How a command ended. Data only: what runs the command fills it in."""

import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnding:
    """How the command ended."""

    code: int | None
    """Its exit code; None if a signal killed it."""
    killed_by: int | None
    code_of_rest: int = 0
    """What a dbt ended with that went on after the command had ended; 0 if there was none."""
    asked_to_stop_by: int | None
    """The first signal that reached us while it ran."""
    asked_to_stop_at: datetime | None
    ended_at: datetime
    ended_at_monotonic: float
    not_started: str | None = None
    """Why it never ran, for people; ``code`` is then what a shell would exit with."""

    def of_all(self) -> "CommandEnding":
        """Ending with what outlived the command: its exit code, if that of the command is 0."""
        return replace(self, code=self.code_of_rest) if self.code == 0 else self


def ended_now(
    code: int, *, not_started: str | None = None, asked_to_stop_by: int | None = None
) -> CommandEnding:
    """Ending, at this moment, of a command that was not run."""
    now = datetime.now(UTC)
    return CommandEnding(
        code=code,
        killed_by=None,
        asked_to_stop_by=asked_to_stop_by,
        asked_to_stop_at=None if asked_to_stop_by is None else now,
        ended_at=now,
        ended_at_monotonic=time.monotonic(),
        not_started=not_started,
    )
