"""Errors of a database that answers and refuses: each says what the operator can do."""

import os
import re

REFUSED_USER = (
    "The database server refuses the user or the password in RUNHOOK_DATABASE_URL. Correct them "
    "there, or on the server (its users, and pg_hba.conf)."
)
NO_DATABASE = (
    "The database that RUNHOOK_DATABASE_URL names does not exist. Correct the name, or create the "
    "database."
)
REFUSED_PARAMETER = (
    "The pooler or server at RUNHOOK_DATABASE_URL refuses a startup parameter of the address. Let "
    "it ignore the parameter (PgBouncer: ignore_startup_parameters = options), or leave the "
    "parameter out of the address."
)
STATEMENT_POOLING = (
    "The pooler at RUNHOOK_DATABASE_URL gives each statement another connection, and Runhook needs "
    "transactions. Let it pool transactions or sessions (PgBouncer: pool_mode = transaction)."
)
NOT_UTF8 = (
    "The database that RUNHOOK_DATABASE_URL names is not encoded as UTF-8, so it cannot hold all "
    "names. Create another one: "
    "CREATE DATABASE runhook ENCODING 'UTF8' TEMPLATE template0;"
)
FORBIDDEN = (
    "The user in RUNHOOK_DATABASE_URL lacks a privilege in this database. Make it the owner, or "
    "grant it all privileges on Runhook's tables and the one to create tables "
    "(GRANT CREATE, USAGE ON SCHEMA public)."
)
NO_SCHEMA = (
    "The user in RUNHOOK_DATABASE_URL has no schema to create tables in: no schema in its "
    "search_path exists and may be used. Create the schema, or grant its use "
    "(GRANT CREATE, USAGE ON SCHEMA public)."
)
BROKEN = (
    "The database file is damaged, or is not a SQLite database. Stop the service, and restore a "
    "backup."
)
AWAY = "The database is not available; try again shortly."
CONTENDED = "Another change of the same data came at the same time; try again."
FULL = (
    "The database's disk is full: nothing can be written. Free some space; a running service then "
    "continues by itself."
)
UNWRITABLE = (
    "The database's files cannot be written or read: the disk is full, a quota or a limit on the "
    "size of files is reached, or the disk fails. Correct that; a running service then continues "
    "by itself."
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
"""Remedies by SQLSTATE. The server's own words may name private things."""
POOLERS_REFUSALS = {
    "unsupported startup parameter": REFUSED_PARAMETER,
    "no such user|authentication failed": REFUSED_USER,
    'no such database|database ".*" does not exist': NO_DATABASE,
    "transaction blocks not allowed": STATEMENT_POOLING,
}
"""Remedies by PgBouncer's messages: it has one SQLSTATE for most of them."""


def refusal_in(code: str, message: str) -> str | None:
    """Remedy for an error of a server or a pooler; None if waiting is all."""
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
