"""One report on a run, in the form that the service takes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ReportKind(StrEnum):
    """Kind of a report; all but the first are also the last part of its path."""

    STARTED = "start"
    HEARTBEAT = "heartbeat"
    PROGRESS = "progress"
    CANCELING = "canceling"
    FINISHED = "finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing to tell the service about a run."""

    kind: ReportKind
    body: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file of a run, which arrives before the run's end is reported."""

    name: str
    step: int
    """Position of the step that wrote it, from 1."""
    content: bytes
    """As dbt wrote it, with secrets."""
    problem: str | None
    """Why it cannot be attached."""
    clean: Callable[[bytes], bytes]
    """Takes secrets out of the content. Raises NotAttachedError."""

    def read(self) -> bytes:
        """Content without secrets.

        Raises:
            NotAttachedError: there was a problem with it, or it is not JSON.
        """
        if self.problem is not None:
            raise NotAttachedError(self.problem)
        return self.clean(self.content)


class NotAttachedError(Exception):
    """A file is not attached; the message says why."""


def rfc_3339(time: datetime) -> str:
    """Format a time in UTC as the API expects it."""
    return time.isoformat().replace("+00:00", "Z")
