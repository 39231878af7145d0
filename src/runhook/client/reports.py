"""What a run's wrapper says to the service, one report at a time."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What a report tells; all but the first are also the last part of its path."""

    STARTED = "start"
    HEARTBEAT = "heartbeat"
    CANCELING = "cancel"
    FINISHED = "finish"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """One thing to tell the service about a run."""

    kind: Kind
    body: Mapping[str, object]
