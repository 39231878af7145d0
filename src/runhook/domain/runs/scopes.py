"""Jobs, environments and projects: what webhooks can be narrowed to, and what refers to one."""

from dataclasses import dataclass
from enum import StrEnum

from runhook.domain.errors import ConflictError

MOST_COUNTED = 1_000
"""References are counted so far: how many more there are, nothing depends on."""


class ScopeKind(StrEnum):
    """The kinds of scope, each within the next one."""

    JOB = "job"
    ENVIRONMENT = "environment"
    PROJECT = "project"


@dataclass(frozen=True, slots=True, kw_only=True)
class References:
    """How much refers to a scope, each number at most one more than ``MOST_COUNTED``."""

    runs: int = 0
    jobs: int = 0
    environments: int = 0
    webhooks: int = 0
    """Those that are narrowed to it."""
    expectations: int = 0

    def __bool__(self) -> bool:
        return any((self.runs, self.jobs, self.environments, self.webhooks, self.expectations))

    def in_words(self) -> str:
        """Name what there is, with numbers."""
        parts = [
            counted(self.environments, "environment"),
            counted(self.jobs, "job"),
            counted(self.runs, "run"),
            counted(self.webhooks, "webhook", " narrowed to it"),
            counted(self.expectations, "expectation"),
        ]
        named = [part for part in parts if part]
        return " and ".join(filter(None, (", ".join(named[:-1]), *named[-1:])))


def counted(count: int, thing: str, rest: str = "") -> str:
    """Write a number of things, nothing for none."""
    if not count:
        return ""
    number = f"{count:,}" if count <= MOST_COUNTED else f"more than {MOST_COUNTED:,}"
    return f"{number} {thing}{'' if count == 1 else 's'}{rest}"


def check_unused(kind: ScopeKind, name: str, references: References) -> None:
    """Check that nothing refers to a scope, so that it can be deleted.

    Raises:
        ConflictError: something does; the message says what.
    """
    if references:
        raise ConflictError(
            f"The {kind} `{name}` is still referred to by {references.in_words()}. "
            "Runs go when their retention is over; delete or change the others first."
        )
