"""How much one account may have, so that it leaves room for others."""

from dataclasses import dataclass

from runhook.domain.errors import ConflictError, LimitedError


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The settings `RUNHOOK_MAX_...` that hold for each account by itself."""

    webhooks: int = 1_000
    """Each makes a delivery of every event that it selects."""
    jobs: int = 10_000
    """Projects and environments come with jobs, so that there are never more of them."""
    open_runs: int = 5_000
    """Runs that go on; they are watched."""
    tokens: int = 1_000
    """Those that are valid."""
    members: int = 1_000
    """Open invitations count as members."""


DEFAULT_QUOTAS = Quotas()


def check_quota(count: int, most: int, things: str, setting: str) -> None:
    """Check that an account may have one more of something that users make by hand.

    Args:
        count: how many it has.
        most: how many it may have.
        things: what they are called.
        setting: the one that says how many.

    Raises:
        ConflictError: the account has reached the limit.
    """
    if count >= most:
        raise ConflictError(
            f"This account has {count:,} {things}, and RUNHOOK_{setting.upper()} allows {most:,}: "
            "remove one, or ask for a higher setting."
        )


def over_quota(things: str, setting: str) -> LimitedError:
    """Error for a report that is refused until the account has fewer of something.

    Reporters keep such a report, and send it again later.
    """
    return LimitedError(
        f"This account has as many {things} as RUNHOOK_{setting.upper()} allows; nothing was "
        "written. Send the report again later."
    )
