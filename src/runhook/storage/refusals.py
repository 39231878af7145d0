"""What a database server says that answers, and does not let us in."""

REFUSED_USER = (
    "The database server refuses the user or the password in RUNHOOK_DATABASE_URL. Correct them "
    "there, or on the server (its users, and pg_hba.conf)."
)
NO_DATABASE = (
    "The database server has no database of the name in RUNHOOK_DATABASE_URL. Correct the name, or "
    "create the database."
)
REFUSALS = {"28P01": REFUSED_USER, "28000": REFUSED_USER, "3D000": NO_DATABASE}
"""What there is to do, by SQLSTATE. The server's own words may name what is nobody's business."""


class LockedOutError(ConnectionError):
    """Waiting does not help; the message says what does."""
