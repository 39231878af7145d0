"""What was done, in the words of the page that follows."""

from enum import StrEnum


class Done(StrEnum):
    """What was done, as a cookie names it."""

    SAVED = "saved"
    WEBHOOK_CREATED = "webhook-created"
    WEBHOOK_SAVED = "webhook-saved"
    WEBHOOK_DELETED = "webhook-deleted"
    ACTIVATED = "activated"
    DEACTIVATED = "deactivated"
    REDELIVERED = "redelivered"
    CANCELED = "canceled"
    ROLE_CHANGED = "role-changed"
    WITHDRAWN = "withdrawn"
    REVOKED = "revoked"
    SESSION_ENDED = "session-ended"
    OTHER_SESSIONS_ENDED = "other-sessions-ended"
    NAME_SAVED = "name-saved"
    SECOND_FACTOR_REMOVED = "second-factor-removed"
    PASSWORD_SAVED = "password-saved"  # noqa: S105 - a word for what was done


SENTENCES_OF_DONE = {
    Done.SAVED: "Saved.",
    Done.WEBHOOK_CREATED: "Webhook created.",
    Done.WEBHOOK_SAVED: "Webhook saved.",
    Done.WEBHOOK_DELETED: "Webhook deleted.",
    Done.ACTIVATED: "Webhook activated.",
    Done.DEACTIVATED: "Webhook deactivated.",
    Done.REDELIVERED: "Queued again, with the same id and bytes.",
    Done.CANCELED: "Redelivery canceled.",
    Done.ROLE_CHANGED: "Member changed.",
    Done.WITHDRAWN: "Invitation withdrawn.",
    Done.REVOKED: "Token revoked.",
    Done.SESSION_ENDED: "Session ended.",
    Done.OTHER_SESSIONS_ENDED: "All other sessions ended.",
    Done.NAME_SAVED: "Name saved.",
    Done.SECOND_FACTOR_REMOVED: "Second factor turned off. Your other sessions have ended.",
    Done.PASSWORD_SAVED: "Password changed. Your other sessions have ended.",
}
"""What the next page says of it."""
