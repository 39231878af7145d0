"""Which names are those of secrets: `DB_PASS` and `apiKey` are, `TOKEN_URL` is not."""

import re
from itertools import pairwise

WORDS = frozenset(
    {"PASS", "PWD", "PAT", "TOKEN", "APIKEY", "ACCESSKEY", "JWT", "DSN", "COOKIE", "AUTHORIZATION"}
)
ANYWHERE = re.compile(r"PASSWORD|PASSWD|PASSPHRASE|SECRET|CREDENTIAL")
"""Also where words are not set apart: PGPASSWORD."""
AT_THE_END = re.compile(r"(TOKEN|(DB|USER|SQL|PG|ROOT|ADMIN|SMTP|MAIL|REDIS|LDAP|SSH)PASS)$")
KINDS_OF_KEY = frozenset(
    {"API", "ACCESS", "PRIVATE", "ACCOUNT", "ENCRYPTION", "SIGNING", "MASTER", "SHARED", "AUTH"}
)
PLACES = frozenset({"URL", "URI", "STRING"})
KINDS_OF_PLACE = frozenset(
    {"DATABASE", "DB", "CONN", "CONNECTION", "JDBC", "REDIS", "MONGO", "MONGODB", "AMQP", "BROKER"}
)
"""A DATABASE_URL has the password in it."""
PLAIN = frozenset(
    (
        "ALGORITHM",
        "ARN",
        "AUDIENCE",
        "BACKEND",
        "BUCKET",
        "COUNT",
        "DATABASE",
        "DIR",
        "DIRECTORY",
        "DOMAIN",
        "ENABLED",
        "ENDPOINT",
        "ENGINE",
        "ENV",
        "ENVIRONMENT",
        "EXPIRES",
        "EXPIRY",
        "FILE",
        "FORMAT",
        "HEADER",
        "HOST",
        "ID",
        "ISSUER",
        "LENGTH",
        "LIMIT",
        "METHOD",
        "MODE",
        "NAME",
        "NAMESPACE",
        "PATH",
        "POLICY",
        "PORT",
        "PROJECT",
        "PROVIDER",
        "REGION",
        "ROLE",
        "ROTATION",
        "SCHEMA",
        "SCOPE",
        "SCOPES",
        "SIZE",
        "STDIN",
        "STORE",
        "TIMEOUT",
        "TTL",
        "TYPE",
        "URI",
        "URL",
        "USER",
        "USERNAME",
        "VERSION",
        "WAREHOUSE",
    )
)
"""What stands behind such a word and makes it another's: a SECRET_PROJECT is a project."""


def is_secret_name(name: str) -> bool:
    """Whether what has this name is a secret; any spelling, in any case."""
    words = words_of_name(name)
    if not words:
        return False
    pairs = set(pairwise(words))
    if any(place in PLACES and kind in KINDS_OF_PLACE for kind, place in pairs):
        return True
    if words[-1] in PLAIN:
        return False
    return any(
        word in WORDS or ANYWHERE.search(word) or AT_THE_END.search(word) for word in words
    ) or any(key == "KEY" and kind in KINDS_OF_KEY for kind, key in pairs)


def is_plain_name(name: str) -> bool:
    """Whether what has this name is known to be none: a user, a database, a project."""
    words = words_of_name(name)
    return bool(words) and words[-1] in PLAIN and not is_secret_name(name)


def words_of_name(name: str) -> list[str]:
    """Split a name: `dbPassword`, `db-password` and `DB_PASSWORD` have the same words."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [word for word in re.split(r"[^A-Za-z0-9]+", apart.upper()) if word]
