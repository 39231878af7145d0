"""What a token may do: dbt Cloud's service-token permission sets, and two of ours."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing a route can ask for."""

    READ_WEBHOOKS = "read webhooks"
    WRITE_WEBHOOKS = "write webhooks"
    READ_RUNS = "read runs"
    REPORT_RUNS = "report runs"
    CANCEL_RUNS = "cancel runs"


class PermissionSet(StrEnum):
    """What a token was created for."""

    ACCOUNT_ADMIN = "account_admin"
    WEBHOOKS_ONLY = "webhooks_only"
    JOB_RUNNER = "job_runner"
    """Ours: what a machine that runs dbt needs."""
    READ_ONLY = "read_only"
    """Ours: sees everything but secrets, changes nothing."""

    def grants(self, permission: Permission) -> bool:
        """Whether a token with this set may do what ``permission`` names."""
        return permission in GRANTS[self]


GRANTS: dict[PermissionSet, frozenset[Permission]] = {
    PermissionSet.ACCOUNT_ADMIN: frozenset(Permission),
    PermissionSet.WEBHOOKS_ONLY: frozenset(
        {Permission.READ_WEBHOOKS, Permission.WRITE_WEBHOOKS},
    ),
    PermissionSet.JOB_RUNNER: frozenset(
        {Permission.READ_RUNS, Permission.REPORT_RUNS, Permission.CANCEL_RUNS},
    ),
    PermissionSet.READ_ONLY: frozenset({Permission.READ_WEBHOOKS, Permission.READ_RUNS}),
}
