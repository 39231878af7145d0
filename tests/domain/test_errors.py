from datetime import timedelta

import pytest

from runhook.domain.errors import (
    ConflictError,
    ErrorCode,
    ForbiddenError,
    InvalidError,
    LimitedError,
    NotFoundError,
    NotOfferedError,
    RunhookError,
    TooLargeError,
    TooSlowError,
    UnauthorizedError,
    UnavailableError,
)
from runhook.domain.runs.run import RunAlreadyFinishedError, RunKeyTakenError

CODES = {
    InvalidError: ErrorCode.INVALID,
    UnauthorizedError: ErrorCode.UNAUTHORIZED,
    ForbiddenError: ErrorCode.FORBIDDEN,
    NotFoundError: ErrorCode.NOT_FOUND,
    ConflictError: ErrorCode.CONFLICT,
    RunKeyTakenError: ErrorCode.CONFLICT,
    RunAlreadyFinishedError: ErrorCode.CONFLICT,
    TooLargeError: ErrorCode.TOO_LARGE,
    TooSlowError: ErrorCode.TOO_SLOW,
    LimitedError: ErrorCode.LIMITED,
    NotOfferedError: ErrorCode.NOT_OFFERED,
    UnavailableError: ErrorCode.UNAVAILABLE,
}


@pytest.mark.parametrize(("error", "code"), CODES.items())
def test_a_caller_can_tell_errors_apart_by_their_code(error, code):
    assert error("anything").code is code


def test_every_code_has_an_error():
    assert {error.code for error in CODES} == set(ErrorCode)


@pytest.mark.parametrize("error", CODES)
def test_an_error_without_a_message_says_its_docstring(error):
    assert error().message == error.__doc__.strip()
    assert str(error()) == error().message


def test_an_error_with_a_message_says_that():
    error = NotFoundError("No webhook has this id.")

    assert (error.message, str(error)) == ("No webhook has this id.", "No webhook has this id.")


def test_every_error_can_be_caught_as_ours():
    assert all(issubclass(error, RunhookError) for error in CODES)


@pytest.mark.parametrize(
    ("field", "path"), [("", "format_settings"), ("key", "format_settings.key")]
)
def test_an_error_of_a_part_is_told_as_one_of_the_whole(field, path):
    of_part = InvalidError("it is not a key", field=field, also=["secret"])

    error = of_part.within("format_settings")

    assert (error.field, error.sentence, error.also) == (path, "it is not a key", ("secret",))
    assert error.message == f"{path}: it is not a key"


def test_an_error_of_a_limit_says_how_long_to_wait():
    assert LimitedError().retry_after == timedelta(minutes=1)
    error = LimitedError("Wait.", retry_after=timedelta(seconds=5))
    assert (error.message, error.retry_after) == ("Wait.", timedelta(seconds=5))
