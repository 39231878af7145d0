"""What a caller can get wrong, as exceptions with a sentence for people.

A bad endpoint is not among them: that is a value (see ``judging``). Anything else that is raised
is a bug of ours.
"""

from collections.abc import Collection
from datetime import timedelta
from enum import StrEnum
from typing import ClassVar


class ErrorCode(StrEnum):
    """The kinds of mistake a caller can distinguish."""

    INVALID = "invalid"
    UNAUTHORIZED = "unauthorized"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    TOO_SLOW = "too_slow"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"
    NOT_OFFERED = "not_offered"


class RunhookError(Exception):
    """Something the caller can correct; the message says what and how.

    A subclass's docstring is its default message.
    """

    code: ClassVar[ErrorCode]

    def __init__(self, message: str | None = None) -> None:
        self.message = message or (type(self).__doc__ or "").strip()
        super().__init__(self.message)


class InvalidError(RunhookError):
    """The request is not valid."""

    code = ErrorCode.INVALID

    def __init__(
        self, message: str | None = None, *, field: str = "", also: Collection[str] = ()
    ) -> None:
        """Say what is not valid.

        Args:
            message: a sentence, or what follows the field's name.
            field: the value that is not, if it is one; dots lead to a part of it. The error's
                ``message`` begins with it, and its ``sentence`` is the rest, to be shown beside
                the field.
            also: other values that have to be given anew.
        """
        super().__init__(f"{field}: {message}" if field else message)
        self.field = field
        self.sentence = message or self.message
        self.also = tuple(also)

    def within(self, name: str) -> "InvalidError":
        """The same error, of a value that is part of ``name``."""
        field = f"{name}.{self.field}" if self.field else name
        return InvalidError(self.sentence, field=field, also=self.also)


class UnauthorizedError(RunhookError):
    """Send a valid token: `Authorization: Token <token>` or `Authorization: Bearer <token>`."""

    code = ErrorCode.UNAUTHORIZED


class WrongPasswordError(UnauthorizedError):
    """That is not your present password."""


class ForbiddenError(RunhookError):
    """This token's permission set does not allow that."""

    code = ErrorCode.FORBIDDEN


class NotFoundError(RunhookError):
    """Not found, or you have no access."""

    code = ErrorCode.NOT_FOUND


class ConflictError(RunhookError):
    """That contradicts what was reported before."""

    code = ErrorCode.CONFLICT


class TooLargeError(RunhookError):
    """That is larger than what is taken here."""

    code = ErrorCode.TOO_LARGE


class TooSlowError(RunhookError):
    """The request took too long to come."""

    code = ErrorCode.TOO_SLOW


class LimitedError(RunhookError):
    """Too many attempts have failed; wait before the next one."""

    code = ErrorCode.LIMITED

    def __init__(
        self, message: str | None = None, *, retry_after: timedelta = timedelta(minutes=1)
    ) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class NotOfferedError(RunhookError):
    """Runhook does not do that."""

    code = ErrorCode.NOT_OFFERED


class UnavailableError(RunhookError):
    """Runhook cannot do this now; try again shortly."""

    code = ErrorCode.UNAVAILABLE
