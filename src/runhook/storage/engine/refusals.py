"""What a database server says that answers, and does not let us in."""

import os
import re

REFUSED_USER = (
    "The database server refuses the user or the password in RUNHOOK_DATABASE_URL. Correct them "
    "there, or on the server (its users, and pg_hba.conf)."
)
NO_DATABASE = (
    "The database server has no database of the name in RUNHOOK_DATABASE_URL. Correct the name, or "
    "create the database."
)
REFUSED_PARAMETER = (
    "What answers at RUNHOOK_DATABASE_URL refuses a startup parameter, as poolers do. Let it pass "
    "over the parameters that the address has (PgBouncer: ignore_startup_parameters = options), or "
    "leave them out of the address."
)
STATEMENT_POOLING = (
    "The pooler at RUNHOOK_DATABASE_URL gives each statement another connection, and Runhook needs "
    "transactions. Let it pool transactions or sessions (PgBouncer: pool_mode = transaction)."
)
NOT_UTF8 = (
    "The database that RUNHOOK_DATABASE_URL names does not keep its text as UTF-8, so that it "
    "cannot hold all names. Create another one: "
    "CREATE DATABASE runhook ENCODING 'UTF8' TEMPLATE template0;"
)
FORBIDDEN = (
    "The user in RUNHOOK_DATABASE_URL may not do in this database what Runhook does. Let it own "
    "the database, or grant it all on its tables, and to create them "
    "(GRANT CREATE, USAGE ON SCHEMA public)."
)
NO_SCHEMA = (
    "The user in RUNHOOK_DATABASE_URL has no schema to create tables in: its search_path names "
    "none that is there and that it may use. Create the schema, or grant it "
    "(GRANT CREATE, USAGE ON SCHEMA public)."
)
BROKEN = (
    "The database file is damaged, or is no SQLite database. Stop what serves it, and put a backup "
    "in its place."
)
AWAY = "The database is not available; try again shortly."
CONTENDED = "Something else changed the same things at the same time; try again."
FULL = (
    "The database's disk is full, so that nothing can be written. Make room on it; a service that "
    "runs goes on by itself then."
)
UNWRITABLE = (
    "The system does not let the database's files be written or read: the disk is full, a quota is "
    "used up, a file may not be larger, or the disk fails. Put that right; a service that runs "
    "goes on by itself then."
)
TAKES_NO_WRITES = (
    "The database that RUNHOOK_DATABASE_URL names takes no writes: it is a standby, or "
    "default_transaction_read_only is on for it or its user. Name the primary there, or all hosts "
    "with commas between them."
)
READ_ONLY = "25006"
"""The SQLSTATE of a standby that is to write."""
REFUSALS = {
    "28P01": REFUSED_USER,
    "28000": REFUSED_USER,
    "3D000": NO_DATABASE,
}
"""What there is to do, by SQLSTATE. The server's own words may name private things."""
POOLERS_REFUSALS = {
    "unsupported startup parameter": REFUSED_PARAMETER,
    "no such user|authentication failed": REFUSED_USER,
    'no such database|database ".*" does not exist': NO_DATABASE,
    "transaction blocks not allowed": STATEMENT_POOLING,
}
"""What there is to do, by what PgBouncer says: it has one SQLSTATE for most of it."""


def refusal_in(code: str, message: str) -> str | None:
    """What there is to do about an error of a server or a pooler; None if that is to wait."""
    if not code.startswith("08"):
        return REFUSALS.get(code)
    return next(
        (told for words, told in POOLERS_REFUSALS.items() if re.search(words, message)), None
    )


def why_away(error: BaseException) -> str:
    """Why a database cannot be reached, in the words of what first failed."""
    while (before := error.__cause__ or error.__context__) is not None:
        error = before
    if isinstance(error, TimeoutError):
        return "it does not answer in time"
    if isinstance(error, OSError) and error.errno is not None:
        return os.strerror(error.errno) if error.errno > 0 else str(error.strerror)
    return " ".join(str(error).split()).rstrip(".")


class LockedOutError(ConnectionError):
    """Waiting does not help; the message says what does."""
