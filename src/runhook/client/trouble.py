"""Words for what went wrong on our side, fit for people and for a log."""

import os


def trouble_of(error: Exception) -> str:
    """Describe an error.

    Leaves out the text of unexpected errors: it could hold a secret.
    """
    number = error.errno if isinstance(error, OSError) else None
    return os.strerror(number) if number else f"internal error, {type(error).__name__}"
