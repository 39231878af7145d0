"""What a pooler between the service and its database may do with connections."""

from enum import StrEnum


class Pooling(StrEnum):
    """For how long a client of a pooler keeps one connection to the server."""

    AUTO = "auto"
    """Find out whether there is a pooler, and take one for one of transactions."""
    SESSION = "session"
    """As long as it is connected, as without any pooler."""
    TRANSACTION = "transaction"
    """For one transaction, so that nothing can be left in a session."""
