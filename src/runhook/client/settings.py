"""What `runhook run` was told: by its flags first, then by the environment."""

from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass, field

DEFAULT_URL = "http://127.0.0.1:8580"
GRACE_SECONDS = 20.0
"""Below the 30 s that Kubernetes leaves, above the 3 s that dbt v2 takes to cancel its queries."""
GITHUB_GRACE_SECONDS = 6.0
"""GitHub kills 7.5 s after it first asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The settings of one `runhook run`.

    ``None`` means that nobody said anything, so that the surroundings decide (``surroundings``).
    """

    url: str
    token: str = field(repr=False)
    account_id: str
    job: str | None
    project: str | None
    environment: str | None
    reason: str | None
    grace: float
    """Seconds between the polite SIGINT and the signal that was really meant."""


def read_settings(flags: Namespace, environ: Mapping[str, str]) -> Settings:
    """Combine flags and environment; an empty variable counts as unset."""

    def choose(flag: str | None, variable: str) -> str | None:
        return flag or environ.get(variable, "").strip() or None

    usual_grace = GITHUB_GRACE_SECONDS if environ.get("GITHUB_ACTIONS") else GRACE_SECONDS
    return Settings(
        url=choose(flags.url, "RUNHOOK_URL") or DEFAULT_URL,
        # There is no flag for the token: every user of the machine can read command lines.
        token=choose(None, "RUNHOOK_TOKEN") or "",
        account_id=choose(flags.account_id, "RUNHOOK_ACCOUNT_ID") or "1",
        job=choose(flags.job, "RUNHOOK_JOB"),
        project=choose(flags.project, "RUNHOOK_PROJECT"),
        environment=choose(flags.environment, "RUNHOOK_ENVIRONMENT"),
        reason=flags.reason or None,
        grace=usual_grace if flags.grace is None else flags.grace,
    )
