"""Keep secrets out of what leaves this machine, and leave names that people chose alone.

dbt scrubs the values of DBT_ENV_SECRET_* from its log, but not from run_results.json, and error
messages of databases quote their input. So what stands in a secret's place is removed
(``secret_places``), and the values of this environment's secrets are removed anywhere. But a value
may be a word: `POSTGRES_PASSWORD=postgres` must not take the model `postgres_orders` away. So a
word is removed only where it stands by itself, and is not a name that people chose.
"""

import base64
import json
import re
import shlex
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import quote, quote_plus

from runhook.domain.secrets.names import is_plain_name, is_secret_name
from runhook.domain.secrets.places import (
    CREDENTIALS_IN_URL,
    REPLACEMENT,
    replaced,
    spans_of_values,
    without_secrets,
)

DBT_PREFIX = "DBT_ENV_SECRET_"
WORKING_FOLDERS = frozenset({"PWD", "OLDPWD"})
SHORTEST_GUESS = 6
"""A variable that merely looks secret may hold `true` or `prod`, which are words of any message."""
SHORTEST_NUMBER = 9
SHORTEST_UNBOUND = 12
"""A shorter one may be a part of something else by chance."""
LONGEST_WORDS = 20
SHORTEST_ENCODED = 8
WORD = re.compile(r"(?:[a-z]+|[A-Z]+|[A-Z][a-z]+)[0-9]{0,4}|[0-9]{1,4}")
BETWEEN_WORDS = re.compile(r"[-_./: ]+")
FILE = re.compile(r"(?:~|\.{0,2})(?:/[\w.@ -]+)+\.\w{1,5}|(?:~|\.{0,2})(?:/[a-z0-9_.-]+)+")
COMMON = frozenset(
    (
        "admin",
        "analytics",
        "bigquery",
        "changeme",
        "database",
        "databricks",
        "dbt",
        "default",
        "development",
        "duckdb",
        "example",
        "false",
        "guest",
        "mysql",
        "nobody",
        "none",
        "null",
        "oracle",
        "password",
        "postgres",
        "postgresql",
        "prod",
        "production",
        "public",
        "redshift",
        "root",
        "secret",
        "server",
        "service",
        "snowflake",
        "spark",
        "staging",
        "super",
        "system",
        "test",
        "testing",
        "token",
        "trino",
        "true",
        "user",
        "username",
        "warehouse",
    )
)
"""Words that are many a secret's value in a test database, and many a name."""
LINE_BREAK = re.compile(r"\\?\r?\n[ \t]*")

# What is escaped in an address or in JSON stands apart, though the escape ends in a letter.
APART_BEFORE = r"(?:(?<![A-Za-z0-9_])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
APART_BEHIND = r"(?![A-Za-z0-9_])"
ALONE_BEFORE = r"(?:(?<![\w./-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[nrt]))"
ALONE_BEHIND = r"(?![\w/-]|\.\w)"


class Redactor:
    """Replaces secrets in texts."""

    __slots__ = ("_pattern",)

    def __init__(
        self,
        environ: Mapping[str, str],
        *,
        command_lines: Iterable[str] = (),
        names: Iterable[str] = (),
    ) -> None:
        """Learn this environment's secrets.

        Args:
            environ: variables, by their names.
            command_lines: texts in which secrets may stand that are in no variable.
            names: what people have chosen to call something, which is not a secret.
        """
        declared = {
            one
            for name, value in environ.items()
            if name.startswith(DBT_PREFIX)
            for one in {value, value.strip(), *long_lines(value)}
        }
        guessed = {*secret_values(environ)} | {
            value for line in command_lines for value in spans_of_values(line)
        }
        public = {word.lower() for name in names for word in (name, *BETWEEN_WORDS.split(name))}
        public |= {value.lower() for name, value in environ.items() if is_plain_name(name)}
        # The longest first, so that a secret that begins with another one goes as a whole.
        forms = {form: re.escape(form) for form in forms_of(declared)}
        for value in guessed:
            for form in forms_of({value}):
                if (pattern := pattern_of(form, value, public)) is not None:
                    forms.setdefault(form, pattern)
        longest_first = sorted(forms, key=len, reverse=True)
        self._pattern = (
            re.compile("|".join(forms[form] for form in longest_first)) if forms else None
        )

    def __call__(self, text: str) -> str:
        """Remove secrets from ``text``. Shorten it afterwards only, never before."""
        if self._pattern is not None:
            text = self._pattern.sub(REPLACEMENT, text)
            if "\n" in text:
                text = replaced(text, spans_across_lines(self._pattern, text))
        return without_secrets(text)

    def __repr__(self) -> str:
        return "Redactor(...)"


def secret_values(environ: Mapping[str, str]) -> Iterator[str]:
    """Yield what is secret in variables that look like it, and passwords in any variable."""
    for name, value in environ.items():
        if is_secret_name(name) and name not in WORKING_FOLDERS:
            yield from parts_of_secret(value)
        else:
            yield from passwords_in(value)


def parts_of_secret(value: str) -> Iterator[str]:
    """Yield a secret, what is in it, and each line of one that has several (private keys)."""
    if FILE.fullmatch(value.strip()):
        return
    yield value
    yield value.strip()
    yield from long_lines(value)
    yield from passwords_in(value)
    user, _, rest = value.partition(":")
    password, at, _ = rest.rpartition("@")
    if at and "/" not in user:  # a DSN without a scheme: me:secret@tcp(host)/orders
        yield password


def passwords_in(text: str) -> Iterator[str]:
    """Yield the passwords in an address, a connection string or JSON."""
    yield from spans_of_values(text)
    for credentials in CREDENTIALS_IN_URL.findall(text):
        user, colon, password = credentials[:-1].partition(":")
        yield password if colon else user


def long_lines(value: str) -> Iterator[str]:
    """Yield the lines of a text that are no words by chance."""
    for line in (one.strip() for one in value.replace("\\n", "\n").splitlines()):
        if len(line) >= SHORTEST_GUESS:
            yield line


def pattern_of(form: str, value: str, public: set[str]) -> str | None:
    """Pattern that finds a secret's ``form`` in a text; None if it is a common word."""
    if len(value.strip()) < SHORTEST_GUESS or (value.isdigit() and len(value) < SHORTEST_NUMBER):
        return None
    if is_word(value):
        if value.lower() in public or value.lower() in COMMON:
            return None
        return f"{ALONE_BEFORE}{re.escape(form)}{ALONE_BEHIND}"
    if len(value) < SHORTEST_UNBOUND and form.isalnum():
        return f"{APART_BEFORE}{re.escape(form)}{APART_BEHIND}"
    return re.escape(form)


def is_word(value: str) -> bool:
    """Whether a value is words, as names are, rather than something that was made up."""
    return len(value) < LONGEST_WORDS and all(
        WORD.fullmatch(word) for word in BETWEEN_WORDS.split(value) if word
    )


def forms_of(values: Iterable[str]) -> set[str]:
    """Each value as it is, and as addresses, JSON, shells, SQL and headers spell it.

    A value that is no UTF-8 is also spelled as it looks to what reads it as UTF-8.
    """
    read = {
        text
        for value in values
        for text in (value, bytes_of_variable(value).decode(errors="replace"))
    }
    return {form for text in read for form in spellings(text) if form}


def spellings(value: str) -> Iterator[str]:
    """Yield a value in all ways that it may be spelled."""
    content = bytes_of_variable(value)
    yield value
    for encoded in (quote(content, safe=""), quote(content), quote_plus(content)):
        yield encoded
        yield re.sub(r"%[0-9A-F]{2}", lambda escape: escape[0].lower(), encoded)
    yield json.dumps(value)[1:-1]
    yield json.dumps(value, ensure_ascii=False)[1:-1]
    yield repr(value)[1:-1]
    yield value.replace("'", "''")
    if "'" in value:
        yield shlex.quote(value)[1:-1]
    if len(value) >= SHORTEST_ENCODED:
        yield base64.b64encode(content).decode().rstrip("=")
        yield base64.urlsafe_b64encode(content).decode().rstrip("=")


def bytes_of_variable(value: str) -> bytes:
    """Bytes of a variable's value: those that it was read from if they are no UTF-8."""
    try:
        return value.encode(errors="surrogateescape")
    except UnicodeEncodeError:
        return value.encode(errors="surrogatepass")


def spans_across_lines(pattern: re.Pattern[str], text: str) -> Iterator[tuple[int, int]]:
    """Yield where secrets stand that a line break has split."""
    breaks = [found.span() for found in LINE_BREAK.finditer(text)]
    joined, pieces, starts, at, length = [], [], [], 0, 0
    for start, end in [*breaks, (len(text), len(text))]:
        joined.append(text[at:start])
        pieces.append(length)
        starts.append(at)
        length += start - at
        at = end
    for found in pattern.finditer("".join(joined)):
        first, last = (
            bisect_right(pieces, found.start()) - 1,
            bisect_right(pieces, found.end() - 1) - 1,
        )
        if last > first:
            start = starts[first] + found.start() - pieces[first]
            end = starts[last] + found.end() - pieces[last]
            yield start, end
