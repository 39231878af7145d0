"""What a form showed when it was opened, so that two tabs never undo each other silently."""

from hashlib import sha256

from runhook.domain.errors import ConflictError
from runhook.domain.people.auditing import Facts


def shown_state(facts: Facts) -> str:
    """A short text that changes with any of the facts."""
    return sha256(repr(facts).encode()).hexdigest()[:16]


def check_unchanged(seen: str | None, facts: Facts, *, what: str) -> None:
    """Check that a thing to change is as it was when it was shown.

    Args:
        seen: its `shown_state` then; None is not checked.
        facts: its present ones.
        what: what it is called.

    Raises:
        ConflictError: it was changed meanwhile.
    """
    if seen is not None and seen != shown_state(facts):
        raise ConflictError(f"The {what} was changed after this form was opened.")
