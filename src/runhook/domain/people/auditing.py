"""Entries of the audit log: the name of a change, and what differs."""

from collections.abc import Mapping
from enum import StrEnum


class AuditAction(StrEnum):
    """The changes that are remembered."""

    WEBHOOK_CREATED = "webhook.created"
    WEBHOOK_CHANGED = "webhook.changed"
    WEBHOOK_DELETED = "webhook.deleted"
    WEBHOOK_DEACTIVATED = "webhook.deactivated"
    WEBHOOK_PAUSED = "webhook.paused"
    WEBHOOK_RESUMED = "webhook.resumed"
    WEBHOOK_SECRET_ROTATED = "webhook.secret_rotated"  # noqa: S105 - an action, not a secret
    JOB_NAMED = "job.named"
    JOB_EXPECTATION_CHANGED = "job.expectation_changed"
    JOB_DELETED = "job.deleted"
    ENVIRONMENT_DELETED = "environment.deleted"
    PROJECT_DELETED = "project.deleted"
    DELIVERY_REDELIVERED = "delivery.redelivered"
    REDELIVERY_BEGUN = "redelivery.begun"
    REDELIVERY_CANCELED = "redelivery.canceled"
    TOKEN_CREATED = "token.created"  # noqa: S105 - an action, not a secret
    TOKEN_REVOKED = "token.revoked"  # noqa: S105 - an action, not a secret
    MEMBER_INVITED = "member.invited"
    INVITATION_WITHDRAWN = "invitation.withdrawn"
    MEMBER_JOINED = "member.joined"
    MEMBER_CHANGED = "member.changed"
    MEMBER_REMOVED = "member.removed"
    PASSWORD_RESET_BEGUN = "password.reset_begun"  # noqa: S105 - an action, not a secret
    PASSWORD_CHANGED = "password.changed"  # noqa: S105 - an action, not a secret
    SECOND_FACTOR_ADDED = "second_factor.added"
    SECOND_FACTOR_REMOVED = "second_factor.removed"
    RECOVERY_CODES_RENEWED = "second_factor.recovery_codes_renewed"
    RECOVERY_CODE_USED = "second_factor.recovery_code_used"
    ACCOUNT_CREATED = "account.created"
    ACCOUNT_CHANGED = "account.changed"


Facts = Mapping[str, object]
"""Recorded values of an object, as JSON by name; never a secret."""


def difference(before: Facts, after: Facts) -> tuple[Facts, Facts]:
    """Keep of both only the values that differ."""
    return only_in(before, after), only_in(after, before)


def only_in(facts: Facts, others: Facts) -> Facts:
    """Facts that the others do not have, or have with another value."""
    return {
        name: value for name, value in facts.items() if name not in others or others[name] != value
    }
