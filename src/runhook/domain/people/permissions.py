"""What a caller may do: tokens by their permission sets, users by their roles."""

from enum import StrEnum


class Permission(StrEnum):
    """One thing a route can ask for."""

    READ_ACCOUNT = "read the account"
    CHANGE_ACCOUNT = "change the account"
    READ_WEBHOOKS = "read webhooks"
    WRITE_WEBHOOKS = "write webhooks"
    CONSUME_EVENTS = "consume events"
    READ_RUNS = "read runs"
    REPORT_RUNS = "report runs"
    CANCEL_RUNS = "cancel runs"
    CHANGE_JOBS = "change jobs"
    MANAGE_TOKENS = "manage tokens"
    READ_MEMBERS = "read members"
    MANAGE_MEMBERS = "manage members"
    MANAGE_OWNERS = "manage owners"
    READ_AUDIT_LOG = "read the audit log"
    READ_HEALTH = "read the service's health"


EVERYTHING = frozenset(Permission)
ADMINISTERING = EVERYTHING - {Permission.MANAGE_OWNERS}
READING = frozenset(
    {Permission.READ_ACCOUNT, Permission.READ_WEBHOOKS, Permission.READ_RUNS},
)


class PermissionSet(StrEnum):
    """What a token was created for: dbt Cloud's service-token permission sets, and ours."""

    ACCOUNT_ADMIN = "account_admin"
    WEBHOOKS_ONLY = "webhooks_only"
    JOB_RUNNER = "job_runner"
    """Ours: what a machine that runs dbt needs."""
    READ_ONLY = "read_only"
    """Ours: sees webhooks and runs but no secret, changes nothing."""
    CONSUMER = "consumer"
    """Ours: reads and acknowledges the deliveries of consumers, and nothing else."""

    @property
    def permissions(self) -> frozenset[Permission]:
        """What a token with this set may do."""
        return PERMISSIONS_OF_SETS[self]


PERMISSIONS_OF_SETS: dict[PermissionSet, frozenset[Permission]] = {
    PermissionSet.ACCOUNT_ADMIN: ADMINISTERING,
    PermissionSet.WEBHOOKS_ONLY: frozenset(
        {
            Permission.READ_ACCOUNT,
            Permission.READ_WEBHOOKS,
            Permission.WRITE_WEBHOOKS,
            Permission.CONSUME_EVENTS,
        },
    ),
    PermissionSet.JOB_RUNNER: frozenset(
        {
            Permission.READ_ACCOUNT,
            Permission.READ_RUNS,
            Permission.REPORT_RUNS,
            Permission.CANCEL_RUNS,
        },
    ),
    PermissionSet.READ_ONLY: READING,
    PermissionSet.CONSUMER: frozenset({Permission.READ_ACCOUNT, Permission.CONSUME_EVENTS}),
}


class Role(StrEnum):
    """Role of a user in an account."""

    OWNER = "owner"
    """As admin; besides, only owners make and remove owners, and the last one stays."""
    ADMIN = "admin"
    MEMBER = "member"
    """Sees everything but the audit log, manages webhooks, and says when jobs are expected."""
    VIEWER = "viewer"

    @property
    def permissions(self) -> frozenset[Permission]:
        """What a user with this role may do."""
        return PERMISSIONS_OF_ROLES[self]


PERMISSIONS_OF_ROLES: dict[Role, frozenset[Permission]] = {
    Role.OWNER: EVERYTHING,
    Role.ADMIN: ADMINISTERING,
    Role.MEMBER: READING
    | {
        Permission.WRITE_WEBHOOKS,
        Permission.CONSUME_EVENTS,
        Permission.CANCEL_RUNS,
        Permission.CHANGE_JOBS,
        Permission.READ_MEMBERS,
    },
    Role.VIEWER: READING | {Permission.READ_MEMBERS},
}
