"""What an operator chooses about the log; settings are read without what writes it."""

import sys
from enum import StrEnum


def is_terminal() -> bool:
    """Whether the log goes to a terminal; standard error may be closed."""
    return sys.stderr is not None and sys.stderr.isatty()


class LogFormat(StrEnum):
    """How lines are written."""

    AUTO = "auto"
    JSON = "json"
    TEXT = "text"

    @property
    def is_json(self) -> bool:
        """Whether lines are JSON; it is text that a terminal gets, unless it is told otherwise."""
        return self is LogFormat.JSON or (self is LogFormat.AUTO and not is_terminal())


class LogLevel(StrEnum):
    """The least that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class RequestLog(StrEnum):
    """Which requests have lines."""

    YES = "yes"
    """All but health checks and files of pages."""
    NO = "no"
    ALL = "all"
