"""How much one account may have, so that it leaves room for others."""

from dataclasses import dataclass

from runhook.domain.errors import ConflictError, LimitedError, TooLargeError


@dataclass(frozen=True, slots=True, kw_only=True)
class Quotas:
    """The settings `RUNHOOK_MAX_...` that hold for each account by itself."""

    webhooks: int = 1_000
    """Each makes a delivery of every event that it selects."""
    consumers: int = 50
    """Of the webhooks, those whose deliveries are fetched."""
    jobs: int = 10_000
    """Also bounds projects and environments, which come with jobs."""
    open_runs: int = 50_000
    """Runs that go on; they are watched."""
    tokens: int = 1_000
    """Tokens neither revoked nor expired."""
    members: int = 1_000
    """Open invitations count as members."""
    run_artifacts: int = 100
    """Files attached to one run."""
    run_artifact_megabytes: int = 512
    """As they were sent, in MiB."""


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


def room_for_artifact(count: int, size: int, quotas: Quotas) -> int:
    """How many bytes another file of a run may have.

    Args:
        count: how many files the run has. Those that were replaced count until they are deleted.
        size: how many bytes they have.
        quotas: say how many a run may have.

    Raises:
        ConflictError: the account has reached the limit.
    """
    if count >= quotas.run_artifacts:
        raise ConflictError(
            f"This run has {count:,} artifacts, and RUNHOOK_MAX_RUN_ARTIFACTS allows "
            f"{quotas.run_artifacts:,}; one that was replaced counts for an hour."
        )
    return max(0, (quotas.run_artifact_megabytes << 20) - size)


def too_much_of_run(quotas: Quotas) -> TooLargeError:
    """The error that says how large all files of a run may be."""
    return TooLargeError(
        f"The artifacts of a run may have {quotas.run_artifact_megabytes:,} MiB together, as "
        "RUNHOOK_MAX_RUN_ARTIFACT_MEGABYTES says; one that was replaced counts for an hour."
    )


def over_quota(things: str, setting: str) -> LimitedError:
    """Error for a report that is refused until the account has fewer of something.

    Reporters keep such a report, and send it again later.
    """
    return LimitedError(
        f"This account has as many {things} as RUNHOOK_{setting.upper()} allows; nothing was "
        "written. Send the report again later."
    )
