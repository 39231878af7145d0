"""Keep secrets out of what leaves this machine.

dbt scrubs the values of DBT_ENV_SECRET_* from its log, but not from run_results.json, and error
messages of databases quote whatever they were given.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

REPLACEMENT = "*****"
DBT_PREFIX = "DBT_ENV_SECRET_"
SECRET_NAME = re.compile(
    r"PASSW|PASSPHRASE|SECRET|TOKEN|CREDENTIAL|(API|ACCESS|PRIVATE|ACCOUNT|ENCRYPTION)_?KEY|_PAT$",
    re.IGNORECASE,
)
SHORTEST_GUESS = 6
"""A variable that merely looks secret may hold `true` or `prod`, which are words of any message."""
CREDENTIALS_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")


class Redactor:
    """Replaces the values of this environment's secrets."""

    __slots__ = ("_pattern",)

    def __init__(self, environ: Mapping[str, str]) -> None:
        # The longest first, so that a secret that begins with another one goes as a whole.
        forms = sorted(forms_of(secret_values(environ)), key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, forms))) if forms else None

    def __call__(self, text: str) -> str:
        """Return ``text`` without secrets. Shorten it afterwards only, never before."""
        if self._pattern is not None:
            text = self._pattern.sub(REPLACEMENT, text)
        return CREDENTIALS_IN_URL.sub(f"{REPLACEMENT}@", text)

    def __repr__(self) -> str:
        return "Redactor(...)"


def secret_values(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield each secret, and each line of one that has several (private keys)."""
    for name, value in environ.items():
        shortest = 1 if name.startswith(DBT_PREFIX) else SHORTEST_GUESS
        if name.startswith(DBT_PREFIX) or SECRET_NAME.search(name):
            lines = [line.strip() for line in value.splitlines()]
            yield from (one for one in (value, value.strip()) if len(one) >= shortest)
            yield from (line for line in lines if len(line) >= SHORTEST_GUESS)


def forms_of(values: Iterable[str]) -> set[str]:
    """Return each value as it is, and as URLs and JSON spell it."""
    return {
        form
        for value in values
        for form in (
            value,
            quote(value, safe=""),
            quote(value),
            quote_plus(value),
            json.dumps(value)[1:-1],
            json.dumps(value, ensure_ascii=False)[1:-1],
        )
        if form
    }
