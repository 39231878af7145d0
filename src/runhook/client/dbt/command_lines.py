"""Command lines without their secrets, fit to be shown.

What follows dbt's `--vars` and `--args` is left out, as it often holds private values.
"""

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath

from runhook.domain.secrets.names import is_secret_name
from runhook.domain.secrets.places import REPLACEMENT, end_of_value

LEFT_OUT = "..."
VARIABLES = re.compile(r"--(?:vars|args)(?:=|[ \t]{1,4}(?:\\\n[ \t]{0,8})?)")
SCRIPT = re.compile(r"[\s;&|'\"]")
SHORT_FLAGS = {
    "-p": {"mysql", "mysqldump", "mysqladmin", "mariadb", "mariadb-dump", "sshpass", "login"},
    "-P": {"sqlcmd", "bcp"},
    "-a": {"redis-cli", "http", "https"},
    "-u": {"curl"},
    "--user": {"curl"},
    "-w": {"ldapsearch", "ldapmodify"},
    "-passin": {"openssl"},
    "-passout": {"openssl"},
}
"""Flags that have a secret behind them, and the programs (or docker's `login`) whose they are."""
ALONE = {"sshpass", "login", "sqlcmd", "bcp", "redis-cli", "http", "https", "curl", "openssl"}
"""Those that take it as a word of its own, too; mysql asks for it then."""
ALONE |= {"ldapsearch", "ldapmodify"}
WORDS_IN_SCRIPT = re.compile(r"[^\s;&|()]+|[;&|()\n]+")


def shown_command(command: Sequence[str], redact: Callable[[str], str]) -> str:
    """Write a command line as a shell would, without secrets."""
    return shlex.join(shown_words(command, redact))


def shown_words(command: Sequence[str], redact: Callable[[str], str]) -> Iterator[str]:
    """Yield the words of a command line, each without secrets."""
    programs: set[str] = set()
    following: str | None = None
    for word in command:
        if following is not None:
            yield following
            following = None
            continue
        programs.add(PurePath(word).name)
        following = in_place_of_next(word, programs)
        if word.startswith(("--vars=", "--args=")):
            yield f"{word[:6]}={LEFT_OUT}"
        elif (flag := flag_within(word, programs)) is not None:
            yield f"{flag}{REPLACEMENT}"
        elif (name := name_set_by(word)) is not None:
            yield f"{name}={REPLACEMENT}"
        elif SCRIPT.search(word):
            yield redact(without_flags(without_variables(word)))
        else:
            yield redact(word)


def in_place_of_next(word: str, programs: set[str]) -> str | None:
    """Replacement for the next word; None to show the word itself."""
    if word in {"--vars", "--args"}:
        return LEFT_OUT
    is_flag = word.startswith("-") and "=" not in word and not SCRIPT.search(word)
    if is_flag and is_secret_name(word):
        return REPLACEMENT
    return REPLACEMENT if SHORT_FLAGS.get(word, set()) & programs & ALONE else None


def flag_within(word: str, programs: set[str]) -> str | None:
    """The flag that a word begins with, if the rest of the word is a secret."""
    for flag, theirs in SHORT_FLAGS.items():
        is_longer = len(word) > len(flag) and word.startswith(flag) and not flag.startswith("--")
        if is_longer and theirs & programs:
            return flag
    return None


def name_set_by(word: str) -> str | None:
    """The name in `NAME=value` and `--name=value`, if the value is a secret."""
    name, equals, _ = word.partition("=")
    return name if equals and not SCRIPT.search(name) and is_secret_name(name) else None


def without_variables(script: str) -> str:
    """Remove from a script what follows dbt's `--vars` and `--args`."""
    parts, at = [], 0
    while (found := VARIABLES.search(script, at)) is not None:
        value = found.end()
        parts += [script[at:value], LEFT_OUT]
        at = value
        if value < len(script):
            at = max(value, end_of_value(script, value, found.start()))
    return "".join([*parts, script[at:]])


def without_flags(script: str) -> str:
    """Remove from a script the secrets behind short flags of the programs it calls."""
    parts, at = [], 0
    programs: set[str] = set()
    is_secret = False
    for found in WORDS_IN_SCRIPT.finditer(script):
        word = found[0]
        if word[0] in ";&|()\n":
            programs.clear()
        elif is_secret or (flag := flag_within(word, programs)) is not None:
            kept = 0 if is_secret else len(flag or "")
            parts += [script[at : found.start() + kept], REPLACEMENT]
            at = found.end()
        else:
            programs.add(PurePath(word.strip("'\"")).name)
        is_secret = not is_secret and bool(SHORT_FLAGS.get(word, set()) & programs & ALONE)
    return "".join([*parts, script[at:]])
